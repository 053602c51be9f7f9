//! What is seen of decisions elsewhere: challenges, Envoy's access log, Portvakt's own.

use std::fs;

use serde_json::{Value, json};

use crate::support::{
    Release, Token, World,
    documents::{HOME, NEWSLETTER, ORDER_DESK, WEBSHOP},
    until,
};

#[tokio::test(flavor = "multi_thread")]
async fn challenges_name_the_metadata_of_the_resource() {
    let changes =
        json!({"resource_metadata": "https://orders.test/.well-known/oauth-protected-resource"});
    let world = World::with(Release::Current, changes, |config| config).await;
    let resource =
        r#"resource_metadata="https://orders.test/.well-known/oauth-protected-resource""#;
    let expired = world.issuer.issue(HOME, &Token::of_application(WEBSHOP).claim("exp", 1));
    for (credentials, challenge) in [
        (String::new(), format!("Bearer {resource}")),
        (
            "Bearer".to_owned(),
            format!(
                r#"Bearer error="invalid_request", error_description="There is no token after the scheme Bearer.", {resource}"#
            ),
        ),
        (
            format!("Bearer {expired}"),
            format!(
                r#"Bearer error="invalid_token", error_description="The token has expired.", {resource}"#
            ),
        ),
    ] {
        // Host is the caller's to choose; the metadata's place is not.
        let request = world.get("/").host("orders.test:1234");
        let answer = request.header("authorization", &credentials).send().await;
        assert_eq!(answer.header("www-authenticate"), Some(&*challenge));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn envoys_access_log_can_tell_who_called_and_why_not() {
    let log = tempfile::NamedTempFile::new().unwrap();
    let world = World::with(Release::Current, json!({}), |envoy| envoy.logs_metadata(log.path()));
    let world = world.await;
    world.get("/").token(&Token::of_user(WEBSHOP)).send().await.received();
    let denied = world.get("/").token(&Token::of_application(NEWSLETTER)).send().await;
    denied.assert_denied("consumer_not_granted");

    let logged = until("both lines of the access log", async || {
        let text = fs::read_to_string(log.path()).unwrap();
        let lines: Vec<Value> =
            text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        (lines.len() == 2).then_some(lines)
    })
    .await;
    let facts = [
        (0, "decision", "allow"),
        (0, "reason", "user_granted"),
        (0, "application", "test:team-orders:orders-api"),
        (1, "decision", "deny"),
        (1, "reason", "consumer_not_granted"),
    ];
    for (line, name, value) in facts {
        assert_eq!(logged[line]["portvakt"][name], value, "{logged:?}");
    }
    let caller = &logged[0]["portvakt"]["caller"];
    assert_eq!(
        (&caller["name"], &caller["groups"]),
        (&json!("Bjørn Sørensen"), &json!([ORDER_DESK]))
    );
    let problem: Value = serde_json::from_str(&denied.body).unwrap();
    assert_eq!(logged[1]["portvakt"]["decision_id"], problem["decision_id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_is_logged_with_the_callers_trace_and_without_its_token() {
    let world = World::start().await;
    let token = world.issuer.issue(HOME, &Token::of_application(NEWSLETTER));
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let request = world.get("/?secret=1").bearer(&token);
    let request = request.header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"));
    request.send().await.assert_denied("consumer_not_granted");

    let logged = world.portvakt.log.event("trace_id", trace).await;
    for (name, value) in [
        ("message", "denied"),
        ("reason", "consumer_not_granted"),
        ("application", "test:team-orders:orders-api"),
        ("caller", "test:team-insight:newsletter"),
        ("client_id", NEWSLETTER),
    ] {
        assert_eq!(logged[name], value, "{logged}");
    }
    let text = world.portvakt.log.text();
    assert!(token.split('.').all(|part| !text.contains(part)) && !text.contains("secret"));
}
