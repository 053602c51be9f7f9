//! Issuers change their keys, stumble, and come late.

use std::{fs, time::Instant};

use serde_json::json;

use crate::support::{
    Behaviour, Envoy, Issuer, Portvakt, Release, Token, Upstream, World,
    documents::{self, FOREIGN, HOME, WEBSHOP},
    envoy, until,
    wait::until_equal,
    world::{ask, client, configuration},
};

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_with_a_new_key_new_tokens_count_and_old_ones_do_not() {
    let world = World::start().await;
    let token = Token::of_application(WEBSHOP);
    let old = world.issuer.issue(HOME, &token);
    world.get("/").bearer(&old).send().await.received();

    world.issuer.rotate(HOME, "the next key");
    let new = world.issuer.issue(HOME, &token);
    // Within the cooldown the key is unknown; after it, the token itself has it fetched.
    until_equal(200, async || world.get("/").bearer(&new).send().await.status).await;
    // The old token was verified before; its key is gone, and with it the memory.
    world.get("/").bearer(&old).send().await.assert_denied("token_key_unknown");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_that_is_announced_refuses_nobody_before_the_old_key_is_gone() {
    let changes = json!({"entra": {"keys": {"refresh_interval": "1s"}}});
    let world = World::with(Release::Current, changes, |envoy| envoy).await;
    let token = Token::of_application(WEBSHOP);
    let old = world.issuer.issue(HOME, &token);
    let keys = format!("portvakt_jwks_keys{{issuer=\"{}\"}}", world.issuer.name(HOME));

    world.issuer.announce(HOME, "the next key");
    until_equal(Some(2.0), async || world.portvakt.metric(&keys).await).await;
    world.issuer.switch(HOME);
    let new = world.issuer.issue(HOME, &token);
    for token in [&old, &new] {
        world.get("/").bearer(token).send().await.received();
    }
    world.issuer.withdraw(HOME);
    until_equal(Some(1.0), async || world.portvakt.metric(&keys).await).await;
    world.get("/").bearer(&old).send().await.assert_denied("token_key_unknown");
    world.get("/").bearer(&new).send().await.received();
}

#[tokio::test(flavor = "multi_thread")]
async fn another_key_by_the_same_name_ends_what_the_first_one_proved() {
    let changes = json!({"entra": {"keys": {"refresh_interval": "1s"}}});
    let world = World::with(Release::Current, changes, |envoy| envoy).await;
    let token = Token::of_application(WEBSHOP);
    let old = world.issuer.issue(HOME, &token);
    world.get("/").bearer(&old).send().await.received();

    world.issuer.rotate(HOME, &world.issuer.key(HOME).kid);
    let new = world.issuer.issue(HOME, &token);
    until_equal(200, async || world.get("/").bearer(&new).send().await.status).await;
    world.get("/").bearer(&old).send().await.assert_denied("token_signature_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_that_stumbles_takes_nobody_down() {
    let world = World::start().await;
    let token = world.issuer.issue(HOME, &Token::of_application(WEBSHOP));
    let unknown = Token::of_application(WEBSHOP).header("kid", "unknown");
    let failures = failures(&world.issuer);
    for behaviour in Behaviour::FAULTY {
        world.issuer.behave(HOME, behaviour);
        let before = world.portvakt.metric(&failures).await;
        until(&format!("a refresh that fails: {behaviour:?}"), async || {
            let answer = world.get("/").token(&unknown).send().await;
            answer.assert_denied("token_key_unknown");
            // Known keys are decided by as before, without waiting for anything.
            world.get("/").bearer(&token).send().await.received();
            (world.portvakt.metric(&failures).await > before).then_some(())
        })
        .await;
        assert_eq!(world.portvakt.admin("/readyz").await.0, 200, "{behaviour:?}");
    }
    world.issuer.behave(HOME, Behaviour::MixedKeys);
    world.issuer.rotate(HOME, "after the trouble");
    let new = Token::of_application(WEBSHOP);
    until_equal(200, async || world.get("/").token(&new).send().await.status).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_whose_port_closes_takes_nobody_down_and_is_found_again() {
    let changes = json!({"entra": {"keys": {"refresh_interval": "1s"}}});
    let mut world = World::with(Release::Current, changes, |envoy| envoy).await;
    let name = world.issuer.name(HOME);
    let failures = failures(&world.issuer);
    let fetched = format!("portvakt_jwks_last_success_timestamp_seconds{{issuer=\"{name}\"}}");
    let token = Token::of_application(WEBSHOP);
    let old = world.issuer.issue(HOME, &token);
    let other = world.issuer.issue(HOME, &token.clone().claim("uti", "not seen before"));
    world.get("/").bearer(&old).send().await.received();

    world.issuer.leave().await;
    world.issuer.rotate(HOME, "the next key");
    let new = world.issuer.issue(HOME, &token);
    let failed = async || world.portvakt.metric(&failures).await.unwrap_or(0.0);
    until("a refresh that fails", async || (failed().await > 0.0).then_some(())).await;
    world.get("/").bearer(&other).send().await.received();
    let last_success = world.portvakt.metric(&fetched).await;
    until("further ones", async || {
        world.get("/").bearer(&old).send().await.received();
        world.get("/").bearer(&new).send().await.assert_denied("token_key_unknown");
        (failed().await > 2.0).then_some(())
    })
    .await;
    assert_eq!(world.portvakt.metric(&fetched).await, last_success, "the keys grow older");
    assert_eq!(world.portvakt.admin("/readyz").await.0, 200);

    world.issuer.come();
    until_equal(200, async || world.get("/").bearer(&new).send().await.status).await;
    world.get("/").bearer(&old).send().await.assert_denied("token_key_unknown");
    assert!(world.portvakt.metric(&fetched).await > last_success);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_metadata_document_that_points_elsewhere_is_not_followed() {
    let changes = json!({"entra": {"keys": {"refresh_interval": "1s"}}});
    let world = World::with(Release::Current, changes, |envoy| envoy).await;
    let token = world.issuer.issue(HOME, &Token::of_application(WEBSHOP));
    for (behaviour, told) in [
        (Behaviour::KeysElsewhere, "is not at its own host"),
        (Behaviour::OtherIssuer, "by the configuration it is"),
    ] {
        world.issuer.behave(HOME, behaviour);
        until(told, async || world.portvakt.log.text().contains(told).then_some(())).await;
        world.get("/").bearer(&token).send().await.received();
    }
    assert_eq!(world.issuer.strays(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_unknown_keys_costs_the_issuer_little_and_others_nothing() {
    let limits = json!({"limits": {"concurrent_checks": 32, "deadline": "1s"}});
    let world = World::with(Release::Current, limits, |envoy| envoy).await;
    let token = world.issuer.issue(HOME, &Token::of_application(WEBSHOP));
    let (began, before) = (Instant::now(), world.issuer.key_requests(HOME));
    let forged = |number: usize| {
        let token = Token::of_application(WEBSHOP).header("kid", format!("forged {number}"));
        world.get("/").token(&token).send()
    };
    for number in 0..300 {
        forged(number).await.assert_denied("token_key_unknown");
    }
    let asked = world.issuer.key_requests(HOME) - before;
    let allowed = usize::try_from(began.elapsed().as_secs()).unwrap() + 1;
    assert!(asked <= allowed, "{asked} requests where the cooldown allows {allowed}");

    world.issuer.behave(HOME, Behaviour::Hanging);
    until("a check that waits for the keys", async || {
        (forged(0).await.reason()? == "deadline_exceeded").then_some(())
    })
    .await;
    // Three times as many wait as may be decided at once.
    let flood = futures_util::future::join_all((0..96).map(forged));
    let good = async {
        for _ in 0..30 {
            world.get("/").bearer(&token).send().await.received();
        }
    };
    let (refused, ()) = tokio::join!(flood, good);
    for answer in refused {
        let reason = answer.reason().unwrap();
        assert!(["deadline_exceeded", "token_key_unknown"].contains(&&*reason), "{reason}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_that_comes_late_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    documents::write(&folder.path().join("applications"));
    let mut issuer = Issuer::absent(&[HOME, FOREIGN]);
    let config = configuration(&issuer, json!({}));
    let portvakt = Portvakt::start(folder.path(), &config).await;
    let upstream = Upstream::start().await;
    let config = envoy::Config::shipped(&[&portvakt.listeners[0]], &upstream);
    let envoy = Envoy::start(Release::Current, folder.path(), &config).await;
    let send = async |token: &str| ask(&client(), envoy.address, token).await;

    let token = issuer.issue(HOME, &Token::of_application(WEBSHOP));
    let (status, text) = portvakt.admin("/readyz").await;
    assert_eq!((status, text.contains("no issuer's keys are loaded")), (503, true), "{text}");
    assert_eq!(portvakt.metric("portvakt_ready").await, Some(0.0));
    assert_eq!(portvakt.admin("/livez").await.0, 200);
    until_equal(Some("keys_unavailable".to_owned()), async || send(&token).await.reason()).await;
    send(&token).await.assert_denied("keys_unavailable");

    issuer.come();
    let portvakt = portvakt.ready().await;
    send(&token).await.received();
    assert_eq!(upstream.requests(), 1);
    assert_eq!(portvakt.metric("portvakt_ready").await, Some(1.0));
    drop(portvakt);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_that_hangs_at_the_start_is_asked_again_without_waiting_for_what_hangs() {
    let folder = tempfile::tempdir().unwrap();
    documents::write(&folder.path().join("applications"));
    let issuer = Issuer::start(&[HOME, FOREIGN]);
    issuer.behave(HOME, Behaviour::Hanging);
    issuer.behave(FOREIGN, Behaviour::Failing);
    let portvakt = Portvakt::start(folder.path(), &configuration(&issuer, json!({}))).await;
    let failures = failures(&issuer);
    until("two at once", async || (issuer.hanging(HOME) > 1).then_some(())).await;
    assert_eq!(portvakt.admin("/readyz").await.0, 503);
    issuer.behave(HOME, Behaviour::Normal);
    let portvakt = portvakt.ready().await;
    assert_eq!(portvakt.metric(&failures).await, None, "what hung was not waited for");
    until_equal(0, async || issuer.hanging(HOME)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_too_old_to_be_trusted_are_replaced_without_waiting_for_what_hangs() {
    let changes = json!({"entra": {"keys": {"refresh_interval": "1s", "max_age": "3s"}}});
    let world = World::with(Release::Current, changes, |envoy| envoy).await;
    let token = world.issuer.issue(HOME, &Token::of_application(WEBSHOP));
    let ask = || world.get("/").bearer(&token).send();
    until_equal(200, async || ask().await.status).await;
    world.issuer.behave(HOME, Behaviour::Hanging);
    until_equal(Some("keys_unavailable".to_owned()), async || ask().await.reason()).await;
    until("two at once", async || (world.issuer.hanging(HOME) > 1).then_some(())).await;
    ask().await.assert_denied("keys_unavailable");
    world.issuer.behave(HOME, Behaviour::Normal);
    until_equal(200, async || ask().await.status).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn issuer_and_keys_can_be_stated_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    documents::write(&folder.path().join("applications"));
    let issuer = Issuer::start(&[HOME]);
    let name = issuer.name(HOME);
    let jwks_uri = name.replace("/v2.0", "/discovery/v2.0/keys");
    let changes = json!({"entra": {"tenants": [{"issuer": name, "jwks_uri": jwks_uri}]}});
    let portvakt = Portvakt::start(folder.path(), &configuration(&issuer, changes)).await;
    let portvakt = portvakt.ready().await;
    let upstream = Upstream::start().await;
    let config = envoy::Config::shipped(&[&portvakt.listeners[0]], &upstream);
    let envoy = Envoy::start(Release::Current, folder.path(), &config).await;
    let token = issuer.issue(HOME, &Token::of_application(WEBSHOP));
    ask(&client(), envoy.address, &token).await.received();
    // Nothing but the configuration and the documents lies there: no state is written.
    let mut names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.retain(|name| !name.to_string_lossy().starts_with(".tmp"));
    names.sort();
    assert_eq!(names, ["applications", "portvakt.yaml"]);
}

/// The series that counts failed refreshes of the home tenant's keys.
fn failures(issuer: &Issuer) -> String {
    let name = issuer.name(HOME);
    format!("portvakt_jwks_refreshes_total{{issuer=\"{name}\",outcome=\"failure\"}}")
}
