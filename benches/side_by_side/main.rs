//! `make bench`: the service beside a floor, in one run.
//!
//! The floor is a tonic server whose `Check` returns OK at once, with the full Envoy types: what
//! every Rust service starts from. Both get the request that a real Envoy sends. Machines are
//! noisy, so that ratios of medians over alternating rounds count, not figures.

mod capture;
mod cases;
mod documents;
mod envoys;
mod floor;
mod latency;
mod load;
mod opa;
mod plateau;
mod process;
mod reload;
mod report;
mod rounds;
mod tokens;
mod verification;

use std::{env, error::Error, process::ExitCode};

use tokio::runtime::Runtime;

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> ExitCode {
    let result = match env::args().nth(1).as_deref() {
        Some("floor") => floor::serve(),
        Some("plateau") => block_on(plateau::measure()),
        Some("opa") => block_on(opa::measure()).map(|()| ExitCode::SUCCESS),
        Some("envoys") => block_on(envoys::measure()).map(|()| ExitCode::SUCCESS),
        _ => block_on(rounds::measure()).map(|measured| report::print(&measured)),
    };
    result.unwrap_or_else(|error| {
        eprintln!("bench: {error}");
        ExitCode::FAILURE
    })
}

fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    Runtime::new()?.block_on(work)
}
