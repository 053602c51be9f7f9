//! An issuer like Entra ID, on loopback: a metadata document and a key set for each tenant.

use std::{
    collections::HashMap,
    future::pending,
    io, iter,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    body::Body,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use futures_util::stream;
use hyper::server::conn::http1;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpSocket},
    task::{JoinHandle, JoinSet},
    time,
};

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
    /// A key set of keys that cannot be used.
    BadKeys,
    /// A good key among bad ones.
    MixedKeys,
    /// A key set of two MiB.
    OversizedSet,
    /// Never.
    Hanging,
    /// One byte each second.
    Trickling,
    /// Without end.
    Endless,
    /// Breaks off in the midst of the answer.
    Breaking,
    /// To another place.
    Redirecting,
    /// A metadata document whose keys are at another place.
    KeysElsewhere,
    /// A metadata document of another issuer.
    OtherIssuer,
}

impl Behaviour {
    /// Those under which keys can be fetched no longer by who knows where they are.
    pub const FAULTY: [Self; 10] = [
        Self::Failing,
        Self::Garbage,
        Self::EmptySet,
        Self::BadKeys,
        Self::OversizedSet,
        Self::Endless,
        Self::Breaking,
        Self::Redirecting,
        Self::Hanging,
        Self::Trickling,
    ];
}

/// The issuer of several tenants.
pub struct Issuer {
    address: SocketAddr,
    /// Keeps the address for the issuer while nobody listens there.
    _place: TcpSocket,
    tenants: Arc<Tenants>,
    strays: Arc<AtomicUsize>,
    /// While it is there.
    serving: Option<JoinHandle<()>>,
}

type Tenants = Mutex<HashMap<String, Tenant>>;

struct Tenant {
    keys: Vec<Arc<SigningKey>>,
    behaviour: Behaviour,
    key_requests: usize,
    /// Held by each request that hangs.
    hanging: Arc<()>,
}

impl Issuer {
    /// With one key for each tenant.
    pub fn start(tenants: &[&str]) -> Self {
        let mut issuer = Self::absent(tenants);
        issuer.come();
        issuer
    }

    /// With one key for each tenant, at an address that refuses connections.
    pub fn absent(tenants: &[&str]) -> Self {
        let place = socket_at(([127, 0, 0, 1], 0).into());
        let tenant = |id: &&str| {
            let key = Arc::new(SigningKey::generate(&format!("key of {id}")));
            let behaviour = Behaviour::Normal;
            let hanging = Arc::default();
            ((*id).to_owned(), Tenant { keys: vec![key], behaviour, key_requests: 0, hanging })
        };
        let tenants = Arc::new(Mutex::new(tenants.iter().map(tenant).collect()));
        let address = place.local_addr().unwrap();
        Self { address, _place: place, tenants, strays: Arc::default(), serving: None }
    }

    /// Listens from now on.
    pub fn come(&mut self) {
        let listener = socket_at(self.address).listen(128).unwrap();
        let router = Router::new()
            .route("/{tenant}/v2.0/.well-known/openid-configuration", get(metadata))
            .route("/{tenant}/discovery/v2.0/keys", get(keys))
            .with_state((self.address, Arc::clone(&self.tenants)));
        let strays = Arc::clone(&self.strays);
        let router = router.fallback(async move || {
            strays.fetch_add(1, Ordering::SeqCst);
            StatusCode::NOT_FOUND
        });
        self.serving = Some(tokio::spawn(serve(listener, router)));
    }

    /// Breaks off whatever it is at, and listens no longer.
    pub async fn leave(&mut self) {
        let Some(serving) = self.serving.take() else { return };
        serving.abort();
        assert!(serving.await.unwrap_err().is_cancelled());
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

    /// A place of its own at which nobody has anything to look for.
    pub fn stray_url(&self) -> String {
        format!("http://{}/stray/keys", self.address)
    }

    /// How often it was asked for what nobody should ask it for.
    pub fn strays(&self) -> usize {
        self.strays.load(Ordering::SeqCst)
    }

    /// How often it was asked for a tenant's keys.
    pub fn key_requests(&self, tenant: &str) -> usize {
        self.tenants()[tenant].key_requests
    }

    /// How many requests to a tenant hang now.
    pub fn hanging(&self, tenant: &str) -> usize {
        Arc::strong_count(&self.tenants()[tenant].hanging) - 1
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

/// A socket at an address that others may have, as long as they do not listen.
pub fn socket_at(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(address).unwrap();
    socket
}

/// Until it is aborted, and its connections with it.
async fn serve(listener: TcpListener, router: Router) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let service = TowerToHyperService::new(router.clone());
        connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

type Shared = (SocketAddr, Arc<Tenants>);

async fn metadata(State((address, tenants)): State<Shared>, Path(id): Path<String>) -> Response {
    let behaviour = tenants.lock().unwrap().get(&id).map(|tenant| tenant.behaviour);
    let keys = match behaviour {
        Some(Behaviour::KeysElsewhere) => format!("http://localhost:{}/stray/keys", address.port()),
        _ => format!("http://{address}/{id}/discovery/v2.0/keys"),
    };
    let issuer = match behaviour {
        Some(Behaviour::OtherIssuer) => "00000000-0000-0000-0000-000000000000",
        _ => &id,
    };
    let document = json!({
        "issuer": format!("http://{address}/{issuer}/v2.0"),
        "jwks_uri": keys,
        "token_endpoint": format!("http://{address}/{id}/oauth2/v2.0/token"),
    });
    answer(&tenants, &id, &document).await
}

async fn keys(State((_, tenants)): State<Shared>, Path(id): Path<String>) -> Response {
    let (behaviour, keys) = match tenants.lock().unwrap().get_mut(&id) {
        Some(tenant) => {
            tenant.key_requests += 1;
            let keys: Vec<_> = tenant.keys.iter().map(|key| key.jwk()).collect();
            (Some(tenant.behaviour), keys)
        }
        None => (None, Vec::new()),
    };
    let keys = match behaviour {
        Some(Behaviour::EmptySet) => Vec::new(),
        Some(Behaviour::BadKeys) => bad_keys(),
        Some(Behaviour::MixedKeys) => [bad_keys(), keys].concat(),
        Some(Behaviour::OversizedSet) => [keys, vec![json!("x".repeat(2 << 20))]].concat(),
        _ => keys,
    };
    answer(&tenants, &id, &json!({"keys": keys})).await
}

/// Keys that must not be used, each for a reason of its own.
fn bad_keys() -> Vec<Value> {
    vec![
        json!(7),
        json!({"kty": "oct", "kid": "oct", "k": "c2VjcmV0"}),
        json!({"kty": "RSA", "kid": "small", "n": "wcHB", "e": "AQAB"}),
        json!({"kty": "RSA", "kid": "without n", "use": "sig", "e": "AQAB"}),
        json!({"kty": "EC", "kid": "curve", "crv": "P-256", "x": "AA", "y": "AA"}),
    ]
}

async fn answer(tenants: &Tenants, id: &str, document: &Value) -> Response {
    let tenant = |tenant: &Tenant| (tenant.behaviour, Arc::clone(&tenant.hanging));
    let Some((behaviour, hanging)) = tenants.lock().unwrap().get(id).map(tenant) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match behaviour {
        Behaviour::Normal
        | Behaviour::EmptySet
        | Behaviour::BadKeys
        | Behaviour::MixedKeys
        | Behaviour::OversizedSet
        | Behaviour::KeysElsewhere
        | Behaviour::OtherIssuer => Json(document).into_response(),
        Behaviour::Failing => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Behaviour::Garbage => "<html><body>maintenance</body></html>".into_response(),
        Behaviour::Hanging => {
            let _held = hanging;
            pending().await
        }
        Behaviour::Trickling => trickle(document.to_string().into_bytes()),
        Behaviour::Endless => {
            let blocks = iter::repeat_with(|| Ok::<_, io::Error>(" ".repeat(1 << 16)));
            Body::from_stream(stream::iter(blocks)).into_response()
        }
        Behaviour::Breaking => {
            let parts = [Ok(r#"{"keys":["#), Err(io::Error::other("it breaks off"))];
            Body::from_stream(stream::iter(parts)).into_response()
        }
        Behaviour::Redirecting => {
            (StatusCode::FOUND, [("location", "http://127.0.0.1:1/")]).into_response()
        }
    }
}

/// Right in everything, and later than anyone waits.
fn trickle(bytes: Vec<u8>) -> Response {
    let bytes = stream::unfold(bytes.into_iter(), async |mut rest| {
        let byte = rest.next()?;
        time::sleep(Duration::from_secs(1)).await;
        Some((Ok::<_, io::Error>(vec![byte]), rest))
    });
    Body::from_stream(bytes).into_response()
}
