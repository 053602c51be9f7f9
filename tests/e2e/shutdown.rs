//! SIGTERM under load: nobody notices.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use serde_json::json;

use crate::support::{
    Answer, Envoy, Issuer, Portvakt, Release, Token, Upstream,
    documents::{self, FOREIGN, HOME, WEBSHOP},
    envoy, until,
    world::{HOST, client, configuration},
};

const CALLERS: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_instances_ends_under_load_without_a_failed_request() {
    let folder = tempfile::tempdir().unwrap();
    documents::write(&folder.path().join("applications"));
    let issuer = Issuer::start(&[HOME, FOREIGN]);
    let config = configuration(&issuer, json!({}));
    let mut leaving = Portvakt::start(folder.path(), &config).await.ready().await;
    let staying = Portvakt::start(folder.path(), &config).await.ready().await;
    let upstream = Upstream::start().await;
    let config = envoy::Config::shipped(&[&leaving.listeners[0], &staying.listeners[0]], &upstream);
    let envoy = Envoy::start(Release::Current, folder.path(), &quick_health_checks(config)).await;

    let token = issuer.issue(HOME, &Token::of_application(WEBSHOP));
    let load = Load::start(format!("http://{}/", envoy.address), token);
    let both = "both instances to be asked";
    until(both, async || {
        let counts = [checks(&leaving).await, checks(&staying).await];
        counts.iter().all(|count| *count > 100.0).then_some(())
    })
    .await;

    leaving.terminate();
    assert_eq!(leaving.ended().await.code(), Some(0), "{}", leaving.log.text());
    let messages = ["asked to stop", "drained", "stopped"];
    for message in messages {
        leaving.log.event("message", message).await;
    }
    let after = load.answers();
    until("the other instance to go on", async || (load.answers() > after + 200).then_some(()))
        .await;
    let failed = load.stop().await;
    assert!(failed.is_empty(), "{} failed requests, the first: {:?}", failed.len(), failed[0]);
    assert_eq!(envoy.statistic("cluster.portvakt.ext_authz.error").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_is_asked_to_stop_says_so_before_it_stops() {
    let folder = tempfile::tempdir().unwrap();
    documents::write(&folder.path().join("applications"));
    let issuer = Issuer::start(&[HOME, FOREIGN]);
    let config = configuration(&issuer, json!({"shutdown": {"delay": "30s"}}));
    let mut portvakt = Portvakt::start(folder.path(), &config).await.ready().await;
    portvakt.terminate();
    until("not ready", async || (portvakt.admin("/readyz").await.0 == 503).then_some(())).await;
    assert_eq!(portvakt.admin("/livez").await.0, 200);
    // Asked once more, it waits for nothing.
    portvakt.terminate();
    assert_eq!(portvakt.ended().await.code(), Some(0));
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

/// Callers that ask without pause, and what went wrong for them.
struct Load {
    done: Arc<AtomicBool>,
    answers: Arc<AtomicUsize>,
    callers: Vec<tokio::task::JoinHandle<Vec<Answer>>>,
}

impl Load {
    fn start(url: String, token: String) -> Self {
        let (done, answers) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let callers = (0..CALLERS).map(|_| {
            let (url, token) = (url.clone(), token.clone());
            let (done, answers) = (Arc::clone(&done), Arc::clone(&answers));
            tokio::spawn(async move {
                let client = client();
                let mut failed = Vec::new();
                while !done.load(Ordering::Relaxed) {
                    let request = client.get(&url).header("host", HOST).bearer_auth(&token);
                    let answer = Answer::read(request.send().await.unwrap()).await;
                    answers.fetch_add(1, Ordering::Relaxed);
                    if answer.status != 200 {
                        failed.push(answer);
                    }
                }
                failed
            })
        });
        let callers = callers.collect();
        Self { done, answers, callers }
    }

    fn answers(&self) -> usize {
        self.answers.load(Ordering::Relaxed)
    }

    async fn stop(self) -> Vec<Answer> {
        self.done.store(true, Ordering::Relaxed);
        let mut failed = Vec::new();
        for caller in self.callers {
            failed.extend(caller.await.unwrap());
        }
        failed
    }
}
