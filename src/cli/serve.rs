//! `portvakt serve`.

use std::{error::Error, path::PathBuf, process::ExitCode};

use clap::Args;
use tracing::{error, info, warn};

use super::{FAILURE, fail, say};
use crate::{
    clock::Clock,
    config::{self, Config, Environment},
    finding::{Finding, Severity},
    printable::Printable,
    service::{Service, Signals},
    telemetry::init_log,
};

/// Answer Envoy's authorization checks.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portvakt serve --config /etc/portvakt/portvakt.yaml
  PORTVAKT_LISTEN__ADMIN=127.0.0.1:9090 portvakt serve --config portvakt.yaml

Without a configuration file, the variables that NAIS gives an application suffice for a sidecar
in front of it: AZURE_APP_CLIENT_ID, AZURE_APP_WELL_KNOWN_URL, AZURE_APP_PRE_AUTHORIZED_APPS,
NAIS_CLUSTER_NAME, NAIS_NAMESPACE, NAIS_APP_NAME.

SIGTERM and SIGINT stop: not serving, a delay, then draining. SIGHUP reads the documents anew.
Exit codes: 0 stopped when asked to, 1 not started, or ended without being asked to, 2 wrong usage.")]
pub struct Serve {
    /// The configuration file; every key can be overridden by a variable PORTVAKT_<KEY>.
    #[arg(long, short, value_name = "FILE", env = "PORTVAKT_CONFIG")]
    config: Option<PathBuf>,
}

impl Serve {
    pub fn run(self) -> ExitCode {
        let (config, warnings) =
            match config::read(self.config.as_deref(), &Environment::of_process()) {
                Ok(read) => (read.config, read.warnings),
                Err(findings) => return refuse(&findings),
            };
        match serve(config, &warnings) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&*error),
        }
    }
}

fn refuse(findings: &[Finding]) -> ExitCode {
    for finding in findings {
        say(format_args!("{finding}\n"));
    }
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    say(format_args!("portvakt: not started; errors in the configuration: {errors}\n"));
    ExitCode::from(FAILURE)
}

fn serve(config: Config, warnings: &[Finding]) -> Result<(), Box<dyn Error>> {
    let _flush = init_log(&config.log)?;
    log_panics();
    for finding in warnings {
        let message = Printable(&finding.message);
        warn!(place = %finding.place, code = finding.code.as_str(), "{message}");
    }
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let signals = Signals::of_process()?;
        let service = Service::bind(config, Clock::system()).await?;
        info!(version = env!("CARGO_PKG_VERSION"), "started");
        service.run(signals).await.inspect_err(|error| error!(%error, "ended"))?;
        info!("stopped");
        Ok(())
    })
}

/// A panic is a defect: it belongs into the log, with its place, like everything else.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        error!(place, "a defect of portvakt: a panic");
    }));
}
