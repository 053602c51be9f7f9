//! The end of a service: not serving, a delay, then draining, each as long as configured.

use std::io;

use humantime::format_duration;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task::JoinSet,
    time,
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::RunError;
use crate::config;

/// What tells a service to stop or to reload.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    /// The signals of this process: SIGTERM and SIGINT stop, SIGHUP reloads.
    ///
    /// # Errors
    /// Where the system does not let them be handled.
    pub fn of_process() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Until the process is asked to stop; has things reloaded meanwhile.
    pub(super) async fn stop(&mut self, reload: impl Fn()) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return info!(signal = "SIGTERM", "asked to stop"),
                _ = self.interrupt.recv() => return info!(signal = "SIGINT", "asked to stop"),
                _ = self.hang_up.recv() => {
                    info!(signal = "SIGHUP", "asked to reload");
                    reload();
                }
            }
        }
    }
}

/// The moment from which listeners accept nothing new.
#[derive(Debug, Default)]
pub struct Shutdown(CancellationToken);

impl Shutdown {
    /// Not yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancelled from that moment on.
    pub fn draining(&self) -> CancellationToken {
        self.0.clone()
    }

    /// Waits for the proxies to look elsewhere, then for what is under way.
    pub(super) async fn run(
        self,
        settings: &config::Shutdown,
        mut servers: JoinSet<()>,
    ) -> Result<(), RunError> {
        let (delay, grace) = (format_duration(settings.delay), format_duration(settings.grace));
        info!(%delay, %grace, "not serving any more; draining after the delay");
        time::sleep(settings.delay).await;
        self.0.cancel();
        let drain = async {
            while let Some(ended) = servers.join_next().await {
                ended?;
            }
            Ok(())
        };
        match time::timeout(settings.grace, drain).await {
            Ok(result) => result.inspect(|()| info!("drained")),
            Err(_) => {
                warn!("the grace period is over; what is still under way is cut off");
                Ok(())
            }
        }
    }
}
