//! The same tokens against PyJWT.

use std::{fs, path::Path, process::Command, sync::Arc};

use serde_json::json;

use crate::{
    cases::Cases,
    number, seed,
    subject::Subject,
    trusted::{AUDIENCE, ISSUER, NOW, Trusted},
};

/// Needs PyJWT: `make differential-pyjwt`.
#[tokio::test(flavor = "multi_thread")]
async fn mutated_tokens_are_let_through_only_where_pyjwt_would() {
    let trusted = Arc::new(Trusted::generate());
    let subject = Subject::start(trusted.key_set()).await;
    let mut row = Cases::new(Arc::clone(&trusted), seed());
    let expected = json!({
        "keys": trusted.key_set(), "issuer": ISSUER, "audience": AUDIENCE, "now": NOW,
    });
    let mut lines = vec![expected.to_string()];
    for _ in 0..number("PORTVAKT_DIFFERENTIAL_CASES", 100_000) {
        let token = row.next();
        let (is_allowed, reason) = subject.decide(&token).await;
        lines.push(json!([token, is_allowed, reason]).to_string());
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cases");
    fs::write(&file, lines.join("\n")).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let status = Command::new(root.join(".venv/bin/python"))
        .arg(root.join("tests/differential/pyjwt_verdicts.py"))
        .arg(&file)
        .status();
    assert!(status.expect("make setup makes .venv").success());
}
