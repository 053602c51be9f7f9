//! The rounds: floor and service in turn, so that the machine's moods meet both.

use std::{collections::HashMap, path::Path, sync::Arc, time::Duration};

use envoy_types::pb::envoy::service::auth::v3::CheckRequest;
use portvakt::demo::DemoIssuer;
use tokio::time::Instant;

use crate::{
    Failure, capture,
    cases::{Case, Cases},
    documents,
    latency::{self, Latency},
    load::{self, By, Cost},
    process::{self, Server},
    reload::{self, Reloads},
    tokens, verification,
};

const ROUNDS: usize = 5;
const CHECKS: usize = 100_000;
/// Before the first round.
const WARM_UP: usize = CHECKS / 5;
/// Of checks that take a verification each.
const COSTLY_CHECKS: usize = 20_000;
const DISTINCT: usize = 4_000;
pub const TENANT: &str = "7d5b2c3e-9f14-4b8a-a6d0-52e1c8f73a94";
pub const CACHE: u64 = 64 << 20;

/// How many the large folder has, and the small one.
pub const APPLICATIONS: usize = 10_000;
pub const FEW: usize = 10;

/// One kind of load on one of the servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Load {
    Floor,
    Seen,
    /// In shadow, with a log of all decisions.
    Logged,
    /// With many applications.
    Many,
    UnixSocket,
    FloorEight,
    SeenEight,
    SeenSixtyFour,
    Malformed,
    Expired,
    UnknownKey,
    BadSignature,
    FloorDistinct,
    Distinct,
}

impl Load {
    pub const ALL: [(Self, &str); 14] = [
        (Self::Floor, "floor, 1 connection × 32"),
        (Self::Seen, "token seen before, 1 connection × 32"),
        (Self::Logged, "the same with shadow and a log of all decisions"),
        (Self::Many, "the same with many applications"),
        (Self::UnixSocket, "the same by a Unix socket"),
        (Self::FloorEight, "floor, 8 connections × 32"),
        (Self::SeenEight, "token seen before, 8 connections × 32"),
        (Self::SeenSixtyFour, "token seen before, 64 connections × 32"),
        (Self::Malformed, "malformed token, 1 × 32"),
        (Self::Expired, "expired token seen before, 1 × 32"),
        (Self::UnknownKey, "token of an unknown key, 1 × 32"),
        (Self::BadSignature, "bad signature, 1 × 32"),
        (Self::FloorDistinct, "floor, other client, 1 × 32"),
        (Self::Distinct, "token never seen, other client, 1 × 32"),
    ];
}

/// Everything that was measured; lists have an entry for each round.
#[derive(Debug, Default)]
pub struct Measured {
    pub costs: HashMap<Load, Vec<Cost>>,
    /// One request in flight.
    pub floor_latency: Vec<Latency>,
    pub latency: Vec<Latency>,
    pub reloads: Vec<Reloads>,
    /// One verification of RS256 with a pre-parsed key, in microseconds.
    pub verification: Vec<f64>,
    pub program_mib: f64,
    pub idle_mib: f64,
    pub floor_mib: f64,
    pub mib: f64,
    pub many_mib: f64,
    /// From the start to ready, in milliseconds.
    pub startup: Vec<f64>,
    pub many_startup: Vec<f64>,
    /// Of the issuer's metadata and keys, by a client that does nothing else.
    pub key_fetch: Duration,
}

/// The servers under measurement.
struct Servers {
    floor: Server,
    service: Server,
    /// The service in shadow, with a log of all decisions.
    logging: Server,
    /// The service with many applications.
    large: Server,
}

/// Starts the servers and drives them in turn.
pub async fn measure() -> Result<Measured, Failure> {
    let issuer = DemoIssuer::start(TENANT).await?;
    println!("recording what Envoy asks about a request");
    let request = capture::request(tokens::HOST, &tokens::token(&issuer, 0)?).await?;
    let folder = tempfile::tempdir()?;
    let cases = Cases::write(folder.path(), &issuer, &request)?;

    println!("starting the floor, the service with {FEW} applications, and with {APPLICATIONS}");
    let (few, many) = (folder.path().join("few"), folder.path().join("many"));
    documents::applications(&few, FEW)?;
    documents::applications(&many, APPLICATIONS)?;
    let [few_configured, many_configured] =
        [&few, &many].map(|folder| documents::configuration(folder, &issuer, CACHE));
    let (few_configured, many_configured) = (few_configured?, many_configured?);
    let logged = folder.path().join("logged");
    documents::applications(&logged, FEW)?;
    let log_configured = documents::configuration(&logged, &issuer, CACHE)?;
    documents::rehearse(&log_configured)?;
    let (startup, many_startup) = (starts(&few_configured)?, starts(&many_configured)?);
    let servers = Servers {
        floor: Server::floor()?,
        service: Server::portvakt(&few_configured)?,
        logging: Server::portvakt(&log_configured)?,
        large: Server::portvakt(&many_configured)?,
    };
    let mut measured = Measured {
        startup,
        many_startup,
        key_fetch: key_fetch(&issuer).await?,
        program_mib: process::program_mib()?,
        idle_mib: servers.service.resident_mib()?,
        ..Measured::default()
    };
    cases.prove(&servers.service).await?;
    for server in [&servers.floor, &servers.service, &servers.logging, &servers.large] {
        load::repeat(server, By::Tcp, &cases.seen.body, 1, WARM_UP)?;
    }
    for round in 1..=ROUNDS {
        println!("round {round} of {ROUNDS}");
        measured.repeat(&servers, &cases, &documents::socket(&few))?;
        let distinct = Arc::new(distinct(&issuer, &request, round)?);
        measured.once(&servers, distinct).await?;
        measured.wait(&servers, &cases.seen, &many).await?;
    }
    let decisions = documents::logged_decisions(&logged)?;
    if decisions < WARM_UP + ROUNDS * CHECKS {
        return Err(format!("only {decisions} decisions are in the log").into());
    }
    measured.floor_mib = servers.floor.resident_mib()?;
    measured.mib = servers.service.resident_mib()?;
    measured.many_mib = servers.large.resident_mib()?;
    Ok(measured)
}

impl Measured {
    /// CPU for checks that are sent over and over.
    fn repeat(&mut self, servers: &Servers, cases: &Cases, socket: &Path) -> Result<(), Failure> {
        let Servers { floor, service, logging, large } = servers;
        let socket = By::UnixSocket(socket);
        let Cases { seen, malformed, expired, unknown_key, bad_signature } = cases;
        for (load, server, by, case, connections, checks) in [
            (Load::Floor, floor, By::Tcp, seen, 1, CHECKS),
            (Load::Seen, service, By::Tcp, seen, 1, CHECKS),
            (Load::Logged, logging, By::Tcp, seen, 1, CHECKS),
            (Load::Many, large, By::Tcp, seen, 1, CHECKS),
            (Load::UnixSocket, service, socket, seen, 1, CHECKS),
            (Load::FloorEight, floor, By::Tcp, seen, 8, CHECKS),
            (Load::SeenEight, service, By::Tcp, seen, 8, CHECKS),
            (Load::SeenSixtyFour, service, By::Tcp, seen, 64, CHECKS),
            (Load::Malformed, service, By::Tcp, malformed, 1, CHECKS),
            (Load::Expired, service, By::Tcp, expired, 1, CHECKS),
            (Load::UnknownKey, service, By::Tcp, unknown_key, 1, CHECKS),
            (Load::BadSignature, service, By::Tcp, bad_signature, 1, COSTLY_CHECKS),
        ] {
            self.add(load, load::repeat(server, by, &case.body, connections, checks)?);
        }
        self.verification.push(verification::micros()?);
        Ok(())
    }

    /// CPU for checks of which each is sent once.
    async fn once(
        &mut self,
        servers: &Servers,
        requests: Arc<Vec<CheckRequest>>,
    ) -> Result<(), Failure> {
        for (load, server) in
            [(Load::FloorDistinct, &servers.floor), (Load::Distinct, &servers.service)]
        {
            self.add(load, load::each_once(server, Arc::clone(&requests)).await?);
        }
        Ok(())
    }

    /// How long answers take.
    async fn wait(&mut self, servers: &Servers, case: &Case, many: &Path) -> Result<(), Failure> {
        let Servers { floor, service, large, .. } = servers;
        let [of_floor, ours] = latency::one_in_flight([floor, service], &case.body).await?;
        self.floor_latency.push(of_floor);
        self.latency.push(ours);
        self.reloads.push(reload::round(large, many, &case.body).await?);
        Ok(())
    }

    fn add(&mut self, load: Load, cost: Cost) {
        self.costs.entry(load).or_default().push(cost);
    }
}

/// How long it takes from a start to ready, time and again, in milliseconds.
fn starts(configuration: &Path) -> Result<Vec<f64>, Failure> {
    let start = |_| Ok(Server::portvakt(configuration)?.startup.as_secs_f64() * 1e3);
    (0..ROUNDS).map(start).collect()
}

/// Requests whose tokens nobody has seen.
pub fn distinct(
    issuer: &DemoIssuer,
    request: &CheckRequest,
    round: usize,
) -> Result<Vec<CheckRequest>, Failure> {
    (0..DISTINCT)
        .map(|number| {
            let token = tokens::token(issuer, round * DISTINCT + number)?;
            Ok(capture::with_token(request, &token))
        })
        .collect()
}

/// Metadata and keys, one after the other.
async fn key_fetch(issuer: &DemoIssuer) -> Result<Duration, Failure> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let began = Instant::now();
    let metadata: serde_json::Value =
        client.get(issuer.well_known_url()).send().await?.json().await?;
    let keys = metadata["jwks_uri"].as_str().ok_or("no jwks_uri")?;
    client.get(keys).send().await?.bytes().await?;
    Ok(began.elapsed())
}
