//! `make plateau`: memory under tokens that are never seen again.

use std::{process::ExitCode, sync::Arc};

use portvakt::demo::DemoIssuer;
use tokio::task::spawn_blocking;

use crate::{
    Failure, capture, documents, load,
    process::Server,
    rounds::{CACHE, FEW, TENANT},
    tokens,
};

const TOKENS: usize = 1_000_000;
const BATCH: usize = 10_000;
const MOST_MIB: f64 = 256.0;

/// Sends a million distinct tokens, and prints resident memory after each hundred thousand.
pub async fn measure() -> Result<ExitCode, Failure> {
    let issuer = Arc::new(DemoIssuer::start(TENANT).await?);
    let request = capture::request(tokens::HOST, &tokens::token(&issuer, 0)?).await?;
    let folder = tempfile::tempdir()?;
    documents::applications(folder.path(), FEW)?;
    let server = Server::portvakt(&documents::configuration(folder.path(), &issuer, CACHE)?)?;
    println!("{:>10} {:>8}", "tokens", "MiB");
    let mut most: f64 = 0.0;
    for sent in (0..TOKENS).step_by(BATCH) {
        let halves = [sent..sent + BATCH / 2, sent + BATCH / 2..sent + BATCH].map(|numbers| {
            let issuer = Arc::clone(&issuer);
            spawn_blocking(move || {
                numbers
                    .map(|number| tokens::token(&issuer, 1 + number))
                    .collect::<Result<Vec<_>, _>>()
            })
        });
        let mut requests = Vec::with_capacity(BATCH);
        for half in halves {
            requests.extend(half.await??.iter().map(|token| capture::with_token(&request, token)));
        }
        load::each_once(&server, Arc::new(requests)).await?;
        let mib = server.resident_mib()?;
        most = most.max(mib);
        if (sent + BATCH).is_multiple_of(TOKENS / 10) {
            println!("{:>10} {mib:>8.0}", sent + BATCH);
        }
    }
    println!("most {most:.0} MiB, bar {MOST_MIB:.0} MiB");
    Ok(if most <= MOST_MIB { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
