//! The metrics. Label values come from closed sets or from documents, never from a request.

use std::{
    sync::OnceLock,
    time::{Duration, UNIX_EPOCH},
};

use prometheus::{
    Encoder, GaugeVec, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec,
    Opts, Registry, TextEncoder, core::Collector, process_collector::ProcessCollector,
};

use super::{
    ConsoleMetrics, DocumentMetrics, GraphMetrics, log::DROPPED_LINES, usage::UsageMetrics,
};
use crate::{
    applications::Role, authorizer::Outcome, clock::time_to_tell, decision::Decision,
    identifiers::ApplicationId,
};

/// Seconds; a decision from the cache takes some tens of microseconds.
const CHECK_BUCKETS: [f64; 16] = [
    0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025,
    0.05, 0.1, 0.25, 0.5, 1.0,
];

/// The label value for an application that no document describes.
const UNKNOWN: &str = "unknown";

/// Why a line of the decision log is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dropped {
    /// Too many waited to be written.
    QueueFull,
    WriteFailed,
}

impl Dropped {
    const ALL: [Self; 2] = [Self::QueueFull, Self::WriteFailed];

    fn label(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::WriteFailed => "write_failed",
        }
    }
}

/// Every metric of one service.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    checks: IntCounterVec,
    check_duration: Histogram,
    checks_in_flight: IntGauge,
    connections: IntGaugeVec,
    workload_mismatches: IntCounterVec,
    candidate_differences: IntCounterVec,
    token_cache_hits: IntCounter,
    token_cache_misses: IntCounter,
    token_cache_entries: IntGauge,
    jwks_refreshes: IntCounterVec,
    jwks_keys: IntGaugeVec,
    jwks_last_success: GaugeVec,
    documents: DocumentMetrics,
    /// There where candidate documents are.
    candidates: OnceLock<DocumentMetrics>,
    ready: IntGauge,
    kubernetes_last_contact: GaugeVec,
    kubernetes_failures: IntCounterVec,
    decision_log_dropped: IntCounterVec,
    /// Of looking groups up.
    pub graph: GraphMetrics,
    /// Of what is not used.
    pub usage: UsageMetrics,
    /// Of the console.
    pub console: ConsoleMetrics,
}

impl Metrics {
    /// Metrics that count from zero.
    pub fn new() -> Self {
        let registry = Registry::new();
        let counters = |name: &str, help: &str, labels: &[&str]| {
            register(&registry, IntCounterVec::new(Opts::new(name, help), labels))
        };
        let gauges = |name: &str, help: &str, labels: &[&str]| {
            register(&registry, IntGaugeVec::new(Opts::new(name, help), labels))
        };
        let check_duration = HistogramOpts::new(
            "portvakt_check_duration_seconds",
            "Time that a check took, from its message to its answer.",
        );
        let token_cache_requests = counters(
            "portvakt_token_cache_requests_total",
            "Look-ups of tokens among those verified before.",
            &["outcome"],
        );
        let metrics = Self {
            checks: counters(
                "portvakt_checks_total",
                "Checks answered, by the application asked for, the answer and its reason, and the calling application.",
                &["application", "decision", "reason", "caller"],
            ),
            check_duration: register(
                &registry,
                Histogram::with_opts(check_duration.buckets(CHECK_BUCKETS.to_vec())),
            ),
            checks_in_flight: register(
                &registry,
                IntGauge::new(
                    "portvakt_checks_in_flight",
                    "Checks under way, those aside that wait for an unknown key.",
                ),
            ),
            connections: gauges(
                "portvakt_connections",
                "Connections that are open at a listener of ext_authz.",
                &["listener"],
            ),
            workload_mismatches: counters(
                "portvakt_workload_mismatches_total",
                "Checks in which another workload than the token's application presented the token, allowed ones included.",
                &["application"],
            ),
            candidate_differences: counters(
                "portvakt_candidate_differences_total",
                "Checks that the candidate documents would have decided otherwise, by both reasons.",
                &["application", "active", "candidate"],
            ),
            // Counted at each check, so that they are looked up but once.
            token_cache_hits: token_cache_requests.with_label_values(&["hit"]),
            token_cache_misses: token_cache_requests.with_label_values(&["miss"]),
            token_cache_entries: register(
                &registry,
                IntGauge::new(
                    "portvakt_token_cache_entries",
                    "Verified tokens that are remembered.",
                ),
            ),
            jwks_refreshes: counters(
                "portvakt_jwks_refreshes_total",
                "Attempts to fetch an issuer's keys.",
                &["issuer", "outcome"],
            ),
            jwks_keys: gauges("portvakt_jwks_keys", "Usable keys of an issuer.", &["issuer"]),
            jwks_last_success: register(
                &registry,
                GaugeVec::new(
                    Opts::new(
                        "portvakt_jwks_last_success_timestamp_seconds",
                        "When an issuer's keys were fetched last.",
                    ),
                    &["issuer"],
                ),
            ),
            documents: DocumentMetrics::new(&registry, Role::Active),
            candidates: OnceLock::new(),
            ready: register(
                &registry,
                IntGauge::new(
                    "portvakt_ready",
                    "Whether the service can decide, as /readyz tells: 1 or 0.",
                ),
            ),
            kubernetes_last_contact: register(
                &registry,
                GaugeVec::new(
                    Opts::new(
                        "portvakt_kubernetes_last_contact_timestamp_seconds",
                        "When the API server answered last about a resource.",
                    ),
                    &["resource"],
                ),
            ),
            kubernetes_failures: counters(
                "portvakt_kubernetes_failures_total",
                "Attempts to list or to watch a resource that failed.",
                &["resource", "kind"],
            ),
            decision_log_dropped: counters(
                "portvakt_decision_log_dropped_total",
                "Lines of the decision log that were dropped, because too many waited or because writing failed.",
                &["cause"],
            ),
            graph: GraphMetrics::new(&registry),
            usage: UsageMetrics::new(&registry),
            console: ConsoleMetrics::new(&registry),
            registry,
        };
        metrics.begin();
        metrics
    }

    /// Series that must exist before anything happens, so that rates have a start.
    #[expect(
        clippy::expect_used,
        reason = "names are constants; each start and each test shows it"
    )]
    fn begin(&self) {
        for cause in Dropped::ALL {
            self.decision_log_dropped(cause);
        }
        register(&self.registry, Ok(DROPPED_LINES.clone()));
        let info = Opts::new("portvakt_build_info", "The version that runs; always 1.")
            .const_label("version", env!("CARGO_PKG_VERSION"));
        register(&self.registry, IntGauge::with_opts(info)).set(1);
        self.registry
            .register(Box::new(ProcessCollector::for_self()))
            .expect("each metric is registered once");
    }

    /// A check was answered.
    pub fn checked(&self, outcome: &Outcome, took: Duration) {
        let application = name_of(outcome.application_id());
        if let Decision::Allow(permit) = &outcome.decision
            && permit.workload_mismatch()
        {
            self.workload_mismatches.with_label_values(&[application]).inc();
        }
        let (decision, reason) = (outcome.decision.verdict(), outcome.decision.code());
        if let Some(candidate) = &outcome.candidate {
            let labels = [application, reason, candidate.code()];
            self.candidate_differences.with_label_values(&labels).inc();
        }
        let caller = name_of(outcome.consumer.as_ref());
        self.checks.with_label_values(&[application, decision, reason, caller]).inc();
        self.check_duration.observe(took.as_secs_f64());
    }

    /// How many checks are under way.
    pub fn checks_in_flight(&self, checks: usize) {
        self.checks_in_flight.set(count(checks));
    }

    /// The connections that are open at a listener, by its address.
    pub fn connections(&self, listener: &str) -> IntGauge {
        self.connections.with_label_values(&[listener])
    }

    /// A token was looked up among those verified before.
    pub fn token_cache_request(&self, found: bool) {
        let counter = if found { &self.token_cache_hits } else { &self.token_cache_misses };
        counter.inc();
    }

    /// How many verified tokens are remembered.
    pub fn token_cache_entries(&self, entries: u64) {
        self.token_cache_entries.set(i64::try_from(entries).unwrap_or(i64::MAX));
    }

    /// An issuer's keys were fetched, that many, or could not be.
    pub fn keys_refreshed(&self, issuer: &str, keys: Option<usize>) {
        let outcome = if keys.is_some() { "success" } else { "failure" };
        self.jwks_refreshes.with_label_values(&[issuer, outcome]).inc();
        if let Some(keys) = keys {
            self.jwks_keys.with_label_values(&[issuer]).set(count(keys));
            self.jwks_last_success.with_label_values(&[issuer]).set(now());
        }
    }

    /// Of the documents in force, or of the candidates.
    pub fn documents(&self, role: Role) -> &DocumentMetrics {
        match role {
            Role::Active => &self.documents,
            Role::Candidate => {
                self.candidates.get_or_init(|| DocumentMetrics::new(&self.registry, role))
            }
        }
    }

    /// Whether the service can decide.
    pub fn ready(&self, ready: bool) {
        self.ready.set(ready.into());
    }

    /// What counts the lines of the decision log that are dropped for this cause.
    pub fn decision_log_dropped(&self, cause: Dropped) -> IntCounter {
        self.decision_log_dropped.with_label_values(&[cause.label()])
    }

    /// The API server answered about a resource, by its plural.
    pub fn kubernetes_answered(&self, resource: &str) {
        self.kubernetes_last_contact.with_label_values(&[resource]).set(now());
    }

    /// The API server is going to be asked about a resource, which may fail in these ways.
    pub fn kubernetes_begins<'k>(&self, resource: &str, kinds: impl Iterator<Item = &'k str>) {
        for kind in kinds {
            self.kubernetes_failures.with_label_values(&[resource, kind]);
        }
    }

    /// Asking the API server about a resource failed.
    pub fn kubernetes_failed(&self, resource: &str, kind: &str) {
        self.kubernetes_failures.with_label_values(&[resource, kind]).inc();
    }

    /// All of them in Prometheus' text format.
    ///
    /// # Errors
    /// Where a metric is inconsistent with itself, which would be a defect of this module.
    pub fn encode(&self) -> Result<Vec<u8>, prometheus::Error> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// Puts a metric into the registry.
///
/// Names and labels are constants of this module, so that a refusal is a defect which the first
/// test that makes [`Metrics`] shows.
#[expect(clippy::expect_used, reason = "names are constants; each start and each test shows it")]
pub(super) fn register<C: Collector + Clone + 'static>(
    registry: &Registry,
    collector: prometheus::Result<C>,
) -> C {
    let collector = collector.expect("metric names and labels are valid constants");
    registry.register(Box::new(collector.clone())).expect("each metric is registered once");
    collector
}

fn name_of(id: Option<&ApplicationId>) -> &str {
    id.map_or(UNKNOWN, ApplicationId::as_str)
}

pub(super) fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn now() -> f64 {
    time_to_tell().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        applications::{Application, Counts, DisabledBecause, FoundBy, Rules},
        decision::DenyReason,
    };

    #[test]
    fn every_metric_of_the_contract_is_exposed() {
        let metrics = Metrics::new();
        let id = "prod:team-a:api".parse().unwrap();
        let application = Application::disabled(id, DisabledBecause::NoClientId);
        let denial = Decision::Deny(DenyReason::TokenMissing.into());
        let outcome = Outcome { application: Some(application.into()), ..Outcome::new(denial) };
        metrics.checked(&outcome, Duration::from_micros(20));
        metrics.keys_refreshed("https://login.example/t/v2.0", Some(3));
        let documents = metrics.documents(Role::Active);
        documents.reloaded(true, Duration::from_millis(3));
        documents.loaded(Duration::from_millis(2_500));
        let (rules, hosts) = (Rules { resolved: 3, unresolved: 1 }, FoundBy { found: 4, lost: 1 });
        documents.known(2, Counts { rules, hosts, in_shadow: 1 });
        metrics.checks_in_flight(5);
        metrics.connections("0.0.0.0:9001").inc();
        metrics.ready(true);
        metrics.kubernetes_answered("applications");
        metrics.kubernetes_begins("applications", ["forbidden", "expired"].into_iter());
        metrics.kubernetes_failed("applications", "expired");
        let text = String::from_utf8(metrics.encode().unwrap()).unwrap();
        for line in [
            r#"portvakt_checks_total{application="prod:team-a:api",caller="unknown",decision="deny",reason="token_missing"} 1"#,
            "portvakt_check_duration_seconds_count 1",
            r#"portvakt_check_duration_seconds_bucket{le="0.00001"} 0"#,
            r#"portvakt_token_cache_requests_total{outcome="hit"} 0"#,
            "portvakt_token_cache_entries 0",
            r#"portvakt_jwks_refreshes_total{issuer="https://login.example/t/v2.0",outcome="success"} 1"#,
            r#"portvakt_jwks_keys{issuer="https://login.example/t/v2.0"} 3"#,
            "portvakt_jwks_last_success_timestamp_seconds{",
            "portvakt_checks_in_flight 5",
            r#"portvakt_connections{listener="0.0.0.0:9001"} 1"#,
            "portvakt_applications 2",
            "portvakt_applications_in_shadow 1",
            r#"portvakt_hosts{state="found"} 4"#,
            r#"portvakt_hosts{state="lost"} 1"#,
            r#"portvakt_rules{state="unresolved"} 1"#,
            r#"portvakt_reloads_total{outcome="success"} 1"#,
            "portvakt_last_reload_success_timestamp_seconds ",
            "portvakt_last_reload_successful 1",
            r#"portvakt_reload_duration_seconds_bucket{le="0.0025"} 0"#,
            r#"portvakt_reload_duration_seconds_bucket{le="0.005"} 1"#,
            "portvakt_first_load_duration_seconds 2.5",
            "portvakt_ready 1",
            r#"portvakt_kubernetes_last_contact_timestamp_seconds{resource="applications"} "#,
            r#"portvakt_kubernetes_failures_total{kind="forbidden",resource="applications"} 0"#,
            r#"portvakt_kubernetes_failures_total{kind="expired",resource="applications"} 1"#,
            "portvakt_log_lines_dropped_total ",
            "portvakt_graph_request_duration_seconds_count 0",
            r#"portvakt_graph_requests_total{outcome="throttled"} 0"#,
            r#"portvakt_group_lookups_total{outcome="unavailable"} 0"#,
            "portvakt_group_cache_entries 0",
            "portvakt_build_info{version=",
            "process_resident_memory_bytes ",
        ] {
            assert!(text.lines().any(|found| found.starts_with(line)), "{line}\n{text}");
        }
    }
}
