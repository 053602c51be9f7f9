//! `make bench`: the service beside a floor, in one run.
//!
//! The floor is a tonic server whose `Check` returns OK at once, with the full Envoy types: what
//! every Rust service starts from. Both get the request that a real Envoy sends. Machines are
//! noisy, so that ratios of medians over alternating rounds count, not figures.

mod capture;
mod documents;
mod floor;
mod load;
mod plateau;
mod process;
mod report;
mod rounds;
mod tokens;

use std::{env, error::Error, process::ExitCode};

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> ExitCode {
    let result = match env::args().nth(1).as_deref() {
        Some("floor") => floor::serve(),
        Some("plateau") => tokio::runtime::Runtime::new()
            .map_err(Failure::from)
            .and_then(|runtime| runtime.block_on(plateau::measure())),
        _ => compare(),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn compare() -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Runtime::new()?;
    let measured = runtime.block_on(rounds::measure())?;
    Ok(report::print(&measured))
}
