//! Checks that are given up at each of their waits, by whoever asked or by their deadline.

use envoy_types::pb::envoy::service::auth::v3::{
    AttributeContext, CheckRequest,
    attribute_context::{self, HttpRequest},
};
use http_body_util::Full;
use serde_json::{Value, json};
use tokio::{
    task::{JoinHandle, yield_now},
    time::{sleep, timeout},
};

use super::*;
use crate::{
    applications::{Application, DisabledBecause, Generation, Protection, V1Tokens},
    config::{ClientCredentials, ClientProof, Graph, Keys, Membership, Proxy},
    demo::SigningKey,
    dropped::dropped_at,
    http::Client,
    keys::fake::{Behaviour, FakeIssuer, name},
    membership::fake::{self, Mood},
    policy::{AccessPolicy, UserAccess},
    secret::Secret,
    target::{Hosts, Index},
};

const TENANT: &str = "51c1c36f-0bd7-4ae9-9d26-7a8f4f0b8b11";
const CLIENT: &str = "a2f4c0d1-5b7e-4d3a-8c69-17e05b9d4f20";
const USER: &str = "4c6e8a0b-1f37-4d52-9b84-6e2d0f5a7c91";
const OTHER: &str = "00000000-0000-0000-0000-000000000001";
const DESK: &str = "0f3a1d52-6a0e-4c61-9b5d-3c1f0a7e2b11";

/// Long enough for every answer that comes at all.
const PATIENCE: Duration = Duration::from_secs(30);
/// More checks than may wait for anything at once.
const MANY: usize = 300;

/// One application, whose users are those of one group.
fn published() -> Arc<Published> {
    let users = UserAccess { everyone: false, groups: [DESK.parse().unwrap()].into() };
    let protection = Protection::Enforced {
        client_id: CLIENT.parse().unwrap(),
        tenant: TENANT.parse().unwrap(),
        access: AccessPolicy { consumers: [].into(), users },
        v1: V1Tokens::default(),
    };
    let id = "test:team:api".parse().unwrap();
    let hosts = vec!["api.test".to_owned()];
    let unknown = Application::disabled(id, DisabledBecause::NoClientId);
    let application = Application { protection, hosts, ..unknown };
    let published = Published::default();
    let hosts = Hosts::new([&application].into_iter(), "test");
    let index = Index::new(&[Arc::new(application)], hosts.into());
    published.publish(Generation { index });
    Arc::new(published)
}

/// Of the application itself, which may always call itself.
fn application_token(key: &SigningKey) -> String {
    token(key, &json!({"idtyp": "app", "roles": ["access_as_application"], "oid": OTHER}))
}

/// Of a user who logged in at the application, with more groups than a token lists.
fn user_token(key: &SigningKey, user: &str) -> String {
    token(
        key,
        &json!({
            "scp": "defaultaccess", "oid": user,
            "_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {}},
        }),
    )
}

fn token(key: &SigningKey, of_caller: &Value) -> String {
    let mut claims = json!({
        "iss": name(TENANT), "tid": TENANT, "aud": CLIENT, "azp": CLIENT, "ver": "2.0",
        "iat": NOW, "nbf": NOW, "exp": NOW + 3600,
    });
    claims.as_object_mut().unwrap().extend(of_caller.as_object().unwrap().clone());
    key.token(&claims).unwrap()
}

/// A request to the application, as Envoy asks about it.
fn request(token: &str) -> Vec<u8> {
    let http = HttpRequest {
        host: "api.test".into(),
        method: "GET".into(),
        path: "/".into(),
        headers: [("authorization".to_owned(), format!("Bearer {token}"))].into(),
        ..HttpRequest::default()
    };
    let request = attribute_context::Request { http: Some(http), ..Default::default() };
    let attributes = AttributeContext { request: Some(request), ..AttributeContext::default() };
    framed(0, &CheckRequest { attributes: Some(attributes) }.encode_to_vec())
}

impl CheckService {
    /// The answer to a check that is there in one piece: nothing waits for its message.
    async fn ask(&self, token: &str, time: Duration) -> Vec<u8> {
        let (now, body) = (Instant::now(), Full::from(request(token)));
        self.answer(self.messages(body), now, now + time).await
    }

    /// How often checks of the application ended for this reason.
    fn counted(&self, reason: &str) -> usize {
        let text = String::from_utf8(self.shared.recorder.metrics.encode().unwrap()).unwrap();
        let is_of = |line: &&str| {
            line.starts_with("portvakt_checks_total{application=\"test:team:api\"")
                && line.contains(&format!("reason=\"{reason}\""))
        };
        let count = |line: &str| line.rsplit(' ').next().unwrap().parse::<usize>().unwrap();
        text.lines().filter(is_of).map(count).sum()
    }

    fn is_free(&self) -> bool {
        self.shared.capacity.available_permits() == 1
    }
}

fn assert_allowed(answer: &[u8]) {
    let response = CheckResponse::decode(answer).unwrap();
    assert_eq!(response.status.as_ref().unwrap().code, 0, "{response:?}");
    assert!(matches!(response.http_response, Some(HttpResponse::OkResponse(_))), "{response:?}");
}

fn reason(answer: &[u8]) -> String {
    reason_and_detail(&denial(answer)).0
}

/// Somebody else's check.
fn spawn_ask(service: &Arc<CheckService>, token: &str) -> JoinHandle<Vec<u8>> {
    let (service, token) = (Arc::clone(service), token.to_owned());
    tokio::spawn(async move { service.ask(&token, PATIENCE).await })
}

/// A service that has an old key, a while after the issuer has published another. Where somebody
/// else's check waits for it, it is fetched already.
struct Rotation {
    issuer: Arc<FakeIssuer>,
    service: Arc<CheckService>,
    token: String,
    other: Option<JoinHandle<Vec<u8>>>,
}

impl Rotation {
    async fn to(new: &SigningKey, behaviour: Behaviour, is_under_way: bool) -> Self {
        let fake = FakeIssuer::of(&["old"]);
        let issuer = fake.started(TENANT, Keys::default()).await;
        fake.publish(vec![new.public_jwk()]);
        sleep(Keys::default().cooldown).await;
        fake.behave(behaviour);
        let service = service_of(published(), &[issuer], None, "{concurrent_checks: 1}");
        let (service, token) = (Arc::new(service), application_token(new));
        let other = is_under_way.then(|| spawn_ask(&service, &token));
        while is_under_way && fake.under_way() == 0 {
            yield_now().await;
        }
        Self { issuer: fake, service, token, other }
    }
}

#[tokio::test(start_paused = true)]
async fn a_check_that_is_dropped_while_it_waits_for_a_key_leaves_nothing_behind() {
    let new = SigningKey::generate("new").unwrap();
    for is_under_way in [false, true] {
        let mut waits = 0;
        loop {
            let takes = Behaviour::Takes(Duration::from_millis(50));
            let Rotation { issuer, service, token, other } =
                Rotation::to(&new, takes, is_under_way).await;
            let now = Instant::now();
            let pieces = request(&token).chunks(500).map(Bytes::copy_from_slice).collect();
            let messages = service.messages(Trickle { pieces, ends: true, is_ready: false });
            let check = service.answer(messages, now, now + TIMEOUT);
            if let Some(answer) = dropped_at(waits + 1, check).await {
                assert_allowed(&answer);
                break;
            }
            waits += 1;
            for _ in 0..MANY {
                let at_the_key = dropped_at(1, service.ask(&token, TIMEOUT)).await;
                assert_eq!(at_the_key, None);
            }
            assert!(service.is_free());
            assert_eq!(service.counted("application_granted"), 0);
            assert_allowed(&service.ask(&token, TIMEOUT).await);
            if let Some(other) = other {
                assert_allowed(&other.await.unwrap());
            }
            assert_eq!(issuer.requests().1, 2, "at the start, and once for all of them");
        }
        // For the message, for the beginning of an attempt to fetch the keys, and for its end.
        assert_eq!(waits, if is_under_way { 3 + 1 } else { 3 + 2 });
    }
}

#[tokio::test(start_paused = true)]
async fn a_check_that_waits_for_a_key_beyond_its_deadline_is_denied_for_that_reason() {
    let new = SigningKey::generate("new").unwrap();
    for is_under_way in [false, true] {
        let Rotation { issuer, service, token, other } =
            Rotation::to(&new, Behaviour::Hangs, is_under_way).await;
        assert_eq!(reason(&service.ask(&token, TIMEOUT).await), "deadline_exceeded");
        if let Some(other) = other {
            assert_eq!(reason(&other.await.unwrap()), "deadline_exceeded");
        }
        assert_eq!(service.counted("deadline_exceeded"), 1 + usize::from(is_under_way));
        assert!(service.is_free());
        issuer.behave(Behaviour::Normal);
        sleep(Keys::default().cooldown).await;
        assert_allowed(&service.ask(&token, TIMEOUT).await);
    }
}

/// What a look-up of groups waits for first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    AccessToken,
    Answer,
    /// The answer to the same question of somebody else's check.
    OthersAnswer,
    /// Its turn; somebody else's check has it.
    Turn,
}

impl Wait {
    const ALL: [Self; 4] = [Self::AccessToken, Self::Answer, Self::OthersAnswer, Self::Turn];
}

/// A service whose Graph does not answer until it is told to.
struct Scene {
    graph: Arc<fake::Graph>,
    service: Arc<CheckService>,
    token: String,
    other: Option<JoinHandle<Vec<u8>>>,
}

impl Scene {
    async fn of(wait: Wait, key: &SigningKey) -> Self {
        let graph = Arc::new(fake::Graph::start().await);
        graph.add_member(USER, DESK);
        match wait {
            Wait::AccessToken => graph.login_behaves(Mood::Hanging),
            _ => graph.behave(Mood::Hanging),
        }
        let issuer = FakeIssuer::new(vec![key.public_jwk()]).started(TENANT, Keys::default()).await;
        let limits = "{concurrent_checks: 1, deadline: 1m}";
        let service = service_of(published(), &[issuer], Some(resolver(&graph)), limits).into();
        let other = match wait {
            Wait::AccessToken | Wait::Answer => None,
            Wait::OthersAnswer => Some(spawn_ask(&service, &user_token(key, USER))),
            Wait::Turn => Some(spawn_ask(&service, &user_token(key, OTHER))),
        };
        let asked = async {
            while other.is_some() && graph.asked().is_empty() {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, asked).await.unwrap();
        Self { graph, service, token: user_token(key, USER), other }
    }
}

/// Graph answers, from the next wait of this test on.
fn go_on(graph: &Arc<fake::Graph>) -> JoinHandle<()> {
    let graph = Arc::clone(graph);
    tokio::spawn(async move {
        graph.login_behaves(Mood::Normal);
        graph.behave(Mood::Normal);
    })
}

/// Asks one question at a time.
fn resolver(graph: &fake::Graph) -> Resolver {
    let url: url::Url = graph.url().parse().unwrap();
    let proof = ClientProof::Secret(Secret::new("hunter2"));
    let credentials = ClientCredentials { client_id: CLIENT.parse().unwrap(), proof };
    let settings = Graph {
        credentials: [(TENANT.parse().unwrap(), credentials)].into(),
        membership: Membership::Direct,
        cache_lifetime: PATIENCE,
        concurrency: 1,
        login_url: url.clone(),
        url,
    };
    let client = Client::new(&Proxy::Environment).unwrap();
    Resolver::new(&settings, &client, &Clock::new(|| NOW), Arc::new(Metrics::new()))
}

#[tokio::test]
async fn a_check_that_is_dropped_while_it_waits_for_groups_leaves_nothing_behind() {
    let key = SigningKey::generate("k").unwrap();
    for kind in Wait::ALL {
        let mut waits = 0;
        loop {
            let Scene { graph, service, token, other } = Scene::of(kind, &key).await;
            let check = || service.ask(&token, PATIENCE);
            if waits == 0 {
                for _ in 0..MANY {
                    assert_eq!(dropped_at(1, check()).await, None, "{kind:?}");
                }
            }
            let going_on = go_on(&graph);
            if let Some(answer) = dropped_at(waits + 1, check()).await {
                assert_allowed(&answer);
                break;
            }
            waits += 1;
            assert!(service.is_free(), "{kind:?}");
            going_on.await.unwrap();
            assert_allowed(&check().await);
            if let Some(other) = other {
                other.await.unwrap();
            }
            let (allowed, asked) = match kind {
                Wait::AccessToken | Wait::Answer => (1, 1),
                Wait::OthersAnswer => (2, 1),
                Wait::Turn => (1, 2),
            };
            assert_eq!(service.counted("user_granted"), allowed, "{kind:?}");
            assert_eq!((graph.asked().len(), graph.asked_for_tokens().len()), (asked, 1));
        }
        assert_eq!(waits, if kind == Wait::Turn { 2 } else { 1 }, "{kind:?}");
    }
}

#[tokio::test]
async fn a_check_that_waits_for_groups_beyond_its_deadline_is_denied_for_that_reason() {
    let key = SigningKey::generate("k").unwrap();
    for kind in Wait::ALL {
        let Scene { graph, service, token, .. } = Scene::of(kind, &key).await;
        let late = service.ask(&token, Duration::from_millis(50)).await;
        assert_eq!(reason(&late), "groups_unavailable", "{kind:?}");
        assert_eq!(service.counted("groups_unavailable"), 1, "{kind:?}");
        assert!(service.is_free(), "{kind:?}");
        go_on(&graph).await.unwrap();
        assert_allowed(&service.ask(&token, PATIENCE).await);
    }
}
