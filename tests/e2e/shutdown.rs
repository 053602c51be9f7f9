//! The end of the service: asked for, nobody notices; unasked, nobody gets in.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    Envoy, Issuer, Portvakt, Release, Token, Upstream, World,
    documents::{self, FOREIGN, HOME, WEBSHOP},
    envoy,
    load::Load,
    until,
    world::configuration,
};

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_instances_ends_under_load_without_a_failed_request() {
    let (folder, issuer, config) = surroundings(json!({}));
    let mut leaving = Portvakt::start(folder.path(), &config).await.ready().await;
    let staying = Portvakt::start(folder.path(), &config).await.ready().await;
    let upstream = Upstream::start().await;
    let instances = [&*leaving.listeners[0], &*staying.listeners[0]];
    let config = quick_health_checks(envoy::Config::shipped(&instances, &upstream));
    let envoy = Envoy::start(Release::Current, folder.path(), &config).await;

    let token = issuer.issue(HOME, &Token::of_application(WEBSHOP));
    let load = Load::start(&envoy, &token, |answer| answer.status == 200);
    until("both instances to be asked", async || {
        let counts = [checks(&leaving).await, checks(&staying).await];
        counts.iter().all(|count| *count > 100.0).then_some(())
    })
    .await;

    leaving.signal("TERM");
    assert_eq!(leaving.ended().await.code(), Some(0), "{}", leaving.log.text());
    for message in ["asked to stop", "drained", "stopped"] {
        leaving.log.event("message", message).await;
    }
    let before = load.answers();
    let goes_on = async || (load.answers() > before + 200).then_some(());
    until("the other instance to go on", goes_on).await;
    load.stop().await;
    assert_eq!(envoy.statistic("http.inbound.ext_authz.error").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_is_asked_to_stop_says_so_before_it_stops() {
    let (folder, _issuer, config) = surroundings(json!({"shutdown": {"delay": "60s"}}));
    let mut portvakt = Portvakt::start(folder.path(), &config).await.ready().await;
    portvakt.signal("TERM");
    until("not ready", async || (portvakt.admin("/readyz").await.0 == 503).then_some(())).await;
    assert_eq!(portvakt.admin("/livez").await.0, 200);
    // Asked once more, it waits for nothing.
    portvakt.signal("INT");
    assert_eq!(portvakt.ended().await.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_answers_nobody_gets_in() {
    let mut world = World::start().await;
    let token = Token::of_application(WEBSHOP);
    world.get("/").token(&token).send().await.received();
    world.portvakt.signal("KILL");
    world.portvakt.ended().await;
    for path in ["/", "/internal/alive"] {
        let answer = world.get(path).token(&token).send().await;
        assert_eq!((answer.status, answer.body.as_str()), (503, ""), "{path}");
    }
    assert_eq!(world.upstream.requests(), 1);
}

/// Documents, an issuer, and the configuration for them.
fn surroundings(changes: Value) -> (TempDir, Issuer, Value) {
    let folder = tempfile::tempdir().unwrap();
    documents::write(&folder.path().join("applications"));
    let issuer = Issuer::start(&[HOME, FOREIGN]);
    let config = configuration(&issuer, changes);
    (folder, issuer, config)
}

/// The shipped interval, a tenth as long, so that it is shorter than the delay of the tests.
fn quick_health_checks(mut config: envoy::Config) -> envoy::Config {
    let check = &mut config.portvakt()["health_checks"][0];
    check["interval"] = "0.2s".into();
    check["no_traffic_interval"] = "0.2s".into();
    config
}

async fn checks(portvakt: &Portvakt) -> f64 {
    portvakt.metric("portvakt_check_duration_seconds_count").await.unwrap()
}
