//! Rehearsals as they are typed: `portvakt test`, `diff` and `graph`.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

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
        (cases, "caller: webshop\n", "caller: webshp\n", &[], 2, "ok    Another", "not the whole"),
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

/// A program whose lines are waited for; it ends with the test.
struct Watched {
    child: Child,
    lines: Receiver<String>,
}

impl Watched {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(PROGRAM);
        command.args(arguments).current_dir(folder).env_clear().stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let (send, lines) = mpsc::channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        let errors = BufReader::new(child.stderr.take().unwrap());
        let to_out = send.clone();
        thread::spawn(move || out.lines().try_for_each(|line| to_out.send(line.unwrap())));
        thread::spawn(move || errors.lines().try_for_each(|line| send.send(line.unwrap())));
        Self { child, lines }
    }

    /// Waits for a line, and for no longer than anybody would.
    fn until(&self, wanted: &str) {
        let mut seen = Vec::new();
        loop {
            match self.lines.recv_timeout(Duration::from_secs(20)) {
                Ok(line) if line.contains(wanted) => return,
                Ok(line) => seen.push(line),
                Err(_) => panic!("{wanted} is not in {seen:#?}"),
            }
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
    watched.until("Ctrl-C ends");
    let orders = folder.path().join("applications/orders-api.yaml");
    edit(&orders, "- application: webshop\n", "- application: none\n");
    watched.until("FAIL  The webshop calls on its own behalf");
    watched.until("Ctrl-C ends");
    // A change that editors make: a new file in the old one's place.
    let fixed = fs::read_to_string(&orders)
        .unwrap()
        .replace("- application: none", "- application: webshop");
    let aside = folder.path().join("aside");
    fs::write(&aside, fixed).unwrap();
    fs::rename(&aside, &orders).unwrap();
    watched.until("failed: 0");
    watched.until("Ctrl-C ends");
    let id = i32::try_from(watched.child.id()).unwrap();
    let process = rustix::process::Pid::from_raw(id).unwrap();
    rustix::process::kill_process(process, rustix::process::Signal::INT).unwrap();
    assert_eq!(watched.child.wait().unwrap().code(), Some(0));
}
