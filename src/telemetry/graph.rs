//! The metrics of looking groups up in Microsoft Graph.

use std::time::Duration;

use prometheus::{Histogram, HistogramOpts, IntCounterVec, IntGauge, Opts, Registry};

use super::metrics::register;

/// Seconds; Graph takes some hundreds of milliseconds, and 5 s are the most that it gets.
const REQUEST_BUCKETS: [f64; 9] = [0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0];

/// What became of a request to Graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GraphOutcome {
    Success,
    /// Graph asked not to be asked for a while.
    Throttled,
    /// There was no answer, or none that could be used.
    Failure,
    /// It was not sent, because no access token was to be had.
    NoToken,
}

impl GraphOutcome {
    const ALL: [Self; 4] = [Self::Success, Self::Throttled, Self::Failure, Self::NoToken];

    fn label(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Throttled => "throttled",
            Self::Failure => "failure",
            Self::NoToken => "no_token",
        }
    }
}

/// Where a user's groups were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupLookup {
    /// Among the answers that still count.
    Hit,
    /// In an answer that was waited for.
    Miss,
    /// Nowhere, or too late.
    Unavailable,
}

impl GroupLookup {
    const ALL: [Self; 3] = [Self::Hit, Self::Miss, Self::Unavailable];

    fn label(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Unavailable => "unavailable",
        }
    }
}

/// Every metric of looking groups up.
#[derive(Debug)]
pub struct GraphMetrics {
    requests: IntCounterVec,
    request_duration: Histogram,
    lookups: IntCounterVec,
    cache_entries: IntGauge,
}

impl GraphMetrics {
    pub(super) fn new(registry: &Registry) -> Self {
        let counters = |name: &str, help: &str| {
            register(registry, IntCounterVec::new(Opts::new(name, help), &["outcome"]))
        };
        let duration = HistogramOpts::new(
            "portvakt_graph_request_duration_seconds",
            "Time that Microsoft Graph took to answer a request.",
        );
        let metrics = Self {
            requests: counters(
                "portvakt_graph_requests_total",
                "Requests to Microsoft Graph, those included that were not sent for want of an access token.",
            ),
            request_duration: register(
                registry,
                Histogram::with_opts(duration.buckets(REQUEST_BUCKETS.to_vec())),
            ),
            lookups: counters(
                "portvakt_group_lookups_total",
                "Look-ups of groups that a token does not list: known, waited for, or not to be had.",
            ),
            cache_entries: register(
                registry,
                IntGauge::new(
                    "portvakt_group_cache_entries",
                    "Answers about users' groups that are remembered.",
                ),
            ),
        };
        for outcome in GraphOutcome::ALL {
            metrics.requests.with_label_values(&[outcome.label()]);
        }
        for outcome in GroupLookup::ALL {
            metrics.lookups.with_label_values(&[outcome.label()]);
        }
        metrics
    }

    /// A request ended so.
    pub fn request(&self, outcome: GraphOutcome) {
        self.requests.with_label_values(&[outcome.label()]).inc();
    }

    /// A request took this long.
    pub fn took(&self, time: Duration) {
        self.request_duration.observe(time.as_secs_f64());
    }

    /// A user's groups were looked up.
    pub fn lookup(&self, outcome: GroupLookup) {
        self.lookups.with_label_values(&[outcome.label()]).inc();
    }

    /// How many answers are remembered.
    pub fn cache_entries(&self, entries: u64) {
        self.cache_entries.set(i64::try_from(entries).unwrap_or(i64::MAX));
    }
}
