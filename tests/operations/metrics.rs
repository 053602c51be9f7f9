//! Names of metrics, wherever they stand, against a real scrape.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::json;

use crate::{
    GUIDE, alerts, dashboard, guide, promql, read,
    support::{
        Release, Token, World,
        documents::{HOME, NEWSLETTER},
    },
};

/// Those that this scrape does not hold, and why.
const ELSEWHERE: [(&str, &str); 3] = [
    ("portvakt_workload_mismatches_total", "counted where a mesh tells who presents a token"),
    (
        "portvakt_kubernetes_last_contact_timestamp_seconds",
        "set where documents come from the cluster",
    ),
    ("portvakt_kubernetes_failures_total", "counted there"),
];

/// Those that no panel shows, and why.
const UNSEEN: [(&str, &str); 6] = [
    ("portvakt_candidate_last_reload_successful", "an alert tells, and readings with an error"),
    ("portvakt_candidate_reload_duration_seconds", "those in force take as long"),
    ("portvakt_candidate_first_load_duration_seconds", "likewise"),
    (
        "portvakt_console_refused_total",
        "of people who look, not of requests; one asks for it after a refusal",
    ),
    ("portvakt_usage_last_save_successful", "an alert tells"),
    ("process_virtual_memory_bytes", "no measure of memory"),
];

/// What alerts know from others: Prometheus itself, and kube-state-metrics.
const FOREIGN: [&str; 3] =
    ["up", "kube_deployment_spec_replicas", "kube_deployment_status_replicas_available"];

/// What one scrape holds.
struct Scrape(String);

impl Scrape {
    /// Of a service that has decided something, of which the candidate documents say otherwise, and
    /// one of whose issuers fails.
    async fn take() -> Self {
        let changes = json!({"applications": {"candidate_paths": ["none"]}});
        let nothing = |folder: &Path| fs::create_dir(folder.join("none")).unwrap();
        let world = World::prepared(Release::Current, changes, nothing).await;
        world.portvakt.log.event("message", "candidate documents read").await;
        let token = world.issuer.issue(HOME, &Token::of_application(NEWSLETTER));
        world.get("/").bearer(&token).send().await.assert_denied("consumer_not_granted");
        let (status, text) = world.portvakt.admin("/metrics").await;
        assert_eq!(status, 200);
        Self(text)
    }

    /// The names of metrics; a histogram is one.
    fn metrics(&self) -> BTreeSet<&str> {
        let types = self.0.lines().filter_map(|line| line.strip_prefix("# TYPE "));
        types.filter_map(|line| line.split(' ').next()).collect()
    }

    /// The names as queries use them; a histogram has several.
    fn series(&self) -> BTreeSet<&str> {
        let lines = self.0.lines().filter(|line| !line.starts_with('#'));
        lines.filter_map(|line| line.split(['{', ' ']).next()).collect()
    }
}

fn elsewhere<'a>() -> impl Iterator<Item = &'a str> {
    ELSEWHERE.into_iter().map(|(name, _)| name)
}

/// The names that the code registers: whole words in quotes.
fn registered() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/telemetry");
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let quoted = text.split('"').filter(|word| word.starts_with("portvakt_"));
        let is_name =
            |word: &&str| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        names.extend(quoted.filter(is_name).map(str::to_owned));
    }
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn every_metric_is_documented_and_every_documented_one_is_there() {
    let scrape = Scrape::take().await;
    let exposed: BTreeSet<_> = scrape.metrics().into_iter().chain(elsewhere()).collect();
    let registered = registered();
    for name in &registered {
        assert!(exposed.contains(&**name), "{name} is in no scrape");
    }
    for name in elsewhere() {
        assert!(registered.contains(name), "{name} is no metric");
    }
    let guide = read(GUIDE);
    let rows = guide::section(&guide, "Metrics").lines();
    let documented = rows.filter_map(|row| row.strip_prefix("| `")?.split('`').next()).collect();
    assert_eq!(exposed, documented);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_metric_is_on_the_dashboard_or_is_left_out_for_a_reason() {
    let scrape = Scrape::take().await;
    let queries = dashboard::queries();
    let shown: BTreeSet<_> = queries
        .iter()
        .flat_map(|query| promql::metrics(query))
        .map(|name| name.strip_suffix("_bucket").unwrap_or(name))
        .collect();
    let metrics: BTreeSet<_> = scrape.metrics().into_iter().chain(elsewhere()).collect();
    let unseen: BTreeSet<_> = metrics.difference(&shown).copied().collect();
    assert_eq!(unseen, UNSEEN.map(|(name, _)| name).into());
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_dashboard_and_documents_name_metrics_that_are_there() {
    let scrape = Scrape::take().await;
    let rules = alerts::rules();
    let recorded = rules.iter().filter_map(|rule| rule.record.as_deref());
    let known: BTreeSet<_> =
        scrape.series().into_iter().chain(scrape.metrics()).chain(elsewhere()).collect();
    let known_to_alerts: BTreeSet<_> =
        known.iter().copied().chain(recorded).chain(FOREIGN).collect();

    for rule in &rules {
        for name in promql::metrics(&rule.expr) {
            assert!(known_to_alerts.contains(name), "{name} in {}", rule.expr);
        }
    }
    for query in dashboard::queries() {
        for name in promql::metrics(&query) {
            assert!(known.contains(name), "{name} in {query}");
        }
    }
    for file in [
        "README.md",
        "docs/configuration.md",
        "docs/decision-log.md",
        "docs/documents.md",
        "docs/reasons.md",
        GUIDE,
    ] {
        let text = read(file);
        for name in guide::code(&text).into_iter().flat_map(promql::metrics) {
            assert!(!name.starts_with("portvakt_") || known.contains(name), "{name} in {file}");
        }
    }
}
