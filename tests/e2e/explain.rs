//! `portvakt explain`, as it is typed.

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
};

use portvakt::decision::AllowReason;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    Behaviour, Issuer, Token,
    documents::{self, CANTEEN, FOREIGN, HOME, NEWSLETTER, ORDERS_API, WEBSHOP},
    portvakt::PROGRAM,
    token::now,
    world::configuration,
};

const ORDERS: &str = "test:team-orders:orders-api";
const GIVEN: [&str; 2] = ["portvakt.yaml", "applications"];

/// An issuer, and a folder with configuration and documents.
struct Desk {
    issuer: Issuer,
    folder: TempDir,
}

impl Desk {
    fn new() -> Self {
        let issuer = Issuer::start(&[HOME, FOREIGN]);
        issuer.behave(FOREIGN, Behaviour::Failing);
        let folder = tempfile::tempdir().unwrap();
        documents::write(&folder.path().join("applications"));
        let desk = Self { issuer, folder };
        desk.write("portvakt.yaml", &configuration(&desk.issuer, json!({})).to_string());
        desk
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// With a token in a file, as JSON; nothing of the token may be seen.
    async fn explain(&self, token: &str, arguments: &[&str]) -> (Option<i32>, Value) {
        self.write("token", token);
        let all = [&["--token", "token", "--format", "json"], arguments, &GIVEN].concat();
        let output = run(self.folder.path(), &all).await;
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        for part in token.split('.').filter(|part| part.len() > 8) {
            assert!(!out.contains(part) && !err.contains(part), "{out}{err}");
        }
        (output.status.code(), serde_json::from_str(out).unwrap_or(json!(err)))
    }
}

/// Elsewhere than on the thread that the issuer needs.
async fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.arg("explain").args(arguments).current_dir(folder).env_clear().stdin(Stdio::null());
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_explained_with_the_keys_of_its_issuer() {
    let desk = Desk::new();
    let app = || Token::of_application(WEBSHOP);
    let user = || Token::of_user(WEBSHOP);
    for (reason, token) in [
        ("application_granted", app()),
        ("user_granted", user()),
        ("token_key_unknown", app().header("kid", "unknown")),
        ("token_audience_rejected", app().claim("aud", WEBSHOP)),
        ("token_expired", app().claim("exp", now() - 3600)),
        ("token_claims_invalid", app().without("idtyp")),
        ("consumer_not_granted", Token::of_application(NEWSLETTER)),
        ("role_missing", app().claim("roles", json!(["other"]))),
        ("scope_missing", user().claim("scp", "other")),
        ("user_not_granted", user().claim("groups", json!([CANTEEN]))),
        ("groups_overage", Token::of_user_with_many_groups(WEBSHOP)),
    ] {
        let token = desk.issuer.issue(HOME, &token);
        let (code, told) = desk.explain(&token, &["--host", "orders.test"]).await;
        assert_eq!(told["reason"], reason, "{told}");
        let is_allowed = AllowReason::ALL.iter().any(|allowed| allowed.code() == reason);
        assert_eq!(code, Some(if is_allowed { 0 } else { 1 }), "{reason}");
        assert_eq!(told["application"], ORDERS);
        assert!(!told["remedies"].as_array().unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_decided_is_named_with_file_line_and_column() {
    let desk = Desk::new();
    let granted = desk.issuer.issue(HOME, &Token::of_application(WEBSHOP));
    let (_, told) = desk.explain(&granted, &["--application", ORDERS]).await;
    let place = json!([{"file": "applications/orders-api.yaml", "line": 20, "column": 11}]);
    assert_eq!(told["decided_by"][0]["at"], place);
    assert_eq!(told["remedies"][0]["at"], place);
    let refused = desk.issuer.issue(HOME, &Token::of_application(NEWSLETTER));
    let (_, told) = desk.explain(&refused, &["--application", ORDERS]).await;
    let rule = "- application: newsletter\n  namespace: team-insight";
    assert_eq!(told["remedies"][0]["text"], rule);
    let expired = Token::of_application(WEBSHOP).claim("exp", now() - 3600);
    let (_, told) =
        desk.explain(&desk.issuer.issue(HOME, &expired), &["--host", "orders.test"]).await;
    let advice = told["remedies"][0]["text"].as_str().unwrap();
    for part in [ORDERS_API, &desk.issuer.name(HOME), "api://test.team-orders.orders-api/.default"]
    {
        assert!(advice.contains(part), "{advice}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_of_the_past_is_asked_about_with_the_keys_of_now() {
    let desk = Desk::new();
    let token = Token::of_application(WEBSHOP)
        .claim("iat", 1_700_000_000)
        .claim("nbf", 1_700_000_000)
        .claim("exp", 1_700_003_600);
    let token = desk.issuer.issue(HOME, &token);
    let asked = ["--host", "orders.test", "--at", "2023-11-14T22:30:00Z"];
    let (code, told) = desk.explain(&token, &asked).await;
    assert_eq!((code, &told["reason"]), (Some(0), &json!("application_granted")));
    let (code, told) = desk.explain(&token, &asked[..2]).await;
    assert_eq!((code, &told["reason"]), (Some(1), &json!("token_expired")));
    let (code, _) = desk.explain(&token, &["--host", "orders.test", "--at", "yesterday"]).await;
    assert_eq!(code, Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_cannot_be_had_are_an_error_only_where_they_are_needed() {
    let mut desk = Desk::new();
    let key = desk.issuer.key(HOME);
    let foreign = desk.issuer.issue(FOREIGN, &Token::of_application(WEBSHOP));
    let (code, said) = desk.explain(&foreign, &["--host", "pension.test"]).await;
    assert_eq!(code, Some(2));
    let said = said.as_str().unwrap();
    assert!(said.contains(&format!("the keys of tenant {FOREIGN} cannot be had")), "{said}");
    assert!(said.contains("it answered with status 500"), "{said}");

    let token = desk.issuer.issue(HOME, &Token::of_application(WEBSHOP));
    desk.issuer.leave().await;
    let orders = ["--host", "orders.test"];
    let (code, _) = desk.explain(&token, &orders).await;
    assert_eq!(code, Some(2));
    let (code, told) = desk.explain("a.b", &orders).await;
    assert_eq!((code, &told["reason"]), (Some(1), &json!("token_malformed")));

    desk.write("keys.json", &json!({"keys": [key.jwk()]}).to_string());
    let (code, told) =
        desk.explain(&token, &[&orders[..], &["--jwks", "keys.json"]].concat()).await;
    assert_eq!((code, &told["reason"]), (Some(0), &json!("application_granted")));
    for (name, text) in [("empty.json", "{\"keys\": []}"), ("broken.json", "{")] {
        desk.write(name, text);
        let (code, said) = desk.explain(&token, &[&orders[..], &["--jwks", name]].concat()).await;
        assert_eq!(code, Some(2));
        assert!(said.as_str().unwrap().contains(&format!("{name}: the key set")), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_it_is_told_what_a_request_without_one_gets() {
    let desk = Desk::new();
    for (arguments, code, reason) in [
        (&["--host", "orders.test"][..], 1, "token_missing"),
        (&["--host", "orders.test", "--path", "/internal/alive"], 0, "unauthenticated_path"),
        (&["--host", "orders.test", "--method", "OPTIONS", "--preflight"], 0, "cors_preflight"),
        (&["--host", "nobody.test"], 1, "application_unknown"),
        (&["--host", "archive.test"], 1, "application_disabled"),
        (&["--asked-by", "workloads", "--host", "orders.test"], 1, "application_unknown"),
        (
            &["--destination-principal", "spiffe://cluster.local/ns/team-orders/sa/orders-api"],
            1,
            "token_missing",
        ),
    ] {
        let output = run(desk.folder.path(), &[arguments, &GIVEN].concat()).await;
        let said = text(&output.stdout);
        assert_eq!(output.status.code(), Some(code), "{said}{}", text(&output.stderr));
        assert!(said.lines().next().unwrap().contains(reason), "{said}");
        assert!(said.contains("\nWhat would "), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_no_document_has_is_answered_with_the_one_that_is_meant() {
    let desk = Desk::new();
    for (name, expected) in [
        ("test:team-orders:order-api", Some("Is test:team-orders:orders-api meant?")),
        (
            "prod:team-orders:orders-api",
            Some("The documents given are those of test:team-orders:orders-api: their cluster"),
        ),
        ("test:team-orders:zzz", None),
        ("orders-api", None),
    ] {
        let output =
            run(desk.folder.path(), &[&["--application", name][..], &GIVEN].concat()).await;
        let said = text(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(output.status.code(), Some(1), "{said}");
        match expected {
            Some(expected) => assert!(said.contains(expected), "{name}: {said}"),
            None => assert!(!said.contains("Notes"), "{name}: {said}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_on_the_command_line_is_refused_and_not_repeated() {
    let desk = Desk::new();
    let token = desk.issuer.issue(HOME, &Token::of_application(WEBSHOP));
    for arguments in [
        &["--host", "orders.test", &token][..],
        &["--host", "orders.test", "--token", &token],
        &["--host", "orders.test", &format!("Bearer {token}")],
    ] {
        let output = run(desk.folder.path(), &[arguments, &GIVEN].concat()).await;
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("a token is never an argument"), "{said}");
        assert!(!said.contains("eyJ") && output.stdout.is_empty(), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_named_and_no_half_answer_is_given_for_a_whole() {
    let desk = Desk::new();
    desk.write("empty", "\n");
    desk.write("lines", "a.b.c\n\na.b.c\n");
    desk.write("foreign.log", "{}\nan error about 0000000000000000000000000000beef\n");
    desk.write("broken.yaml", "kind: [\n");
    let host = ["--host", "orders.test"];
    let log = ["--decisions", "foreign.log", "--id"];
    for (arguments, complaint) in [
        ([&host[..], &["--token", "nowhere"], &GIVEN].concat(), "nowhere: cannot be read"),
        ([&host[..], &["--token", "empty"], &GIVEN].concat(), "empty: there is no token in it"),
        ([&host[..], &["--token", "lines"], &GIVEN].concat(), "lines:3: a token is one line"),
        ([&host[..], &["nowhere.yaml"]].concat(), "nowhere.yaml: there is no such file"),
        ([&host[..], &["portvakt.yaml"]].concat(), "no application is described"),
        ([&[][..], &GIVEN].concat(), "State --application, --host or --destination-principal"),
        ([&host[..], &["--token", "token", "applications"]].concat(), "give the configuration"),
        ([&host[..], &GIVEN, &["broken.yaml"]].concat(), "broken.yaml:"),
        (
            [&log[..], &["0000000000000000000000000000beef"], &GIVEN].concat(),
            "foreign.log:2: this line names decision",
        ),
        ([&log[..], &["cafe"], &GIVEN].concat(), "foreign.log: no decision cafe is among its 2"),
        (["--id", "cafe"].iter().chain(&GIVEN).copied().collect(), "--decisions"),
        ([&log[..], &["cafe"], &host, &GIVEN].concat(), "cannot be used with"),
    ] {
        desk.write("token", "a.b.c");
        let output = run(desk.folder.path(), &arguments).await;
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(complaint), "{arguments:?}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_of_a_log_is_explained_by_the_documents_of_now() {
    let desk = Desk::new();
    let record = |id: &str, reason: &str, client_id: Option<&str>| {
        let decision = if reason == "application_granted" { "allow" } else { "deny" };
        let mut record = json!({
            "time": "2026-11-28T21:58:45.001Z", "decision_id": id, "decision": decision,
            "reason": reason, "application": ORDERS, "method": "GET", "path": "/orders",
        });
        if let Some(client_id) = client_id {
            let roles = ["access_as_application"];
            record["caller"] = json!({"kind": "application", "client_id": client_id,
                "tenant_id": HOME, "roles": roles});
        }
        record.to_string() + "\n"
    };
    let log = [
        record("aa01", "consumer_not_granted", Some(NEWSLETTER)),
        record("aa02", "consumer_not_granted", Some(WEBSHOP)),
        record("aa03", "application_disabled", None),
        record("aa04", "token_expired", None),
    ];
    desk.write("decisions.log", &log.concat());
    for (id, code, reason, differs) in [
        ("aa01", 1, "consumer_not_granted", false),
        ("aa02", 0, "application_granted", true),
        ("aa03", 3, "internal_error", true),
        ("aa04", 1, "token_expired", false),
    ] {
        let arguments = ["--decisions", "decisions.log", "--id", id, "--format", "json"];
        let output = run(desk.folder.path(), &[&arguments[..], &GIVEN].concat()).await;
        assert_eq!(output.status.code(), Some(code), "{id}: {}", text(&output.stderr));
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(told["certain"], code != 3);
        assert_eq!(
            (&told["reason"], &told["recorded"]["differs"]),
            (&json!(reason), &json!(differs))
        );
    }
}
