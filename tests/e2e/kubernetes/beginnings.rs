//! Nothing is in force before both lists were read whole.

use std::time::Duration;

use serde_json::json;

use super::{objects::create, scene::Scene};
use crate::support::{
    api_server::{
        ApiServer, Failure, Mood,
        Resource::{Applications, Registrations},
        Verb::List,
    },
    cluster::Cluster,
    documents::{NEWSLETTER, WEBSHOP},
    until,
};

/// How long a list takes that is slow, and still is none that hangs.
const SLOW: Duration = Duration::from_secs(3);

/// A cluster with objects, whose server answers lists of registrations by this mood.
async fn cluster(mood: Mood) -> (ApiServer, Cluster, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let api = ApiServer::start();
    let cluster = Cluster::served_by(&api, folder.path()).await;
    create(&cluster).await;
    api.behave(Registrations, List, mood);
    (api, cluster, folder)
}

/// Until the server was asked for a list of registrations so many times.
async fn asked(api: &ApiServer, times: usize) {
    until("lists to be asked for", async || {
        (api.requests(Registrations, List) >= times).then_some(())
    })
    .await;
}

/// Once lists are answered, it is ready and decides.
async fn heals(api: &ApiServer, scene: &Scene) {
    scene.assert_not_ready().await;
    api.behave(Registrations, List, Mood::Normal);
    scene.ready().await;
    assert_eq!(scene.decision(WEBSHOP).await, "application_granted");
    assert_eq!(scene.decision(NEWSLETTER).await, "consumer_not_granted");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_not_ready_before_both_lists_are_complete() {
    let (api, cluster, _folder) = cluster(Mood::Refusing(Failure::InternalError)).await;
    let scene = Scene::begin(&cluster, json!({})).await;
    asked(&api, 2).await;
    assert!(api.requests(Applications, List) > 0);
    heals(&api, &scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_list_is_waited_for() {
    let (api, cluster, _folder) = cluster(Mood::Slow(SLOW)).await;
    let scene = Scene::begin(&cluster, json!({})).await;
    asked(&api, 1).await;
    scene.assert_not_ready().await;
    scene.ready().await;
    assert_eq!(scene.decision(WEBSHOP).await, "application_granted");
    assert_eq!(api.requests(Registrations, List), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_crd_is_named_and_may_come_later() {
    let (api, cluster, _folder) = cluster(Mood::Refusing(Failure::NoSuchResource)).await;
    let scene = Scene::begin(&cluster, json!({})).await;
    scene.until_logged("ERROR", &["azureadapplications.nais.io"]).await;
    assert_eq!(scene.logged("ERROR", &["\"applications.nais.io"]), 0);
    heals(&api, &scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_role_is_named_by_verb_and_resource() {
    let (api, cluster, _folder) = cluster(Mood::Refusing(Failure::Forbidden)).await;
    let scene = Scene::begin(&cluster, json!({})).await;
    scene.until_logged("ERROR", &["list", "azureadapplications"]).await;
    heals(&api, &scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_is_waited_for_and_not_hammered() {
    let (api, cluster, _folder) = cluster(Mood::Hanging).await;
    let scene = Scene::begin(&cluster, json!({})).await;
    asked(&api, 1).await;
    scene.assert_not_ready().await;
    // What hangs is given up some time, and tried again.
    api.behave(Registrations, List, Mood::Normal);
    scene.ready_within(Duration::from_secs(60)).await;
    assert_eq!(scene.decision(WEBSHOP).await, "application_granted");
    assert!(api.requests(Registrations, List) <= 3, "{:?}", api.asked());
    assert!(api.connections() <= 8, "{}", api.connections());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_breaks_off_is_read_anew() {
    let (api, cluster, _folder) = cluster(Mood::Breaking).await;
    let scene = Scene::begin(&cluster, json!({})).await;
    asked(&api, 2).await;
    heals(&api, &scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_cannot_be_continued_is_begun_anew() {
    let (api, cluster, _folder) = cluster(Mood::ForgettingPages).await;
    api.limit_pages(1);
    let scene = Scene::begin(&cluster, json!({})).await;
    let starts = || {
        let asked = api.asked().into_iter();
        let of_registrations = asked.filter(|asked| asked.collection.resource == Registrations);
        of_registrations.filter(|asked| asked.parameter("continue").is_none()).count()
    };
    until("a second list", async || (starts() >= 2).then_some(())).await;
    // The pace is what is tested: to list everything is the dearest request of all.
    let before = starts();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(starts() - before <= 6, "{} lists in three seconds", starts() - before);
    heals(&api, &scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_has_too_much_to_do_is_left_alone_for_a_while() {
    let (api, cluster, _folder) = cluster(Mood::Refusing(Failure::TooManyRequests(2))).await;
    let scene = Scene::begin(&cluster, json!({})).await;
    asked(&api, 1).await;
    // The pace is what is tested: five seconds hold no more than a few tries.
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(api.requests(Registrations, List) <= 6, "{:?}", api.asked());
    heals(&api, &scene).await;
}
