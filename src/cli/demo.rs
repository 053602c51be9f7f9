//! `portvakt demo`.

use std::process::ExitCode;

use clap::Args;

use super::fail;
use crate::{
    config::{Log, LogFormat},
    demo::{self, Options},
    telemetry::init_log,
};

/// Try everything on this machine: an issuer, applications, an upstream, and Envoy in front.
///
/// Envoy is found in $ENVOY, in PATH, or in .venv; without one the decisions are shown alone.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  portvakt demo --port 8080

Exit codes: 0 ended when asked to, or after --once, 1 it cannot be shown, 2 wrong usage.")]
pub struct Demo {
    /// Where Envoy listens on loopback [default: 8080, or a free port where that is taken].
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// End after the answers are shown.
    #[arg(long)]
    once: bool,
}

impl Demo {
    pub fn run(self) -> ExitCode {
        let log = Log { filter: "warn".into(), format: LogFormat::Auto };
        let options = Options { port: self.port, once: self.once };
        match start(&log, &options) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&*error),
        }
    }
}

fn start(log: &Log, options: &Options) -> Result<(), Box<dyn std::error::Error>> {
    let _flush = init_log(log)?;
    tokio::runtime::Runtime::new()?.block_on(demo::run(options))
}
