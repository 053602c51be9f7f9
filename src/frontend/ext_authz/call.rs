//! The gRPC service `envoy.service.auth.v3.Authorization`: calls in, answers out, and denials in
//! place of gRPC errors, which would leave the decision to Envoy's failure mode.

use std::{
    convert::Infallible,
    panic::AssertUnwindSafe,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::FutureExt;
use tokio::time::Instant;
use tonic::{
    Status,
    body::Body,
    codegen::http::{HeaderMap, Request, Response},
    server::NamedService,
};
use tower_service::Service;
use tracing::error;

use super::{answer::internal_error, grpc, service::CheckService};
use crate::{decision::DecisionId, proto::authorization};

/// The service of one listener, as HTTP.
#[derive(Debug, Clone)]
pub struct AuthorizationServer {
    service: CheckService,
    max_message_bytes: usize,
}

impl AuthorizationServer {
    pub fn new(service: CheckService, max_message_bytes: usize) -> Self {
        Self { service, max_message_bytes }
    }
}

impl NamedService for AuthorizationServer {
    const NAME: &'static str = authorization::NAME;
}

impl Service<Request<Body>> for AuthorizationServer {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        if request.uri().path() != authorization::CHECK {
            return Box::pin(async { Ok(Status::unimplemented("").into_http()) });
        }
        let server = self.clone();
        Box::pin(async move { Ok(grpc::response(&server.check(request).await)) })
    }
}

impl AuthorizationServer {
    /// The `CheckResponse` to a call: never an error, and never a panic that ends the connection.
    async fn check(self, request: Request<Body>) -> Vec<u8> {
        let deadline = timeout(request.headers()).map(|timeout| Instant::now() + timeout);
        let message = match grpc::message(request.into_body(), self.max_message_bytes).await {
            Ok(message) => message,
            Err(error) => {
                let id = DecisionId::next();
                error!(decision_id = %id, %error, "a check could not be read; it is denied");
                return internal_error(id);
            }
        };
        let answer = AssertUnwindSafe(self.service.answer(&message, deadline)).catch_unwind().await;
        answer.unwrap_or_else(|_| self.service.answer_after_panic())
    }
}

/// How long the answer is of use: nine tenths of `grpc-timeout`, so that it arrives in time.
fn timeout(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: u64 = (1..=8).contains(&digits.len()).then(|| digits.parse().ok())??;
    let timeout = match unit {
        "H" => Duration::from_secs(number * 3600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    };
    Some(timeout / 10 * 9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_of_grpc_are_read_in_every_unit() {
        for (text, expected) in [
            ("200m", Some(Duration::from_millis(180))),
            ("1S", Some(Duration::from_millis(900))),
            ("1M", Some(Duration::from_secs(54))),
            ("99999999H", Some(Duration::from_secs(99_999_999 * 3240))),
            ("1000u", Some(Duration::from_micros(900))),
            ("1000n", Some(Duration::from_nanos(900))),
            ("", None),
            ("m", None),
            ("-1m", None),
            ("1.5S", None),
            ("100000000m", None),
            ("1x", None),
        ] {
            let headers =
                HeaderMap::from_iter([("grpc-timeout".parse().unwrap(), text.parse().unwrap())]);
            assert_eq!(timeout(&headers), expected, "{text}");
        }
    }
}
