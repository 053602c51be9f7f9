//! Two objects that claim the same.

use super::{
    objects::{application, create, registration},
    scene::Scene,
};
use crate::support::{
    cluster::on_a_cluster,
    documents::{ORDERS_API, WEBSHOP},
    world::HOST,
};

#[tokio::test(flavor = "multi_thread")]
async fn of_two_applications_with_one_client_id_neither_gets_the_others_rights() {
    on_a_cluster(async |cluster| {
        create(cluster).await;
        let scene = Scene::start(cluster).await;
        assert_eq!(scene.decision(WEBSHOP).await, "application_granted");

        let namespace = cluster.namespace("insight");
        let rival = registration(&namespace, "rival", ORDERS_API);
        cluster.apply(&application(&namespace, "rival", "rival.test", &["webshop"])).await;
        cluster.apply(&rival).await;
        scene.until_decision(WEBSHOP, "application_disabled").await;
        // Both by their names, each at its own object.
        let names = ["orders", "insight"].map(|name| cluster.namespace(name));
        for (name, namespace) in ["orders-api", "rival"].iter().zip(&names) {
            let place = format!("kubernetes:azureadapplications/{namespace}/{name}");
            let words = [&*place, "client_id_claimed_twice", "orders-api", "rival"];
            scene.until_logged("ERROR", &words).await;
        }
        // A consumer of that id is neither of them.
        cluster.delete(&rival).await;
        scene.until_decision(WEBSHOP, "application_granted").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_two_applications_claim_leads_to_neither() {
    on_a_cluster(async |cluster| {
        create(cluster).await;
        let scene = Scene::start(cluster).await;
        assert_eq!(scene.decision(WEBSHOP).await, "application_granted");

        let namespace = cluster.namespace("insight");
        let rival = application(&namespace, "rival", HOST, &["webshop"]);
        cluster.apply(&rival).await;
        scene.until_decision(WEBSHOP, "application_unknown").await;
        let lost = r#"portvakt_hosts{state="lost"}"#;
        assert_eq!(scene.portvakt.metric(lost).await, Some(2.0));
        let names = ["orders", "insight"].map(|name| cluster.namespace(name));
        for (name, namespace) in ["orders-api", "rival"].iter().zip(&names) {
            let place = format!("kubernetes:applications/{namespace}/{name}");
            let words = [&*place, "host_claimed_twice", "orders-api", "rival"];
            scene.until_logged("WARN", &words).await;
        }
        cluster.delete(&rival).await;
        scene.until_decision(WEBSHOP, "application_granted").await;
        assert_eq!(scene.portvakt.metric(lost).await, Some(0.0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_whose_client_id_two_applications_claim_gets_in_nowhere() {
    on_a_cluster(async |cluster| {
        create(cluster).await;
        let scene = Scene::start(cluster).await;
        assert_eq!(scene.decision(WEBSHOP).await, "application_granted");
        let rival = registration(&cluster.namespace("insight"), "rival", WEBSHOP);
        cluster.apply(&rival).await;
        scene.until_decision(WEBSHOP, "consumer_not_granted").await;
        cluster.delete(&rival).await;
        scene.until_decision(WEBSHOP, "application_granted").await;
    })
    .await;
}
