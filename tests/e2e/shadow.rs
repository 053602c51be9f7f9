//! Rehearsals on live traffic: applications in shadow, and documents that are tried beside those in
//! force.

use std::fs;

use serde_json::{Value, json};

use crate::support::{
    Answer, Release, Token, World,
    documents::{NEWSLETTER, WEBSHOP, replace},
    until,
    wait::until_equal,
};

const ORDERS: &str = include_str!("documents/orders-api.yaml");

/// orders-api with a mode of its own.
fn stating(mode: &str) -> String {
    let named = "metadata: {name: orders-api, namespace: team-orders";
    ORDERS.replacen(named, &format!("{named}, annotations: {{portvakt.dev/mode: {mode}}}"), 1)
}

/// Whether the upstream was reached, and by nobody in particular.
fn is_let_through(answer: &Answer) -> bool {
    answer.status == 200
        && answer.received().all("x-caller-kind").is_empty()
        && answer.received().all("x-caller-client-id").is_empty()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_in_shadow_lets_through_whom_it_refuses_and_tells_why() {
    let log = tempfile::NamedTempFile::new().unwrap();
    let world = World::with(Release::Current, json!({}), |envoy| envoy.logs_metadata(log.path()));
    let world = world.await;
    let newsletter = Token::of_application(NEWSLETTER);
    let get = async |token: &Token| {
        // Whoever calls may claim to be somebody; shadow does not make it true.
        let request = world.get("/").token(token).header("x-caller-client-id", WEBSHOP);
        request.header("x-caller-kind", "application").send().await
    };
    get(&newsletter).await.assert_denied("consumer_not_granted");

    replace(&world.documents().join("orders-api.yaml"), &stating("shadow"));
    until_equal(true, async || get(&newsletter).await.status == 200).await;
    assert!(is_let_through(&get(&newsletter).await));
    let expired = Token::of_application(WEBSHOP).claim("exp", 1);
    for (request, reason) in [
        (world.get("/"), "token_missing"),
        (world.get("/").bearer("x"), "token_malformed"),
        (world.get("/").token(&expired), "token_expired"),
    ] {
        assert!(is_let_through(&request.send().await), "{reason}");
        let series = format!(
            "portvakt_checks_total{{application=\"test:team-orders:orders-api\",caller=\"unknown\",\
             decision=\"allow\",reason=\"{reason}\"}}"
        );
        assert_eq!(world.portvakt.metric(&series).await, Some(1.0), "{reason}");
    }
    // Who is granted comes with name and all.
    let granted = get(&Token::of_application(WEBSHOP)).await;
    assert_eq!(granted.received().all("x-caller-client-id"), [WEBSHOP]);
    // Others enforce.
    let other = world.get("/").host("directory.test").token(&newsletter).send().await;
    other.assert_denied("token_audience_rejected");

    let event = world.portvakt.log.event("mode", "shadow").await;
    assert_eq!(
        (&event["decision"], &event["reason"]),
        (&json!("allow"), &json!("consumer_not_granted"))
    );
    let told = until("the access log's line", async || {
        let text = fs::read_to_string(log.path()).unwrap();
        let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.map(|line| line["portvakt"].clone()).find(|told| told["mode"] == "shadow")
    })
    .await;
    assert_eq!((&told["decision"], &told["caller"]), (&json!("allow"), &Value::Null), "{told}");

    replace(&world.documents().join("orders-api.yaml"), &stating("enforce"));
    until_equal(403, async || get(&newsletter).await.status).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_shadow_by_default_nobody_is_kept_out_but_by_applications_that_enforce() {
    let changes = json!({"applications": {"default_mode": "shadow"}});
    let world = World::with(Release::Current, changes, |envoy| envoy).await;
    let newsletter = Token::of_application(NEWSLETTER);
    let get = async |host: &str| world.get("/").host(host).token(&newsletter).send().await;
    for host in ["orders.test", "nobody.test", "directory.test"] {
        assert!(is_let_through(&get(host).await), "{host}");
    }
    let unknown = "portvakt_checks_total{application=\"unknown\",caller=\"unknown\",\
                   decision=\"allow\",reason=\"application_unknown\"}";
    assert_eq!(world.portvakt.metric(unknown).await, Some(1.0));

    replace(&world.documents().join("orders-api.yaml"), &stating("enforce"));
    until_equal(403, async || get("orders.test").await.status).await;
    assert!(is_let_through(&get("directory.test").await));
}

#[tokio::test(flavor = "multi_thread")]
async fn candidate_documents_are_tried_and_change_no_answer() {
    let changes = json!({
        "applications": {"candidate_paths": ["candidates"]},
        "decision_log": {"to": "decisions.jsonl"},
    });
    let newsletter = "{application: newsletter, namespace: team-insight}";
    let candidates = ORDERS
        .replace("{application: webshop}", newsletter)
        .replace("application: webshop, namespace: team-orders", "application: gone");
    let world = World::prepared(Release::Current, changes, |folder| {
        fs::create_dir(folder.join("candidates")).unwrap();
        fs::write(folder.join("candidates/orders-api.yaml"), &candidates).unwrap();
        let others = include_str!("documents/others.yaml");
        fs::write(folder.join("candidates/others.yaml"), others).unwrap();
    });
    let world = world.await;
    world.portvakt.log.event("message", "candidate documents read").await;
    let difference = async |active: &str, candidate: &str| {
        let series = format!(
            "portvakt_candidate_differences_total{{active=\"{active}\",application=\
             \"test:team-orders:orders-api\",candidate=\"{candidate}\"}}"
        );
        world.portvakt.metric(&series).await
    };
    let get =
        async |client_id| world.get("/").token(&Token::of_application(client_id)).send().await;
    // Whom the candidates would shut out, and whom they would let in: neither notices.
    get(WEBSHOP).await.received();
    get(NEWSLETTER).await.assert_denied("consumer_not_granted");
    world.get("/").send().await.assert_denied("token_missing");
    world.get("/internal/alive").send().await.received();
    assert_eq!(difference("application_granted", "consumer_not_granted").await, Some(1.0));
    assert_eq!(difference("consumer_not_granted", "application_granted").await, Some(1.0));
    assert_eq!(difference("token_missing", "token_missing").await, None);
    let event = world.portvakt.log.event("candidate_reason", "application_granted").await;
    assert_eq!(
        (&event["decision"], &event["candidate_decision"]),
        (&json!("deny"), &json!("allow"))
    );
    let told = until("four decisions", async || {
        let log = fs::read_to_string(world.path("decisions.jsonl")).unwrap();
        let decisions: Vec<Value> =
            log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let told = |decision: &Value| decision.get("candidate").cloned();
        (decisions.len() == 4).then(|| decisions.iter().map(told).collect::<Vec<_>>())
    })
    .await;
    let expected = [
        Some(json!({"decision": "deny", "reason": "consumer_not_granted"})),
        Some(json!({"decision": "allow", "reason": "application_granted"})),
        None,
        None,
    ];
    assert_eq!(told, expected);
    assert_eq!(world.portvakt.metric("portvakt_candidate_last_reload_successful").await, Some(1.0));

    // They are followed like the others, and harm nobody where they are broken.
    replace(&world.path("candidates/orders-api.yaml"), "kind: [\n");
    until_equal(Some(0.0), async || {
        world.portvakt.metric("portvakt_candidate_last_reload_successful").await
    })
    .await;
    get(WEBSHOP).await.received();
    assert_eq!(world.portvakt.metric("portvakt_last_reload_successful").await, Some(1.0));
    replace(&world.path("candidates/orders-api.yaml"), ORDERS);
    until_equal(Some(1.0), async || {
        world.portvakt.metric("portvakt_candidate_last_reload_successful").await
    })
    .await;
    get(WEBSHOP).await.received();
    assert_eq!(difference("application_granted", "consumer_not_granted").await, Some(2.0));
}
