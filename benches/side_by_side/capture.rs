//! The request that a real Envoy sends.

use std::net::SocketAddr;

use envoy_types::pb::envoy::service::auth::v3::{
    CheckRequest, CheckResponse,
    authorization_server::{Authorization, AuthorizationServer},
};
use portvakt::demo::{Envoy, find_envoy};
use tokio::{net::TcpListener, sync::mpsc};
use tonic::{Request, Response, Status, transport::server::TcpIncoming};

use crate::Failure;

/// Keeps what it is asked, and denies.
struct Recorder(mpsc::UnboundedSender<CheckRequest>);

#[tonic::async_trait]
impl Authorization for Recorder {
    async fn check(
        &self,
        request: Request<CheckRequest>,
    ) -> Result<Response<CheckResponse>, Status> {
        // The receiver goes away once it has one.
        let _ = self.0.send(request.into_inner());
        Err(Status::unavailable("only recorded"))
    }
}

/// Sends a request of a usual size through Envoy and keeps what Envoy asks about it.
pub async fn request(host: &str, token: &str) -> Result<CheckRequest, Failure> {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    let address = listener.local_addr()?;
    let (sender, mut requests) = mpsc::unbounded_channel();
    let server = tonic::transport::Server::builder()
        .add_service(AuthorizationServer::new(Recorder(sender)))
        .serve_with_incoming(TcpIncoming::from(listener));
    let serving = tokio::spawn(server);

    let program = find_envoy().ok_or("no Envoy is found; `make setup` installs one")?;
    let folder = tempfile::tempdir()?;
    let port = TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port();
    let envoy = Envoy::start(&program, folder.path(), port, address, address).await?;
    let client = reqwest::Client::builder().no_proxy().build()?;
    client
        .get(format!("http://127.0.0.1:{}/api/v1/orders/4711?expand=lines&limit=50", envoy.port()))
        .header("host", host)
        .header("accept", "application/json, text/plain, */*")
        .header("accept-encoding", "gzip, deflate, br")
        .header("accept-language", "nb-NO,nb;q=0.9,en;q=0.8")
        .header("user-agent", "webshop/2026.11.24 (Ktor client; JVM 21)")
        .header("nav-call-id", "5f0d8f4e-2b43-4a39-8f0e-0f6ad9e2b0a7")
        .header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
        .header("cookie", "session=f3b1c9d2a8e74f6e9d0c1b2a3f4e5d6c; theme=light")
        .bearer_auth(token)
        .send()
        .await?;
    let request = requests.recv().await.ok_or("Envoy asked nothing")?;
    serving.abort();
    Ok(request)
}

/// The same request with another token.
pub fn with_token(request: &CheckRequest, token: &str) -> CheckRequest {
    let mut request = request.clone();
    let http = request
        .attributes
        .as_mut()
        .and_then(|attributes| attributes.request.as_mut())
        .and_then(|request| request.http.as_mut());
    if let Some(http) = http {
        http.headers.insert("authorization".to_owned(), format!("Bearer {token}"));
    }
    request
}
