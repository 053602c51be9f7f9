//! What operators hold in their hands, against the service itself: alerts, dashboard, and the
//! documentation of both.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    missing_debug_implementations,
    reason = "tests fail by panicking"
)]

mod alerts;
mod dashboard;
mod guide;
mod metrics;
mod promql;
mod promtool;

#[allow(dead_code, unused_imports, reason = "the end-to-end tests use the rest of it")]
#[path = "../e2e/support/mod.rs"]
mod support;

/// The rules that are shipped.
const ALERTS: &str = "deploy/helm/portvakt/files/alerts.yaml";
/// The dashboard that is shipped.
const DASHBOARD: &str = "deploy/helm/portvakt/files/dashboard.json";
/// What to do about the alerts, and what the metrics tell.
const GUIDE: &str = "docs/operations.md";

/// A file of the project.
fn read(path: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
