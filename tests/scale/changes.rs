//! One object that changes among many.

use std::{
    fs,
    time::{Duration, Instant},
};

use crate::{
    objects::orders_api,
    scene::Scene,
    support::{cluster::Cluster, documents::NEWSLETTER},
};

const CHANGES: u32 = 50;

/// What changes took.
pub struct Changes {
    /// From before an object was written until a check was decided by it.
    pub longest: Duration,
    /// Of the service, for one of them, with the checks that looked for it.
    pub cpu: Duration,
}

/// Lets newsletter in and shuts it out, in turn.
pub async fn measure(scene: &Scene, cluster: &Cluster) -> Changes {
    let mut longest = Duration::ZERO;
    let before = cpu(scene);
    for number in 0..CHANGES {
        let (consumers, expected): (&[&str], _) = match number % 2 {
            0 => (&["webshop", "newsletter"], "application_granted"),
            _ => (&["webshop"], "consumer_not_granted"),
        };
        let began = Instant::now();
        cluster.apply(&orders_api(cluster, consumers)).await;
        scene.until_decision(NEWSLETTER, expected).await;
        longest = longest.max(began.elapsed());
    }
    Changes { longest, cpu: (cpu(scene) - before) / CHANGES }
}

/// What the service holds now.
pub fn resident_mib(scene: &Scene) -> f64 {
    let status = fs::read_to_string(format!("/proc/{}/status", scene.portvakt.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}

/// CPU time of the service so far, of all its threads (`/proc/PID/task/TID/schedstat`).
pub fn cpu(scene: &Scene) -> Duration {
    let tasks = fs::read_dir(format!("/proc/{}/task", scene.portvakt.id())).unwrap();
    let nanoseconds = tasks.map(|task| {
        let text = fs::read_to_string(task.unwrap().path().join("schedstat")).unwrap();
        text.split(' ').next().unwrap().parse::<u64>().unwrap()
    });
    Duration::from_nanos(nanoseconds.sum())
}
