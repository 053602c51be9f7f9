//! What changes under the traffic: keys, the issuer's health, documents.

use std::{
    fmt,
    path::PathBuf,
    sync::Arc,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use tokio::{task::JoinHandle, time::sleep};

use crate::{
    support::{
        Behaviour, World,
        documents::{AUDIT, HOME, replace},
        until,
    },
    traffic::Traffic,
};

const ORDERS: &str = include_str!("../e2e/documents/orders-api.yaml");
const FAULTS: [Behaviour; 12] = [
    Behaviour::Failing,
    Behaviour::Garbage,
    Behaviour::EmptySet,
    Behaviour::Hanging,
    Behaviour::Redirecting,
    Behaviour::BadKeys,
    Behaviour::OversizedSet,
    Behaviour::Trickling,
    Behaviour::Endless,
    Behaviour::Breaking,
    Behaviour::KeysElsewhere,
    Behaviour::OtherIssuer,
];
/// How long a fault lasts: some refreshes.
const FAULT: Duration = Duration::from_secs(4);
/// Until nothing is under way any more with a token that was taken before.
const SETTLE: Duration = Duration::from_secs(1);
const BETWEEN_RELOADS: Duration = Duration::from_millis(200);

/// Rotations and faults, one after the other.
#[derive(Default)]
pub struct Changes {
    rotations: usize,
    faults: usize,
}

impl Changes {
    /// A rotation as issuers do it, announced before, and then a fault that is over at the end.
    pub async fn next(&mut self, world: &World, traffic: &Traffic) {
        let issuer = &world.issuer;
        issuer.behave(HOME, Behaviour::Normal);
        issuer.announce(HOME, &format!("key {}", self.rotations + 1));
        until_keys(world, 2.0).await;
        issuer.switch(HOME);
        traffic.renew(issuer);
        sleep(SETTLE).await;
        issuer.withdraw(HOME);
        until_keys(world, 1.0).await;
        self.rotations += 1;
        traffic.retire();

        issuer.behave(HOME, FAULTS[self.faults % FAULTS.len()]);
        sleep(FAULT).await;
        issuer.behave(HOME, Behaviour::Normal);
        self.faults += 1;
    }
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key rotations {}, issuer faults {}", self.rotations, self.faults)
    }
}

async fn until_keys(world: &World, count: f64) {
    let series = format!("portvakt_jwks_keys{{issuer=\"{}\"}}", world.issuer.name(HOME));
    until(&format!("{count} keys"), async || {
        (world.portvakt.metric(&series).await == Some(count)).then_some(())
    })
    .await;
}

/// Documents that are being replaced.
pub struct Reloads {
    done: Arc<AtomicBool>,
    task: JoinHandle<usize>,
}

/// Replaces a document again and again: each version decides the same, and some are broken, so
/// that the last good one stays.
pub fn reload_documents(folder: PathBuf) -> Reloads {
    let done = Arc::<AtomicBool>::default();
    let stop = Arc::clone(&done);
    let task = tokio::spawn(async move {
        let fewer = ORDERS.replace(&format!("          - id: {AUDIT}\n"), "");
        let broken = ORDERS.replace("  accessPolicy:\n", "  accessPolicy: [\n");
        let versions = [ORDERS, &fewer, ORDERS, &broken];
        let mut count = 0;
        while !stop.load(Ordering::Relaxed) {
            replace(&folder.join("orders-api.yaml"), versions[count % versions.len()]);
            count += 1;
            sleep(BETWEEN_RELOADS).await;
        }
        count
    });
    Reloads { done, task }
}

impl Reloads {
    /// How often they were replaced.
    pub async fn stop(self) -> usize {
        self.done.store(true, Ordering::Relaxed);
        self.task.await.unwrap()
    }
}
