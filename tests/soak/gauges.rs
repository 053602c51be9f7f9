//! What the service takes: memory, open files, threads.

use std::{convert::Infallible, fmt, time::Duration};

use tokio::time::{self, Instant};

use crate::support::Portvakt;

const BETWEEN: Duration = Duration::from_secs(1);
const MIB: f64 = 1024.0 * 1024.0;

/// Readings of the service's own metrics, one a second.
pub struct Gauges {
    began: Instant,
    warm_up: Duration,
    readings: Vec<Reading>,
}

struct Reading {
    minutes: f64,
    is_warm: bool,
    memory_mib: f64,
    open_files: f64,
    threads: f64,
}

impl Gauges {
    pub fn new(warm_up: Duration) -> Self {
        Self { began: Instant::now(), warm_up, readings: Vec::new() }
    }

    /// Reads without end.
    pub async fn follow(&mut self, portvakt: &Portvakt) -> Infallible {
        loop {
            time::sleep(BETWEEN).await;
            let (_, text) = portvakt.admin("/metrics").await;
            let value = |name: &str| value(&text, name).unwrap();
            let elapsed = self.began.elapsed();
            self.readings.push(Reading {
                minutes: elapsed.as_secs_f64() / 60.0,
                is_warm: elapsed >= self.warm_up,
                memory_mib: value("process_resident_memory_bytes") / MIB,
                open_files: value("process_open_fds"),
                threads: value("process_threads"),
            });
        }
    }

    /// By least squares, in MiB a minute.
    fn slope(&self) -> f64 {
        let warm: Vec<_> = self.readings.iter().filter(|reading| reading.is_warm).collect();
        let mean = |of: fn(&Reading) -> f64| {
            warm.iter().map(|reading| of(reading)).sum::<f64>() / warm.len().max(1) as f64
        };
        let (minutes, memory) = (mean(|one| one.minutes), mean(|one| one.memory_mib));
        let sum = |of: &dyn Fn(&Reading) -> f64| warm.iter().map(|one| of(one)).sum::<f64>();
        let together = sum(&|one| (one.minutes - minutes) * (one.memory_mib - memory));
        let spread = sum(&|one| (one.minutes - minutes).powi(2));
        if spread > 0.0 { together / spread } else { 0.0 }
    }
}

impl fmt::Display for Gauges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Some(first), Some(last)) = (self.readings.first(), self.readings.last()) else {
            return f.write_str("too short to measure anything");
        };
        write!(
            f,
            "memory {:.1} MiB at the end, {:+.2} MiB/min after warm-up, open files first {} last {}, threads first {} last {}",
            last.memory_mib,
            self.slope(),
            first.open_files,
            last.open_files,
            first.threads,
            last.threads
        )
    }
}

/// How many checks the service counted.
pub async fn checks(portvakt: &Portvakt) -> f64 {
    let (_, text) = portvakt.admin("/metrics").await;
    let series = text.lines().filter(|line| line.starts_with("portvakt_checks_total{"));
    series.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

/// A gauge without labels.
fn value(text: &str, name: &str) -> Option<f64> {
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
    value.parse().ok()
}
