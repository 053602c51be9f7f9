//! What counts when objects come, change and go.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{
    objects::{application, broken, create, orders_api, registration, registrations},
    scene::Scene,
};
use crate::support::{
    Envoy, Release, Token, Upstream,
    cluster::on_a_cluster,
    documents::{HOME, NEWSLETTER, ORDERS_API, WEBSHOP, replace},
    envoy,
    wait::until_equal,
    world::{HOST, ask, client},
};

const GRANTED: &str = "application_granted";
const NOT_GRANTED: &str = "consumer_not_granted";
const UNKNOWN: &str = "application_unknown";
const DISABLED: &str = "application_disabled";

#[tokio::test(flavor = "multi_thread")]
async fn what_the_cluster_holds_decides_who_gets_through_envoy() {
    on_a_cluster(async |cluster| {
        create(cluster).await;
        let scene = Scene::start(cluster).await;
        let upstream = Upstream::start().await;
        let config = envoy::Config::shipped(&[&scene.portvakt.listeners[0]], &upstream);
        let envoy = Envoy::start(Release::Current, scene.folder.path(), &config).await;
        let ask = async |client_id| {
            let token = scene.issuer.issue(HOME, &Token::of_application(client_id));
            ask(&client(), envoy.address, &token).await
        };
        let webshop = format!("test:{}:webshop", cluster.namespace("orders"));
        assert_eq!(ask(WEBSHOP).await.received().all("x-caller-application"), [webshop]);
        ask(NEWSLETTER).await.assert_denied(NOT_GRANTED);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_comes_or_goes_counts_within_a_second() {
    const CHANGES: usize = 10;
    on_a_cluster(async |cluster| {
        create(cluster).await;
        let scene = Scene::start(cluster).await;
        let mut times = Vec::new();
        for change in 0..CHANGES {
            let (consumers, expected): (&[_], _) = match change % 2 {
                0 => (&["webshop", "newsletter"], GRANTED),
                _ => (&["webshop"], NOT_GRANTED),
            };
            let began = Instant::now();
            cluster.apply(&orders_api(cluster, consumers)).await;
            scene.until_decision(NEWSLETTER, expected).await;
            times.push(began.elapsed());
            assert_eq!(scene.decision(WEBSHOP).await, GRANTED);
        }
        // One slow moment of the machine is not the service's.
        times.sort();
        assert!(times[CHANGES / 2] < Duration::from_secs(1), "{times:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_is_deleted_lets_nobody_in() {
    on_a_cluster(async |cluster| {
        create(cluster).await;
        let scene = Scene::start(cluster).await;
        assert_eq!(scene.decision(WEBSHOP).await, GRANTED);
        cluster.delete(&orders_api(cluster, &[])).await;
        scene.until_decision(WEBSHOP, UNKNOWN).await;
        cluster.apply(&orders_api(cluster, &["webshop"])).await;
        scene.until_decision(WEBSHOP, GRANTED).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_application_is_found_as_soon_as_the_former_one_is_gone() {
    on_a_cluster(async |cluster| {
        create(cluster).await;
        let scene = Scene::start(cluster).await;
        let namespace = cluster.namespace("orders");
        let [old_registration, ..] = registrations(cluster);
        let renamed = application(&namespace, "sales-api", HOST, &["webshop"]);
        cluster.apply(&renamed).await;
        scene.until_decision(WEBSHOP, UNKNOWN).await;
        cluster.delete(&orders_api(cluster, &[])).await;
        cluster.delete(&old_registration).await;
        cluster.apply(&registration(&namespace, "sales-api", ORDERS_API)).await;
        scene.until_decision(WEBSHOP, GRANTED).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_and_its_registration_count_together() {
    on_a_cluster(async |cluster| {
        let [orders_api_registration, webshop, _] = registrations(cluster);
        cluster.apply(&orders_api(cluster, &["webshop"])).await;
        let scene = Scene::start(cluster).await;
        assert_eq!(scene.decision(WEBSHOP).await, DISABLED);
        cluster.apply(&orders_api_registration).await;
        scene.until_decision(WEBSHOP, NOT_GRANTED).await;
        cluster.apply(&webshop).await;
        scene.until_decision(WEBSHOP, GRANTED).await;
        cluster.delete(&orders_api_registration).await;
        scene.until_decision(WEBSHOP, DISABLED).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_object_keeps_its_last_good_version_and_is_named_in_the_log() {
    on_a_cluster(async |cluster| {
        create(cluster).await;
        let namespace = cluster.namespace("orders");
        let bystander = |host| application(&namespace, "bystander", host, &["webshop"]);
        cluster.apply(&bystander("bystander.test")).await;
        let scene = Scene::start(cluster).await;

        cluster.apply(&broken(orders_api(cluster, &["newsletter"]))).await;
        let place = format!("kubernetes:applications/{namespace}/orders-api");
        scene.until_logged("ERROR", &[&place, "portvakt.dev/client-id"]).await;
        assert_eq!(scene.decision(WEBSHOP).await, GRANTED);
        assert_eq!(scene.decision(NEWSLETTER).await, NOT_GRANTED);

        // Others go on.
        cluster.apply(&bystander("elsewhere.test")).await;
        let token = Token::of_application(WEBSHOP);
        until_equal(DISABLED.to_owned(), async || {
            scene.decision_at("elsewhere.test", &token).await
        })
        .await;
        assert_eq!(scene.decision_at("bystander.test", &token).await, UNKNOWN);
        assert_eq!(scene.decision(WEBSHOP).await, GRANTED);

        cluster.apply(&orders_api(cluster, &["newsletter"])).await;
        scene.until_decision(NEWSLETTER, GRANTED).await;
        assert_eq!(scene.decision(WEBSHOP).await, NOT_GRANTED);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_object_that_nobody_saw_before_lets_nobody_in() {
    on_a_cluster(async |cluster| {
        for registration in registrations(cluster) {
            cluster.apply(&registration).await;
        }
        cluster.apply(&broken(orders_api(cluster, &["webshop"]))).await;
        let scene = Scene::start(cluster).await;
        assert_eq!(scene.decision(WEBSHOP).await, DISABLED);
        cluster.apply(&orders_api(cluster, &["webshop"])).await;
        scene.until_decision(WEBSHOP, GRANTED).await;
        // It had a good version, and is gone, and comes back without one.
        cluster.delete(&orders_api(cluster, &[])).await;
        scene.until_decision(WEBSHOP, UNKNOWN).await;
        cluster.apply(&broken(orders_api(cluster, &["webshop"]))).await;
        scene.until_decision(WEBSHOP, DISABLED).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_and_cluster_count_together_as_files_do_among_themselves() {
    on_a_cluster(async |cluster| {
        create(cluster).await;
        let folder = tempfile::tempdir().unwrap();
        let files = folder.path().join("applications");
        std::fs::create_dir(&files).unwrap();
        let write = |name: &str, object: &serde_json::Value| {
            replace(&files.join(name), &object.to_string());
        };
        // The API of another team, of which the cluster knows nothing.
        let namespace = cluster.namespace("files");
        let mut billing = application(&namespace, "billing", "billing.test", &[]);
        billing["spec"]["accessPolicy"]["inbound"]["rules"] =
            json!([{"application": "webshop", "namespace": cluster.namespace("orders")}]);
        let client_id = "9b1f7d35-6c28-4e0a-8f43-d2a5c7e90b16";
        billing["metadata"]["annotations"] = json!({"portvakt.dev/client-id": client_id});
        write("billing.json", &billing);

        let changes = json!({"paths": ["applications"]});
        let scene = Scene::begin_in(folder, cluster, changes).await;
        scene.ready().await;
        let token = Token::of_application(WEBSHOP).claim("aud", client_id);
        assert_eq!(scene.decision_at("billing.test", &token).await, GRANTED);
        assert_eq!(scene.decision(WEBSHOP).await, GRANTED);

        // The same said twice counts; where it differs, neither does.
        write("orders.json", &orders_api(cluster, &["webshop"]));
        scene.until_logged("WARN", &["duplicate_document", "orders-api"]).await;
        assert_eq!(scene.decision(WEBSHOP).await, GRANTED);
        write("orders.json", &orders_api(cluster, &["newsletter"]));
        scene.until_decision(WEBSHOP, DISABLED).await;
        assert_eq!(scene.decision(NEWSLETTER).await, DISABLED);
        std::fs::remove_file(scene.folder.path().join("applications/orders.json")).unwrap();
        scene.until_decision(WEBSHOP, GRANTED).await;
        assert_eq!(scene.decision(NEWSLETTER).await, NOT_GRANTED);
    })
    .await;
}
