use std::{
    collections::VecDeque,
    convert::Infallible,
    future::pending,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
    time::Duration,
};

use envoy_types::pb::envoy::service::auth::v3::{
    CheckResponse, DeniedHttpResponse, check_response::HttpResponse,
};
use http_body::{Body, Frame};
use prost::{Message, bytes::BufMut};

use super::*;
use crate::{
    applications::Published,
    clock::Clock,
    config::{self, Environment},
    frontend::ext_authz::{CallerHeaders, codec::AsBytes},
    keys::Issuer,
    membership::Resolver,
    telemetry::Metrics,
};

mod given_up;

const TIMEOUT: Duration = Duration::from_secs(1);
const NOW: u64 = 1_800_000_000;

/// A service without documents and keys, as it is right after the start.
fn service(limits: &str) -> CheckService {
    service_of(Arc::default(), &[], None, limits)
}

fn service_of(
    published: Arc<Published>,
    issuers: &[Arc<Issuer>],
    memberships: Option<Resolver>,
    limits: &str,
) -> CheckService {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("portvakt.yaml");
    let text = format!(
        "cluster: test\nentra:\n  tenants:\n    - well_known_url: https://login.example/51c1c36f-0bd7-4ae9-9d26-7a8f4f0b8b11/v2.0/.well-known/openid-configuration\nlimits: {limits}\n"
    );
    std::fs::write(&file, text).unwrap();
    let config = config::read(Some(&file), &Environment::default()).unwrap().config;
    let metrics = Arc::new(Metrics::new());
    let (clock, of_authorizer) = (Clock::new(|| NOW), Arc::clone(&metrics));
    let authorizer = Authorizer::new(&config, published, issuers, clock, of_authorizer)
        .with_memberships(memberships);
    let answers = Answers { headers: CallerHeaders::new(&config.headers), resource_metadata: None };
    let shared = Shared::new(authorizer, answers, Recorder::new(metrics), &config.limits);
    CheckService::new(Arc::new(shared), Trust::default())
}

impl CheckService {
    /// The messages of a call, as the gRPC server hands them over.
    fn messages<B>(&self, body: B) -> Streaming<Bytes>
    where
        B: Body<Data = Bytes, Error = Infallible> + Unpin + Send + 'static,
    {
        let room = self.room();
        Streaming::new_request(AsBytes, room.bound(body), None, Some(room.max_bytes))
    }

    async fn answer_within(&self, body: Trickle) -> DeniedHttpResponse {
        let now = Instant::now();
        denial(&self.answer(self.messages(body), now, now + TIMEOUT).await)
    }
}

/// Something that comes in pieces, each only when it was asked for twice, and then ends or not.
struct Trickle {
    pieces: VecDeque<Bytes>,
    ends: bool,
    is_ready: bool,
}

impl Body for Trickle {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.is_ready = !self.is_ready;
        if self.is_ready {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        match self.pieces.pop_front() {
            Some(piece) => Poll::Ready(Some(Ok(Frame::data(piece)))),
            None if self.ends => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

fn trickle(bytes: &[u8], ends: bool) -> Trickle {
    let pieces = bytes.chunks(3).map(Bytes::copy_from_slice).collect();
    Trickle { pieces, ends, is_ready: false }
}

fn framed(flag: u8, message: &[u8]) -> Vec<u8> {
    let mut frame = vec![flag];
    frame.put_u32(message.len().try_into().unwrap());
    frame.put_slice(message);
    frame
}

fn denial(response: &[u8]) -> DeniedHttpResponse {
    let response = CheckResponse::decode(response).unwrap();
    assert_ne!(response.status.unwrap().code, 0);
    assert!(response.dynamic_metadata.is_some(), "a denial without its metadata");
    let Some(HttpResponse::DeniedResponse(denied)) = response.http_response else {
        panic!("not a denial");
    };
    denied
}

fn reason_and_detail(denied: &DeniedHttpResponse) -> (String, String) {
    let body: serde_json::Value = serde_json::from_str(&denied.body).unwrap();
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    assert_eq!(text("decision_id").len(), 32);
    (text("reason"), text("detail"))
}

#[tokio::test]
async fn what_cannot_be_read_is_denied_as_an_internal_error_and_tells_why() {
    let service = service("{message_bytes: 1024}");
    let message = framed(0, b"\x0a\x00");
    let cases = [
        (
            framed(1, b"compressed"),
            "The CheckRequest cannot be read: protocol error: received message with compressed-flag",
        ),
        (framed(0, &[0; 2000]), "The CheckRequest is larger than limits.message_bytes, 1024."),
        (message[..3].to_vec(), "The CheckRequest cannot be read: Unexpected EOF decoding stream."),
        (message[..6].to_vec(), "The CheckRequest cannot be read: Unexpected EOF decoding stream."),
        (vec![], "The body of the check is not one message."),
        ([&*message, &message].concat(), "The body of the check is not one message."),
        (
            [&*message, b"x"].concat(),
            "The CheckRequest cannot be read: Unexpected EOF decoding stream.",
        ),
        (framed(0, &[0x0a, 0x02, 0x00]), "The CheckRequest is malformed."),
    ];
    let count = cases.len();
    for (bytes, expected) in cases {
        let denied = service.answer_within(trickle(&bytes, true)).await;
        let (reason, detail) = reason_and_detail(&denied);
        assert_eq!(reason, "internal_error", "{bytes:?}");
        assert!(detail.starts_with(expected), "{bytes:?}: {detail}");
    }
    let metrics = String::from_utf8(service.shared.recorder.metrics.encode().unwrap()).unwrap();
    let counted = format!(
        r#"portvakt_checks_total{{application="unknown",caller="unknown",decision="deny",reason="internal_error"}} {count}"#
    );
    assert!(metrics.contains(&counted), "{metrics}");
}

#[tokio::test]
async fn before_the_documents_are_loaded_everything_is_denied() {
    let denied = service("{}").answer_within(trickle(&framed(0, &[]), true)).await;
    assert_eq!(reason_and_detail(&denied).0, "application_unknown");
}

#[tokio::test(start_paused = true)]
async fn a_message_that_does_not_arrive_in_time_is_denied() {
    let service = service("{}");
    let began = Instant::now();
    let denied = service.answer_within(trickle(&framed(0, b"0123456789")[..9], false)).await;
    assert_eq!(reason_and_detail(&denied).0, "deadline_exceeded");
    assert_eq!(began.elapsed().as_secs(), TIMEOUT.as_secs());
}

#[tokio::test(start_paused = true)]
async fn a_decision_that_takes_too_long_is_denied() {
    let service = service("{}");
    let now = Instant::now();
    let denied = denial(&service.answer_of(pin!(pending()), now, now + TIMEOUT).await);
    assert_eq!(reason_and_detail(&denied).0, "deadline_exceeded");
}

#[tokio::test]
async fn beyond_the_capacity_messages_are_not_even_read() {
    let service = service("{concurrent_checks: 1}");
    let now = Instant::now();
    let unfinished = trickle(&framed(0, b"0123456789")[..9], false);
    let mut under_way = pin!(service.answer(service.messages(unfinished), now, now + TIMEOUT));
    assert!(under_way.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    // Reading it would not end.
    let denied = service.answer_within(trickle(b"", false)).await;
    assert_eq!(reason_and_detail(&denied).0, "overloaded");
}

#[tokio::test]
async fn a_panic_is_a_denial_and_the_next_check_is_answered() {
    let service = service("{}");
    let now = Instant::now();
    let check = pin!(async { panic!("a defect") });
    let denied = denial(&service.answer_of(check, now, now + TIMEOUT).await);
    assert_eq!(reason_and_detail(&denied).0, "internal_error");
    let denied = service.answer_within(trickle(&framed(0, &[]), true)).await;
    assert_eq!(reason_and_detail(&denied).0, "application_unknown");
}

#[tokio::test]
async fn a_check_that_is_cancelled_at_any_await_leaves_nothing_behind() {
    let service = service("{concurrent_checks: 1}");
    let bytes = framed(0, b"\x0a\x00\x0a\x00\x0a\x00\x0a\x00");
    let mut cancelled = 0;
    for polls in 0.. {
        let now = Instant::now();
        let messages = service.messages(trickle(&bytes, true));
        let mut check = pin!(service.answer(messages, now, now + TIMEOUT));
        let mut context = Context::from_waker(Waker::noop());
        if (0..polls).any(|_| check.as_mut().poll(&mut context).is_ready()) {
            break;
        }
        cancelled += 1;
    }
    assert!(cancelled > 4, "it awaits more often: {cancelled}");
    assert_eq!(service.shared.capacity.available_permits(), 1);
    let denied = service.answer_within(trickle(&bytes, true)).await;
    assert_eq!(reason_and_detail(&denied).0, "application_unknown");
}
