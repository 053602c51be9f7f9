//! The metrics of what is not used, and of keeping it.

use prometheus::{IntGauge, IntGaugeVec, Opts, Registry};

use super::metrics::{count, register};
use crate::usage::{DAYS, Tally};

/// How many rules, groups and applications nobody used, by the number of days, and whether that is
/// kept.
#[derive(Debug)]
pub struct UsageMetrics {
    rules: IntGaugeVec,
    groups: IntGaugeVec,
    applications: IntGaugeVec,
    last_save_successful: IntGauge,
}

impl UsageMetrics {
    pub(super) fn new(registry: &Registry) -> Self {
        let gauges = |name: &str, help: &str| {
            register(registry, IntGaugeVec::new(Opts::new(name, help), &["days"]))
        };
        let metrics = Self {
            rules: gauges(
                "portvakt_rules_unused",
                "Inbound rules by which nobody was let in for so many days, and that were counted for as long.",
            ),
            groups: gauges(
                "portvakt_groups_unused",
                "Groups, and allowAllUsers, by which nobody was let in for so many days, likewise.",
            ),
            applications: gauges(
                "portvakt_applications_unused",
                "Applications that let nobody in by a token for so many days, likewise.",
            ),
            last_save_successful: register(
                registry,
                IntGauge::new(
                    "portvakt_usage_last_save_successful",
                    "Whether the file of uses was written when that was tried last; 1 before.",
                ),
            ),
        };
        metrics.saved(true);
        metrics.set(&[Tally::default(); DAYS.len()]);
        metrics
    }

    /// Whether the file of uses was written.
    pub fn saved(&self, is_written: bool) {
        self.last_save_successful.set(is_written.into());
    }

    /// What there is now.
    pub fn set(&self, tallies: &[Tally; DAYS.len()]) {
        for (days, tally) in DAYS.iter().zip(tallies) {
            let label = [&*days.to_string()];
            self.rules.with_label_values(&label).set(count(tally.rules));
            self.groups.with_label_values(&label).set(count(tally.groups));
            self.applications.with_label_values(&label).set(count(tally.applications));
        }
    }
}
