//! `make faults`: what callers notice while issuers stumble, attackers flood, and instances are
//! replaced. Each figure stands beside its bar; the run fails where one is missed.
//!
//! Machines are noisy, so that latency is compared and not stated: rounds without a fault and
//! rounds with one alternate, and the bar is for the ratio of the medians of their 99th
//! percentiles. Checks come at a steady pace that leaves the machine mostly idle and do not wait
//! for one another (`latency.rs`): what is measured is how long the service takes and not how
//! long a queue is, and where the service stalls, every check that falls into it is slow. The
//! driver has a thread of its own. Attackers are another process of the lowest priority, which sends
//! little at a time (`attacks.rs`), so that what is measured on two cores is the service and not
//! who else wanted to run.
//!
//! `FAULTS_PART` runs one of `issuer`, `floods` and `restarts`; `FAULTS_ROUNDS` and `FAULTS_ROLLS`
//! say how many. Everything is on loopback and ends with the run.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    missing_debug_implementations,
    reason = "a test that is run by hand; it fails by panicking"
)]

mod attacks;
mod checks;
mod cold_start;
mod floods;
mod issuer_faults;
mod latency;
mod restarts;
mod subject;
mod table;

#[allow(dead_code, unused_imports, reason = "the end-to-end tests use the rest of it")]
#[path = "../e2e/support/mod.rs"]
mod support;
#[allow(dead_code, reason = "the soak test uses the rest of it")]
#[path = "../soak/traffic.rs"]
mod traffic;

use std::{env, process::ExitCode, time::Instant};

use attacks::Attackers;

const ROUNDS: usize = 8;
const ROLLS: usize = 25;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    if let Some(attackers) = Attackers::read(&arguments) {
        return attackers.go_on_until_told().await;
    }
    let began = Instant::now();
    let part = env::var("FAULTS_PART").unwrap_or_else(|_| "all".to_owned());
    let rounds = number("FAULTS_ROUNDS", ROUNDS);
    let is_asked_for = |name: &str| part == name || part == "all";
    let mut tables = Vec::new();
    if is_asked_for("issuer") {
        tables.push(issuer_faults::measure(rounds).await);
        tables.push(cold_start::measure(rounds).await);
    }
    if is_asked_for("floods") {
        tables.push(floods::measure(rounds).await);
    }
    if is_asked_for("restarts") {
        tables.push(restarts::measure(number("FAULTS_ROLLS", ROLLS)).await);
    }
    assert!(!tables.is_empty(), "FAULTS_PART is one of all, issuer, floods, restarts");
    for table in &tables {
        println!("\n{table}");
    }
    println!("took {:.0} s", began.elapsed().as_secs_f64());
    let is_missed = tables.iter().any(|table| !table.is_met());
    ExitCode::from(u8::from(is_missed))
}

fn number(variable: &str, default: usize) -> usize {
    let number = env::var(variable).map_or(default, |text| text.parse().unwrap());
    assert!(number > 0, "{variable} is 0");
    number
}
