//! Listeners for probes and people: HTTP/1, one request at a time, a few connections.

use std::{sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_util::sync::CancellationToken;

use crate::accept;

/// Probes and scrapes come one by one, and people are few. The connections of checks have a limit
/// of their own, so that a flood of those leaves room for these.
const CONNECTIONS: usize = 64;
/// For a request's head, also the next one of a connection.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest that a connection lives.
const CONNECTION_AGE: Duration = Duration::from_secs(60);
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// Serves each connection by its router until `draining`, then ends with the last connection.
pub async fn serve(
    listener: TcpListener,
    draining: CancellationToken,
    router: impl Fn(&TcpStream) -> Router,
) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    let serve_one = |stream| {
        let router = router(&stream);
        serve_one(stream, router, draining.clone())
    };
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
