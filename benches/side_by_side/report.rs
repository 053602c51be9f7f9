//! The table, and whether the bars are met.

use std::process::ExitCode;

use crate::{
    load::Cost,
    rounds::{APPLICATIONS, FEW, Measured},
};

/// Prints figures and ratios; fails where a bar is missed.
pub fn print(measured: &Measured) -> ExitCode {
    let m = measured;
    println!("\nmany applications: {APPLICATIONS} with ten rules each; few: {FEW}");
    println!("\n{:<44} {:>10} {:>12}", "median of the rounds", "checks/s", "CPU µs/check");
    for (what, costs) in [
        ("floor, 1 connection × 32", &m.floor),
        ("token seen before, 1 connection × 32", &m.seen),
        ("the same with many applications", &m.many),
        ("floor, 8 connections × 32", &m.floor_eight),
        ("token seen before, 8 connections × 32", &m.seen_eight),
        ("floor, other client, 1 × 32", &m.floor_distinct),
        ("token never seen, other client, 1 × 32", &m.distinct),
    ] {
        println!(
            "{what:<44} {:>10.0} {:>12.1}",
            median(costs, |c| c.checks_per_second),
            cpu(costs)
        );
    }
    let mut verifications = m.verification.clone();
    let verification = middle(&mut verifications);
    println!("{:<44} {:>10} {verification:>12.1}", "one RS256 verification", "");
    println!(
        "\nresident MiB: floor {:.0}, service {:.0}, with {APPLICATIONS} applications {:.0}",
        m.floor_mib, m.mib, m.many_mib
    );
    println!(
        "seconds to ready: {:.2}, with {APPLICATIONS} applications {:.2}\n",
        m.startup, m.many_startup
    );

    let never_seen = (cpu(&m.distinct) - cpu(&m.floor_distinct)) / verification;
    let bars = [
        ("token seen before / floor, 1 × 32", cpu(&m.seen) / cpu(&m.floor), 1.25),
        ("token seen before / floor, 8 × 32", cpu(&m.seen_eight) / cpu(&m.floor_eight), 1.25),
        ("(never seen − floor) / one verification", never_seen, 1.5),
        ("many applications / few", cpu(&m.many) / cpu(&m.seen), 1.05),
        ("seconds to ready with many applications", m.many_startup, 2.0),
        ("MiB with many applications", m.many_mib, 150.0),
    ];
    let mut all_met = true;
    println!("{:<44} {:>10} {:>12}", "bar", "measured", "at most");
    for (what, value, most) in bars {
        let verdict = if value <= most { "met" } else { "MISSED" };
        all_met &= value <= most;
        println!("{what:<44} {value:>10.2} {most:>12.2}  {verdict}");
    }
    if all_met { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn cpu(costs: &[Cost]) -> f64 {
    median(costs, |cost| cost.cpu_micros)
}

fn median(costs: &[Cost], figure: impl Fn(&Cost) -> f64) -> f64 {
    middle(&mut costs.iter().map(figure).collect::<Vec<_>>())
}

fn middle(figures: &mut [f64]) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
