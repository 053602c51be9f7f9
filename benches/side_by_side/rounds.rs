//! The rounds: floor and service in turn, so that the machine's moods meet both.

use std::sync::Arc;

use envoy_types::pb::envoy::service::auth::v3::CheckRequest;
use portvakt::demo::DemoIssuer;

use crate::{
    Failure, capture, documents,
    load::{self, Cost},
    process::{Server, thread_cpu},
    tokens,
};

const ROUNDS: usize = 5;
const CHECKS: usize = 100_000;
const DISTINCT: usize = 4_000;
pub const TENANT: &str = "7d5b2c3e-9f14-4b8a-a6d0-52e1c8f73a94";
pub const CACHE: u64 = 64 << 20;

/// Everything that was measured; each list has an entry for each round.
#[derive(Debug, Default)]
pub struct Measured {
    pub floor: Vec<Cost>,
    pub seen: Vec<Cost>,
    pub floor_eight: Vec<Cost>,
    pub seen_eight: Vec<Cost>,
    pub floor_distinct: Vec<Cost>,
    pub distinct: Vec<Cost>,
    /// The service with many applications.
    pub many: Vec<Cost>,
    /// One verification of RS256 with a pre-parsed key, in microseconds.
    pub verification: Vec<f64>,
    pub floor_mib: f64,
    pub mib: f64,
    pub many_mib: f64,
    /// From the start to ready, in seconds.
    pub startup: f64,
    pub many_startup: f64,
}

/// How many the large folder has, and the small one.
pub const APPLICATIONS: usize = 10_000;
pub const FEW: usize = 10;

/// Starts the servers and drives them in turn.
pub async fn measure() -> Result<Measured, Failure> {
    let issuer = DemoIssuer::start(TENANT).await?;
    let token = tokens::token(&issuer, 0)?;
    println!("recording what Envoy asks about a request");
    let request = capture::request(tokens::HOST, &token).await?;
    let folder = tempfile::tempdir()?;
    let body = folder.path().join("check");
    load::write_body(&body, &request)?;

    println!("starting the floor, the service with {FEW} applications, and with {APPLICATIONS}");
    let (few, many) = (folder.path().join("few"), folder.path().join("many"));
    documents::applications(&few, FEW)?;
    documents::applications(&many, APPLICATIONS)?;
    let floor = Server::floor()?;
    let service = Server::portvakt(&documents::configuration(&few, &issuer, CACHE)?)?;
    let large = Server::portvakt(&documents::configuration(&many, &issuer, CACHE)?)?;

    let mut measured = Measured {
        startup: service.startup.as_secs_f64(),
        many_startup: large.startup.as_secs_f64(),
        ..Measured::default()
    };
    for server in [&floor, &service, &large] {
        load::repeat(server, &body, 1, CHECKS / 5)?;
    }
    for round in 0..ROUNDS {
        println!("round {} of {ROUNDS}", round + 1);
        measured.floor.push(load::repeat(&floor, &body, 1, CHECKS)?);
        measured.seen.push(load::repeat(&service, &body, 1, CHECKS)?);
        measured.many.push(load::repeat(&large, &body, 1, CHECKS)?);
        measured.floor_eight.push(load::repeat(&floor, &body, 8, CHECKS)?);
        measured.seen_eight.push(load::repeat(&service, &body, 8, CHECKS)?);
        let requests = Arc::new(distinct(&issuer, &request, round)?);
        measured.floor_distinct.push(load::each_once(&floor, Arc::clone(&requests)).await?);
        measured.distinct.push(load::each_once(&service, requests).await?);
        measured.verification.push(verification()?);
    }
    measured.floor_mib = floor.resident_mib()?;
    measured.mib = service.resident_mib()?;
    measured.many_mib = large.resident_mib()?;
    Ok(measured)
}

/// Requests whose tokens nobody has seen.
fn distinct(
    issuer: &DemoIssuer,
    request: &CheckRequest,
    round: usize,
) -> Result<Vec<CheckRequest>, Failure> {
    (0..DISTINCT)
        .map(|number| {
            let token = tokens::token(issuer, 1 + round * DISTINCT + number)?;
            Ok(capture::with_token(request, &token))
        })
        .collect()
}

/// One RS256 verification, with the same library and a pre-parsed key, in microseconds.
fn verification() -> Result<f64, Failure> {
    use aws_lc_rs::{
        rand::SystemRandom,
        rsa::{KeyPair, KeySize},
        signature::{KeyPair as _, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256},
    };
    const TIMES: u32 = 2_000;
    let message = [b'a'; 900];
    let pair = KeyPair::generate(KeySize::Rsa2048)?;
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), &message, &mut signature)?;
    let key = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref())?;
    let before = thread_cpu()?;
    for _ in 0..TIMES {
        key.verify_sig(std::hint::black_box(&message), &signature)?;
    }
    Ok((thread_cpu()? - before).as_secs_f64() * 1e6 / f64::from(TIMES))
}
