//! How long answers take. The clients read their bytes and nothing more, so that it is the server
//! that is measured.

use std::{fs, net::SocketAddr, path::Path, time::Duration};

use axum::http::{Method, Request};
use h2::client::{self, SendRequest};
use prost::bytes::Bytes;
use tokio::{
    net::TcpStream,
    runtime,
    task::{JoinSet, spawn_blocking},
    time::{self, Instant},
};

use crate::{
    Failure,
    process::{Server, confine_thread},
};

/// Processors while one check is in flight, and otherwise.
const OF_CLIENT: &str = "0";
const OF_SERVERS: &str = "1";
const ALL: &str = "0-1023";
/// Checks that one server answers before it is the other's turn.
const BLOCK: usize = 500;
/// Turns of each server in one round.
const TURNS: usize = 60;
/// Ahead of the first that counts, while the server wakes up.
const WARM_UP: usize = 20;
/// Between two checks at a steady pace, which leaves the machine mostly idle.
const PERIOD: Duration = Duration::from_micros(500);

/// Of answers that this client has not read yet, in bytes.
const MOST_WAITING: usize = 16 << 20;

/// Of one round, in microseconds.
#[derive(Debug, Clone, Copy)]
pub struct Latency {
    pub p50: f64,
    pub p99: f64,
}

impl Latency {
    pub fn of(mut micros: Vec<f64>) -> Result<Self, Failure> {
        micros.sort_by(f64::total_cmp);
        let at = |percent: usize| micros.get(micros.len() * percent / 100).copied();
        let (p50, p99) = at(50).zip(at(99)).ok_or("no check was answered")?;
        Ok(Self { p50, p99 })
    }
}

/// A connection on which the same check is asked over and over.
#[derive(Clone)]
struct Client {
    requests: SendRequest<Bytes>,
    url: String,
    body: Bytes,
}

impl Client {
    async fn connect(address: SocketAddr, body: Bytes) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        // While the machine has no time for this client, its small answers pile up.
        let mut builder = client::Builder::new();
        builder.data_frame_budget(MOST_WAITING);
        let (requests, connection) = builder.handshake(stream).await?;
        tokio::spawn(connection);
        let url = format!("http://{address}/envoy.service.auth.v3.Authorization/Check");
        Ok(Self { requests, url, body })
    }

    /// Microseconds until the whole answer was there.
    async fn ask(&self) -> Result<f64, Failure> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(&self.url)
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(())?;
        let mut requests = self.requests.clone().ready().await?;
        let began = Instant::now();
        let (response, mut sending) = requests.send_request(request, false)?;
        sending.send_data(self.body.clone(), true)?;
        let mut answer = response.await?.into_body();
        while let Some(data) = answer.data().await {
            answer.flow_control().release_capacity(data?.len())?;
        }
        let trailers = answer.trailers().await?;
        let took = began.elapsed();
        match trailers.as_ref().and_then(|trailers| trailers.get("grpc-status")) {
            Some(status) if status == "0" => Ok(took.as_secs_f64() * 1e6),
            status => Err(format!("the check ended with the gRPC status {status:?}").into()),
        }
    }
}

/// One check at a time, by one server after the other and so on, so that the machine's moods meet
/// both. The client has a processor of its own, and the servers share another: where the system
/// happened to put them decided for a whole run whether an answer took 25 or 70 microseconds.
pub async fn one_in_flight(servers: [&Server; 2], body: &Path) -> Result<[Latency; 2], Failure> {
    let body = Bytes::from(fs::read(body)?);
    let addresses = servers.map(|server| server.address);
    for server in servers {
        server.confine(OF_SERVERS)?;
    }
    let [first, second] = alone(async move || {
        confine_thread(OF_CLIENT)?;
        let [first, second] = addresses.map(|address| Client::connect(address, body.clone()));
        let clients = [first.await?, second.await?];
        let mut micros = [Vec::new(), Vec::new()];
        for _ in 0..TURNS {
            for (client, micros) in clients.iter().zip(&mut micros) {
                for _ in 0..WARM_UP {
                    client.ask().await?;
                }
                for _ in 0..BLOCK {
                    micros.push(client.ask().await?);
                }
            }
        }
        confine_thread(ALL)?;
        Ok(micros)
    })
    .await?;
    for server in servers {
        server.confine(ALL)?;
    }
    Ok([Latency::of(first)?, Latency::of(second)?])
}

/// Checks that come whether those before are answered or not: what stalls the server shows. How
/// long each took, in microseconds.
pub async fn steady(server: &Server, body: &Path, lasts: Duration) -> Result<Vec<f64>, Failure> {
    let (address, body) = (server.address, Bytes::from(fs::read(body)?));
    alone(async move || {
        let client = Client::connect(address, body).await?;
        for _ in 0..WARM_UP {
            client.ask().await?;
        }
        let mut rhythm = time::interval(PERIOD);
        let mut under_way = JoinSet::new();
        let end = Instant::now() + lasts;
        while rhythm.tick().await < end {
            let client = client.clone();
            under_way.spawn(async move { client.ask().await });
        }
        under_way.join_all().await.into_iter().collect()
    })
    .await
}

/// Drives from a thread that does nothing else.
async fn alone<T: Send + 'static, F: Future<Output = Result<T, Failure>>>(
    drive: impl FnOnce() -> F + Send + 'static,
) -> Result<T, Failure> {
    spawn_blocking(move || {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(drive())
    })
    .await?
}
