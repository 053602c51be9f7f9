//! A Kubernetes API server on loopback that serves the two resources of NAIS, as strict as the real
//! one where that matters to readers of documents, and as unreliable as a test wants.
//!
//! Objects are created, replaced and deleted by HTTP, as in a cluster, whatever the mood: moods are
//! for lists and watches.

mod answer;
mod failure;
mod list;
mod resource;
mod state;
mod store;
mod watches;

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpSocket},
    task::{JoinHandle, JoinSet},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs::default_provider,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};

pub use failure::Failure;
pub use resource::{Key, Resource};
pub use state::{Asked, Interruption, Mood, Verb};

use super::{certificates::Authority, issuer::socket_at, until};
use state::State;

/// What kubeconfigs hold.
pub const TOKEN: &str = "api-server-token";

/// The server; ends with the test's runtime.
pub struct ApiServer {
    address: SocketAddr,
    /// Keeps the address while nobody listens there.
    _place: TcpSocket,
    state: Arc<State>,
    tls: Option<Tls>,
    /// While it is there.
    serving: Option<JoinHandle<()>>,
}

struct Tls {
    acceptor: TlsAcceptor,
    /// The file of the authority's certificate.
    authority: PathBuf,
}

impl ApiServer {
    /// Without objects, in plaintext.
    pub fn start() -> Self {
        Self::with(None)
    }

    /// With TLS, by a certificate of this authority.
    pub fn start_with_tls(authority: &Authority) -> Self {
        let identity = authority.issue("default", "kubernetes", "127.0.0.1");
        let chain = vec![CertificateDer::from_pem_file(identity.certificate).unwrap()];
        let key = PrivateKeyDer::from_pem_file(identity.private_key).unwrap();
        let config = ServerConfig::builder_with_provider(default_provider().into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Self::with(Some(Tls { acceptor, authority: authority.file() }))
    }

    fn with(tls: Option<Tls>) -> Self {
        let place = socket_at(([127, 0, 0, 1], 0).into());
        let address = place.local_addr().unwrap();
        let state = Arc::<State>::default();
        let mut server = Self { address, _place: place, state, tls, serving: None };
        server.come();
        server
    }

    /// Listens again.
    pub fn come(&mut self) {
        let listener = socket_at(self.address).listen(128).unwrap();
        let acceptor = self.tls.as_ref().map(|tls| tls.acceptor.clone());
        self.serving = Some(tokio::spawn(serve(listener, acceptor, Arc::clone(&self.state))));
    }

    /// Breaks off whatever it is at, and listens no longer.
    pub async fn leave(&mut self) {
        let Some(serving) = self.serving.take() else { return };
        serving.abort();
        assert!(serving.await.unwrap_err().is_cancelled());
    }

    /// Writes a kubeconfig for it into a folder.
    pub fn kubeconfig(&self, folder: &Path) -> PathBuf {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let mut cluster = json!({"server": format!("{scheme}://{}", self.address)});
        if let Some(tls) = &self.tls {
            cluster["certificate-authority"] = tls.authority.to_str().unwrap().into();
        }
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": "test", "user": {"token": TOKEN}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        });
        let file = folder.join("kubeconfig");
        fs::write(&file, config.to_string()).unwrap();
        file
    }

    /// Has its kubeconfigs name another authority than that of its certificate.
    pub fn pretend(&mut self, authority: &Authority) {
        self.tls.as_mut().unwrap().authority = authority.file();
    }

    /// Takes no other token from now on than this one.
    pub fn expect_token(&self, token: &str) {
        self.state.lock().token = token.to_owned();
    }

    /// Has lists or watches of a resource be answered otherwise from now on.
    pub fn behave(&self, resource: Resource, verb: Verb, mood: Mood) {
        self.state.lock().moods.insert((resource, verb), mood);
    }

    /// Has lists and watches of both resources be answered otherwise from now on.
    pub fn behave_altogether(&self, mood: Mood) {
        for resource in Resource::ALL {
            self.behave(resource, Verb::List, mood);
            self.behave(resource, Verb::Watch, mood);
        }
    }

    /// Shows no more items at once to who asks for pages.
    pub fn limit_pages(&self, items: usize) {
        self.state.lock().page_size = items;
    }

    /// Holds an object that no client here could send: creates it, or replaces the one of its name.
    pub fn hold(&self, object: Value) {
        self.state.change(|store| store.put_as_it_is(object));
    }

    /// From now on, no watch can begin before what is now.
    pub fn forget(&self) {
        self.state.change(store::Store::forget);
    }

    /// Does this to the watches of a resource, of which there must be some, waited for; and waits
    /// until those that end have ended.
    pub async fn interrupt(&self, resource: Resource, interruption: Interruption) {
        let begun = self.requests(resource, Verb::Watch);
        until("a watch that can be interrupted", async || {
            (self.state.interrupt(resource, interruption) > 0).then_some(())
        })
        .await;
        if !matches!(interruption, Interruption::Stall | Interruption::Bookmark) {
            until("the end of the watches", async || {
                let is_next = self.requests(resource, Verb::Watch) > begun;
                (is_next || self.state.watches(resource) == 0).then_some(())
            })
            .await;
        }
    }

    /// Until watches of both resources are open.
    pub async fn watched(&self) {
        until("watches of both resources", async || {
            Resource::ALL.iter().all(|resource| self.state.watches(*resource) > 0).then_some(())
        })
        .await;
    }

    /// What it was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.state.lock().asked.clone()
    }

    /// How often it was asked to list or to watch a resource.
    pub fn requests(&self, resource: Resource, verb: Verb) -> usize {
        let is_it = |asked: &&Asked| asked.collection.resource == resource && asked.verb == verb;
        self.state.lock().asked.iter().filter(is_it).count()
    }

    /// How many connections were opened so far.
    pub fn connections(&self) -> usize {
        self.state.lock().connections
    }

    /// Requests for what is not served here.
    pub fn strays(&self) -> Vec<String> {
        self.state.lock().strays.clone()
    }

    /// The version of the newest change.
    pub fn version(&self) -> u64 {
        self.state.lock().store.version()
    }
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        if thread::panicking() {
            let inner = self.state.lock();
            eprintln!("--- asked of the API server: {:?}\n{:?}\n---", inner.asked, inner.strays);
        }
    }
}

/// Until it is aborted, and its connections with it.
async fn serve(listener: TcpListener, acceptor: Option<TlsAcceptor>, state: Arc<State>) {
    let router = Router::new().fallback(answer::answer).with_state(Arc::clone(&state));
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        state.lock().connections += 1;
        let (router, acceptor) = (router.clone(), acceptor.clone());
        connections.spawn(async move {
            let Some(acceptor) = acceptor else { return speak(stream, router).await };
            // Who does not trust the certificate goes by himself.
            if let Ok(stream) = acceptor.accept(stream).await {
                speak(stream, router).await;
            }
        });
    }
}

/// HTTP/1.1, until the client closes or something breaks off.
fn speak(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
) -> impl Future<Output = ()> {
    let service = TowerToHyperService::new(router);
    let serving = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    async { drop(serving.await) }
}
