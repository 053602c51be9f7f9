//! `make scale`: a cluster with 10,000 applications and 100,000 rules, served by an API server on
//! loopback. How long until the service is ready, what it holds then, and what a change of one
//! object takes, beside the same with a tenth of it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    missing_debug_implementations,
    reason = "a test that is run by hand; it fails by panicking"
)]

mod changes;
mod crowd;

#[allow(dead_code, reason = "the end-to-end tests use the rest of it")]
#[path = "../e2e/kubernetes/objects.rs"]
mod objects;
#[allow(dead_code, reason = "the end-to-end tests use the rest of it")]
#[path = "../e2e/kubernetes/scene.rs"]
mod scene;
#[allow(dead_code, unused_imports, reason = "the end-to-end tests use the rest of it")]
#[path = "../e2e/support/mod.rs"]
mod support;

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use serde_json::json;

use changes::Changes;
use scene::Scene;
use support::{api_server::ApiServer, cluster::Cluster, documents::WEBSHOP};

const APPLICATIONS: usize = 10_000;
const READY_WITHIN: Duration = Duration::from_secs(5);
const MOST_MIB: f64 = 200.0;
const SEEN_WITHIN: Duration = Duration::from_secs(1);
/// How much more a change may cost where there are ten times as many applications.
const MOST_GROWTH: f64 = 1.5;

/// What was measured with so many applications.
struct Measured {
    ready: Duration,
    cpu: Duration,
    resident_mib: f64,
    peak_mib: f64,
    changes: Changes,
}

#[tokio::main]
async fn main() -> ExitCode {
    let few = measure(APPLICATIONS / 10).await;
    let many = measure(APPLICATIONS).await;
    println!("{:<40} {:>10} {:>10} {:>8}", "applications", APPLICATIONS / 10, APPLICATIONS, "bar");
    let row = |what: &str, of: fn(&Measured) -> f64, bar: f64| {
        let is_met = of(&many) <= bar;
        println!("{what:<40} {:>10.2} {:>10.2} {bar:>8.2} {}", of(&few), of(&many), told(is_met));
        is_met
    };
    let are_met = [
        row("from start to ready, s", |m| m.ready.as_secs_f64(), READY_WITHIN.as_secs_f64()),
        row("resident when ready, MiB", |m| m.resident_mib, MOST_MIB),
        row("most resident, MiB", |m| m.peak_mib, MOST_MIB),
        row(
            "a change until it decides, longest, s",
            |m| m.changes.longest.as_secs_f64(),
            SEEN_WITHIN.as_secs_f64(),
        ),
    ];
    for (what, of) in [
        ("CPU of the service until ready, s", (|m| m.cpu.as_secs_f64()) as fn(&Measured) -> f64),
        ("CPU of the service for a change, ms", |m| m.changes.cpu.as_secs_f64() * 1e3),
    ] {
        println!("{what:<40} {:>10.2} {:>10.2}", of(&few), of(&many));
    }
    let growth = many.changes.cpu.as_secs_f64() / few.changes.cpu.as_secs_f64();
    let is_flat = growth <= MOST_GROWTH;
    let what = "the same, against that of a tenth";
    println!("{what:<40} {:>10} {growth:>10.2} {MOST_GROWTH:>8.2} {}", "", told(is_flat));
    ExitCode::from(u8::from(are_met.contains(&false) || !is_flat))
}

fn told(is_met: bool) -> &'static str {
    if is_met { "met" } else { "MISSED" }
}

async fn measure(applications: usize) -> Measured {
    println!("scale: writing {applications} applications into a cluster");
    let api = ApiServer::start();
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster::served_by(&api, folder.path()).await;
    objects::create(&cluster).await;
    crowd::create(&cluster, applications).await;
    println!("scale: starting the service");
    let began = Instant::now();
    let scene = Scene::begin(&cluster, json!({})).await;
    scene.ready_within(Duration::from_secs(60)).await;
    let (ready, cpu) = (began.elapsed(), changes::cpu(&scene));
    assert_eq!(scene.decision(WEBSHOP).await, "application_granted");
    let resident_mib = changes::resident_mib(&scene);
    let changes = changes::measure(&scene, &cluster).await;
    let peak_mib = scene.portvakt.peak_memory() / f64::from(1 << 20);
    Measured { ready, cpu, resident_mib, peak_mib, changes }
}
