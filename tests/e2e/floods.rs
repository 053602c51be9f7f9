//! Whoever reaches the gRPC port and means ill: the process lives, its memory is bounded, and
//! others are answered meanwhile.

use std::{
    error::Error,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use envoy_types::pb::envoy::service::auth::v3::{
    AttributeContext, CheckRequest, CheckResponse,
    attribute_context::{self, HttpRequest},
    authorization_client::AuthorizationClient,
};
use prost::bytes::Bytes;
use serde_json::{Value, json};
use tokio::{
    net::TcpStream,
    task::{JoinHandle, JoinSet},
    time::timeout,
};
use tonic::{
    Status,
    codegen::http::Request,
    transport::{Channel, Endpoint},
};

use crate::support::{
    Issuer, Portvakt, Token,
    attacks::{byte_by_byte, endless_headers, reset_streams, unfinished_check},
    checks,
    documents::{self, DIRECTORY, FOREIGN, HOME, NEWSLETTER, WEBSHOP},
    frames::{GOAWAY, PREFACE, RawConnection},
    token::now,
    until,
    wait::PATIENCE,
    world::{HOST, configuration},
};

const MIB: f64 = 1024.0 * 1024.0;
const MOST_GROWTH: f64 = 100.0 * MIB;

/// A service under attack, and somebody who goes on asking it over a connection of their own.
struct Target {
    portvakt: Portvakt,
    bystander: Bystander,
    memory_before: f64,
    issuer: Issuer,
    _folder: tempfile::TempDir,
}

impl Target {
    async fn start(changes: Value) -> Self {
        Self::start_after("", changes).await
    }

    async fn start_after(line: &str, changes: Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        documents::write(&folder.path().join("applications"));
        let issuer = Issuer::start(&[HOME, FOREIGN]);
        let config = configuration(&issuer, changes);
        let portvakt = Portvakt::start_after(line, folder.path(), &config).await.ready().await;
        let bystander = Bystander::start(portvakt.address()).await;
        let memory_before = portvakt.peak_memory();
        Self { portvakt, bystander, memory_before, issuer, _folder: folder }
    }

    fn address(&self) -> SocketAddr {
        self.portvakt.address()
    }

    /// That it withstood: probes, memory, and a bystander who was answered all the time.
    async fn withstood(self) {
        assert_eq!(self.portvakt.admin("/readyz").await.0, 200);
        let growth = self.portvakt.peak_memory() - self.memory_before;
        println!("memory grew by {:.1} MiB", growth / MIB);
        assert!(growth < MOST_GROWTH, "memory grew by {:.1} MiB", growth / MIB);
        self.bystander.goes_on().await;
        self.bystander.stop().await;
    }
}

/// Those who ask about each of these tokens, over one connection; each must come to `expected`.
async fn ask_about(address: SocketAddr, tokens: Vec<String>, expected: &str) {
    let mut client = client(address).await;
    for token in tokens {
        let response = client.check(checks::check(HOST, &token)).await.unwrap().into_inner();
        assert_eq!(checks::reason(&response), expected);
        assert_denied(&response);
    }
}

/// One who may, and who asks with the same token until the others are `done`; how often.
async fn ask_until(address: SocketAddr, token: String, done: Arc<AtomicBool>) -> u32 {
    let mut client = client(address).await;
    let mut count = 0;
    while !done.load(Ordering::Relaxed) {
        let response = client.check(checks::check(HOST, &token)).await.unwrap().into_inner();
        assert_eq!(checks::reason(&response), "application_granted");
        assert!(response.status.is_none_or(|status| status.code == 0));
        count += 1;
    }
    count
}

/// One who asks without pause, and fails where there is no denial in answer.
struct Bystander {
    done: Arc<AtomicBool>,
    answers: Arc<AtomicUsize>,
    asking: JoinHandle<()>,
}

impl Bystander {
    async fn start(address: SocketAddr) -> Self {
        let mut client = client(address).await;
        let (done, answers) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let (until, count) = (Arc::clone(&done), Arc::clone(&answers));
        let asking = tokio::spawn(async move {
            while !until.load(Ordering::Relaxed) {
                assert_denied(&check(&mut client).await);
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        let bystander = Self { done, answers, asking };
        bystander.goes_on().await;
        bystander
    }

    /// Until it was answered a few times more.
    async fn goes_on(&self) {
        let before = self.answers.load(Ordering::Relaxed);
        let further = async || {
            assert!(!self.asking.is_finished(), "a check of the bystander failed");
            (self.answers.load(Ordering::Relaxed) > before + 20).then_some(())
        };
        until("further answers to the bystander", further).await;
    }

    async fn stop(self) {
        self.done.store(true, Ordering::Relaxed);
        self.asking.await.unwrap();
    }
}

async fn client(address: SocketAddr) -> AuthorizationClient<Channel> {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap().timeout(PATIENCE);
    AuthorizationClient::new(endpoint.connect().await.unwrap())
}

/// A check about nothing at all. Where the connection closes before the client has sent it, the
/// client says so, and it is asked on the next connection; whatever was sent must be answered.
async fn check(client: &mut AuthorizationClient<Channel>) -> CheckResponse {
    loop {
        match client.check(CheckRequest::default()).await {
            Ok(response) => return response.into_inner(),
            Err(status) => assert!(was_never_sent(&status), "{status:?}"),
        }
    }
}

fn was_never_sent(status: &Status) -> bool {
    let mut cause = status.source();
    while let Some(error) = cause {
        if error.downcast_ref().is_some_and(hyper::Error::is_canceled) {
            return true;
        }
        cause = error.source();
    }
    false
}

fn assert_denied(response: &CheckResponse) {
    assert!(response.status.as_ref().is_some_and(|status| status.code != 0), "{response:?}");
}

/// `count` attacks at once, each to its end.
async fn at_once<F: Future<Output = ()> + Send + 'static>(count: usize, attack: impl Fn() -> F) {
    let mut attacks: JoinSet<_> = (0..count).map(|_| attack()).collect();
    while let Some(ended) = attacks.join_next().await {
        ended.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_turned_away_keeps_the_connection() {
    let limits = json!({"concurrent_checks": 1, "deadline": "1m", "message_bytes": 32768});
    let target = Target::start(json!({"limits": limits})).await;
    let _unfinished = unfinished_check(target.address()).await;
    // With the message in one frame, in several, and too large.
    for bytes in [0, 20_000, 40_000] {
        let client = client(target.address()).await;
        // Many more than streams that a connection may have reset.
        let turned_away = (0..32).map(|_| turned_away(client.clone(), bytes, 200));
        turned_away.collect::<JoinSet<_>>().join_all().await;
    }
    target.withstood().await;
}

/// So many checks, one after the other, with so many bytes each.
async fn turned_away(mut client: AuthorizationClient<Channel>, bytes: usize, checks: usize) {
    let http = HttpRequest { body: "x".repeat(bytes), ..HttpRequest::default() };
    let request = attribute_context::Request { http: Some(http), ..Default::default() };
    let attributes = AttributeContext { request: Some(request), ..AttributeContext::default() };
    let request = CheckRequest { attributes: Some(attributes) };
    for _ in 0..checks {
        assert_denied(client.check(request.clone()).await.unwrap().get_ref());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unfinished_messages_are_denied_in_time_and_take_little_memory() {
    // The flag, a length of 255 KiB, and not quite as much, or nothing of it.
    let announced = [0, 0, 3, 0xfc, 0];
    let most_of_it = [&announced[..], &[0; 254 * 1024]].concat();
    for beginning in [Bytes::from(most_of_it), Bytes::from_owner(announced)] {
        let target = Target::start(json!({"limits": {"deadline": "1s"}})).await;
        let address = target.address();
        at_once(8, || unfinished_messages(address, beginning.clone())).await;
        target.withstood().await;
    }
}

/// A thousand checks on one connection, each of which lacks its end.
async fn unfinished_messages(address: SocketAddr, beginning: Bytes) {
    let stream = TcpStream::connect(address).await.unwrap();
    // Room for the answers, which would otherwise come in pieces of a few bytes.
    let (mut client, connection) = h2::client::Builder::new()
        .initial_connection_window_size(1 << 24)
        .handshake(stream)
        .await
        .unwrap();
    let driven = tokio::spawn(connection);
    let mut answers = JoinSet::new();
    for _ in 0..1000 {
        // Who goes on sending to streams that were answered is cut off in the end.
        let Ok(ready) = client.ready().await else { break };
        client = ready;
        let url = format!("http://{address}/envoy.service.auth.v3.Authorization/Check");
        let request = Request::post(url).header("content-type", "application/grpc").body(());
        let Ok((response, mut body)) = client.send_request(request.unwrap(), false) else { break };
        if body.send_data(beginning.clone(), false).is_err() {
            break;
        }
        answers.spawn(async move {
            let mut response = response.await.ok()?.into_body();
            let mut denial = Vec::new();
            while let Some(piece) = response.data().await {
                let piece = piece.ok()?;
                response.flow_control().release_capacity(piece.len()).unwrap();
                denial.extend(piece);
            }
            drop(body);
            Some(String::from_utf8_lossy(&denial).into_owned())
        });
    }
    let mut denials = 0;
    for denial in answers.join_all().await.into_iter().flatten() {
        let reasons = ["deadline_exceeded", "overloaded"];
        assert!(reasons.iter().any(|reason| denial.contains(reason)), "{denial}");
        denials += 1;
    }
    assert!(denials > 0, "nobody was answered");
    driven.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn signed_tokens_that_do_not_hold_let_nobody_in_and_push_out_none_that_is_in_use() {
    /// Of each kind; many times what the cache holds.
    const TOKENS: u32 = 700;
    const MOST_BYTES: u32 = 128 << 10;
    let target = Target::start(json!({"token_cache": {"max_bytes": MOST_BYTES}})).await;
    let address = target.address();
    let application = Token::of_application(WEBSHOP);
    let kinds = [
        (application.clone().claim("exp", now() - 100).claim("iat", now() - 200), "token_expired"),
        (application.clone().claim("aud", DIRECTORY), "token_audience_rejected"),
        (Token::of_application(NEWSLETTER), "consumer_not_granted"),
    ];
    let kinds = kinds.map(|(token, reason)| {
        let token = |number| target.issuer.issue(HOME, &token.clone().claim("uti", number));
        ((0..TOKENS).map(token).collect(), reason)
    });
    let done = Arc::<AtomicBool>::default();
    let good = target.issuer.issue(HOME, &application);
    let good = tokio::spawn(ask_until(address, good, Arc::clone(&done)));
    let flood = kinds.map(|(tokens, reason)| ask_about(address, tokens, reason));
    flood.into_iter().collect::<JoinSet<_>>().join_all().await;
    done.store(true, Ordering::Relaxed);
    let asked = good.await.unwrap();

    let metric = async |series| target.portvakt.metric(series).await.unwrap();
    // Each takes half a KiB at least.
    assert!(metric("portvakt_token_cache_entries").await <= f64::from(MOST_BYTES / 512));
    let hits = metric(r#"portvakt_token_cache_requests_total{outcome="hit"}"#).await;
    let misses = metric(r#"portvakt_token_cache_requests_total{outcome="miss"}"#).await;
    assert_eq!(Some(hits + misses), Some(f64::from(asked + 3 * TOKENS)));
    assert!(asked > 100 && hits > f64::from(asked) * 0.9, "{hits} of {asked} were known");
    target.withstood().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_that_are_reset_at_once_cost_little() {
    let target = Target::start(json!({})).await;
    let address = target.address();
    at_once(8, || async move {
        reset_streams(address, 20_000).await;
    })
    .await;
    target.withstood().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_without_an_end_are_cut_off() {
    let target = Target::start(json!({})).await;
    let address = target.address();
    at_once(8, || async move {
        let taken = endless_headers(address, 10_000).await;
        assert!(taken < 10_000, "156 MB of headers were taken");
    })
    .await;
    target.withstood().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sends_byte_by_byte_is_denied_when_the_time_is_up() {
    let target = Target::start(json!({"limits": {"deadline": "1s"}})).await;
    let address = target.address();
    at_once(200, || async move {
        let denial = byte_by_byte(address, 2, Duration::ZERO);
        let denial = timeout(PATIENCE, denial).await.unwrap().unwrap();
        assert!(String::from_utf8_lossy(&denial).contains("deadline_exceeded"));
    })
    .await;
    target.withstood().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_do_not_begin_are_closed() {
    let target = Target::start(json!({})).await;
    let address = target.address();
    for beginning in [&b""[..], &PREFACE[..10], b"GET / HTTP/1.1\r\nHost: portvakt.test\r\n\r\n"] {
        at_once(50, || async move {
            let mut connection = RawConnection::connect(address).await;
            connection.write(beginning).await;
            timeout(PATIENCE, connection.closed()).await.expect("it stays open");
        })
        .await;
    }
    target.withstood().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_connections_leaves_room_for_probes_and_for_those_who_are_there() {
    for (line, limits) in [
        ("", json!({"connections": 20})),
        // Fewer file descriptors than connections.
        ("ulimit -n 200", json!({})),
    ] {
        let target = Target::start_after(line, json!({"limits": limits})).await;
        let address = target.address();
        let mut flood = Vec::new();
        // As many as the limit and the system's queue hold.
        for _ in 0..140 {
            flood.push(RawConnection::open(address).await);
        }
        for path in ["/livez", "/readyz", "/metrics"] {
            assert_eq!(target.portvakt.admin(path).await.0, 200, "{path}");
        }
        target.bystander.goes_on().await;
        let full = "as many connections are open as may be; further ones wait";
        target.portvakt.log.event("message", full).await;
        drop(flood);
        assert_denied(&check(&mut client(address).await).await);
        target.withstood().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_of_age_is_told_so_and_no_check_is_lost() {
    let target = Target::start(json!({"limits": {"connection_age": "1s"}})).await;
    let mut connection = RawConnection::open(target.address()).await;
    let told = timeout(PATIENCE, connection.next(GOAWAY)).await.unwrap();
    assert!(told.is_some(), "it was cut off");
    target.withstood().await;
}
