//! `/livez`, `/readyz`, `/metrics` and `/usage`, for kubelets, Prometheus and people.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::{net::TcpListener, task::spawn_blocking};
use tokio_util::sync::CancellationToken;

use crate::{service::Status, web};

/// For a connection: what `/usage` answers may be large, and the way to it slow.
const LONGEST: Duration = Duration::from_secs(120);

/// Serves until `draining`, then ends with the last connection.
pub async fn serve(listener: TcpListener, status: Arc<Status>, draining: CancellationToken) {
    let router = Router::new()
        .route("/livez", get(|| async { "alive\n" }))
        .route("/readyz", get(readiness))
        .route("/metrics", get(metrics))
        .route("/usage", get(usage))
        .with_state(status);
    // Faults of its few clients are theirs.
    web::serve(listener, draining, LONGEST, |_| router.clone(), |_| {}).await;
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
