//! The gRPC service `envoy.service.auth.v3.Authorization`: calls in, answers out, and denials in
//! place of gRPC errors, which would leave the decision to Envoy's failure mode.

use std::time::Duration;

use http_body::Body;
use prost::bytes::Bytes;
use tokio::time::Instant;
use tonic::{
    Response, Status, Streaming, body,
    codegen::{
        StdError,
        http::{self, HeaderMap, HeaderName},
    },
    server::{Grpc, NamedService},
};
use tower::service_fn;

use super::{codec::AsBytes, lent::lend, service::CheckService};
use crate::{config::Limits, proto::authorization};

/// How the call's messages are compressed ("gRPC over HTTP2", section "Requests").
const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");

/// The service of one listener, as HTTP.
#[derive(Debug)]
pub struct AuthorizationServer {
    service: CheckService,
    /// The longest that a check may take, whatever Envoy's timeout.
    longest: Duration,
}

impl AuthorizationServer {
    pub fn new(service: CheckService, limits: &Limits) -> Self {
        Self { service, longest: limits.deadline }
    }

    /// The `CheckResponse` to a call, always.
    ///
    /// The call has one message. It is taken as a stream of them all the same, because the library
    /// then leaves it to the service to answer what cannot be read.
    pub async fn call<B>(&self, mut request: http::Request<B>) -> http::Response<body::Body>
    where
        B: Body<Data = Bytes> + Unpin + Send + 'static,
        B::Error: Into<StdError>,
    {
        let began = Instant::now();
        let headers = request.headers_mut();
        let longest = timeout(headers).map_or(self.longest, |t| t.min(self.longest));
        // None is offered, and the library would answer with an error. Whoever compresses in spite
        // of that sends a message that cannot be read.
        headers.remove(&ENCODING);
        let deadline = began + longest;
        let check = service_fn(async |messages: tonic::Request<Streaming<Bytes>>| {
            let answer = self.service.answer(messages.into_inner(), began, deadline).await;
            Ok::<_, Status>(Response::new(answer))
        });
        let room = self.service.room();
        let (parts, body) = request.into_parts();
        let (body, rest) = lend(body);
        let request = http::Request::from_parts(parts, room.bound(body));
        let response = Grpc::new(AsBytes)
            .max_decoding_message_size(room.max_bytes)
            .client_streaming(check, request)
            .await;
        rest.discard(&room.leftovers, deadline).await;
        response
    }
}

impl NamedService for AuthorizationServer {
    const NAME: &'static str = authorization::NAME;
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
