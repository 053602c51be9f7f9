//! Upstreams that tell what reached them.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, Method, Uri},
};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tonic::{
    metadata::MetadataMap, service::interceptor::InterceptedService, transport::server::TcpIncoming,
};

/// A request as it reached the upstream.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Received {
    pub method: String,
    pub path: String,
    headers: Vec<(String, String)>,
}

/// One upstream for HTTP/1 that answers with what it received, and one for gRPC that notes it.
pub struct Upstream {
    pub address: SocketAddr,
    /// Serves `grpc.health.v1.Health`, which stands for any gRPC service.
    pub grpc_address: SocketAddr,
    requests: Arc<AtomicUsize>,
    grpc_requests: Arc<Mutex<Vec<MetadataMap>>>,
}

impl Received {
    /// The values of a header, in the order in which they came.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(key, _)| key == name).map(|(_, value)| &**value).collect()
    }

    /// Every header that some upstream could take for one of ours, by name.
    pub fn of_caller(&self) -> Vec<(&str, &str)> {
        let is_ours = |name: &str| name.to_lowercase().replace('_', "-").starts_with("x-caller-");
        let mut headers: Vec<_> =
            self.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
        headers.retain(|(name, _)| is_ours(name));
        headers.sort_unstable();
        headers
    }
}

impl Upstream {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let grpc_listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let upstream = Self {
            address: listener.local_addr().unwrap(),
            grpc_address: grpc_listener.local_addr().unwrap(),
            requests: Arc::default(),
            grpc_requests: Arc::default(),
        };
        let router = Router::new().fallback(receive).with_state(Arc::clone(&upstream.requests));
        tokio::spawn(async { axum::serve(listener, router).await });
        tokio::spawn(serve_grpc(grpc_listener, Arc::clone(&upstream.grpc_requests)));
        upstream
    }

    /// How many requests reached it, gRPC included.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst) + self.grpc_requests.lock().unwrap().len()
    }

    /// The metadata of the last gRPC request.
    pub fn last_grpc_request(&self) -> MetadataMap {
        self.grpc_requests.lock().unwrap().last().unwrap().clone()
    }
}

async fn receive(
    State(requests): State<Arc<AtomicUsize>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Json<Received> {
    requests.fetch_add(1, Ordering::SeqCst);
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let headers =
        headers.iter().map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect();
    Json(Received { method: method.to_string(), path: uri.to_string(), headers })
}

async fn serve_grpc(listener: TcpListener, requests: Arc<Mutex<Vec<MetadataMap>>>) {
    let (_reporter, health) = tonic_health::server::health_reporter();
    let noted = InterceptedService::new(health, move |request: tonic::Request<()>| {
        requests.lock().unwrap().push(request.metadata().clone());
        Ok(request)
    });
    let incoming = TcpIncoming::from(listener);
    let _ =
        tonic::transport::Server::builder().add_service(noted).serve_with_incoming(incoming).await;
}
