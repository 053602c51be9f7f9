//! Metrics of documents: those in force, and those that are tried beside them.

use std::time::Duration;

use prometheus::{
    Gauge, Histogram, HistogramOpts, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};

use super::metrics::{count, now, register};
use crate::applications::{Counts, Role};

/// Seconds; a change of one document among a hundred takes some milliseconds, the first reading of
/// tens of thousands takes seconds.
const RELOAD_BUCKETS: [f64; 12] =
    [0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0, 60.0];

/// What the last reading of the documents came to.
#[derive(Debug, Clone, Copy)]
pub struct LastReload {
    /// Whether none had an error.
    pub clean: bool,
    /// When that was last so, in seconds since 1970; 0 for never.
    pub last_clean_at: f64,
}

/// Every metric of one set of documents.
#[derive(Debug)]
pub struct DocumentMetrics {
    applications: IntGauge,
    in_shadow: IntGauge,
    rules: IntGaugeVec,
    hosts: IntGaugeVec,
    reloads: IntCounterVec,
    last_reload_success: Gauge,
    last_reload_successful: IntGauge,
    reload_duration: Histogram,
    first_load_duration: Gauge,
}

/// What the metrics of one set are called.
struct Names {
    applications: &'static str,
    in_shadow: &'static str,
    rules: &'static str,
    hosts: &'static str,
    reloads: &'static str,
    last_reload_success: &'static str,
    last_reload_successful: &'static str,
    reload_duration: &'static str,
    first_load_duration: &'static str,
}

const ACTIVE: Names = Names {
    applications: "portvakt_applications",
    in_shadow: "portvakt_applications_in_shadow",
    rules: "portvakt_rules",
    hosts: "portvakt_hosts",
    reloads: "portvakt_reloads_total",
    last_reload_success: "portvakt_last_reload_success_timestamp_seconds",
    last_reload_successful: "portvakt_last_reload_successful",
    reload_duration: "portvakt_reload_duration_seconds",
    first_load_duration: "portvakt_first_load_duration_seconds",
};

const CANDIDATE: Names = Names {
    applications: "portvakt_candidate_applications",
    in_shadow: "portvakt_candidate_applications_in_shadow",
    rules: "portvakt_candidate_rules",
    hosts: "portvakt_candidate_hosts",
    reloads: "portvakt_candidate_reloads_total",
    last_reload_success: "portvakt_candidate_last_reload_success_timestamp_seconds",
    last_reload_successful: "portvakt_candidate_last_reload_successful",
    reload_duration: "portvakt_candidate_reload_duration_seconds",
    first_load_duration: "portvakt_candidate_first_load_duration_seconds",
};

impl DocumentMetrics {
    pub(super) fn new(registry: &Registry, role: Role) -> Self {
        let (names, whose) = match role {
            Role::Active => (ACTIVE, "in force"),
            Role::Candidate => (CANDIDATE, "of the candidate documents"),
        };
        let options = |name: &str, help: &str| Opts::new(name, help.replace('%', whose));
        let gauge =
            |name: &str, help: &str| register(registry, IntGauge::with_opts(options(name, help)));
        let seconds =
            |name: &str, help: &str| register(registry, Gauge::with_opts(options(name, help)));
        let gauges = |name: &str, help: &str| {
            register(registry, IntGaugeVec::new(options(name, help), &["state"]))
        };
        let reloads = options(
            names.reloads,
            "Times that the documents were read; partial where the last good version of one stayed.",
        );
        let metrics = Self {
            applications: gauge(names.applications, "Applications %."),
            in_shadow: gauge(names.in_shadow, "Applications % that let through whom they refuse."),
            rules: gauges(
                names.rules,
                "Inbound rules %, by whether their consumer's client id is known.",
            ),
            hosts: gauges(
                names.hosts,
                "Hosts of ingresses %, by whether their application is found by them.",
            ),
            reloads: register(registry, IntCounterVec::new(reloads, &["outcome"])),
            last_reload_success: seconds(
                names.last_reload_success,
                "When all documents were read without an error last.",
            ),
            last_reload_successful: gauge(
                names.last_reload_successful,
                "Whether the documents had no error when they were read last: 1 or 0.",
            ),
            reload_duration: reload_duration(registry, names.reload_duration),
            first_load_duration: seconds(
                names.first_load_duration,
                "Time that it took to read all documents for the first time; 0 before.",
            ),
        };
        for outcome in ["success", "partial"] {
            metrics.reloads.with_label_values(&[outcome]);
        }
        metrics.known(0, Counts::default());
        metrics
    }

    /// The documents came into force for the first time, and took so long.
    pub fn loaded(&self, took: Duration) {
        self.first_load_duration.set(took.as_secs_f64());
    }

    /// The documents were read, and took so long; `clean` where none had an error.
    pub fn reloaded(&self, clean: bool, took: Duration) {
        self.reload_duration.observe(took.as_secs_f64());
        self.reloads.with_label_values(&[if clean { "success" } else { "partial" }]).inc();
        self.last_reload_successful.set(clean.into());
        if clean {
            self.last_reload_success.set(now());
        }
    }

    /// What the last reading of the documents came to.
    pub fn last_reload(&self) -> LastReload {
        LastReload {
            clean: self.last_reload_successful.get() == 1,
            last_clean_at: self.last_reload_success.get(),
        }
    }

    /// What they come to now.
    pub fn known(&self, applications: usize, Counts { rules, hosts, in_shadow }: Counts) {
        self.applications.set(count(applications));
        self.in_shadow.set(count(in_shadow));
        self.rules.with_label_values(&["resolved"]).set(count(rules.resolved));
        self.rules.with_label_values(&["unresolved"]).set(count(rules.unresolved));
        self.hosts.with_label_values(&["found"]).set(count(hosts.found));
        self.hosts.with_label_values(&["lost"]).set(count(hosts.lost));
    }
}

fn reload_duration(registry: &Registry, name: &str) -> Histogram {
    const HELP: &str = "Time from the look at the documents until what they come to counts.";
    let options = HistogramOpts::new(name, HELP).buckets(RELOAD_BUCKETS.to_vec());
    register(registry, Histogram::with_opts(options))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_with_an_error_show_until_they_were_read_without() {
        let metrics = DocumentMetrics::new(&Registry::new(), Role::Active);
        for (clean, expected) in [(true, 1), (false, 0), (false, 0), (true, 1)] {
            metrics.reloaded(clean, Duration::ZERO);
            assert_eq!(metrics.last_reload_successful.get(), expected);
        }
    }

    #[test]
    fn both_sets_of_documents_have_metrics_of_their_own() {
        let registry = Registry::new();
        for role in [Role::Active, Role::Candidate] {
            DocumentMetrics::new(&registry, role);
        }
        let names: Vec<_> =
            registry.gather().iter().map(|family| family.name().to_owned()).collect();
        assert!(names.contains(&"portvakt_rules".to_owned()), "{names:?}");
        assert!(names.contains(&"portvakt_candidate_rules".to_owned()), "{names:?}");
    }
}
