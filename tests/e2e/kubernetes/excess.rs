//! Answers and objects that are more than anybody reads.

use serde_json::{Value, json};

use super::{
    faults::Watched,
    objects::{application, create, deep, orders_api},
    scene::Scene,
};
use crate::support::{
    api_server::{
        ApiServer, Failure, Interruption, Mood, Resource,
        Resource::{Applications, Registrations},
        Verb::{List, Watch},
    },
    cluster::Cluster,
    documents::{NEWSLETTER, WEBSHOP},
    until,
};

const GRANTED: &str = "application_granted";
const NOT_GRANTED: &str = "consumer_not_granted";

/// What the service may take altogether, in bytes, however much it is sent.
const MEMORY: f64 = 256.0 * 1024.0 * 1024.0;

#[tokio::test(flavor = "multi_thread")]
async fn a_list_without_end_is_given_up_and_asked_for_again() {
    let folder = tempfile::tempdir().unwrap();
    let api = ApiServer::start();
    let cluster = Cluster::served_by(&api, folder.path()).await;
    create(&cluster).await;
    api.behave(Registrations, List, Mood::Endless);
    let scene = Scene::begin(&cluster, json!({})).await;
    scene.until_logged("WARN", &["azureadapplications.nais.io", "larger than 16 MiB"]).await;
    until("lists of a single object", async || {
        limits(&api, Registrations).ends_with(&["1".to_owned(), "1".to_owned()]).then_some(())
    })
    .await;
    scene.assert_not_ready().await;
    assert!(scene.portvakt.peak_memory() < MEMORY, "{}", scene.portvakt.peak_memory());
    // What begins is no contact yet.
    let contact = "portvakt_kubernetes_last_contact_timestamp_seconds";
    let of_registrations = format!("{contact}{{resource=\"azureadapplications\"}}");
    assert_eq!(scene.portvakt.metric(&of_registrations).await, None);
    assert_eq!(scene.logged("INFO", &["answers again"]), 0);
    api.behave(Registrations, List, Mood::Normal);
    scene.ready().await;
    assert_eq!(scene.decision(WEBSHOP).await, GRANTED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_without_end_is_given_up_and_begun_again() {
    let watched = Watched::start().await;
    let Watched { api, scene, .. } = &watched;
    let lists = watched.lists();
    let steady = scene.keep_checking(WEBSHOP, GRANTED);
    api.behave(Applications, Watch, Mood::Endless);
    api.interrupt(Applications, Interruption::End).await;
    scene.until_logged("WARN", &["\"applications.nais.io", "larger than 16 MiB"]).await;
    let watches = api.requests(Applications, Watch);
    until("another watch", async || (api.requests(Applications, Watch) > watches).then_some(()))
        .await;
    assert!(scene.portvakt.peak_memory() < MEMORY, "{}", scene.portvakt.peak_memory());
    api.behave(Applications, Watch, Mood::Normal);
    watched.sees_changes().await;
    steady.stop().await;
    // It is nothing to read everything anew for.
    assert_eq!(watched.lists(), lists);
}

#[tokio::test(flavor = "multi_thread")]
async fn huge_objects_are_listed_few_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let api = ApiServer::start();
    let cluster = Cluster::served_by(&api, folder.path()).await;
    create(&cluster).await;
    let namespace = cluster.namespace("huge");
    for number in 0..12 {
        let name = format!("huge-{number}");
        api.hold(huge(application(&namespace, &name, &format!("{name}.test"), &[])));
    }
    let scene = Scene::start(&cluster).await;
    assert_eq!(scene.decision(WEBSHOP).await, GRANTED);
    assert_eq!(scene.portvakt.metric("portvakt_applications").await, Some(15.0));
    let mut limits = limits(&api, Applications);
    limits.dedup();
    assert_eq!(limits, ["100", "10", "1"]);
    assert!(scene.portvakt.peak_memory() < MEMORY, "{}", scene.portvakt.peak_memory());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_is_too_deep_is_named_and_harms_no_other() {
    let watched = Watched::start().await;
    let Watched { api, cluster, scene, .. } = &watched;
    let lists = watched.lists();
    let place = format!("kubernetes:applications/{}/orders-api", cluster.namespace("orders"));
    api.hold(deep(orders_api(cluster, &["newsletter"])));
    scene.until_logged("ERROR", &[&place, "yaml_syntax", "recursion limit"]).await;
    watched.others_go_on().await;
    // Its last good version, and that of all after everything was listed anew.
    assert_eq!(watched.lists(), lists);
    api.interrupt(Applications, Interruption::Error(Failure::Expired)).await;
    watched.others_go_on().await;
    assert_eq!(scene.decision(WEBSHOP).await, GRANTED);
    assert_eq!(scene.decision(NEWSLETTER).await, NOT_GRANTED);

    // Who has no such version lets nobody in there, and is ready all the same.
    let late = Scene::start(cluster).await;
    late.until_logged("ERROR", &[&place, "recursion limit"]).await;
    assert_eq!(late.decision(WEBSHOP).await, "application_unknown");
    assert_eq!(late.portvakt.metric("portvakt_applications").await, Some(4.0));

    api.hold(orders_api(cluster, &["newsletter"]));
    for scene in [scene, &late] {
        scene.until_decision(NEWSLETTER, GRANTED).await;
        assert_eq!(scene.decision(WEBSHOP).await, NOT_GRANTED);
    }
}

/// Two megabytes more than it was.
fn huge(mut application: Value) -> Value {
    application["spec"]["env"] = json!([{"name": "TEXT", "value": "x".repeat(2 << 20)}]);
    application
}

/// How many objects of a resource were asked for at once, each time.
fn limits(api: &ApiServer, resource: Resource) -> Vec<String> {
    let asked = api.asked().into_iter();
    let lists = asked.filter(|asked| (asked.collection.resource, asked.verb) == (resource, List));
    lists.filter_map(|asked| asked.parameter("limit").map(str::to_owned)).collect()
}
