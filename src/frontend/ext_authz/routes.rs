//! Which service answers a call: checks, or health.

use std::time::Duration;

use hyper::body::Incoming;
use tokio::time::timeout;
use tonic::{
    Status,
    body::Body,
    codegen::http::{Request, Response},
};
use tonic_health::pb::health_server::{Health, HealthServer};
use tower::Service;

use super::call::AuthorizationServer;
use crate::proto::authorization;

/// Every method of the health service begins so.
const HEALTH: &str = "/grpc.health.v1.Health/";
/// A question for a service's health holds the name of a service and nothing else.
const MAX_HEALTH_BYTES: usize = 1024;
/// Until the question is read and the answer begins.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(5);

/// The services of one listener.
#[derive(Debug)]
pub struct Routes<H> {
    check: AuthorizationServer,
    health: HealthServer<H>,
}

impl<H: Health> Routes<H> {
    pub fn new(check: AuthorizationServer, health: HealthServer<H>) -> Self {
        Self { check, health: health.max_decoding_message_size(MAX_HEALTH_BYTES) }
    }

    /// Answers one call, whatever it asks for.
    pub async fn call(&self, request: Request<Incoming>) -> Response<Body> {
        match request.uri().path() {
            authorization::CHECK => self.check.call(request).await,
            path if path.starts_with(HEALTH) => self.health(request).await,
            _ => unimplemented().into_http(),
        }
    }

    async fn health(&self, request: Request<Incoming>) -> Response<Body> {
        match timeout(HEALTH_TIMEOUT, self.health.clone().call(request)).await {
            Ok(Ok(response)) => response,
            Err(_) => Status::deadline_exceeded("the question did not arrive in time").into_http(),
        }
    }
}

fn unimplemented() -> Status {
    Status::unimplemented(format!("only {} and {HEALTH}* are answered here", authorization::CHECK))
}
