//! Portvakt as its users meet it: the program itself, behind a real Envoy.
//!
//! `make setup` installs the Envoys; a missing one fails the tests and never skips them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    missing_debug_implementations,
    reason = "tests fail by panicking"
)]

mod callers;
mod commands;
#[cfg(feature = "console")]
mod console;
mod decision_log;
mod environment;
mod explain;
mod files;
mod floods;
mod groups;
mod grpc;
mod issuer;
mod kubernetes;
mod mesh;
mod metrics;
mod paths;
mod reasons;
mod rehearsals;
mod reload;
mod seen;
mod shadow;
mod shutdown;
mod stderr;
mod support;
mod tokens;
mod transports;
mod usage;
