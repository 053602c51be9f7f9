//! Which rules are used: counted by the service, and taken out of the documents where they are not.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};

use crate::support::{
    Portvakt, Release, Token, World,
    documents::{AUDIT, NEWSLETTER, ORDER_DESK, WEBSHOP},
    portvakt::PROGRAM,
    world::configuration,
};

const DAY: u64 = 24 * 3600;
const NOW: u64 = 1_800_000_000;

const DOCUMENTS: &str = "\
apiVersion: nais.io/v1alpha1
kind: Application
metadata:
  name: orders-api
  namespace: team-orders
  annotations: {portvakt.dev/client-id: a2f4c0d1-5b7e-4d3a-8c69-17e05b9d4f20}
spec:
  azure:
    application:
      enabled: true
      allowAllUsers: true
      claims:
        groups:
          - id: 0f3a1d52-6a0e-4c61-9b5d-3c1f0a7e2b11
          - id: 3b8d2f64-70c1-4e9a-a5b7-9d1c6e8f0a23  # auditors
  accessPolicy:
    inbound:
      rules:
        - application: webshop
        # Once a night.
        - application: reports
          namespace: team-insight
---
apiVersion: nais.io/v1alpha1
kind: Application
metadata: {name: mailbox, namespace: team-insight, annotations: {portvakt.dev/client-id: f4b2d8e6-1c75-4a93-8e0d-7b6f5a3c9d41}}
spec:
  azure: {application: {enabled: true}}
  accessPolicy: {inbound: {rules: [{application: reports}]}}
---
apiVersion: nais.io/v1
kind: AzureAdApplication
metadata: {name: webshop, namespace: team-orders}
status: {clientId: b6e8d9a3-2c41-4f7b-9d05-8a3f6e1c7d52}
---
apiVersion: nais.io/v1
kind: AzureAdApplication
metadata: {name: reports, namespace: team-insight}
status: {clientId: c9d1e7b5-4a63-4e2f-8b17-6d0c5f9a2e83}
";

/// A folder with the documents, and with what was counted since so many days ago.
struct Scene(tempfile::TempDir);

impl Scene {
    fn counted_for(days: u64) -> Self {
        let scene = Self(tempfile::tempdir().unwrap());
        fs::create_dir(scene.path("apps")).unwrap();
        fs::write(scene.path("apps/all.yaml"), DOCUMENTS).unwrap();
        let since = NOW - days * DAY;
        let used = json!({"since": since, "last": NOW - DAY, "times": 7});
        let once = json!({"since": since, "last": since, "times": 1});
        let never = json!({"since": since, "times": 0});
        let of = |mut count: Value, more: Value| {
            count.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            count
        };
        let export = json!({"at": NOW, "applications": {
            "test:team-orders:orders-api": of(used.clone(), json!({
                "rules": {"test:team-orders:webshop": used, "test:team-insight:reports": once},
                "groups": {ORDER_DESK: used, AUDIT: never},
                "everyone": never,
            })),
            "test:team-insight:mailbox": of(used, json!({"rules": {"test:team-insight:reports": never}})),
        }});
        fs::write(scene.path("usage.json"), export.to_string()).unwrap();
        scene
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    /// `portvakt` with these arguments, in the folder.
    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(PROGRAM);
        command.args(arguments).current_dir(&self.0).env_clear().output().unwrap()
    }

    fn usage(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let common = ["usage", "--cluster", "test", "--from", "usage.json", "apps"];
        let output = self.run(&[&common[..], arguments].concat());
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    }

    /// Gives a text to a program that patches.
    fn pipe(&self, program: &str, arguments: &[&str], text: &str) {
        let mut process = Command::new(program)
            .args(arguments)
            .current_dir(&self.0)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{program}: {error}"));
        process.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        assert!(process.wait().unwrap().success(), "{text}");
    }
}

#[test]
fn what_is_unused_is_listed_and_the_patch_takes_it_out() {
    for (program, arguments) in [("patch", &["-p0"][..]), ("git", &["apply", "-p0"])] {
        let scene = Scene::counted_for(40);
        let (code, listed, told) = scene.usage(&[]);
        assert_eq!(code, Some(1), "{told}");
        for line in [
            "apps/all.yaml:21:11: rule test:team-insight:reports of test:team-orders:orders-api: last used 2026-12-06T08:00:00Z, times since 2026-12-06T08:00:00Z: 1",
            "apps/all.yaml:11:22: allowAllUsers of test:team-orders:orders-api: never used since 2026-12-06T08:00:00Z",
            "apps/all.yaml:15:17: group 3b8d2f64-70c1-4e9a-a5b7-9d1c6e8f0a23 of test:team-orders:orders-api: never used since 2026-12-06T08:00:00Z",
            "apps/all.yaml:29:36: rule test:team-insight:reports of test:team-insight:mailbox: never used since 2026-12-06T08:00:00Z; edit by hand",
        ] {
            assert!(listed.lines().any(|found| found == line), "{line}\n{listed}");
        }
        scene.pipe(program, arguments, &listed);
        let expected = DOCUMENTS
            .replace("allowAllUsers: true", "allowAllUsers: false")
            .replace("          - id: 3b8d2f64-70c1-4e9a-a5b7-9d1c6e8f0a23  # auditors\n", "")
            .replace("        - application: reports\n          namespace: team-insight\n", "");
        assert_eq!(fs::read_to_string(scene.path("apps/all.yaml")).unwrap(), expected);
        assert_eq!(scene.run(&["lint", "--cluster", "test", "apps"]).stdout, b"");
        let (code, listed, _) = scene.usage(&[]);
        assert_eq!((code, listed.lines().count()), (Some(1), 1), "{listed}");
    }
}

#[test]
fn json_tells_the_same() {
    let scene = Scene::counted_for(40);
    let (code, listed, _) = scene.usage(&["--format", "json"]);
    assert_eq!(code, Some(1));
    let answer: Value = serde_json::from_str(&listed).unwrap();
    let unused: Vec<_> = answer["unused"].as_array().unwrap().iter().collect();
    let told: Vec<_> = unused.iter().map(|found| (&found["kind"], &found["by_hand"])).collect();
    let expected = [("rule", true), ("rule", false), ("allow_all_users", false), ("group", false)];
    let expected = expected.map(|(kind, by_hand)| (json!(kind), json!(by_hand)));
    assert_eq!(told, expected.iter().map(|(kind, by_hand)| (kind, by_hand)).collect::<Vec<_>>());
    assert_eq!(unused[0]["place"], json!({"file": "apps/all.yaml", "line": 29, "column": 36}));
    assert_eq!(
        (&answer["days"], &answer["counted"], &answer["uncounted"]),
        (&json!(30), &json!(8), &json!(0))
    );
    scene.pipe("git", &["apply", "-p0"], answer["patch"].as_str().unwrap());
}

#[test]
fn of_documents_with_errors_there_is_no_patch() {
    let scene = Scene::counted_for(40);
    fs::write(scene.path("apps/broken.yaml"), "kind: [\n").unwrap();
    let (code, listed, told) = scene.usage(&[]);
    assert_eq!((code, listed.lines().count()), (Some(2), 4), "{listed}{told}");
    assert!(!listed.contains("+++") && !listed.contains("by hand"), "{listed}");
    assert!(told.contains("\napps/broken.yaml:"), "{told}");
    assert!(told.ends_with(
        "portvakt: no patch is made of documents with errors: mend those above first\n"
    ));
    let (code, listed, _) = scene.usage(&["--format", "json"]);
    let answer: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!((code, answer["unused"].as_array().unwrap().len()), (Some(2), 4));
    assert_eq!((&answer["patch"], &answer["unused"][0]["by_hand"]), (&Value::Null, &Value::Null));
}

#[test]
fn nothing_is_called_unused_that_was_not_counted_for_so_long() {
    let scene = Scene::counted_for(20);
    let (code, listed, told) = scene.usage(&[]);
    assert_eq!((code, &*listed), (Some(2), ""), "{told}");
    assert!(
        told.contains("counting began 2026-12-26T08:00:00Z, less than 30 days before"),
        "{told}"
    );
    assert_eq!(scene.usage(&["--days", "20"]).0, Some(1));
    // A younger instance beside it, which may have seen what the older one did not.
    let export = fs::read_to_string(scene.path("usage.json")).unwrap();
    let younger = export.replace(&(NOW - 20 * DAY).to_string(), &(NOW - 19 * DAY).to_string());
    fs::write(scene.path("younger.json"), younger).unwrap();
    let (code, listed, told) = scene.usage(&["--days", "20", "--from", "younger.json"]);
    assert_eq!((code, &*listed), (Some(2), ""), "{told}");
}

#[test]
fn where_all_is_used_there_is_nothing_to_say() {
    let scene = Scene::counted_for(400);
    let export = fs::read_to_string(scene.path("usage.json")).unwrap();
    let last = |at: u64| format!("\"last\":{at}");
    let used = format!("{},\"times\":1", last(NOW));
    let export = export.replace(&last(NOW - 400 * DAY), &last(NOW)).replace("\"times\":0", &used);
    fs::write(scene.path("usage.json"), export).unwrap();
    let (code, listed, told) = scene.usage(&["--days", "365"]);
    assert_eq!((code, &*listed), (Some(0), ""), "{told}");
}

#[test]
fn what_cannot_be_read_is_told_with_its_name() {
    let scene = Scene::counted_for(40);
    fs::write(scene.path("other.json"), "{\"at\": 1}").unwrap();
    fs::write(scene.path("empty.yaml"), "").unwrap();
    fs::write(scene.path("apps/broken.yaml"), "kind: [\n").unwrap();
    for (from, path, said) in [
        ("none.json", "apps", "portvakt: none.json: cannot be read: "),
        (
            "other.json",
            "apps",
            "portvakt: other.json: is not what /usage answers: missing field `applications`",
        ),
        ("http://127.0.0.1:1/usage", "apps", "portvakt: http://127.0.0.1:1/usage: "),
        ("usage.json", "none", "portvakt: none: there is no such file or folder"),
        ("usage.json", "apps", "apps/broken.yaml:"),
        ("usage.json", "empty.yaml", "portvakt: no application is described"),
    ] {
        let output = scene.run(&["usage", "--cluster", "test", "--from", from, path]);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.lines().any(|line| line.starts_with(said)), "{said}\n{told}");
    }
    fs::remove_file(scene.path("apps/broken.yaml")).unwrap();
    let output = scene.run(&["usage", "--cluster", "elsewhere", "--from", "usage.json", "apps"]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("nothing that the documents state was counted"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_counts_and_goes_on_after_a_restart() {
    let changes = json!({"usage": {"file": "usage.json"}, "shutdown": {"delay": "0s"}});
    let mut world = World::with(Release::Current, changes.clone(), |envoy| envoy).await;
    let token = Token::of_user(WEBSHOP);
    for _ in 0..2 {
        world.get("/").token(&token).send().await.received();
    }
    let stranger = Token::of_application(NEWSLETTER);
    world.get("/").token(&stranger).send().await.assert_denied("consumer_not_granted");
    let times = |export: &Value| {
        let api = &export["applications"]["test:team-orders:orders-api"];
        let webshop = &api["rules"]["test:team-orders:webshop"];
        [
            &api["times"],
            &webshop["times"],
            &api["groups"][ORDER_DESK]["times"],
            &api["groups"][AUDIT]["times"],
        ]
        .map(|times| times.as_u64().unwrap())
    };
    let (status, told) = world.portvakt.admin("/usage").await;
    assert_eq!(status, 200);
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(times(&told), [2, 2, 2, 0]);
    assert_eq!(world.portvakt.metric(r#"portvakt_rules_unused{days="7"}"#).await, Some(0.0));

    let url = format!("http://{}/usage", world.portvakt.admin_address());
    let documents = world.documents();
    let asked = Command::new(PROGRAM)
        .args(["usage", "--cluster", "test", "--from", &url])
        .arg(&documents)
        .env_clear()
        .output()
        .unwrap();
    assert_eq!(asked.status.code(), Some(2), "counting has just begun");

    world.portvakt.signal("TERM");
    assert_eq!(world.portvakt.ended().await.code(), Some(0));
    assert_eq!(times(&saved(&world.path("usage.json"))), [2, 2, 2, 0]);

    let restarted = configuration(&world.issuer, changes);
    let mut again = Portvakt::start(world.folder(), &restarted).await.ready().await;
    let (_, told_again) = again.admin("/usage").await;
    let told_again: Value = serde_json::from_str(&told_again).unwrap();
    assert_eq!(times(&told_again), [2, 2, 2, 0]);
    let since =
        |export: &Value| export["applications"]["test:team-orders:orders-api"]["since"].clone();
    assert_eq!(since(&told_again), since(&told));
    again.signal("TERM");
    assert_eq!(again.ended().await.code(), Some(0));
}

fn saved(file: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}
