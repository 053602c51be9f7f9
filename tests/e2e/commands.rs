//! The other commands, as they are typed.

use std::{
    fs::File,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;

use crate::support::portvakt::PROGRAM;

/// Every fault in `faults/`: the code, and the file and line that it is found at.
const FAULTS: [(&str, &str); 13] = [
    ("yaml_syntax", "broken.yaml:6:"),
    ("duplicate_document", "duplicate.yaml:"),
    ("foreign_namespace", "foreign.yaml:3:"),
    ("no_client_id", "no-client-id.yaml:"),
    ("unknown_tenant", "unknown-tenant.yaml:"),
    ("invalid_group", "rules.yaml:15:"),
    ("wildcard_rule", "rules.yaml:20:"),
    ("unresolved_rule", "rules.yaml:21:"),
    ("host_claimed_twice", "hosts.yaml:"),
    ("client_id_claimed_twice", "client-ids.yaml:"),
    ("wrong_type", "types.yaml:9:"),
    ("unknown_key", "portvakt.yaml:3:"),
    ("insecure_url", "portvakt.yaml:6:"),
];

fn portvakt(arguments: &[&str]) -> Output {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e");
    let mut command = Command::new(PROGRAM);
    command.args(arguments).current_dir(folder).env_clear().output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn lint_finds_every_fault_of_a_folder_at_its_place() {
    let output = portvakt(&["lint", "faults"]);
    let found = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{found}");
    for (code, place) in FAULTS {
        let is_it = |line: &str| {
            line.starts_with(&format!("faults/{place}")) && line.contains(&format!(": {code}: "))
        };
        assert!(found.lines().any(is_it), "{code} at {place} is not in\n{found}");
    }

    let output = portvakt(&["lint", "--format", "json", "faults"]);
    assert_eq!(output.status.code(), Some(1));
    let findings: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(findings.len(), found.lines().count());
    for finding in findings {
        let line = format!(
            "{}:{}:{}: {}: {}: {}",
            finding["place"]["file"].as_str().unwrap(),
            finding["place"]["line"],
            finding["place"]["column"],
            finding["severity"].as_str().unwrap(),
            finding["code"].as_str().unwrap(),
            finding["message"].as_str().unwrap(),
        );
        assert!(found.lines().any(|known| known == line), "{line} is not in\n{found}");
    }
}

#[test]
fn warnings_alone_are_no_failure() {
    let output = portvakt(&["lint", "faults/hosts.yaml"]);
    assert_eq!(text(&output.stdout).matches(": warning: host_claimed_twice: ").count(), 2);
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn lint_has_nothing_to_say_about_what_is_right() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/examples");
    for paths in ["documents", examples.to_str().unwrap()] {
        let output = portvakt(&["lint", "--cluster", "test", paths]);
        assert_eq!(text(&output.stdout), "", "{paths}");
        assert_eq!(output.status.code(), Some(0), "{paths}: {}", text(&output.stderr));
    }
}

#[test]
fn wrong_usage_is_told_from_wrong_documents() {
    for arguments in [
        &["lint", "nowhere.yaml"][..],
        &["lint"],
        &["lint", "--format", "xml", "documents"],
        &["serve", "--configuration", "x"],
        &["other"],
        &[],
    ] {
        let output = portvakt(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
}

/// Commands that have something for both streams, with what each ends with.
const ANSWERS: [(&[&str], i32); 5] = [
    (&["lint", "faults"], 1),
    (&["graph", "documents", "faults/broken.yaml"], 2),
    (&["diff", "documents", "faults/broken.yaml"], 2),
    (&["explain", "--application", "test:team-a:gone", "documents"], 1),
    (&["test", "nowhere"], 2),
];

#[test]
fn an_answer_that_cannot_be_written_is_never_taken_for_one() {
    for arguments in ANSWERS.map(|(arguments, _)| arguments).into_iter().chain([
        &["completions", "bash"][..],
        &["keys"],
        &["graph", "documents"],
    ]) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e");
        let mut command = Command::new(PROGRAM);
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = command.args(arguments).current_dir(folder).env_clear().stdout(full).output();
        let output = output.unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", text(&output.stderr));
    }
}

#[test]
fn nobody_needs_to_read_what_is_said_beside_the_answer() {
    for (arguments, code) in ANSWERS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e");
        let mut command = Command::new(PROGRAM);
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = command.args(arguments).current_dir(folder).env_clear().stderr(full).output();
        assert_eq!(output.unwrap().status.code(), Some(code), "{arguments:?}");
    }
}

#[test]
fn serve_names_every_fault_of_its_configuration_and_does_not_start() {
    let output = portvakt(&["serve", "--config", "faults/portvakt.yaml"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for (code, place) in FAULTS.iter().filter(|(_, place)| place.starts_with("portvakt.yaml")) {
        let is_it =
            |line: &str| line.starts_with(&format!("faults/{place}")) && line.contains(code);
        assert!(said.lines().any(is_it), "{code} at {place} is not in\n{said}");
    }
    let output = portvakt(&["serve", "--config", "nowhere.yaml"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("nowhere.yaml"));
}

#[test]
fn every_command_has_help_with_an_example_and_its_exit_codes() {
    let overview = portvakt(&["--help"]);
    assert_eq!(overview.status.code(), Some(0));
    for command in [
        "serve",
        "lint",
        "explain",
        "test",
        "diff",
        "graph",
        "usage",
        "demo",
        "keys",
        "completions",
    ] {
        assert!(text(&overview.stdout).contains(command), "{command}");
        let help = portvakt(&[command, "--help"]);
        assert_eq!(help.status.code(), Some(0));
        let help = text(&help.stdout);
        assert!(help.contains(&format!("  portvakt {command}")), "{command}");
        assert!(help.contains("\nExit codes: 0 "), "{command}");
    }
}

#[test]
fn the_demo_comes_out_as_it_should() {
    let folder = env!("CARGO_MANIFEST_DIR");
    let mut command = Command::new(PROGRAM);
    let output = command.args(["demo", "--once"]).current_dir(folder).output().unwrap();
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}{}", text(&output.stderr));
    assert!(said.contains("  Envoy      http://"), "no Envoy was found: run make setup\n{said}");
    for reason in [
        "200 application_granted",
        "200 user_granted",
        "403 consumer_not_granted",
        "403 user_not_granted",
        "401 token_missing",
        "401 token_expired",
        "x-caller-name: Bj%C3%B8rn S%C3%B8rensen",
        "curl -i -H 'Authorization: Bearer ",
    ] {
        assert!(said.contains(reason), "{reason} is not in\n{said}");
    }
}
