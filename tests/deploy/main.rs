//! What `deploy/` ships: manifests against schemas, the chart as Helm renders it, the sidecar as it
//! runs, and the folder that becomes the image.
//!
//! Debian's packages and PyPI suffice for most of it. What needs more is checked where that is
//! there; `make test-deploy` fails where it is not.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    missing_debug_implementations,
    reason = "tests fail by panicking"
)]

mod chart;
mod image;
mod manifests;
mod sidecar;

#[allow(dead_code, unused_imports, reason = "the end-to-end tests use the rest of it")]
#[path = "../e2e/support/mod.rs"]
mod support;

use std::{
    env,
    io::{self, Write},
    path::{Path, PathBuf},
};

/// A path of the repository.
fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Says, past what the test runner holds back, that something was not checked. Where everything is
/// to be checked, that is a failure.
fn not_checked(what: &str, wanting: &str) {
    let all = env::var("DEPLOY_TESTS").is_ok_and(|which| which == "all");
    assert!(!all, "{what} cannot be checked: {wanting}");
    let line = format!("NOT CHECKED: {what}: {wanting}\n");
    io::stderr().write_all(line.as_bytes()).unwrap();
}
