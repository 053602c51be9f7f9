//! Denials in place of gRPC errors.
//!
//! A message that is too large, or a call without one, never reaches the service: the gRPC library
//! answers with an error, which would leave the decision to Envoy's failure mode.

use std::{
    convert::Infallible,
    task::{Context, Poll},
};

use futures_util::{FutureExt, future::Map};
use http_body_util::{BodyExt, Full};
use prost::{
    Message,
    bytes::{BufMut, Bytes, BytesMut},
};
use tonic::{
    body::Body,
    codegen::http::{HeaderMap, HeaderValue, Request, Response, header::CONTENT_TYPE},
    server::NamedService,
};
use tower_service::Service;
use tracing::error;

use super::answer::internal_error;
use crate::decision::DecisionId;

type Answer = Result<Response<Body>, Infallible>;

/// Wraps the service of `Check`.
#[derive(Debug, Clone)]
pub struct DenyErrors<S>(pub S);

impl<S: NamedService> NamedService for DenyErrors<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<Request<Body>> for DenyErrors<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Map<S::Future, fn(Answer) -> Answer>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let is_check = request.uri().path().ends_with("/Check");
        let finish: fn(Answer) -> Answer =
            if is_check { deny_errors } else { std::convert::identity };
        self.0.call(request).map(finish)
    }
}

/// A gRPC error of the call itself carries its status in the headers.
fn deny_errors(answer: Answer) -> Answer {
    let headers = match &answer {
        Ok(response) => response.headers(),
        Err(never) => match *never {},
    };
    let text =
        |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if matches!(text("grpc-status"), "" | "0") {
        return answer;
    }
    let id = DecisionId::next();
    error!(decision_id = %id, error = text("grpc-message"), "a check could not be read; it is denied");
    Ok(grpc_response(&internal_error(id)))
}

/// A whole answer: one length-prefixed message and the status OK.
fn grpc_response(message: &impl Message) -> Response<Body> {
    let body = Full::new(framed(message)).with_trailers(async {
        Some(Ok(HeaderMap::from_iter([(
            "grpc-status".parse().ok()?,
            HeaderValue::from_static("0"),
        )])))
    });
    let mut response = Response::new(Body::new(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response
}

fn framed(message: &impl Message) -> Bytes {
    const UNCOMPRESSED: u8 = 0;
    let length = message.encoded_len();
    let mut frame = BytesMut::with_capacity(5 + length);
    frame.put_u8(UNCOMPRESSED);
    frame.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    message.encode_raw(&mut frame);
    frame.freeze()
}
