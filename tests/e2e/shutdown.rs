//! The end of the service: asked for, nobody notices; unasked, nobody gets in.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    Issuer, Portvakt, Token, World,
    documents::{self, FOREIGN, HOME, WEBSHOP},
    fleet::{Fleet, Way},
    load::Load,
    until,
    wait::PATIENCE,
    world::configuration,
};

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_instances_ends_under_load_without_a_failed_request() {
    roll(Way::Endpoints, json!({})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_one_address_likewise_and_connections_of_age_spread_the_checks_anew() {
    roll(Way::OneAddress, json!({"limits": {"connection_age": "1s"}})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_one_address_nothing_else_brings_checks_to_an_instance_that_is_back() {
    let (mut fleet, load) = fleet_under_load(Way::OneAddress, json!({})).await;
    fleet.instances[0].restart().await;
    assert_eq!(fleet.shares(500.0).await, [0.0, 1.0]);
    load.stop().await;
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

async fn fleet_under_load(way: Way, changes: Value) -> (Fleet, Load) {
    let fleet = Fleet::start(way, &changes).await;
    let token = fleet.issuer.issue(HOME, &Token::of_application(WEBSHOP));
    let load = Load::start(&fleet.envoy, &token, |answer| answer.status == 200);
    (fleet, load)
}

/// Each instance in turn, while the other one has checks too.
async fn roll(way: Way, changes: Value) {
    let (mut fleet, load) = fleet_under_load(way, changes).await;
    for place in 0..fleet.instances.len() {
        assert_spread(&fleet).await;
        fleet.instances[place].restart().await;
    }
    assert_spread(&fleet).await;
    load.stop().await;
    assert_eq!(fleet.envoy.statistic("http.inbound.ext_authz.error").await, 0);
}

async fn assert_spread(fleet: &Fleet) {
    let spread = fleet.spread(PATIENCE).await;
    assert!(spread.is_reached(), "{spread:?}");
}

/// Documents, an issuer, and the configuration for them.
fn surroundings(changes: Value) -> (TempDir, Issuer, Value) {
    let folder = tempfile::tempdir().unwrap();
    documents::write(&folder.path().join("applications"));
    let issuer = Issuer::start(&[HOME, FOREIGN]);
    let config = configuration(&issuer, changes);
    (folder, issuer, config)
}
