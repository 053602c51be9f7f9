//! Watches that end, break off, are too old, or bring what nobody can use.

use std::time::Duration;

use serde_json::json;

use super::{
    objects::{application, create, orders_api},
    scene::Scene,
};
use crate::support::{
    Token,
    api_server::{
        ApiServer, Failure, Interruption, Mood, Resource,
        Resource::{Applications, Registrations},
        Verb::{List, Watch},
    },
    cluster::Cluster,
    documents::{NEWSLETTER, WEBSHOP},
    until,
    wait::{until_equal, until_equal_within},
    world::HOST,
};

const GRANTED: &str = "application_granted";
/// How long it may take at most until a server that was away is heard again.
const HEALED: Duration = Duration::from_secs(60);

/// A service that watches a cluster with objects.
pub struct Watched {
    pub api: ApiServer,
    pub cluster: Cluster,
    pub scene: Scene,
    pub _folder: tempfile::TempDir,
}

impl Watched {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let api = ApiServer::start();
        let cluster = Cluster::served_by(&api, folder.path()).await;
        create(&cluster).await;
        let scene = Scene::start(&cluster).await;
        api.watched().await;
        Self { api, cluster, scene, _folder: folder }
    }

    /// How often the lists of both resources were asked for.
    pub fn lists(&self) -> [usize; 2] {
        Resource::ALL.map(|resource| self.api.requests(resource, List))
    }

    /// That a change of orders-api is seen.
    pub async fn sees_changes(&self) {
        for (consumers, expected) in
            [(&["webshop", "newsletter"][..], GRANTED), (&["webshop"][..], "consumer_not_granted")]
        {
            self.cluster.apply(&orders_api(&self.cluster, consumers)).await;
            self.scene.until_decision(NEWSLETTER, expected).await;
        }
    }

    /// Cuts the watches off, has much change meanwhile, and lets them try again from a version
    /// that is too old.
    async fn falls_behind(&self, mood: Mood) {
        let namespace = self.cluster.namespace("orders");
        let temporary = application(&namespace, "temporary", "temporary.test", &["webshop"]);
        self.cluster.apply(&temporary).await;
        let token = Token::of_application(WEBSHOP);
        let decision = async || self.scene.decision_at("temporary.test", &token).await;
        until_equal("application_disabled".to_owned(), decision).await;
        let steady = self.scene.keep_checking(WEBSHOP, GRANTED);
        steady.go_on().await;

        let lists = self.lists();
        for resource in Resource::ALL {
            self.api.behave(resource, Watch, Mood::Refusing(Failure::InternalError));
            self.api.interrupt(resource, Interruption::End).await;
        }
        self.cluster.delete(&temporary).await;
        let news = application(&namespace, "news", "news.test", &["webshop"]);
        self.cluster.apply(&news).await;
        self.api.forget();
        self.api.behave(Applications, Watch, mood);
        self.api.behave(Registrations, Watch, mood);

        until_equal_within(HEALED, "application_unknown".to_owned(), decision).await;
        until_equal("application_disabled".to_owned(), async || {
            self.scene.decision_at("news.test", &token).await
        })
        .await;
        until("both lists to be read anew", async || {
            let now = self.lists();
            (now[0] > lists[0] && now[1] > lists[1]).then_some(())
        })
        .await;
        self.api.watched().await;
        self.sees_changes().await;
        steady.stop().await;
        assert!(self.lists().iter().zip(lists).all(|(now, before)| *now <= before + 2));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_meanwhile_is_gone_after_an_error_410_and_no_check_is_wrong() {
    Watched::start().await.falls_behind(Mood::Normal).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_meanwhile_is_gone_after_a_status_410_and_no_check_is_wrong() {
    Watched::start().await.falls_behind(Mood::RefusingOldVersions).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_forgets_at_once_is_not_hammered() {
    let watched = Watched::start().await;
    let Watched { api, scene, .. } = &watched;
    let lists = api.requests(Applications, List);
    api.behave(Applications, Watch, Mood::Refusing(Failure::Expired));
    api.interrupt(Applications, Interruption::End).await;
    // The pace is what is tested.
    tokio::time::sleep(Duration::from_secs(4)).await;
    let lists = api.requests(Applications, List) - lists;
    assert!((1..=8).contains(&lists), "{lists} lists");
    assert_eq!(scene.decision(WEBSHOP).await, GRANTED);
    api.behave(Applications, Watch, Mood::Normal);
    watched.sees_changes().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_that_stays_open_and_brings_nothing_is_begun_anew() {
    let watched = Watched::start().await;
    let Watched { api, cluster, scene, .. } = &watched;
    let lists = watched.lists();
    for resource in Resource::ALL {
        api.interrupt(resource, Interruption::Stall).await;
    }
    cluster.apply(&orders_api(cluster, &["newsletter"])).await;
    scene.until_decision_within(HEALED, NEWSLETTER, GRANTED).await;
    assert_eq!(scene.decision(WEBSHOP).await, "consumer_not_granted");
    assert_eq!(watched.lists(), lists);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_that_ends_or_breaks_off_goes_on_where_it_was() {
    let watched = Watched::start().await;
    let Watched { api, cluster, scene, .. } = &watched;
    let lists = watched.lists();
    let steady = scene.keep_checking(WEBSHOP, GRANTED);
    for interruption in [
        Interruption::End,
        Interruption::BreakOff,
        Interruption::Error(Failure::InternalError),
        Interruption::Error(Failure::TooManyRequests(1)),
    ] {
        for resource in Resource::ALL {
            let watches = api.requests(resource, Watch);
            api.interrupt(resource, interruption).await;
            // What happens in between is not missed.
            let (consumers, expected) = match scene.decision(NEWSLETTER).await.as_str() {
                GRANTED => (&["webshop"][..], "consumer_not_granted"),
                _ => (&["webshop", "newsletter"][..], GRANTED),
            };
            cluster.apply(&orders_api(cluster, consumers)).await;
            scene.until_decision(NEWSLETTER, expected).await;
            until("the next watch", async || {
                (api.requests(resource, Watch) > watches).then_some(())
            })
            .await;
            assert_eq!(watched.lists(), lists, "{interruption:?} {resource:?}");
            api.watched().await;
        }
    }
    steady.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bookmark_spares_a_list() {
    let watched = Watched::start().await;
    let Watched { api, cluster, .. } = &watched;
    let lists = watched.lists();
    // Only applications change; the other watch learns by its bookmark how far the server is.
    cluster.apply(&orders_api(cluster, &["webshop"])).await;
    let version = api.version().to_string();
    for resource in Resource::ALL {
        api.interrupt(resource, Interruption::Bookmark).await;
    }
    api.forget();
    for resource in Resource::ALL {
        api.interrupt(resource, Interruption::End).await;
    }
    until("both to go on from the bookmark", async || {
        let asked = api.asked();
        let is_it = |resource: &Resource| {
            asked.iter().any(|asked| {
                (asked.collection.resource, asked.verb) == (*resource, Watch)
                    && asked.parameter("resourceVersion") == Some(&version)
            })
        };
        Resource::ALL.iter().all(is_it).then_some(())
    })
    .await;
    watched.sees_changes().await;
    assert_eq!(watched.lists(), lists);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_of_another_shape_keeps_its_last_good_version() {
    let watched = Watched::start().await;
    let Watched { api, cluster, scene, .. } = &watched;
    let lists = watched.lists();
    let place = format!("kubernetes:applications/{}/orders-api", cluster.namespace("orders"));
    for spec in [json!("text"), json!([1, 2]), json!({"accessPolicy": 7}), json!({"azure": [1]})] {
        let mut misshapen = orders_api(cluster, &["newsletter"]);
        misshapen["spec"] = spec;
        cluster.apply(&misshapen).await;
        watched.others_go_on().await;
        assert_eq!(scene.decision(WEBSHOP).await, GRANTED);
        assert_eq!(scene.decision(NEWSLETTER).await, "consumer_not_granted");
    }
    scene.until_logged("ERROR", &[&place, "wrong_type"]).await;
    watched.sees_changes().await;
    // It is nothing to read everything anew for, and nothing to stumble over then.
    assert_eq!(watched.lists(), lists);
    let mut misshapen = orders_api(cluster, &["newsletter"]);
    misshapen["spec"] = json!("text");
    cluster.apply(&misshapen).await;
    api.interrupt(Applications, Interruption::Error(Failure::Expired)).await;
    watched.others_go_on().await;
    assert_eq!(scene.decision(WEBSHOP).await, GRANTED);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_was_made_anew_meanwhile_has_no_last_good_version() {
    let watched = Watched::start().await;
    let Watched { api, cluster, scene, .. } = &watched;
    api.behave(Applications, Watch, Mood::Refusing(Failure::InternalError));
    api.interrupt(Applications, Interruption::End).await;
    cluster.delete(&orders_api(cluster, &[])).await;
    let mut misshapen = orders_api(cluster, &["webshop"]);
    misshapen["spec"] = json!("text");
    cluster.apply(&misshapen).await;
    api.forget();
    api.behave(Applications, Watch, Mood::Normal);
    // While watches are refused, each pause is longer than the one before.
    scene.until_decision_within(HEALED, WEBSHOP, "application_unknown").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_huge_object_is_read() {
    let watched = Watched::start().await;
    let Watched { cluster, scene, .. } = &watched;
    let mut huge = orders_api(cluster, &["newsletter"]);
    huge["spec"]["env"] = json!([{"name": "TEXT", "value": "x".repeat(2 << 20)}]);
    cluster.apply(&huge).await;
    scene.until_decision(NEWSLETTER, GRANTED).await;
    assert_eq!(scene.decision(WEBSHOP).await, "consumer_not_granted");
    let again = Scene::start(cluster).await;
    assert_eq!(again.decision(NEWSLETTER).await, GRANTED);
}

impl Watched {
    /// That a change of another object is seen.
    pub async fn others_go_on(&self) {
        let namespace = self.cluster.namespace("insight");
        let host = format!("{}.test", self.api.version());
        assert_ne!(host, HOST);
        self.cluster.apply(&application(&namespace, "bystander", &host, &[])).await;
        let token = Token::of_application(WEBSHOP);
        until_equal("application_disabled".to_owned(), async || {
            self.scene.decision_at(&host, &token).await
        })
        .await;
    }
}
