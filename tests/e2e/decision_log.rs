//! The decision log as its readers find it: in a file, on standard output, after the end.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

use envoy_types::pb::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use serde_json::{Value, json};

use crate::support::{
    Issuer, Portvakt, Release, Token, World,
    checks::check,
    documents::{self, FOREIGN, HOME, NEWSLETTER, USER, WEBSHOP},
    portvakt::PROGRAM,
    until,
    world::{HOST, configuration},
};

fn lines(file: &Path) -> Vec<Value> {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn of_log(settings: Value) -> Value {
    json!({"decision_log": settings, "shutdown": {"delay": "0s"}})
}

#[tokio::test(flavor = "multi_thread")]
async fn every_decision_is_in_the_file_when_the_service_has_ended_and_no_token_is() {
    let changes = of_log(json!({"to": "decisions.jsonl"}));
    let mut world = World::with(Release::Current, changes, |envoy| envoy).await;
    let tokens = [Token::of_user(WEBSHOP), Token::of_application(NEWSLETTER)]
        .map(|token| world.issuer.issue(HOME, &token));
    let request = world.get("/orders?access_token=secret").bearer(&tokens[0]);
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let traced = request.header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"));
    traced.send().await.received();
    world.get("/").bearer(&tokens[1]).send().await.assert_denied("consumer_not_granted");
    world.get("/internal/alive").send().await.received();
    let garbage = world.get("/").bearer("eyJhbGciOiJub25lIn0.e30.").send().await;
    garbage.assert_denied("token_algorithm_rejected");
    world.portvakt.signal("TERM");
    assert_eq!(world.portvakt.ended().await.code(), Some(0));

    let file = world.path("decisions.jsonl");
    let found = lines(&file);
    let told: Vec<_> = found
        .iter()
        .map(|line| ["decision", "reason", "path"].map(|name| line[name].as_str().unwrap()))
        .collect();
    let expected = [
        ["allow", "user_granted", "/orders"],
        ["deny", "consumer_not_granted", "/"],
        ["allow", "unauthenticated_path", "/internal/alive"],
        ["deny", "token_algorithm_rejected", "/"],
    ];
    assert_eq!(told, expected);
    assert_eq!((&found[0]["trace_id"], &found[0]["host"]), (&json!(trace), &json!(HOST)));
    assert_eq!(found[1]["caller"]["client_id"], NEWSLETTER);
    let text = fs::read_to_string(&file).unwrap();
    let secrets = tokens.iter().flat_map(|token| token.split('.')).chain(["secret", "eyJ", USER]);
    for secret in secrets {
        assert!(!text.contains(secret), "{secret} is in\n{text}");
    }
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_moved_away_is_begun_anew_at_sighup() {
    let changes = of_log(json!({"to": "decisions.jsonl", "decisions": "denials"}));
    let world = World::with(Release::Current, changes, |envoy| envoy).await;
    let (file, moved) = (world.path("decisions.jsonl"), world.path("moved"));
    let deny = async || world.get("/").send().await.assert_denied("token_missing");
    deny().await;
    until("the first line", async || (lines(&file).len() == 1).then_some(())).await;
    fs::rename(&file, &moved).unwrap();
    world.portvakt.signal("HUP");
    world.portvakt.log.event("message", "asked to reload").await;
    deny().await;
    until("the second line", async || (lines(&file).len() == 1).then_some(())).await;
    assert_eq!(lines(&moved).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_standard_output_are_decisions_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    documents::write(&folder.path().join("applications"));
    let issuer = Issuer::start(&[HOME, FOREIGN]);
    let config = configuration(&issuer, of_log(json!({"to": "stdout", "personal_data": "plain"})));
    let output = folder.path().join("stdout");
    let line = format!("exec >'{}'", output.display());
    let mut portvakt = Portvakt::start_after(&line, folder.path(), &config).await.ready().await;
    let token = issuer.issue(HOME, &Token::of_user(WEBSHOP));
    let url = format!("http://{}", portvakt.address());
    let mut asking = AuthorizationClient::connect(url).await.unwrap();
    asking.check(check(HOST, &token)).await.unwrap();
    drop(asking);
    portvakt.signal("TERM");
    assert_eq!(portvakt.ended().await.code(), Some(0));
    let found = lines(&output);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["caller"]["object_id"], USER);
    assert!(!portvakt.log.text().contains(USER));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_full_is_told_of_once_and_denies_nobody() {
    let folder = tempfile::tempdir().unwrap();
    documents::write(&folder.path().join("applications"));
    let issuer = Issuer::start(&[HOME, FOREIGN]);
    let config = configuration(&issuer, of_log(json!({"to": "stdout"})));
    let portvakt = Portvakt::start_after("exec >/dev/full", folder.path(), &config).await;
    let portvakt = portvakt.ready().await;
    let token = issuer.issue(HOME, &Token::of_user(WEBSHOP));
    let url = format!("http://{}", portvakt.address());
    let mut asking = AuthorizationClient::connect(url).await.unwrap();
    for number in 1..=3 {
        let answer = asking.check(check(HOST, &token)).await.unwrap().into_inner();
        assert_eq!(answer.status.unwrap().code, 0);
        let series = r#"portvakt_decision_log_dropped_total{cause="write_failed"}"#;
        until("the count", async || {
            (portvakt.metric(series).await == Some(f64::from(number))).then_some(())
        })
        .await;
    }
    let told = "the decision log cannot be written; its lines are lost";
    let events = portvakt.log.events();
    assert_eq!(events.iter().filter(|event| event["message"] == told).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_without_personal_data_tells_nothing_of_users_and_says_that_they_are_not_replayed() {
    let changes = of_log(json!({"to": "decisions.jsonl", "personal_data": "omitted"}));
    let mut world = World::with(Release::Current, changes, |envoy| envoy).await;
    let user = world.issuer.issue(HOME, &Token::of_user(WEBSHOP));
    world.get("/orders").bearer(&user).send().await.received();
    let diff = |world: &World| {
        let mut diff = Command::new(PROGRAM);
        diff.args(["diff", "--decisions"]).arg(world.path("decisions.jsonl"));
        let output = diff.args([world.documents(), world.documents()]).output().unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.code(), text)
    };
    until("the line is written", async || lines(&world.path("decisions.jsonl")).pop()).await;
    let (code, said) = diff(&world);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("none of its records can be decided"), "{said}");

    let application = world.issuer.issue(HOME, &Token::of_application(NEWSLETTER));
    world.get("/").bearer(&application).send().await.assert_denied("consumer_not_granted");
    world.portvakt.signal("TERM");
    assert_eq!(world.portvakt.ended().await.code(), Some(0));
    let (code, said) = diff(&world);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("records: 2, rehearsed: 1, of which the log does not tell enough: 0"),
        "{said}"
    );
    assert!(said.contains("(decision_log.personal_data): 1"), "{said}");
    let caller = lines(&world.path("decisions.jsonl"))[0]["caller"].clone();
    for member in ["object_id", "groups", "roles"] {
        assert_eq!(caller.get(member), None, "{caller}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_be_kept_keeps_the_service_from_starting() {
    let folder = tempfile::tempdir().unwrap();
    let issuer = Issuer::start(&[HOME]);
    for (settings, said) in [
        (json!({"to": "none/decisions.jsonl"}), "decision_log.to: "),
        (
            json!({"to": "/dev/null"}),
            "decision_log.to: /dev/null cannot be written: it is no ordinary file; ",
        ),
        (json!({"key_file": "none"}), "decision_log.key_file: "),
    ] {
        let config = configuration(&issuer, of_log(settings));
        let output = Portvakt::command(folder.path(), &config, "").output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(stderr.contains(&format!("portvakt: {said}")), "{stderr}");
    }
}
