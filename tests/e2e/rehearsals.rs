//! Rehearsals as they are typed: `portvakt test`, `diff` and `graph`.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read},
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use serde_json::json;

use crate::support::portvakt::PROGRAM;

fn portvakt(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    // PATH alone, for git.
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.args(arguments).current_dir(folder).env_clear().env("PATH", path).output().unwrap()
}

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Files in a folder of their own, taken from the examples.
fn examples() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["applications", "tests"] {
        fs::create_dir(folder.path().join(name)).unwrap();
        for file in fs::read_dir(project().join("deploy/examples").join(name)).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), folder.path().join(name).join(file.file_name())).unwrap();
        }
    }
    folder
}

fn edit(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{from} is not in {}", file.display());
    fs::write(file, text.replace(from, to)).unwrap();
}

#[test]
fn the_examples_pass_their_own_tests_and_all_that_they_grant_is_exercised() {
    let output = portvakt(project(), &["test", "--require-coverage", "deploy/examples"]);
    let (said, errors) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{said}{errors}");
    assert_eq!(errors, "");
    assert!(said.ends_with("failed: 0; rules, groups and allowAllUsers exercised: 4 of 4\n"));
}

#[test]
fn test_tells_what_failed_from_what_is_missing_and_what_cannot_be_read() {
    let folder = examples();
    let (orders, cases) = ("applications/orders-api.yaml", "tests/orders-api.yaml");
    for (file, from, to, options, code, said, complained) in [
        // The webshop loses its rule.
        (
            orders,
            "        - application: webshop\n",
            "",
            &[][..],
            1,
            "FAIL  The webshop calls on its",
            "",
        ),
        (
            orders,
            "        - application: webshop\n",
            "",
            &["--format", "tap"],
            1,
            "not ok 1 - The web",
            "",
        ),
        (
            orders,
            "        - application: webshop\n",
            "",
            &["--format", "junit"],
            1,
            "<failure ",
            "",
        ),
        // Nobody asks any more whether the reports get in.
        (
            cases,
            "caller: team-insight:reports",
            "caller: webshop",
            &["--require-coverage"],
            1,
            "applications/orders-api.yaml:26:11: demo:team-insight:reports may call",
            "without a case: 1",
        ),
        (cases, "caller: webshop\n", "caler: webshop\n", &[], 2, "ok    Another", "10:5: error"),
        (cases, "caller: webshop\n", "caller: webshp\n", &[], 2, "ok    Another", "may be another"),
        (orders, "kind: Application", "kind: [", &[], 2, "", "error: yaml_syntax"),
        (cases, "kind: PolicyTest", "kind: ConfigMap", &[], 2, "", "must be PolicyTest"),
        (cases, "portvakt.dev/v1\nkind: PolicyTest", "v1\nkind: ConfigMap", &[], 2, "", "no case"),
    ] {
        let path = folder.path().join(file);
        let before = fs::read_to_string(&path).unwrap();
        edit(&path, from, to);
        let mut arguments = vec!["test", "--cluster", "demo", "applications", "tests"];
        arguments.extend(options);
        let output = portvakt(folder.path(), &arguments);
        let (out, errors) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{to} {options:?}\n{out}{errors}");
        assert!(out.contains(said), "{said} is not in\n{out}");
        assert!(errors.contains(complained), "{complained} is not in\n{errors}");
        fs::write(path, before).unwrap();
    }
}

#[test]
fn test_tells_programs_what_came_of_each_case() {
    let folder = examples();
    let cases = folder.path().join("tests/orders-api.yaml");
    edit(&cases, "caller: team-insight:reports", "caller: webshop");
    edit(&cases, "caller: team-insight:newsletter", "caller: webshop");
    let arguments = ["test", "--format", "json", "--cluster", "demo"];
    let told = |options: &[&str]| {
        let output = portvakt(folder.path(), &[&arguments, options].concat());
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code(), json)
    };
    let (code, json) = told(&["--require-coverage", "applications", "tests"]);
    assert_eq!(code, Some(1), "{json}");
    assert_eq!(json["passed"], false);
    assert_eq!(json["totals"], json!({"cases": 10, "passed": 9, "failed": 1, "findings": 0}));
    let rule = "the rule at applications/orders-api.yaml:25:11";
    assert_eq!(
        json["cases"][2],
        json!({
            "name": "The newsletter does not",
            "place": {"file": "tests/orders-api.yaml", "line": 15, "column": 5},
            "target": "demo:team-orders:orders-api",
            "passed": false,
            "expected": {"decision": null, "reason": "consumer_not_granted"},
            "got": {
                "decision": "allow", "reason": "application_granted", "mode": null,
                "because": rule,
            },
        })
    );
    let reports = json!({
        "place": {"file": "applications/orders-api.yaml", "line": 26, "column": 11},
        "application": "demo:team-orders:orders-api",
        "kind": "rule",
        "name": "demo:team-insight:reports",
    });
    let coverage = json!({"required": true, "stated": 4, "exercised": 3, "missing": [reports]});
    assert_eq!(json["coverage"], coverage);

    edit(&cases, "kind: PolicyTest", "kind: PolicyTst");
    let (code, json) = told(&["applications", "tests"]);
    assert_eq!((code, &json["passed"]), (Some(2), &json!(false)));
    assert_eq!(json["totals"]["findings"], 2, "one of each document");
    let finding = &json["findings"][0];
    assert_eq!(
        (&finding["code"], &finding["severity"]),
        (&json!("invalid_value"), &json!("error"))
    );
    assert_eq!(finding["place"]["file"], "tests/orders-api.yaml");
}

#[test]
fn nothing_is_answered_by_a_configuration_that_cannot_be_read() {
    let folder = examples();
    let whole = folder.path().join("whole.yaml");
    fs::write(whole, fs::read(project().join("deploy/examples/portvakt.yaml")).unwrap()).unwrap();
    fs::write(folder.path().join("portvakt.yaml"), "clustr: demo\nentra: {}\n").unwrap();
    fs::write(folder.path().join("usage.json"), r#"{"at": 1, "applications": {}}"#).unwrap();
    let explain = ["explain", "--application", "demo:team-orders:orders-api"];
    for command in [
        &["test"][..],
        &["test", "--format", "tap"],
        &["graph"],
        &["usage", "--from", "usage.json"],
        &explain,
        &["diff", "applications"],
    ] {
        let output = portvakt(folder.path(), &[command, &["."]].concat());
        let (said, errors) = (text(&output.stdout), text(&output.stderr));
        assert_eq!((output.status.code(), said), (Some(2), ""), "{command:?}: {errors}");
        let begin = "portvakt: the configuration cannot be used:\n./portvakt.yaml:1:1: error: \
                     unknown_key: ";
        assert!(errors.starts_with(begin), "{command:?}: {errors}");
    }
}

#[test]
fn a_configuration_that_cannot_be_read_is_named_by_its_revision() {
    let folder = repository();
    fs::write(folder.path().join("portvakt.yaml"), "clustr: demo\nentra: {}\n").unwrap();
    git(folder.path(), &["add", "portvakt.yaml"]);
    git(folder.path(), &["commit", "--quiet", "--message", "broken"]);
    let output = portvakt(folder.path(), &["diff", "git:main", "applications"]);
    let errors = text(&output.stderr);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), ""), "{errors}");
    assert!(errors.contains("\nmain:portvakt.yaml:1:1: error: unknown_key: "), "{errors}");
}

#[test]
fn a_fault_that_many_cases_share_is_told_once() {
    let folder = examples();
    let output = portvakt(folder.path(), &["test", "tests"]);
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.ends_with("without which the answer may be another: 2\n"), "{errors}");
}

/// A program whose lines are waited for; it ends with the test.
struct Watched {
    child: Child,
    /// Of either output, for they come in no order to each other.
    printed: Receiver<String>,
    said: Receiver<String>,
}

fn lines(output: impl Read + Send + 'static) -> Receiver<String> {
    let (send, lines) = mpsc::channel();
    let output = BufReader::new(output);
    thread::spawn(move || output.lines().try_for_each(|line| send.send(line.unwrap())));
    lines
}

impl Watched {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(PROGRAM);
        command.args(arguments).current_dir(folder).env_clear().stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let printed = lines(child.stdout.take().unwrap());
        let said = lines(child.stderr.take().unwrap());
        Self { child, printed, said }
    }

    /// Waits for what a look prints, and for the look to end.
    fn until(&self, wanted: &str) {
        wait_for(&self.printed, wanted);
        wait_for(&self.said, "Ctrl-C ends");
    }
}

fn wait_for(output: &Receiver<String>, wanted: &str) {
    let mut seen = Vec::new();
    while seen.last().is_none_or(|line: &String| !line.contains(wanted)) {
        match output.recv_timeout(Duration::from_secs(20)) {
            Ok(line) => seen.push(line),
            Err(_) => panic!("{wanted} is not in {seen:#?}"),
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn test_runs_again_after_a_change_and_ends_when_it_is_interrupted() {
    let folder = examples();
    let arguments = ["test", "--watch", "--cluster", "demo", "applications", "tests"];
    let mut watched = Watched::start(folder.path(), &arguments);
    watched.until("failed: 0");
    let orders = folder.path().join("applications/orders-api.yaml");
    edit(&orders, "- application: webshop\n", "- application: none\n");
    watched.until("FAIL  The webshop calls on its own behalf");
    // A change that editors make: a new file in the old one's place.
    let fixed = fs::read_to_string(&orders)
        .unwrap()
        .replace("- application: none", "- application: webshop");
    let aside = folder.path().join("aside");
    fs::write(&aside, fixed).unwrap();
    fs::rename(&aside, &orders).unwrap();
    watched.until("failed: 0");
    let id = i32::try_from(watched.child.id()).unwrap();
    let process = rustix::process::Pid::from_raw(id).unwrap();
    rustix::process::kill_process(process, rustix::process::Signal::INT).unwrap();
    assert_eq!(watched.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_path_that_is_not_there_at_first_is_not_waited_for_and_one_that_vanishes_is() {
    let folder = examples();
    let mut watched =
        Watched::start(folder.path(), &["test", "--watch", "applications", "nowhere"]);
    wait_for(&watched.said, "portvakt: nowhere: there is no such file or folder");
    assert!(watched.said.recv_timeout(Duration::from_secs(20)).is_err(), "it says that it waits");
    assert_eq!(watched.child.wait().unwrap().code(), Some(2));

    let arguments = ["test", "--watch", "--cluster", "demo", "applications", "tests"];
    let watched = Watched::start(folder.path(), &arguments);
    watched.until("failed: 0");
    let aside = folder.path().join("aside");
    fs::rename(folder.path().join("tests"), &aside).unwrap();
    wait_for(&watched.said, "portvakt: tests: there is no such file or folder");
    fs::rename(&aside, folder.path().join("tests")).unwrap();
    watched.until("failed: 0");
}

/// Runs git in a repository of its own, with nobody's configuration.
fn git(folder: &Path, arguments: &[&str]) {
    let mut command = Command::new("git");
    let nobody = ["-c", "user.name=Test", "-c", "user.email=test@example.com"];
    command.args(nobody).args(arguments).current_dir(folder).env("GIT_CONFIG_GLOBAL", "/dev/null");
    let output = command.env("GIT_CONFIG_NOSYSTEM", "1").output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", text(&output.stderr));
}

/// The examples in a repository: the branch `main` as they are, and a working folder in which the
/// webshop lost its rule and the newsletter got one.
fn repository() -> tempfile::TempDir {
    let folder = examples();
    git(folder.path(), &["init", "--quiet", "--initial-branch", "main"]);
    git(folder.path(), &["commit", "--quiet", "--allow-empty", "--message", "nothing"]);
    git(folder.path(), &["tag", "nothing"]);
    git(folder.path(), &["add", "."]);
    git(folder.path(), &["commit", "--quiet", "--message", "examples"]);
    edit(
        &folder.path().join("applications/orders-api.yaml"),
        "- application: webshop\n",
        "- {application: newsletter, namespace: team-insight}\n",
    );
    folder
}

const GAIN: &str = "  + demo:team-insight:newsletter (d3f5a8c7-6b82-4d19-9e34-0b7a4c2f8e65) → \
                    demo:team-orders:orders-api  ";
const LOSS: &str = "  - demo:team-orders:webshop (b6e8d9a3-2c41-4f7b-9d05-8a3f6e1c7d52) → \
                    demo:team-orders:orders-api  ";

#[test]
fn diff_tells_who_gains_and_who_loses_between_folders_and_revisions() {
    let folder = repository();
    let whole = |gain: &str, loss: &str| {
        format!(
            "gains:\n{GAIN}{gain}:25:11\nlosses:\n{LOSS}{loss}:25:11\ngains: 1, losses: 1, other: 0\n"
        )
    };
    let file = "applications/orders-api.yaml";
    let (new, old) = (format!("./{file}"), format!("main:{file}"));
    for (arguments, code, expected) in [
        (&["main", "."][..], 1, whole(&new, &old)),
        (&["git:main", ".", "applications"], 1, whole(&new, &old)),
        (&["git:main:applications", "applications"], 1, whole(file, &old)),
        (&["main:applications", "applications", "--allow", "gains,losses"], 0, whole(file, &old)),
        (&["HEAD", ".", "--allow", "gains"], 1, whole(&new, &format!("HEAD:{file}"))),
        (&["main", "HEAD"], 0, "gains: 0, losses: 0, other: 0\n".into()),
    ] {
        let arguments = [&["diff", "--cluster", "demo"], arguments].concat();
        let output = portvakt(folder.path(), &arguments);
        let (said, errors) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{said}{errors}");
        assert_eq!(said, expected, "{arguments:?}\n{errors}");
    }
    let within = portvakt(
        &folder.path().join("applications"),
        &["diff", "--cluster", "demo", "main", ".", "orders-api.yaml", "webshop.yaml"],
    );
    // Of the newsletter, whose document is left out, no client id is known.
    assert_eq!(
        text(&within.stdout),
        format!("losses:\n{LOSS}{old}:25:11\ngains: 0, losses: 1, other: 0\n")
    );
    // As git has it, a path that begins with a dot is one from the working folder.
    let from_here = portvakt(
        &folder.path().join("applications"),
        &["diff", "--cluster", "demo", "git:main:./", "git:HEAD:../applications"],
    );
    assert_eq!(text(&from_here.stdout), "gains: 0, losses: 0, other: 0\n", "{from_here:?}");
    let first = portvakt(folder.path(), &["diff", "--cluster", "demo", "nothing", "main"]);
    assert_eq!(text(&first.stderr), "portvakt: nothing: there are no documents\n");
    assert!(text(&first.stdout).ends_with("\ngains: 6, losses: 0, other: 5\n"), "{first:?}");
    let json = ["diff", "--cluster", "demo", "--format", "json", "main", "."];
    let json = portvakt(folder.path(), &json);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["gains"][0]["consumer"], "demo:team-insight:newsletter");
    let place = json!({"file": old, "line": 25, "column": 11});
    assert_eq!(json["losses"][0]["place"], place);
}

#[test]
fn diff_says_what_it_cannot_read() {
    let folder = repository();
    fs::write(folder.path().join("broken.yaml"), "kind: [\n").unwrap();
    let outside = tempfile::tempdir().unwrap();
    let here = folder.path();
    fs::create_dir(here.join("nothing")).unwrap();
    for (folder, arguments, complained) in [
        (here, &["nowhere", "applications"][..], "no such file or folder, and no such revision"),
        (here, &["nothing", "applications"], "such a revision; write ./nothing, or git:nothing"),
        (here, &["git:nowhere", "applications"], "git knows no revision \"nowhere\""),
        (here, &["git:--output=x", "applications"], "git knows no revision \"--output=x\""),
        (here, &["git:main^{tree}", "applications"], "git knows no revision"),
        (here, &["git:", "applications"], "git knows no revision"),
        (here, &["git:main", "git:main", "nowhere"], "nothing to compare"),
        (here, &["git:main:nowhere", "applications"], "main has no file or folder nowhere"),
        (here, &["applications", "."], "broken.yaml:1:"),
        (here, &["main", ".", "/etc"], "a PATH is within OLD and NEW"),
        (here, &["main", ".", "nowhere"], "./nowhere: there is no such file"),
        (here, &["main", "applications", "--decisions", "none"], "none: cannot be read"),
        (here, &["main", ".", "--decisions", "broken.yaml"], "broken.yaml: none of its lines"),
        (outside.path(), &["main", "."], "not a git repository"),
    ] {
        let arguments = [&["diff", "--cluster", "demo"], arguments].concat();
        let output = portvakt(folder, &arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}\n{said}");
        assert!(said.contains(complained), "{arguments:?}: {complained} is not in\n{said}");
    }
    assert!(!here.join("x").exists());
}

#[test]
fn diff_finds_the_callers_of_a_decision_log_whose_answer_is_another_one() {
    let folder = repository();
    let record = |time: &str, client_id: &str, decision: &str, reason: &str| {
        let json = json!({
            "time": time, "decision_id": "1", "decision": decision, "reason": reason,
            "application": "demo:team-orders:orders-api", "method": "GET", "path": "/orders",
            "caller": {
                "kind": "application", "client_id": client_id,
                "tenant_id": "7d5b2c3e-9f14-4b8a-a6d0-52e1c8f73a94",
                "roles": ["access_as_application"],
            },
        });
        json.to_string() + "\n"
    };
    let webshop = "b6e8d9a3-2c41-4f7b-9d05-8a3f6e1c7d52";
    let reports = "c9d1e7b5-4a63-4e2f-8b17-6d0c5f9a2e83";
    let log = [
        &record("2026-01-01T00:00:00.000Z", webshop, "allow", "application_granted"),
        &record("2026-01-02T00:00:00.000Z", webshop, "allow", "application_granted"),
        &record("2026-01-03T00:00:00.000Z", reports, "allow", "application_granted"),
        "{\"level\":\"INFO\",\"message\":\"started\"}\n",
    ]
    .concat();
    fs::write(folder.path().join("log"), log).unwrap();
    let arguments = ["diff", "--cluster", "demo", "--decisions", "log", "main", "."];
    let output = portvakt(folder.path(), &arguments);
    let said = text(&output.stdout);
    let expected = format!(
        "callers of the log whose answer is another one:\n  \
         - application {webshop} → demo:team-orders:orders-api: application_granted becomes \
         consumer_not_granted, 2 × from 2026-01-01T00:00:00.000Z to 2026-01-02T00:00:00.000Z\n\
         records: 3, rehearsed: 3, of which the log does not tell enough: 0; callers whose answer is another one: \
         1\nlines that are no record: 1 (line 4)\n"
    );
    assert!(said.ends_with(&expected), "{said}{}", text(&output.stderr));
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn graph_draws_who_may_call_whom_in_each_language() {
    let examples = "deploy/examples";
    let orders = "demo:team-orders:orders-api";
    for (arguments, code, expected) in [
        (&[examples][..], 0, "flowchart LR\n  n0[\"demo:team-insight:newsletter\"]\n"),
        (&[examples, "--format", "dot"], 0, "\"demo:team-orders:webshop\" -> \"demo:team-orders:"),
        (&[examples, "--format", "dot", "--users"], 0, "\"all-users\" -> \"demo:team-orders:webs"),
        (&[examples, "--focus", orders], 0, "  n2 --> n1\n"),
        (&[examples, "--focus", "group:0f3a1d52-6a0e-4c61-9b5d-3c1f0a7e2b11"], 0, "--> n0\n"),
        (&[examples, "--focus", "demo:team-orders:order-api"], 2, ""),
        (&[examples, "--focus", "orders-api"], 2, ""),
        (&[examples, "--depth", "2"], 2, ""),
        (&["nowhere"], 2, ""),
        (&["deploy/examples/portvakt.yaml"], 2, ""),
        (&["tests/e2e/documents", "tests/e2e/faults/broken.yaml"], 2, "flowchart LR\n"),
        (&["tests/e2e/documents", "tests/e2e/faults/portvakt.yaml"], 2, ""),
    ] {
        let output = portvakt(project(), &[&["graph"], arguments].concat());
        let (said, errors) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{said}{errors}");
        assert!(said.contains(expected), "{arguments:?}: {expected} is not in\n{said}");
        assert_eq!(errors.is_empty(), code == 0, "{arguments:?}: {errors}");
    }
    let json = portvakt(project(), &["graph", examples, "--format", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    let edge = &json["edges"][0];
    assert_eq!((&edge["to"], &edge["access"]), (&orders.into(), &"granted".into()));
    assert_eq!(json["nodes"].as_array().unwrap().len(), 4);
}
