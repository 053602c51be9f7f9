//! Rolling updates under load: each instance in turn is stopped and started anew, behind a real
//! Envoy that asks after their health as the shipped configuration has it. `make rolling`.
//!
//! Envoy holds its connections for as long as it may. Where it knows every instance, that does not
//! matter: it chooses one for each check, and one that is back gets its share at once. Where it
//! knows one address alone, an instance that is back gets nothing before a connection ends: all
//! that were open went to the other one meanwhile. There the age of connections spreads the load.

use std::time::Duration;

use serde_json::json;

use crate::{
    support::fleet::{Fleet, Spread, Way},
    table::{Row, Table},
    traffic::{Seen, Traffic},
};

/// Between two requests of a caller.
const PAUSE: Duration = Duration::from_millis(5);
/// The usual delay of the service, a tenth as long, as are the intervals of Envoy (`fleet.rs`).
const DELAY: &str = "500ms";
/// The shortest age of connections that can be configured.
const AGE: Duration = Duration::from_secs(1);
/// So many checks tell of the time after the last roll.
const AFTERWARDS: f64 = 2000.0;

const WAYS: [Way; 2] = [Way::Endpoints, Way::OneAddress];

/// What was seen of all rolls behind one Envoy.
struct Rolled {
    way: Way,
    stops: usize,
    seen: Seen,
    undecided: u64,
    retries: u64,
    slowest: Duration,
    /// Checks of each instance, up to each of its stops, and since.
    checks: [f64; 2],
}

pub async fn measure(rolls: usize) -> Table {
    let mut table = Table::new(&[
        "rolling updates",
        "stops",
        "requests",
        "failed",
        "undecided",
        "wrong",
        "retries",
        "spread after s",
        "shares",
    ]);
    for way in WAYS {
        table.add(roll(way, rolls).await.row());
    }
    table
}

async fn roll(way: Way, rolls: usize) -> Rolled {
    let age = format!("{}s", AGE.as_secs());
    let changes = json!({"shutdown": {"delay": DELAY}, "limits": {"connection_age": age}});
    let mut fleet = Fleet::start(way, &changes).await;
    let traffic = Traffic::start(&fleet.envoy, &fleet.issuer, PAUSE);
    let (mut slowest, mut checks) = (Duration::ZERO, [0.0; 2]);
    let first = fleet.spread(most(way)).await;
    println!("faults: {}, before: {}", name(way), told(&first));
    for number in 1..=rolls {
        for (place, total) in checks.iter_mut().enumerate() {
            *total += fleet.instances[place].portvakt.checks().await;
            fleet.instances[place].restart().await;
            let spread = fleet.spread(most(way)).await;
            slowest = slowest.max(spread.after);
            let instance = place + 1;
            let told = told(&spread);
            println!("faults: {}, roll {number}, instance {instance}: {told}", name(way));
        }
    }
    let [one, other] = fleet.shares(AFTERWARDS).await;
    println!("faults: {}, afterwards: {one:.2} and {other:.2} of the checks", name(way));
    for (instance, total) in fleet.instances.iter().zip(&mut checks) {
        *total += instance.portvakt.checks().await;
    }
    let seen = traffic.stop().await;
    for answer in &seen.unexpected {
        println!("faults: {answer}");
    }
    let undecided = fleet.envoy.statistic("http.inbound.ext_authz.error").await;
    let retries = fleet.envoy.statistic("cluster.portvakt.upstream_rq_retry").await;
    Rolled { way, stops: 2 * rolls, seen, undecided, retries, slowest, checks }
}

impl Rolled {
    fn row(&self) -> Row {
        let [one, other] = self.checks;
        let share = |checks: f64| checks / (one + other);
        Row::of(name(self.way))
            .text(self.stops)
            .text(self.seen.requests)
            .none(self.seen.failed)
            .none(usize::try_from(self.undecided).unwrap())
            .none(self.seen.wrong)
            .text(self.retries)
            .bar(self.slowest.as_secs_f64(), most(self.way).as_secs_f64(), 1)
            .text(format!("{:.2} {:.2}", share(one), share(other)))
    }
}

fn name(way: Way) -> &'static str {
    match way {
        Way::Endpoints => "an Envoy that knows both",
        Way::OneAddress => "one address for both",
    }
}

/// How long it may take until an instance that is back has a quarter of the checks: as long as
/// Envoy takes to learn of it, or so many lives of connections that chance has had its way.
fn most(way: Way) -> Duration {
    match way {
        Way::Endpoints => Duration::from_secs(2),
        Way::OneAddress => 6 * AGE,
    }
}

fn told(spread: &Spread) -> String {
    let [one, other] = spread.shares;
    let after = spread.after.as_secs_f64();
    format!("{one:.2} and {other:.2} of the checks after {after:.1} s")
}
