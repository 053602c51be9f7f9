//! Everything that the fuzz targets were ever given, run once more on every machine: the seeds and
//! finds in `fuzz/corpus`, and in `fuzz/crashes` what once broke a property, named for what it was.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

#[path = "../fuzz/src/lib.rs"]
mod targets;

use std::{
    fs,
    panic::catch_unwind,
    path::{Path, PathBuf},
};

use envoy_types::pb::envoy::{
    config::core::v3::{HeaderMap, HeaderValue},
    service::auth::v3::{
        AttributeContext, CheckRequest,
        attribute_context::{HttpRequest, Peer, Request},
    },
};
use prost::Message;
use targets::TARGETS;

fn folder(kind: &str, target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(kind).join(target)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn every_corpus_entry_and_past_crash_keeps_the_properties() {
    for (name, target) in TARGETS {
        let corpus = files(&folder("corpus", name));
        assert!(corpus.len() >= 3, "{name} has hardly a seed");
        for file in corpus.into_iter().chain(files(&folder("crashes", name))) {
            let bytes = fs::read(&file).unwrap();
            let outcome = catch_unwind(|| target(&bytes));
            assert!(outcome.is_ok(), "{}", file.display());
        }
    }
}

#[test]
fn every_target_is_built_by_cargo_fuzz() {
    let manifest = include_str!("../fuzz/Cargo.toml");
    for (name, _) in TARGETS {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
    }
    assert_eq!(manifest.matches("[[bin]]").count(), TARGETS.len());
}

/// The seeds of `check_request`, which no editor writes.
fn check_requests() -> [(&'static str, CheckRequest); 3] {
    let peer = |name: &str| {
        let principal = format!("spiffe://cluster.local/ns/team/sa/{name}");
        Some(Peer { principal, ..Peer::default() })
    };
    let request = |http: HttpRequest| CheckRequest {
        attributes: Some(AttributeContext {
            source: peer("caller"),
            destination: peer("target"),
            request: Some(Request { http: Some(http), ..Request::default() }),
            context_extensions: [("portvakt.application".into(), "a:b:c".into())].into(),
            ..AttributeContext::default()
        }),
    };
    let http = HttpRequest {
        method: "GET".into(),
        path: "/a?b=c".into(),
        host: "orders.test".into(),
        ..HttpRequest::default()
    };
    let header = |(name, value): (&str, &[u8])| HeaderValue {
        key: name.into(),
        raw_value: value.to_vec(),
        ..HeaderValue::default()
    };
    let headers =
        [("authorization", &b"Bearer a.b.c"[..]), ("origin", b"\xff"), ("x-caller-kind", b"")];
    let listed = HeaderMap { headers: headers.map(header).into() };
    let mapped = [("authorization", "Bearer a.b.c"), ("content-type", "application/grpc")];
    let mapped = mapped.map(|(name, value)| (name.into(), value.into())).into();
    [
        ("empty", CheckRequest::default()),
        ("mapped", request(HttpRequest { headers: mapped, ..http.clone() })),
        ("listed", request(HttpRequest { header_map: Some(listed), ..http })),
    ]
}

#[test]
fn the_binary_seeds_are_what_envoy_would_send() {
    for (name, message) in check_requests() {
        let bytes = fs::read(folder("corpus", "check_request").join(name)).unwrap();
        assert_eq!(CheckRequest::decode(&*bytes).unwrap(), message, "{name}");
    }
}
