//! Everything at once: an issuer, an upstream, the service and an Envoy in front.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    Answer, Behaviour, Envoy, Graph, Issuer, Portvakt, Release, Token, Upstream,
    documents::{self, FOREIGN, HOME, NEWSLETTER},
    envoy,
    wait::PATIENCE,
};

/// The host of orders-api, at which requests arrive unless they say otherwise.
pub const HOST: &str = "orders.test";

/// What the home tenant's client proves itself to Graph by.
const SECRET_FILE: &str = "graph-secret";

/// A whole set-up on loopback.
pub struct World {
    // First, so that what asks ends before what is asked.
    pub envoy: Envoy,
    pub portvakt: Portvakt,
    pub issuer: Issuer,
    pub upstream: Upstream,
    folder: TempDir,
}

impl World {
    /// The shipped configuration of Envoy, and the usual one of Portvakt.
    pub async fn start() -> Self {
        Self::with(Release::Current, json!({}), |config| config).await
    }

    /// With members of Portvakt's configuration changed, and with a changed Envoy.
    pub async fn with(
        release: Release,
        changes: Value,
        change_envoy: impl FnOnce(envoy::Config) -> envoy::Config,
    ) -> Self {
        Self::assembled(release, changes, |_| {}, change_envoy).await
    }

    /// With members of Portvakt's configuration changed, and with more in its folder.
    pub async fn prepared(release: Release, changes: Value, prepare: impl FnOnce(&Path)) -> Self {
        Self::assembled(release, changes, prepare, |envoy| envoy).await
    }

    async fn assembled(
        release: Release,
        changes: Value,
        prepare: impl FnOnce(&Path),
        change_envoy: impl FnOnce(envoy::Config) -> envoy::Config,
    ) -> Self {
        let folder = tempfile::Builder::new().prefix("portvakt-e2e-").tempdir().unwrap();
        let issuer = Issuer::start(&[HOME, FOREIGN]);
        issuer.behave(FOREIGN, Behaviour::Failing);
        let upstream = Upstream::start().await;
        documents::write(&folder.path().join("applications"));
        fs::write(folder.path().join(SECRET_FILE), "hunter2\n").unwrap();
        prepare(folder.path());
        let portvakt = Portvakt::start(folder.path(), &configuration(&issuer, changes)).await;
        let portvakt = portvakt.ready().await;
        let config = envoy::Config::shipped(&[&portvakt.listeners[0]], &upstream);
        let envoy = Envoy::start(release, folder.path(), &change_envoy(config)).await;
        Self { envoy, portvakt, issuer, upstream, folder }
    }

    /// With groups that tokens do not list looked up at this Graph.
    pub async fn with_graph(release: Release, graph: &Graph) -> Self {
        let url = graph.url();
        let changes = json!({"entra": {"graph": {"enabled": true, "url": url, "login_url": url}}});
        Self::with(release, changes, |envoy| envoy).await
    }

    /// A request to orders-api through Envoy.
    pub fn request(&self, method: Method, path: &str) -> Request<'_> {
        let url = format!("http://{}{path}", self.envoy.address);
        let inner = client().request(method, url);
        Request { inner, host: HOST, issuer: &self.issuer }
    }

    /// A GET request to orders-api through Envoy.
    pub fn get(&self, path: &str) -> Request<'_> {
        self.request(Method::GET, path)
    }

    /// A file or folder that is removed at the end.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// The folder that is removed at the end.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The folder of the documents.
    pub fn documents(&self) -> PathBuf {
        self.path("applications")
    }
}

/// A request under construction.
pub struct Request<'a> {
    inner: RequestBuilder,
    host: &'a str,
    issuer: &'a Issuer,
}

impl<'a> Request<'a> {
    /// For another host than that of orders-api.
    pub fn host(mut self, host: &'a str) -> Self {
        self.host = host;
        self
    }

    /// With one header more, whose value need not be text.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.inner = self.inner.header(name, value.as_ref());
        self
    }

    /// With a bearer token as it stands.
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    /// With a token of the home tenant.
    pub fn token(self, token: &Token) -> Self {
        let token = self.issuer.issue(HOME, token);
        self.bearer(&token)
    }

    pub async fn send(self) -> Answer {
        Answer::read(self.inner.header("host", self.host).send().await.unwrap()).await
    }
}

/// A GET request to orders-api at an Envoy, with a bearer token.
pub async fn ask(client: &reqwest::Client, envoy: SocketAddr, token: &str) -> Answer {
    let request = client.get(format!("http://{envoy}/")).header("host", HOST).bearer_auth(token);
    Answer::read(request.send().await.unwrap()).await
}

/// A client that speaks to nobody but the address it is given.
pub fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap()
}

/// Portvakt's usual configuration, with changes.
pub fn configuration(issuer: &Issuer, changes: Value) -> Value {
    let mut config = json!({
        "cluster": "test",
        "listen": {"ext_authz": "127.0.0.1:0", "admin": "127.0.0.1:0"},
        "entra": {
            "tenants": [
                {"well_known_url": issuer.well_known_url(HOME)},
                {"well_known_url": issuer.well_known_url(FOREIGN)},
            ],
            "keys": {"cooldown": "1s"},
        },
        "applications": {"paths": ["applications"]},
        "allow_cors_preflight": true,
        // On a busy machine the usual 150 ms pass by themselves while a key is fetched.
        "limits": {"deadline": "8s"},
        "shutdown": {"delay": "2s", "grace": "10s"},
        "log": {"format": "json"},
    });
    merge(&mut config, changes);
    if config["entra"]["graph"].is_object() {
        config["entra"]["tenants"][0]["graph"] =
            json!({"client_id": NEWSLETTER, "client_secret_file": SECRET_FILE});
    }
    config
}

/// Mappings are merged, everything else is replaced.
pub fn merge(base: &mut Value, changes: Value) {
    match (base, changes) {
        (Value::Object(base), Value::Object(changes)) => {
            for (key, value) in changes {
                merge(base.entry(key).or_insert(Value::Null), value);
            }
        }
        (base, changes) => *base = changes,
    }
}
