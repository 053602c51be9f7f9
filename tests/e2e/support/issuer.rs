//! An issuer like Entra ID, on loopback: a metadata document and a key set for each tenant.

use std::{
    collections::HashMap,
    future::pending,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::json;
use tokio::net::TcpSocket;

use super::{SigningKey, Token};

/// How a tenant answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    Normal,
    /// Status 500.
    Failing,
    /// A page of HTML.
    Garbage,
    /// A key set without keys.
    EmptySet,
    /// Never.
    Hanging,
    /// To another place.
    Redirecting,
}

/// The issuer of several tenants.
pub struct Issuer {
    address: SocketAddr,
    tenants: Arc<Tenants>,
}

/// An issuer whose address is taken and where nobody listens: connections are refused.
pub struct AbsentIssuer {
    issuer: Issuer,
    socket: TcpSocket,
}

type Tenants = Mutex<HashMap<String, Tenant>>;

struct Tenant {
    keys: Vec<Arc<SigningKey>>,
    behaviour: Behaviour,
}

impl Issuer {
    /// With one key for each tenant.
    pub fn start(tenants: &[&str]) -> Self {
        Self::absent(tenants).come()
    }

    /// With one key for each tenant, later.
    pub fn absent(tenants: &[&str]) -> AbsentIssuer {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        let tenant = |id: &&str| {
            let key = Arc::new(SigningKey::generate(&format!("key of {id}")));
            ((*id).to_owned(), Tenant { keys: vec![key], behaviour: Behaviour::Normal })
        };
        let tenants = Arc::new(Mutex::new(tenants.iter().map(tenant).collect()));
        let issuer = Self { address: socket.local_addr().unwrap(), tenants };
        AbsentIssuer { issuer, socket }
    }

    /// `iss` of a tenant's tokens.
    pub fn name(&self, tenant: &str) -> String {
        format!("http://{}/{tenant}/v2.0", self.address)
    }

    /// Where a tenant's metadata document is found.
    pub fn well_known_url(&self, tenant: &str) -> String {
        format!("{}/.well-known/openid-configuration", self.name(tenant))
    }

    /// Has a tenant answer otherwise from now on.
    pub fn behave(&self, tenant: &str, behaviour: Behaviour) {
        self.tenants().get_mut(tenant).unwrap().behaviour = behaviour;
    }

    /// Replaces a tenant's keys by a new one.
    pub fn rotate(&self, tenant: &str, kid: &str) {
        let key = Arc::new(SigningKey::generate(kid));
        self.tenants().get_mut(tenant).unwrap().keys = vec![key];
    }

    /// Publishes a tenant's next key beside the one that it signs with.
    pub fn announce(&self, tenant: &str, kid: &str) {
        let key = Arc::new(SigningKey::generate(kid));
        self.tenants().get_mut(tenant).unwrap().keys.insert(0, key);
    }

    /// Signs with the key that was announced, and still publishes the one before.
    pub fn switch(&self, tenant: &str) {
        self.tenants().get_mut(tenant).unwrap().keys.rotate_left(1);
    }

    /// Publishes no key but the one that a tenant signs with.
    pub fn withdraw(&self, tenant: &str) {
        let mut tenants = self.tenants();
        let keys = &mut tenants.get_mut(tenant).unwrap().keys;
        keys.drain(..keys.len() - 1);
    }

    /// The key that a tenant signs with now.
    pub fn key(&self, tenant: &str) -> Arc<SigningKey> {
        Arc::clone(self.tenants()[tenant].keys.last().unwrap())
    }

    /// The token as a tenant issues it: `iss`, `tid` and `kid` are its own unless stated.
    pub fn issue(&self, tenant: &str, token: &Token) -> String {
        let key = self.key(tenant);
        self.complete(tenant, token, &key.kid).sign(&key)
    }

    /// The token with all that names the issuer, not yet signed.
    pub fn complete(&self, tenant: &str, token: &Token, kid: &str) -> Token {
        let mut token = token.clone();
        let claims = token.claims.as_object_mut().unwrap();
        claims.entry("iss").or_insert_with(|| self.name(tenant).into());
        claims.entry("tid").or_insert_with(|| tenant.into());
        token.header.as_object_mut().unwrap().entry("kid").or_insert_with(|| kid.into());
        token
    }

    fn tenants(&self) -> MutexGuard<'_, HashMap<String, Tenant>> {
        self.tenants.lock().unwrap()
    }
}

impl AbsentIssuer {
    /// What it will be.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// Begins to listen.
    pub fn come(self) -> Issuer {
        let listener = self.socket.listen(128).unwrap();
        let router = Router::new()
            .route("/{tenant}/v2.0/.well-known/openid-configuration", get(metadata))
            .route("/{tenant}/discovery/v2.0/keys", get(keys))
            .with_state((self.issuer.address, Arc::clone(&self.issuer.tenants)));
        tokio::spawn(async { axum::serve(listener, router).await });
        self.issuer
    }
}

type Shared = (SocketAddr, Arc<Tenants>);

async fn metadata(State((address, tenants)): State<Shared>, Path(id): Path<String>) -> Response {
    let document = json!({
        "issuer": format!("http://{address}/{id}/v2.0"),
        "jwks_uri": format!("http://{address}/{id}/discovery/v2.0/keys"),
        "token_endpoint": format!("http://{address}/{id}/oauth2/v2.0/token"),
    });
    let behaviour = tenants.lock().unwrap().get(&id).map(|tenant| tenant.behaviour);
    answer(behaviour, document).await
}

async fn keys(State((_, tenants)): State<Shared>, Path(id): Path<String>) -> Response {
    let (behaviour, keys) = match tenants.lock().unwrap().get(&id) {
        Some(tenant) => {
            let keys: Vec<_> = tenant.keys.iter().map(|key| key.jwk()).collect();
            (Some(tenant.behaviour), keys)
        }
        None => (None, Vec::new()),
    };
    let keys = if behaviour == Some(Behaviour::EmptySet) { Vec::new() } else { keys };
    answer(behaviour, json!({"keys": keys})).await
}

async fn answer(behaviour: Option<Behaviour>, document: serde_json::Value) -> Response {
    match behaviour {
        Some(Behaviour::Normal | Behaviour::EmptySet) => Json(document).into_response(),
        Some(Behaviour::Failing) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Some(Behaviour::Garbage) => "<html><body>maintenance</body></html>".into_response(),
        Some(Behaviour::Hanging) => pending().await,
        Some(Behaviour::Redirecting) => {
            (StatusCode::FOUND, [("location", "http://127.0.0.1:1/")]).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
