//! The table, and whether the goals are reached.

use std::process::ExitCode;

use crate::{
    latency::Latency,
    load::Cost,
    rounds::{APPLICATIONS, FEW, Load, Measured},
};

/// How far beyond its goal a figure may be before the run fails: machines are noisy.
const SLACK: f64 = 1.15;

/// Whether a goal is the most or the least.
#[derive(Debug, Clone, Copy)]
enum Goal {
    AtMost(f64),
    AtLeast(f64),
}

impl Goal {
    /// How far a figure is beyond it: above one is too far.
    fn strain(self, value: f64) -> f64 {
        match self {
            Self::AtMost(most) => value / most,
            Self::AtLeast(least) => least / value,
        }
    }
}

/// Prints figures and ratios; fails where a goal is missed by more than the slack.
pub fn print(measured: &Measured) -> ExitCode {
    print_figures(measured);
    let mut is_failed = false;
    println!("\n{:<52} {:>9} {:>9}", "", "measured", "goal");
    for (what, value, goal) in goals(measured) {
        let strain = goal.strain(value);
        // Whatever is not a number has failed.
        let is_within = strain <= SLACK;
        let verdict = match strain <= 1.0 {
            true => "reached",
            false if is_within => "missed",
            false => "FAILED",
        };
        let (sign, bound) = match goal {
            Goal::AtMost(most) => ('≤', most),
            Goal::AtLeast(least) => ('≥', least),
        };
        println!("{what:<52} {value:>9.2} {sign:>3} {bound:>5.2}  {verdict}");
        is_failed |= !is_within;
    }
    ExitCode::from(u8::from(is_failed))
}

fn print_figures(m: &Measured) {
    println!("\nmany applications: {APPLICATIONS} with ten rules each; few: {FEW}");
    println!("\n{:<44} {:>10} {:>12}", "median of the rounds", "checks/s", "CPU µs/check");
    for (load, name) in Load::ALL {
        let (rate, cpu) = (m.rate(load), m.cpu(load));
        println!("{name:<44} {rate:>10.0} {cpu:>12.1}");
    }
    println!("{:<44} {:>10} {:>12.1}", "one RS256 verification", "", m.verification());
    println!("\n{:<44} {:>10} {:>12}", "one request in flight, µs", "p50", "p99");
    for (name, latencies) in [("floor", &m.floor_latency), ("service", &m.latency)] {
        println!("{name:<44} {:>10.1} {:>12.1}", p50(latencies), p99(latencies));
    }
    println!(
        "\nMiB: program {:.1}; resident: floor {:.0}, service idle {:.1}, after the load {:.0}, \
         with many applications {:.0}",
        m.program_mib, m.floor_mib, m.idle_mib, m.mib, m.many_mib
    );
    println!(
        "milliseconds: to ready {:.0}, with many applications {:.0}; to fetch the keys {:.0}; \
         Unix socket against TCP, CPU per check: {:.2}",
        middle(m.startup.clone()),
        middle(m.many_startup.clone()),
        m.key_fetch.as_secs_f64() * 1e3,
        m.cpu(Load::UnixSocket) / m.cpu(Load::Seen)
    );
}

fn goals(m: &Measured) -> [(&'static str, f64, Goal); 17] {
    use Goal::{AtLeast, AtMost};
    let against_floor = |load| m.cpu(load) / m.cpu(Load::Floor);
    let verifications = |load, floor| (m.cpu(load) - m.cpu(floor)) / m.verification();
    let quiet = m.reloads.iter().map(|round| round.quiet.p99).collect();
    let busy = m.reloads.iter().map(|round| round.busy.p99).collect();
    let reload = m.reloads.iter().flat_map(|round| round.milliseconds.iter().copied()).collect();
    let startup = middle(m.many_startup.clone()) - m.key_fetch.as_secs_f64() * 1e3;
    [
        ("token seen before / floor, 1 × 32", against_floor(Load::Seen), AtMost(1.0)),
        (
            "token seen before / floor, 8 × 32",
            m.cpu(Load::SeenEight) / m.cpu(Load::FloorEight),
            AtMost(1.0),
        ),
        (
            "(never seen − floor) / one verification",
            verifications(Load::Distinct, Load::FloorDistinct),
            AtMost(1.25),
        ),
        (
            "(bad signature − floor) / one verification",
            verifications(Load::BadSignature, Load::Floor),
            AtMost(1.25),
        ),
        ("malformed token / floor", against_floor(Load::Malformed), AtMost(1.0)),
        ("expired token / floor", against_floor(Load::Expired), AtMost(1.0)),
        ("unknown key / floor", against_floor(Load::UnknownKey), AtMost(1.0)),
        ("one in flight, p50 / floor's", p50(&m.latency) / p50(&m.floor_latency), AtMost(1.05)),
        ("one in flight, p99 / floor's", p99(&m.latency) / p99(&m.floor_latency), AtMost(1.1)),
        (
            "with shadow and a log of all decisions / without",
            m.cpu(Load::Logged) / m.cpu(Load::Seen),
            AtMost(1.1),
        ),
        ("many applications / few", m.cpu(Load::Many) / m.cpu(Load::Seen), AtMost(1.02)),
        (
            "checks/s over 64 connections / over one",
            m.rate(Load::SeenSixtyFour) / m.rate(Load::Seen),
            AtLeast(0.9),
        ),
        ("ms to ready with many, beyond the key fetch", startup, AtMost(500.0)),
        ("ms to reload one document among many", middle(reload), AtMost(20.0)),
        ("p99 during reloads / without", middle(busy) / middle(quiet), AtMost(1.1)),
        ("MiB of the program", m.program_mib, AtMost(25.0)),
        ("MiB resident, idle", m.idle_mib, AtMost(20.0)),
    ]
}

impl Measured {
    fn cpu(&self, load: Load) -> f64 {
        self.median(load, |cost| cost.cpu_micros)
    }

    fn rate(&self, load: Load) -> f64 {
        self.median(load, |cost| cost.checks_per_second)
    }

    fn median(&self, load: Load, figure: impl Fn(&Cost) -> f64) -> f64 {
        middle(self.costs.get(&load).into_iter().flatten().map(figure).collect())
    }

    fn verification(&self) -> f64 {
        middle(self.verification.clone())
    }
}

fn p50(latencies: &[Latency]) -> f64 {
    middle(latencies.iter().map(|latency| latency.p50).collect())
}

fn p99(latencies: &[Latency]) -> f64 {
    middle(latencies.iter().map(|latency| latency.p99).collect())
}

/// The median.
pub fn middle(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
