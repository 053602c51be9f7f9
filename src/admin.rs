//! `/livez`, `/readyz`, `/metrics` and `/usage`, for kubelets, Prometheus and people.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::spawn_blocking,
};
use tokio_util::sync::CancellationToken;

use crate::{accept, service::Status};

/// Probes and scrapes come one by one. The connections of checks have a limit of their own, so
/// that a flood of those leaves room for these.
const CONNECTIONS: usize = 64;
/// For a request's head, also the next one of a connection.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest that a connection lives.
const CONNECTION_AGE: Duration = Duration::from_secs(60);
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// Serves until `draining`, then ends with the last connection.
pub async fn serve(listener: TcpListener, status: Arc<Status>, draining: CancellationToken) {
    let router = Router::new()
        .route("/livez", get(|| async { "alive\n" }))
        .route("/readyz", get(readiness))
        .route("/metrics", get(metrics))
        .route("/usage", get(usage))
        .with_state(status);
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    let serve_one = |stream| serve_one(stream, router.clone(), draining.clone());
    accept::serve(listener, permits, draining.clone(), serve_one).await;
}

async fn serve_one(stream: TcpStream, router: Router, draining: CancellationToken) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    accept::until_closed(connection, CONNECTION_AGE, &draining).await;
}

async fn readiness(State(status): State<Arc<Status>>) -> (StatusCode, String) {
    match status.missing() {
        missing if missing.is_empty() => (StatusCode::OK, "ready\n".to_owned()),
        missing => {
            let lines: String = missing.iter().map(|what| format!("not ready: {what}\n")).collect();
            (StatusCode::SERVICE_UNAVAILABLE, lines)
        }
    }
}

/// Many applications have many counts: writing them keeps nobody else waiting.
async fn usage(State(status): State<Arc<Status>>) -> Response {
    let written = spawn_blocking(move || serde_json::to_vec(&status.usage())).await;
    match written {
        Ok(Ok(json)) => ([(header::CONTENT_TYPE, "application/json")], json).into_response(),
        _ => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn metrics(State(status): State<Arc<Status>>) -> Response {
    const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";
    match status.metrics() {
        Ok(text) => ([(header::CONTENT_TYPE, TEXT_FORMAT)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
