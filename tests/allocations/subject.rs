//! What is counted: checks of a service as it starts, with the documents and tokens of `make bench`,
//! and without a network between.

use std::{future::ready, time::Duration};

use envoy_types::pb::envoy::service::auth::v3::{
    CheckResponse, attribute_context::HttpRequest, check_response::HttpResponse,
};
use futures_util::FutureExt;
use portvakt::{
    clock::Clock,
    config::{self, AskedBy, Environment},
    demo::DemoIssuer,
    frontend::ext_authz::CheckService,
    service::{Service, Signals},
    telemetry::{Flush, init_log},
};
use prost::{Message, encoding};
use serde_json::Value;
use tokio::{
    runtime::{Builder, Runtime},
    time::{Instant, sleep},
};

use crate::{Failure, documents, tokens};

const TENANT: &str = "7d5b2c3e-9f14-4b8a-a6d0-52e1c8f73a94";
/// Beside the one that is asked for.
const APPLICATIONS: usize = 10;
const PATH: &str = "/api/v1/orders/4711?expand=lines&limit=50";
/// The fields that hold an `HttpRequest`, from within: `http`, `request` and `attributes`.
const FIELDS_AROUND_HTTP: [u32; 3] = [2, 4, 1];
const CACHE_BYTES: u64 = 64 << 20;
/// Long enough for a simulated processor.
const PATIENCE: Duration = Duration::from_secs(60);

/// A service whose keys and documents are there and stay as they are.
pub struct Subject {
    service: CheckService,
    issuer: DemoIssuer,
    /// For the clock of deadlines; nothing runs in it any more.
    runtime: Runtime,
    _log: Flush,
}

impl Subject {
    /// Starts it, with its log.
    pub fn start() -> Result<Self, Failure> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (issuer, service, log) = runtime.block_on(start())?;
        Ok(Self { service, issuer, runtime, _log: log })
    }

    /// The `CheckResponse` to a `CheckRequest`. With the keys there, no check waits for anything.
    pub fn answer(&self, message: &[u8]) -> Vec<u8> {
        let _clock = self.runtime.enter();
        let began = Instant::now();
        let answer = self.service.answer_to(ready(Ok(message)), began, began + PATIENCE);
        answer.now_or_never().unwrap_or_default()
    }

    /// A granted user's token; each number has one of its own.
    pub fn token(&self, number: usize) -> Result<String, Failure> {
        tokens::token(&self.issuer, number)
    }
}

/// The service, once it is ready. Its own tasks end here: they would count, too.
async fn start() -> Result<(DemoIssuer, CheckService, Flush), Failure> {
    let folder = tempfile::tempdir()?;
    documents::applications(folder.path(), APPLICATIONS)?;
    let issuer = DemoIssuer::start(TENANT).await?;
    let file = documents::configuration(folder.path(), &issuer, CACHE_BYTES)?;
    let read = config::read(Some(&file), &Environment::default());
    let config = read.map_err(|findings| format!("{findings:?}"))?.config;
    let log = init_log(&config.log)?;
    let service = Service::bind(config, Clock::system()).await?;
    let (shared, status) = (service.shared(), service.status());
    let mut running = tokio::spawn(service.run(Signals::of_process()?));
    while !status.is_ready() {
        tokio::select! {
            ended = &mut running => return Err(format!("{ended:?}").into()),
            () = sleep(Duration::from_millis(20)) => {}
        }
    }
    running.abort();
    // Cancelled, or ended in spite of it: either way it is over.
    let _ = running.await;
    Ok((issuer, CheckService::new(shared, AskedBy::Any), log))
}

/// What Envoy asks about a request of usual size.
pub fn message(token: &str) -> Vec<u8> {
    let authorization = format!("Bearer {token}");
    let headers = [
        (":authority", tokens::HOST),
        (":method", "GET"),
        (":path", PATH),
        (":scheme", "http"),
        ("accept", "application/json, text/plain, */*"),
        ("accept-encoding", "gzip, deflate, br"),
        ("accept-language", "nb-NO,nb;q=0.9,en;q=0.8"),
        ("authorization", &authorization),
        ("cookie", "session=f3b1c9d2a8e74f6e9d0c1b2a3f4e5d6c; theme=light"),
        ("nav-call-id", "5f0d8f4e-2b43-4a39-8f0e-0f6ad9e2b0a7"),
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        ("user-agent", "webshop/2026.11.24 (Ktor client; JVM 21)"),
        ("x-forwarded-proto", "http"),
        ("x-request-id", "9d1f6c0a-7b3e-4f52-8a64-c0e2d4b69f17"),
    ];
    let http = HttpRequest {
        id: "5620413738923176325".into(),
        method: "GET".into(),
        path: PATH.into(),
        host: tokens::HOST.into(),
        scheme: "http".into(),
        protocol: "HTTP/1.1".into(),
        ..HttpRequest::default()
    };
    let mut http = http.encode_to_vec();
    // In the order in which they stand, which the library's map would not keep: messages that are
    // written one after the other are one.
    for (name, value) in headers {
        let headers = [(name.into(), value.into())].into();
        http.extend(HttpRequest { headers, ..HttpRequest::default() }.encode_to_vec());
    }
    FIELDS_AROUND_HTTP.into_iter().fold(http, |inner, field| {
        let mut outer = Vec::new();
        encoding::bytes::encode(field, &inner, &mut outer);
        outer
    })
}

/// What an answer tells Envoy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// Let the request through, with so many headers.
    Allow { headers: usize },
    /// Turn it away for this reason.
    Deny { reason: String },
    /// Neither.
    Nonsense,
}

impl Told {
    /// By an answer's bytes, read with Envoy's own types.
    pub fn by(answer: &[u8]) -> Self {
        let response = CheckResponse::decode(answer).unwrap_or_default();
        let code = response.status.map(|status| status.code);
        match (code, response.http_response) {
            (Some(0), Some(HttpResponse::OkResponse(ok))) => {
                Self::Allow { headers: ok.headers.len() }
            }
            (Some(1..), Some(HttpResponse::DeniedResponse(denied))) => {
                let body = serde_json::from_str(&denied.body).unwrap_or(Value::Null);
                Self::Deny { reason: body["reason"].as_str().unwrap_or_default().to_owned() }
            }
            _ => Self::Nonsense,
        }
    }
}
