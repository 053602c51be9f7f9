//! Portvakt behind sidecars: with mutual TLS, and without.

use std::net::SocketAddr;

use serde_json::json;
use tempfile::TempDir;

use crate::support::{
    Answer, Release, Token, World,
    certificates::{Authority, Identity},
    documents::{HOME, NEWSLETTER, WEBSHOP},
};

/// A sidecar of orders-api that insists on mutual TLS.
pub struct Sidecar {
    pub world: World,
    authority: Authority,
    _folder: TempDir,
}

impl Sidecar {
    pub async fn start(release: Release, bind_tokens: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new(folder.path());
        let server = authority.issue("team-orders", "orders-api", "sidecar.test");
        let config = json!({
            "listen": {"ext_authz": [{"address": "127.0.0.1:0", "asked_by": "workloads"}]},
            "mesh": {"bind_tokens": bind_tokens},
        });
        let world =
            World::with(release, config, |envoy| envoy.mutual_tls(&server, &authority.file()));
        Self { world: world.await, authority, _folder: folder }
    }

    /// A request by a workload.
    pub async fn get(&self, namespace: &str, service_account: &str, token: &Token) -> Answer {
        let workload = self.authority.issue(namespace, service_account, "workload.test");
        let client = client(&workload, &self.authority, self.world.envoy.address);
        let url = format!("https://sidecar.test:{}/orders", self.world.envoy.address.port());
        let token = self.world.issuer.issue(HOME, token);
        Answer::read(client.get(url).bearer_auth(token).send().await.unwrap()).await
    }
}

fn client(workload: &Identity, authority: &Authority, envoy: SocketAddr) -> reqwest::Client {
    let read = |path| std::fs::read(path).unwrap();
    let identity = [read(&workload.certificate), read(&workload.private_key)].concat();
    let root = reqwest::Certificate::from_pem(&read(&authority.file())).unwrap();
    reqwest::Client::builder()
        .no_proxy()
        .resolve("sidecar.test", envoy)
        .identity(reqwest::Identity::from_pem(&identity).unwrap())
        .tls_certs_only([root])
        .build()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sidecar_with_mutual_tls_tells_target_and_presenter() {
    let sidecar = Sidecar::start(Release::Current, "enforce").await;
    let webshop = Token::of_application(WEBSHOP);

    let answer = sidecar.get("team-orders", "webshop", &webshop).await;
    assert_eq!(answer.received().all("x-caller-application"), ["test:team-orders:webshop"]);
    // The same name elsewhere, another name, and a token of one's own that is not granted.
    sidecar.get("team-insight", "webshop", &webshop).await.assert_denied("workload_mismatch");
    sidecar.get("team-insight", "newsletter", &webshop).await.assert_denied("workload_mismatch");
    let newsletter = Token::of_application(NEWSLETTER);
    let answer = sidecar.get("team-insight", "newsletter", &newsletter).await;
    answer.assert_denied("consumer_not_granted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mismatch_can_be_reported_alone() {
    let sidecar = Sidecar::start(Release::Current, "report").await;
    let webshop = Token::of_application(WEBSHOP);
    sidecar.get("team-insight", "newsletter", &webshop).await.received();
    sidecar.get("team-orders", "webshop", &webshop).await.received();
    let mismatches =
        r#"portvakt_workload_mismatches_total{application="test:team-orders:orders-api"}"#;
    assert_eq!(sidecar.world.portvakt.metric(mismatches).await, Some(1.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forwarded_client_is_believed_only_where_that_is_configured() {
    let webshop = Token::of_application(WEBSHOP);
    let [own, other] = ["webshop", "newsletter"].map(|name| {
        format!(
            "URI=spiffe://told,By=spiffe://a;URI=spiffe://cluster.local/ns/team-orders/sa/{name}"
        )
    });
    for is_believed in [true, false] {
        let listener = json!({"address": "127.0.0.1:0", "forwarded_client_cert": is_believed});
        let config =
            json!({"listen": {"ext_authz": [listener]}, "mesh": {"bind_tokens": "enforce"}});
        let world = World::with(Release::Current, config, |envoy| envoy.forwards_client_cert());
        let world = world.await;
        let get = async |client: &str| {
            let request = world.get("/orders").header("x-forwarded-client-cert", client);
            request.token(&webshop).send().await
        };
        get(&own).await.received();
        match is_believed {
            true => get(&other).await.assert_denied("workload_mismatch"),
            false => drop(get(&other).await.received()),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sidecar_in_plaintext_believes_no_host() {
    let config = json!({
        "listen": {"ext_authz": [{"address": "127.0.0.1:0", "asked_by": "workloads"}]},
        "target": {"default_application": "test:team-people:directory"},
    });
    let world = World::with(Release::Current, config, |envoy| {
        envoy
            .names_application("named.test", "test:team-orders:orders-api")
            .names_application("misnamed.test", "test:team-orders:nobody")
    });
    let world = world.await;
    // newsletter may call mailbox, and nothing else: the sidecar would forward to its own workload.
    let newsletter =
        Token::of_application(NEWSLETTER).claim("aud", "f4b2d8e6-1c75-4a93-8e0d-7b6f5a3c9d41");
    let webshop = Token::of_application(WEBSHOP);
    for (host, token) in [
        ("mailbox.test", &newsletter),
        ("mailbox.team-insight", &newsletter),
        ("mailbox.team-insight.svc.cluster.local", &newsletter),
        ("orders.test", &webshop),
        ("misnamed.test", &webshop),
    ] {
        let answer = world.get("/orders").host(host).token(token).send().await;
        answer.assert_denied("application_unknown");
    }
    assert_eq!(world.upstream.requests(), 0);
    world.get("/orders").host("named.test").token(&webshop).send().await.received();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_lets_host_name_the_target() {
    let config = json!({
        "listen": {"ext_authz": [{"address": "127.0.0.1:0", "asked_by": "gateways"}]},
        "target": {"default_application": "test:team-orders:orders-api"},
    });
    let world = World::with(Release::Current, config, |envoy| {
        envoy.names_application("named.test", "test:team-orders:orders-api")
    });
    let world = world.await;
    let newsletter =
        Token::of_application(NEWSLETTER).claim("aud", "f4b2d8e6-1c75-4a93-8e0d-7b6f5a3c9d41");
    let webshop = Token::of_application(WEBSHOP);
    for (host, token) in [
        ("mailbox.test", &newsletter),
        ("MAILBOX.test:8443", &newsletter),
        ("mailbox.team-insight.svc.cluster.local", &newsletter),
        ("orders.test", &webshop),
        ("named.test", &webshop),
        ("nobody.test", &webshop),
    ] {
        world.get("/orders").host(host).token(token).send().await.received();
    }
}
