//! Driving a server: h2load with one request over and over, or a client with many.

use std::{
    fs,
    path::Path,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use envoy_types::pb::{
    envoy::service::auth::v3::{CheckRequest, authorization_client::AuthorizationClient},
    google::protobuf::value::Kind,
};
use prost::Message;
use tokio::task::JoinSet;

use crate::{Failure, process::Server};

/// What one drive cost the server.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    pub checks_per_second: f64,
    /// CPU of the server for one check, in microseconds.
    pub cpu_micros: f64,
}

/// Writes a request as h2load sends it: one length-prefixed message of gRPC.
pub fn write_body(file: &Path, request: &CheckRequest) -> Result<(), Failure> {
    let message = request.encode_to_vec();
    let mut body = vec![0];
    body.extend(u32::try_from(message.len())?.to_be_bytes());
    body.extend(message);
    Ok(fs::write(file, body)?)
}

/// How a server is reached.
#[derive(Debug, Clone, Copy)]
pub enum By<'a> {
    Tcp,
    UnixSocket(&'a Path),
}

/// h2load, with 32 streams on each connection.
pub fn repeat(
    server: &Server,
    by: By<'_>,
    body: &Path,
    connections: usize,
    checks: usize,
) -> Result<Cost, Failure> {
    let before = server.cpu()?;
    let started = Instant::now();
    let mut h2load = h2load(server, body, checks);
    h2load.args(["-m", "32", "-c", &connections.to_string()]);
    if let By::UnixSocket(path) = by {
        h2load.arg(format!("--base-uri=unix:{}", path.display()));
    }
    run(h2load, checks)?;
    Ok(cost(checks, server.cpu()? - before, started.elapsed()))
}

fn h2load(server: &Server, body: &Path, checks: usize) -> Command {
    let mut h2load = Command::new("h2load");
    h2load
        .args(["-t", "1", "-n", &checks.to_string()])
        .args(["-H", "content-type: application/grpc", "-H", "te: trailers", "-d"])
        .arg(body)
        .arg(format!("http://{}/envoy.service.auth.v3.Authorization/Check", server.address));
    h2load
}

fn run(mut h2load: Command, checks: usize) -> Result<(), Failure> {
    let output =
        h2load.output().map_err(|error| format!("h2load: {error}; `make setup` installs it"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    match text.contains(&format!("{checks} succeeded, 0 failed")) {
        true => Ok(()),
        false => Err(format!("h2load: not every check was answered:\n{text}").into()),
    }
}

/// A client with 32 streams on one connection, each request once. All must be let through.
pub async fn each_once(server: &Server, requests: Arc<Vec<CheckRequest>>) -> Result<Cost, Failure> {
    const STREAMS: usize = 32;
    let channel =
        tonic::transport::Endpoint::new(format!("http://{}", server.address))?.connect().await?;
    let before = server.cpu()?;
    let started = Instant::now();
    let mut streams = JoinSet::new();
    for stream in 0..STREAMS {
        let (requests, mut client) =
            (Arc::clone(&requests), AuthorizationClient::new(channel.clone()));
        streams.spawn(async move {
            for request in requests.iter().skip(stream).step_by(STREAMS) {
                let response = client.check(request.clone()).await?.into_inner();
                if response.status.is_none_or(|status| status.code != 0) {
                    return Err("a check was denied".into());
                }
            }
            Ok::<(), Failure>(())
        });
    }
    while let Some(ended) = streams.join_next().await {
        ended??;
    }
    Ok(cost(requests.len(), server.cpu()? - before, started.elapsed()))
}

/// The reason of the answer to one check.
pub async fn reason(server: &Server, request: &CheckRequest) -> Result<String, Failure> {
    let mut client = AuthorizationClient::connect(format!("http://{}", server.address)).await?;
    let response = client.check(request.clone()).await?.into_inner();
    let metadata = response.dynamic_metadata.unwrap_or_default();
    let kind = metadata.fields.get("reason").and_then(|reason| reason.kind.clone());
    match kind {
        Some(Kind::StringValue(reason)) => Ok(reason),
        _ => Err("an answer without a reason".into()),
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of checks are far below 2^52")]
fn cost(checks: usize, cpu: Duration, took: Duration) -> Cost {
    Cost {
        checks_per_second: checks as f64 / took.as_secs_f64(),
        cpu_micros: cpu.as_secs_f64() * 1e6 / checks as f64,
    }
}
