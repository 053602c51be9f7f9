//! The gRPC service `envoy.service.auth.v3.Authorization`: calls in, answers out, and denials in
//! place of gRPC errors.
//!
//! A message that is too large, or a call without one, never reaches [`CheckService::answer`]: the
//! gRPC library answers with an error, which would leave the decision to Envoy's failure mode.

use std::{
    convert::Infallible,
    panic::AssertUnwindSafe,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::FutureExt;
use http_body_util::{BodyExt, Full};
use prost::bytes::{BufMut, Bytes, BytesMut};
use tokio::time::Instant;
use tonic::{
    Request, Response, Status,
    body::Body,
    codegen::http::{self, HeaderMap, HeaderValue, header::CONTENT_TYPE},
    metadata::MetadataMap,
    server::{Grpc, NamedService, UnaryService},
};
use tower_service::Service;
use tracing::error;

use super::{answer::internal_error, codec::CheckCodec, service::CheckService};
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

type Answering<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

impl Service<http::Request<Body>> for AuthorizationServer {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Answering<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        if request.uri().path() != authorization::CHECK {
            return Box::pin(async { Ok(Status::unimplemented("").into_http()) });
        }
        let (service, max_message_bytes) = (self.service.clone(), self.max_message_bytes);
        Box::pin(async move {
            let mut grpc =
                Grpc::new(CheckCodec).apply_max_message_size_config(Some(max_message_bytes), None);
            Ok(deny_errors(grpc.unary(service, request).await))
        })
    }
}

impl UnaryService<Bytes> for CheckService {
    type Response = Vec<u8>;
    type Future = Answering<Response<Vec<u8>>, Status>;

    /// Never an error, and never a panic that ends the connection.
    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move {
            let deadline = timeout(request.metadata()).map(|timeout| Instant::now() + timeout);
            let answer = service.answer(request.get_ref(), deadline);
            let answer = AssertUnwindSafe(answer).catch_unwind().await;
            Ok(Response::new(answer.unwrap_or_else(|_| service.answer_after_panic())))
        })
    }
}

/// How long the answer is of use: nine tenths of `grpc-timeout`, so that it arrives in time.
fn timeout(metadata: &MetadataMap) -> Option<Duration> {
    let text = metadata.get("grpc-timeout")?.to_str().ok()?;
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

/// A gRPC error of the call itself carries its status in the headers.
fn deny_errors(response: http::Response<Body>) -> http::Response<Body> {
    let headers = response.headers();
    let text =
        |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if matches!(text("grpc-status"), "" | "0") {
        return response;
    }
    let id = DecisionId::next();
    let error = text("grpc-message");
    error!(decision_id = %id, error, "a check could not be read; it is denied");
    whole(&internal_error(id))
}

/// A whole answer: one length-prefixed message and the status OK.
fn whole(message: &[u8]) -> http::Response<Body> {
    let body = Full::new(framed(message)).with_trailers(async {
        Some(Ok(HeaderMap::from_iter([(
            "grpc-status".parse().ok()?,
            HeaderValue::from_static("0"),
        )])))
    });
    let mut response = http::Response::new(Body::new(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response
}

fn framed(message: &[u8]) -> Bytes {
    const UNCOMPRESSED: u8 = 0;
    let mut frame = BytesMut::with_capacity(5 + message.len());
    frame.put_u8(UNCOMPRESSED);
    frame.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    frame.put_slice(message);
    frame.freeze()
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
            let mut metadata = MetadataMap::new();
            metadata.insert("grpc-timeout", text.parse().unwrap());
            assert_eq!(timeout(&metadata), expected, "{text}");
        }
    }
}
