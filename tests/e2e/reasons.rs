//! Every reason of the contract, provoked by an HTTP request and seen from all sides.

use std::collections::BTreeSet;

use portvakt::decision::{AllowReason, DenyReason};
use reqwest::Method;
use serde_json::json;

use crate::{
    mesh::Sidecar,
    support::{
        Answer, Behaviour, Graph, Release, Token, World,
        attacks::unfinished_check,
        documents::{CANTEEN, FOREIGN, HOME, NEWSLETTER, WEBSHOP},
        graph::Mood,
        until,
        world::Request,
    },
};

#[tokio::test(flavor = "multi_thread")]
async fn every_reason_is_provoked_through_the_current_envoy() {
    provoke_every_reason(Release::Current).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reason_is_provoked_through_the_older_envoy() {
    provoke_every_reason(Release::Older).await;
}

async fn provoke_every_reason(release: Release) {
    let mut provoked = BTreeSet::from_iter(by_ordinary_requests(release).await);
    provoked.extend(under_strain(release).await);
    provoked.extend(behind_a_sidecar(release).await);
    provoked.extend(before_a_graph_that_fails(release).await);
    let denials = DenyReason::ALL.iter().map(|reason| reason.code());
    let all: BTreeSet<_> = denials.chain(AllowReason::ALL.map(AllowReason::code)).collect();
    assert_eq!(provoked, all);
}

async fn by_ordinary_requests(release: Release) -> Vec<&'static str> {
    let world = World::with(release, json!({}), |envoy| envoy).await;
    let key = world.issuer.key(HOME);
    let signed = world.issuer.complete(HOME, &Token::of_application(WEBSHOP), &key.kid);
    let altered = signed.clone().claim("azp", NEWSLETTER).signing_input();
    let app = || Token::of_application(WEBSHOP);
    let user = || Token::of_user(WEBSHOP);
    let orders = || world.get("/orders");
    let preflight = world.request(Method::OPTIONS, "/orders").header("origin", "https://x.test");
    let preflight = preflight.header("access-control-request-method", "PUT");
    let cases: Vec<(&str, Request<'_>)> = vec![
        ("application_unknown", orders().host("nobody.test").token(&app())),
        ("application_disabled", orders().host("archive.test").token(&app())),
        ("unauthenticated_path", world.get("/internal/alive")),
        ("cors_preflight", preflight),
        ("token_missing", orders()),
        ("credentials_malformed", orders().header("authorization", "Bearer a, Bearer b")),
        ("token_malformed", orders().bearer("a.b")),
        ("token_algorithm_rejected", orders().token(&app().header("alg", "none"))),
        ("token_kind_rejected", orders().token(&app().header("nonce", "n"))),
        ("token_key_unknown", orders().token(&app().header("kid", "unknown"))),
        ("keys_unavailable", orders().host("pension.test").token(&app())),
        ("token_signature_invalid", orders().bearer(&format!("{altered}.{}", key.sign("")))),
        ("token_issuer_rejected", orders().token(&app().claim("iss", "https://x.test"))),
        ("token_audience_rejected", orders().token(&app().claim("aud", WEBSHOP))),
        ("token_expired", orders().token(&app().claim("exp", 1_700_000_000))),
        ("token_not_yet_valid", orders().token(&app().claim("nbf", 4_000_000_000_u64))),
        ("token_version_rejected", orders().token(&app().claim("ver", "1.0"))),
        ("token_claims_invalid", orders().token(&app().claim("tid", FOREIGN))),
        ("consumer_not_granted", orders().token(&Token::of_application(NEWSLETTER))),
        ("role_missing", orders().token(&app().claim("roles", json!(["other"])))),
        ("scope_missing", orders().token(&user().claim("scp", "other"))),
        ("user_not_granted", orders().token(&user().claim("groups", json!([CANTEEN])))),
        ("groups_overage", orders().token(&Token::of_user_with_many_groups(WEBSHOP))),
        ("application_granted", orders().token(&app())),
        ("user_granted", orders().token(&user())),
    ];
    let mut provoked = Vec::new();
    for (reason, request) in cases {
        let before = (world.upstream.requests(), checks(&world, reason).await);
        let answer = request.send().await;
        let is_allowed = AllowReason::ALL.map(AllowReason::code).contains(&reason);
        match is_allowed {
            true => drop(answer.received()),
            false => assert_denied(&world, &answer, reason).await,
        }
        let after = (world.upstream.requests(), checks(&world, reason).await);
        assert_eq!(after, (before.0 + usize::from(is_allowed), before.1 + 1.0), "{reason}");
        provoked.push(reason);
    }
    provoked
}

/// One check at a time, no patience, small messages, and an issuer that begins to hang.
async fn under_strain(release: Release) -> [&'static str; 3] {
    let limits = json!({"concurrent_checks": 1, "deadline": "1s", "message_bytes": 8192});
    let world = World::with(release, json!({"limits": limits}), |envoy| envoy).await;

    let too_large = world.get("/orders").header("x-large", "x".repeat(9000)).send().await;
    assert_denied(&world, &too_large, "internal_error").await;

    world.issuer.behave(HOME, Behaviour::Hanging);
    let unknown_key = Token::of_application(WEBSHOP).header("kid", "unknown");
    // Until the cooldown after the first fetch is over, the key is plainly unknown.
    let late = until("a check that waits too long", async || {
        let answer = world.get("/orders").token(&unknown_key).send().await;
        (answer.reason()? == "deadline_exceeded").then_some(answer)
    })
    .await;
    let turned_away = until("one check too many", async || {
        let _unfinished = unfinished_check(world.portvakt.address()).await;
        let answer = world.get("/orders").send().await;
        (answer.reason()? == "overloaded").then_some(answer)
    })
    .await;
    assert_denied(&world, &late, "deadline_exceeded").await;
    assert_denied(&world, &turned_away, "overloaded").await;
    assert_eq!(world.upstream.requests(), 0);
    ["internal_error", "deadline_exceeded", "overloaded"]
}

async fn behind_a_sidecar(release: Release) -> [&'static str; 1] {
    let sidecar = Sidecar::start(release, "enforce").await;
    let token = Token::of_application(WEBSHOP);
    let answer = sidecar.get("team-insight", "newsletter", &token).await;
    assert_denied(&sidecar.world, &answer, "workload_mismatch").await;
    assert_eq!(sidecar.world.upstream.requests(), 0);
    ["workload_mismatch"]
}

async fn before_a_graph_that_fails(release: Release) -> [&'static str; 1] {
    let graph = Graph::start().await;
    graph.behave(Mood::Refusing(500, None));
    let world = World::with_graph(release, &graph).await;
    let token = Token::of_user_with_many_groups(WEBSHOP);
    let answer = world.get("/orders").token(&token).send().await;
    assert_denied(&world, &answer, "groups_unavailable").await;
    assert_eq!(world.upstream.requests(), 0);
    ["groups_unavailable"]
}

/// The answer, and the line of the log that tells of the same decision.
async fn assert_denied(world: &World, answer: &Answer, reason: &str) {
    answer.assert_denied(reason);
    let problem: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    let id = problem["decision_id"].as_str().unwrap();
    let logged = world.portvakt.log.event("decision_id", id).await;
    assert_eq!((&logged["reason"], &logged["detail"]), (&json!(reason), &problem["detail"]));
}

/// How many checks ended so, by the metrics.
async fn checks(world: &World, reason: &str) -> f64 {
    let (_, text) = world.portvakt.admin("/metrics").await;
    let series = text.lines().filter(|line| line.starts_with("portvakt_checks_total{"));
    let of_reason = series.filter(|line| line.contains(&format!("reason=\"{reason}\"")));
    of_reason.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
}
