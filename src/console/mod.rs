//! The console: pages for people who want to see who may call whom, what is being decided, and why.
//!
//! It reads and never changes anything. It knows no users of its own; [`guard`] sees to it that only
//! pages of its own ask it. The pages themselves stand in `console/` and are part of the program.
//!
//! ```text
//! browser ── guard ──> assets
//!                ├──> applications, graph <── Published
//!                ├──> decisions           <── decision_log::Recent
//!                ├──> status              <── Status, Metrics, Issuers
//!                └──> explain             ──> Authorizer::explain
//! ```

mod applications;
mod asked;
mod assets;
mod decisions;
mod explain;
mod graph;
mod guard;
mod kept;
mod readings;
mod refusal;
mod state;
mod status;
mod uses;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware,
    routing::{get, post},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_util::sync::CancellationToken;

use self::{guard::Guard, kept::Kept, readings::Readings};
use crate::{
    applications::Published,
    decision_log::Recent,
    frontend::ext_authz::Shared,
    keys::Issuer,
    service::Status,
    telemetry::ConsoleRefusal,
    web::{self, Fault},
};

/// For a connection; no page is large.
const LONGEST: Duration = Duration::from_secs(30);
/// Questions that may be under way at once: each verifies a token, and may ask for keys and groups.
const EXPLANATIONS: usize = 4;
/// The largest question, in bytes. Entra ID's tokens are a few KiB; Envoy takes headers of 60 KiB
/// as a rule.
const MAX_QUESTION_BYTES: usize = 64 * 1024;

/// What the pages tell of.
#[derive(Debug)]
pub struct Sources {
    pub published: Arc<Published>,
    pub issuers: Vec<Arc<Issuer>>,
    pub shared: Arc<Shared>,
    pub status: Arc<Status>,
    pub recent: Arc<Recent>,
}

/// What the pages are made from.
#[derive(Debug)]
pub struct Console {
    sources: Sources,
    hosts: Arc<[String]>,
    graph: Kept,
    explanations: Semaphore,
    readings: Readings,
}

impl Console {
    /// A console that answers to `hosts` beside loopback names and the address itself.
    pub fn new(sources: Sources, hosts: &[String]) -> Self {
        let (graph, explanations) = (Kept::default(), Semaphore::new(EXPLANATIONS));
        let readings = Readings::default();
        Self { sources, hosts: hosts.into(), graph, explanations, readings }
    }
}

/// Serves until `draining`, then ends with the last connection.
pub async fn serve(listener: TcpListener, console: Console, draining: CancellationToken) {
    let hosts = Arc::clone(&console.hosts);
    let metrics = Arc::clone(&console.sources.shared.recorder.metrics);
    let router = router(Arc::new(console));
    let guarded = |stream: &TcpStream| {
        let here = stream.local_addr().ok().map(|address| address.ip().to_canonical());
        let guard = Guard::new(Arc::clone(&hosts), here, Arc::clone(&metrics));
        router.clone().layer(middleware::from_fn_with_state(guard, guard::admit))
    };
    let closed = {
        let metrics = Arc::clone(&metrics);
        move |fault| {
            metrics.console.refused(match fault {
                Fault::HeadTooLarge => ConsoleRefusal::TooLarge,
                Fault::HeadTooSlow => ConsoleRefusal::TooSlow,
            });
        }
    };
    web::serve(listener, draining, LONGEST, guarded, closed).await;
}

fn router(console: Arc<Console>) -> Router {
    Router::new()
        .route("/api/applications", get(applications::list))
        .route("/api/applications/{id}", get(applications::one))
        .route("/api/graph", get(graph::around))
        .route("/api/decisions", get(decisions::recent))
        .route("/api/status", get(status::now))
        .route("/api/explain", post(explain::explain).layer(question_limit()))
        .route("/", get(assets::index))
        .route("/{file}", get(assets::file))
        .with_state(console)
}

fn question_limit() -> DefaultBodyLimit {
    DefaultBodyLimit::max(MAX_QUESTION_BYTES)
}
