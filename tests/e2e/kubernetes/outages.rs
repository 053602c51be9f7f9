//! A server that is away, refuses or says nothing, for a while.

use std::time::Duration;

use super::{faults::Watched, objects::orders_api};
use crate::support::{
    api_server::{
        Failure, Interruption, Mood, Resource,
        Resource::Applications,
        Verb::{List, Watch},
    },
    documents::{NEWSLETTER, WEBSHOP},
    until,
};

const GRANTED: &str = "application_granted";
const CONTACT: &str =
    "portvakt_kubernetes_last_contact_timestamp_seconds{resource=\"applications\"}";

/// How long an outage lasts at least.
const OUTAGE: Duration = Duration::from_secs(6);

#[tokio::test(flavor = "multi_thread")]
async fn decisions_go_on_while_the_server_is_away_and_it_heals() {
    let Watched { mut api, cluster, scene, _folder } = Watched::start().await;
    let lists = Resource::ALL.map(|resource| api.requests(resource, List));
    let steady = scene.keep_checking(WEBSHOP, GRANTED);
    let before = scene.portvakt.metric(CONTACT).await.unwrap();
    assert!(before > 1.7e9, "{before}");

    api.leave().await;
    scene.until_logged("WARN", &["applications.nais.io"]).await;
    let contact = scene.portvakt.metric(CONTACT).await.unwrap();
    // The time that passes is what is tested.
    tokio::time::sleep(OUTAGE).await;
    assert_eq!(scene.portvakt.metric(CONTACT).await, Some(contact));
    assert_eq!(scene.portvakt.admin("/readyz").await.0, 200);
    // That the watch broke off, and that nobody listens any more: each once.
    let warnings = scene.logged("WARN", &["\"applications.nais.io"]);
    assert!((1..=2).contains(&warnings), "{warnings} warnings");

    api.come();
    cluster.apply(&orders_api(&cluster, &["webshop", "newsletter"])).await;
    scene.until_decision(NEWSLETTER, GRANTED).await;
    assert!(scene.portvakt.metric(CONTACT).await.unwrap() > contact);
    steady.stop().await;
    // Nothing was missed that a list would have to tell.
    assert_eq!(Resource::ALL.map(|resource| api.requests(resource, List)), lists);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_fails_or_hangs_is_not_hammered() {
    for mood in [
        Mood::Refusing(Failure::InternalError),
        Mood::Refusing(Failure::TooManyRequests(1)),
        Mood::Hanging,
        Mood::Breaking,
    ] {
        let Watched { api, cluster, scene, _folder } = Watched::start().await;
        let steady = scene.keep_checking(WEBSHOP, GRANTED);
        api.behave_altogether(mood);
        let (asked, connections) = (api.asked().len(), api.connections());
        for resource in Resource::ALL {
            api.interrupt(resource, Interruption::End).await;
        }
        tokio::time::sleep(OUTAGE).await;
        // Two resources, each tried at growing intervals.
        let tries = api.asked().len() - asked;
        assert!((2..=16).contains(&tries), "{mood:?}: {tries} tries");
        assert!(api.connections() - connections <= 16, "{mood:?}: {}", api.connections());
        assert_eq!(scene.portvakt.admin("/readyz").await.0, 200);

        // A request that hangs is given up some time.
        api.behave_altogether(Mood::Normal);
        cluster.apply(&orders_api(&cluster, &["webshop", "newsletter"])).await;
        scene.until_decision_within(Duration::from_secs(60), NEWSLETTER, GRANTED).await;
        steady.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_is_taken_away_is_named_and_what_is_known_stays_in_force() {
    let Watched { api, cluster, scene, _folder } = Watched::start().await;
    api.behave(Applications, Watch, Mood::Refusing(Failure::Forbidden));
    api.interrupt(Applications, Interruption::End).await;
    scene.until_logged("ERROR", &["watch", "applications.nais.io"]).await;
    assert_eq!(scene.decision(WEBSHOP).await, GRANTED);
    cluster.apply(&orders_api(&cluster, &["newsletter"])).await;
    api.behave(Applications, Watch, Mood::Normal);
    scene.until_decision(NEWSLETTER, GRANTED).await;
    until("the former rule to be gone", async || {
        (scene.decision(WEBSHOP).await == "consumer_not_granted").then_some(())
    })
    .await;
}
