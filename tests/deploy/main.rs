//! What `deploy/` ships: manifests against schemas, the chart as Helm renders it, the sidecar as it
//! runs, and the folder that becomes the image.
//!
//! Debian's packages and PyPI suffice for the manifests and the sidecar. The chart needs Helm, and the
//! image a build of its own and root: they are built with the features `helm` and `image`, as
//! `make test-deploy` does. `make test` renders the chart where Helm is found; `make setup` brings it
//! on x86-64.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    missing_debug_implementations,
    reason = "tests fail by panicking"
)]

mod admission;
#[cfg(feature = "helm")]
mod chart;
#[cfg(feature = "image")]
mod image;
mod manifests;
mod sidecar;
mod values;

#[allow(dead_code, unused_imports, reason = "the end-to-end tests use the rest of it")]
#[path = "../e2e/support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};

/// A path of the repository.
fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
