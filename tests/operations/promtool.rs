//! Prometheus' own judgement of rules and queries.

use std::process::Command;

/// Runs it where the project is, and fails the test where it finds fault.
pub fn approves(arguments: &[&str]) {
    let promtool = Command::new("promtool")
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("promtool is missing: run make setup");
    let said = [promtool.stdout, promtool.stderr].concat();
    assert!(promtool.status.success(), "{}", String::from_utf8_lossy(&said));
}
