//! Files that an operator names, which turn out to be something else.

use std::{
    fs,
    os::unix::{fs::symlink, net::UnixListener},
    path::Path,
    process::{Command, Output},
};

use serde_json::{Value, json};

use crate::support::{Issuer, Portvakt, documents::HOME, portvakt::PROGRAM, world::configuration};

/// What is no ordinary file, by its name in the folder, and what is said of it.
const NO_FILES: [(&str, &str); 5] = [
    ("fifo", "it is no ordinary file"),
    ("folder", "it is no ordinary file"),
    ("socket", "it is no ordinary file"),
    ("endless", "it is no ordinary file"),
    ("loop", "Too many levels of symbolic links"),
];

const ID: &str = "00000000-0000-0000-0000-000000000009";
const API: &str = "{kind: Application, metadata: {name: api, namespace: team}, spec: {}}";

/// All of them; the socket is there for as long as the listener is.
fn make_no_files(folder: &Path) -> UnixListener {
    assert!(Command::new("mkfifo").arg(folder.join("fifo")).status().unwrap().success());
    fs::create_dir(folder.join("folder")).unwrap();
    symlink("/dev/zero", folder.join("endless")).unwrap();
    symlink("loop", folder.join("loop")).unwrap();
    UnixListener::bind(folder.join("socket")).unwrap()
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(PROGRAM).args(arguments).current_dir(folder).env_clear().output().unwrap()
}

fn assert_refused(output: Output, code: i32, said: &[&str]) {
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8(text).unwrap();
    assert_eq!(output.status.code(), Some(code), "{said:?}:\n{text}");
    for said in said {
        assert!(text.contains(said), "{said} is not in\n{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_is_given_no_ordinary_file_ends_and_names_the_key_and_the_path() {
    type Stated = fn(&str) -> Value;
    let keys: [(&str, Stated); 6] = [
        ("usage.file", |name| json!({"usage": {"file": name}})),
        ("decision_log.to", |name| json!({"decision_log": {"to": name}})),
        (
            "decision_log.key_file",
            |name| json!({"decision_log": {"to": "stdout", "key_file": name}}),
        ),
        (
            "listen.tls.certificate",
            |name| json!({"listen": {"tls": {"certificate": name, "private_key": "key"}}}),
        ),
        (
            "listen.tls.private_key",
            |name| json!({"listen": {"tls": {"certificate": "certificate", "private_key": name}}}),
        ),
        ("listen.tls.client_ca", |name| {
            let tls =
                json!({"certificate": "certificate", "private_key": "key", "client_ca": name});
            json!({"listen": {"tls": tls}})
        }),
    ];
    let folder = tempfile::tempdir().unwrap();
    let _socket = make_no_files(folder.path());
    for name in ["certificate", "key"] {
        fs::write(folder.path().join(name), "").unwrap();
    }
    let issuer = Issuer::start(&[HOME]);
    for (key, stated) in keys {
        for (name, said) in NO_FILES {
            let config = configuration(&issuer, stated(name));
            let output = Portvakt::command(folder.path(), &config, "").output().unwrap();
            let path = folder.path().join(name);
            assert_refused(output, 1, &[key, path.to_str().unwrap(), said]);
        }
    }
}

#[test]
fn a_command_that_is_given_no_ordinary_file_ends_and_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let _socket = make_no_files(folder.path());
    for (name, said) in NO_FILES {
        assert_refused(run(folder.path(), &["serve", "--config", name]), 1, &[name, said]);
    }
    for name in ["fifo", "socket", "endless"] {
        let said = [name, "it is neither a file nor a folder"];
        assert_refused(run(folder.path(), &["lint", name]), 1, &said);
    }
}

/// What commands read may be a pipe, as of `<(command)`, and so a device; but nothing without an
/// end is read.
#[test]
fn what_commands_read_has_an_end() {
    let folder = tempfile::tempdir().unwrap();
    let _socket = make_no_files(folder.path());
    fs::write(folder.path().join("api.yaml"), API).unwrap();
    let explain = ["explain", "--host", "a.example", "--token", "endless", "api.yaml"];
    let usage = ["usage", "--from", "endless", "api.yaml"];
    let of_folder = ["usage", "--from", "folder", "api.yaml"];
    assert_refused(run(folder.path(), &explain), 2, &["endless", "it is larger than 1 MiB"]);
    assert_refused(run(folder.path(), &usage), 2, &["endless", "it is larger than 256 MiB"]);
    assert_refused(run(folder.path(), &of_folder), 2, &["folder", "Is a directory"]);
}

#[test]
fn no_name_and_no_text_of_a_file_reaches_a_terminal_that_would_obey_it() {
    const OBEYED: &str = "\u{1b}[2J\u{9b}2J\u{85}\u{7}\u{202e}\u{2028}\u{2067}";
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| fs::write(folder.path().join(name), text).unwrap();
    write("api.yaml", API.to_owned());
    let rule = format!("{{application: {}}}", json!(format!("web{OBEYED}")));
    write(
        "rule.yaml",
        API.replace(
            "spec: {}",
            &format!(
                "spec: {{liveness: {{path: {}}}, accessPolicy: {{inbound: {{rules: [{rule}]}}}}}}",
                json!(format!("/{OBEYED}")),
            ),
        ),
    );
    let application = json!({"kind": "application", "client_id": ID, "tenant_id": ID,
        "application": OBEYED, "roles": [OBEYED]});
    let record = json!({"time": OBEYED, "decision_id": "aa", "decision": OBEYED, "reason": OBEYED,
        "application": "cluster:team:api", "method": OBEYED, "path": format!("/{OBEYED}"),
        "host": OBEYED, "presented_by": OBEYED, "caller": application});
    write("decisions", record.to_string());
    let case = json!({"name": OBEYED, "caller": OBEYED, "expect": "token_missing"});
    let cases = json!({"apiVersion": "portvakt.dev/v1", "kind": "PolicyTest", "target": "team:api",
        "cases": [case]});
    write("cases.yaml", cases.to_string());
    write("counts", json!({"at": 1, "applications": {OBEYED: {}}}).to_string());
    let nowhere = format!("none{OBEYED}");
    let commands: [&[&str]; 8] = [
        &["lint", "rule.yaml"],
        &["graph", "rule.yaml"],
        &["test", "api.yaml", "cases.yaml"],
        &["explain", "--decisions", "decisions", "--id", "aa", "api.yaml"],
        &["diff", "api.yaml", "rule.yaml", "--decisions", "decisions"],
        &["usage", "--from", "counts", "api.yaml"],
        &["usage", "--from", &nowhere, "api.yaml"],
        &["lint", &nowhere],
    ];
    for command in commands {
        let output = run(folder.path(), command);
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(!text.is_empty(), "{command:?}");
        let obeyed = OBEYED.chars().find(|c| !c.is_ascii_graphic() && text.contains(*c));
        assert_eq!(obeyed, None, "{command:?}:\n{text}");
    }
}
