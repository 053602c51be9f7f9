//! `make soak`: mixed traffic through a real Envoy for minutes, while the issuer rotates its keys
//! and stumbles and documents change. At the end: what went wrong (nothing), and whether the
//! service grows.
//!
//! `SOAK_MINUTES` says how long. Everything is on loopback and ends with the time.

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
mod gauges;
mod traffic;

#[allow(dead_code, unused_imports, reason = "the end-to-end tests use the rest of it")]
#[path = "../e2e/support/mod.rs"]
mod support;

use std::{env, process::ExitCode, time::Duration};

use serde_json::json;
use tokio::time::Instant;

use gauges::Gauges;
use support::{Release, World};
use traffic::Traffic;

#[tokio::main]
async fn main() -> ExitCode {
    let minutes: f64 = env::var("SOAK_MINUTES").map_or(10.0, |text| text.parse().unwrap());
    let time = Duration::from_secs_f64(minutes * 60.0);
    // Keys are fetched often, and few tokens fit the cache, so that it is full after the warm-up.
    let settings = json!({
        "entra": {"keys": {"refresh_interval": "2s", "cooldown": "1s"}},
        "token_cache": {"max_bytes": 4 << 20},
    });
    let world = World::with(Release::Current, settings, |envoy| envoy).await;
    println!("soak: {minutes} minutes, through Envoy at {}", world.envoy.address);

    let traffic = Traffic::start(&world.envoy, &world.issuer, Duration::ZERO);
    let reloads = changes::reload_documents(world.documents());
    let end = Instant::now() + time;
    let mut gauges = Gauges::new(time / 4);
    let mut changes = changes::Changes::default();
    while Instant::now() < end {
        tokio::select! {
            () = changes.next(&world, &traffic) => {}
            never = gauges.follow(&world.portvakt) => match never {},
            () = tokio::time::sleep_until(end) => {}
        }
    }
    let reloads = reloads.stop().await;
    let seen = traffic.stop().await;
    let checks = gauges::checks(&world.portvakt).await;

    for answer in &seen.unexpected {
        println!("soak: {answer}");
    }
    println!("soak: {changes}, document reloads {reloads}");
    println!("soak: {gauges}");
    println!(
        "soak: requests {}, checks {checks}, wrong decisions {}, failed requests {}",
        seen.requests, seen.wrong, seen.failed
    );
    ExitCode::from(u8::from(seen.wrong + seen.failed > 0))
}
