//! What is asked for, and how the server is found and trusted.

use std::collections::BTreeSet;

use serde_json::json;

use super::{
    objects::{application, create, registration},
    scene::Scene,
};
use crate::support::{
    Token,
    api_server::{ApiServer, Resource, TOKEN, Verb::List},
    certificates::Authority,
    cluster::Cluster,
    documents::{NEWSLETTER, WEBSHOP},
    wait::until_equal,
};

#[tokio::test(flavor = "multi_thread")]
async fn only_the_namespaces_that_are_named_are_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let api = ApiServer::start();
    let cluster = Cluster::served_by(&api, folder.path()).await;
    create(&cluster).await;
    let [orders, insight, other] =
        ["orders", "insight", "other"].map(|name| cluster.namespace(name));
    let reports = |namespace| application(namespace, "reports", "reports.test", &[]);
    cluster.apply(&reports(&other)).await;

    let namespaces = json!({"kubernetes": {"namespaces": [orders, insight]}});
    let scene = Scene::begin(&cluster, namespaces).await;
    scene.ready().await;
    assert_eq!(scene.decision(WEBSHOP).await, "application_granted");
    let token = Token::of_application(WEBSHOP);
    let reason = async || scene.decision_at("reports.test", &token).await;
    assert_eq!(reason().await, "application_unknown");
    // The same one in a namespace that is named.
    cluster.apply(&reports(&insight)).await;
    until_equal("application_disabled".to_owned(), reason).await;

    let asked: BTreeSet<_> =
        api.asked().into_iter().map(|asked| asked.collection.namespace).collect();
    assert_eq!(asked, BTreeSet::from([Some(orders), Some(insight)]));
    assert_eq!(api.strays(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_read_page_by_page() {
    const OTHERS: usize = 7;
    let folder = tempfile::tempdir().unwrap();
    let api = ApiServer::start();
    api.limit_pages(3);
    let cluster = Cluster::served_by(&api, folder.path()).await;
    create(&cluster).await;
    let namespace = cluster.namespace("others");
    for number in 0..OTHERS {
        let client_id = format!("00000000-0000-4000-9000-{number:012}");
        let name = format!("other-{number}");
        cluster.apply(&application(&namespace, &name, &format!("{name}.test"), &[])).await;
        cluster.apply(&registration(&namespace, &name, &client_id)).await;
    }
    let scene = Scene::start(&cluster).await;
    assert_eq!(scene.decision(WEBSHOP).await, "application_granted");
    assert_eq!(scene.decision(NEWSLETTER).await, "consumer_not_granted");
    let known = scene.portvakt.metric("portvakt_applications").await;
    assert_eq!(known, Some(10.0), "seven others, orders-api, webshop and newsletter");
    // Eight applications and ten registrations.
    assert_eq!(Resource::ALL.map(|resource| api.requests(resource, List)), [3, 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_tls_is_trusted_by_the_authority_of_the_kubeconfig_alone() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path());
    let api = ApiServer::start_with_tls(&authority);
    let cluster = Cluster::served_by(&api, folder.path()).await;
    create(&cluster).await;
    let scene = Scene::start(&cluster).await;
    assert_eq!(scene.decision(WEBSHOP).await, "application_granted");
    assert_eq!(scene.decision(NEWSLETTER).await, "consumer_not_granted");

    // The same name, another key.
    let elsewhere = tempfile::tempdir().unwrap();
    let mut impostor = ApiServer::start_with_tls(&Authority::new(elsewhere.path()));
    impostor.pretend(&authority);
    let cluster = Cluster::served_by(&impostor, elsewhere.path()).await;
    let scene = Scene::begin(&cluster, json!({})).await;
    scene.until_logged("WARN", &["certificate"]).await;
    scene.assert_not_ready().await;
    assert!(impostor.connections() > 0);
    assert!(impostor.asked().is_empty(), "{:?}", impostor.asked());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_the_server_does_not_know_is_reported_and_never_logged() {
    let folder = tempfile::tempdir().unwrap();
    let api = ApiServer::start();
    let cluster = Cluster::served_by(&api, folder.path()).await;
    create(&cluster).await;
    api.expect_token("another token");
    let scene = Scene::begin(&cluster, json!({})).await;
    scene.until_logged("ERROR", &["applications.nais.io", "Unauthorized"]).await;
    scene.assert_not_ready().await;
    assert!(!scene.portvakt.log.text().contains(TOKEN));
}
