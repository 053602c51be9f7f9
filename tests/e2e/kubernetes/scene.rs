//! Portvakt, as it reads a cluster, and those who ask it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use envoy_types::pb::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tonic::transport::{Channel, Endpoint};

use crate::support::{
    Issuer, Portvakt, Token,
    checks::{check, reason},
    cluster::Cluster,
    documents::{FOREIGN, HOME, WEBSHOP},
    until,
    wait::{PATIENCE, until_equal_within},
    world::{HOST, configuration, merge},
};

/// Between two checks of those that never stop.
const BETWEEN_CHECKS: Duration = Duration::from_millis(5);

/// A service that reads its documents from a cluster.
pub struct Scene {
    pub portvakt: Portvakt,
    pub issuer: Issuer,
    client: AuthorizationClient<Channel>,
    pub folder: TempDir,
}

/// Checks without pause, all of which must come to the same.
pub struct Steady {
    done: Arc<AtomicBool>,
    count: Arc<AtomicUsize>,
    checking: JoinHandle<Vec<String>>,
}

impl Scene {
    /// Of all namespaces, and ready.
    pub async fn start(cluster: &Cluster) -> Self {
        let scene = Self::begin(cluster, json!({})).await;
        scene.ready().await;
        scene
    }

    /// With changes of `applications`; it listens, whether it is ready or not.
    pub async fn begin(cluster: &Cluster, changes: Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::begin_in(folder, cluster, changes).await
    }

    /// With files in the folder of its configuration.
    pub async fn begin_in(folder: TempDir, cluster: &Cluster, changes: Value) -> Self {
        let issuer = Issuer::start(&[HOME, FOREIGN]);
        let config = configured(&issuer, changes);
        let mut command = Portvakt::command(folder.path(), &config, "");
        command.envs(cluster.variables());
        let portvakt = Portvakt::spawn(command).await;
        let endpoint = Endpoint::from_shared(format!("http://{}", portvakt.address())).unwrap();
        let channel = endpoint.timeout(PATIENCE).connect().await.unwrap();
        Self { portvakt, issuer, client: AuthorizationClient::new(channel), folder }
    }

    /// Until it can decide.
    pub async fn ready(&self) {
        self.ready_within(PATIENCE).await;
    }

    /// Until it can decide, which may take longer than most things.
    pub async fn ready_within(&self, time: Duration) {
        until_equal_within(time, 200, async || self.portvakt.admin("/readyz").await.0).await;
    }

    /// That it has no documents in force, and so lets nobody in.
    pub async fn assert_not_ready(&self) {
        let (status, text) = self.portvakt.admin("/readyz").await;
        assert!(status == 503 && text.contains("documents"), "{status} {text}");
        assert_eq!(self.decision(WEBSHOP).await, "application_unknown");
    }

    /// What a check of an application at orders-api comes to.
    pub async fn decision(&self, client_id: &str) -> String {
        self.decision_at(HOST, &Token::of_application(client_id)).await
    }

    /// What a check comes to.
    pub async fn decision_at(&self, host: &str, token: &Token) -> String {
        decide(&mut self.client.clone(), host, &self.issuer.issue(HOME, token)).await
    }

    /// Until a check of an application at orders-api comes to this.
    pub async fn until_decision(&self, client_id: &str, expected: &str) {
        self.until_decision_within(PATIENCE, client_id, expected).await;
    }

    /// The same, where it may take longer than most things.
    pub async fn until_decision_within(&self, time: Duration, client_id: &str, expected: &str) {
        let token = self.issuer.issue(HOME, &Token::of_application(client_id));
        let mut client = self.client.clone();
        let decision = async || decide(&mut client, HOST, &token).await;
        until_equal_within(time, expected.to_owned(), decision).await;
    }

    /// Has checks of an application at orders-api begin, which must all come to this.
    pub fn keep_checking(&self, client_id: &str, expected: &'static str) -> Steady {
        let token = self.issuer.issue(HOME, &Token::of_application(client_id));
        let mut client = self.client.clone();
        let (done, count) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let (is_done, counted) = (Arc::clone(&done), Arc::clone(&count));
        let checking = tokio::spawn(async move {
            let mut wrong = Vec::new();
            while !is_done.load(Ordering::Relaxed) {
                let decision = decide(&mut client, HOST, &token).await;
                counted.fetch_add(1, Ordering::Relaxed);
                wrong.extend((decision != expected).then_some(decision));
                tokio::time::sleep(BETWEEN_CHECKS).await;
            }
            wrong
        });
        Steady { done, count, checking }
    }

    /// How many lines of the log are of this level and have all of these words.
    pub fn logged(&self, level: &str, words: &[&str]) -> usize {
        let is_it = |event: &&Value| {
            let text = event.to_string();
            event["level"] == level && words.iter().all(|word| text.contains(word))
        };
        self.portvakt.log.events().iter().filter(is_it).count()
    }

    /// Until there is such a line.
    pub async fn until_logged(&self, level: &str, words: &[&str]) {
        until(&format!("a line of level {level} with {words:?}"), async || {
            (self.logged(level, words) > 0).then_some(())
        })
        .await;
    }
}

impl Steady {
    /// How many there were so far.
    pub fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Until there were a few more.
    pub async fn go_on(&self) {
        let before = self.count();
        until("further checks", async || (self.count() > before + 20).then_some(())).await;
    }

    /// Ends, and fails the test where one came to something else.
    pub async fn stop(self) {
        self.go_on().await;
        self.done.store(true, Ordering::Relaxed);
        let wrong = self.checking.await.unwrap();
        assert!(wrong.is_empty(), "{} were wrong, the first: {}", wrong.len(), wrong[0]);
    }
}

/// The usual configuration, with documents from the cluster alone unless `changes` say otherwise.
pub fn configured(issuer: &Issuer, changes: Value) -> Value {
    let from_cluster = json!({"applications": {"paths": [], "kubernetes": {"enabled": true}}});
    let mut config = configuration(issuer, from_cluster);
    merge(&mut config["applications"], changes);
    config
}

async fn decide(client: &mut AuthorizationClient<Channel>, host: &str, token: &str) -> String {
    reason(&client.check(check(host, token)).await.unwrap().into_inner()).to_owned()
}
