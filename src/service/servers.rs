//! What others connect to: the listeners of ext_authz and of admin.

use std::sync::Arc;

use tokio::{net::TcpListener, sync::Semaphore, task::JoinSet};
use tonic_health::{
    pb::health_server::{Health, HealthServer},
    server::HealthReporter,
};
use tracing::info;

use super::{Shutdown, Status};
#[cfg(feature = "console")]
use crate::console::{self, Console};
use crate::{
    admin,
    config::Limits,
    frontend::ext_authz::{self, Bound, Shared},
};

/// Listeners whose addresses are taken.
#[derive(Debug)]
pub struct Servers {
    pub listeners: Vec<Bound>,
    pub admin: TcpListener,
    #[cfg(feature = "console")]
    pub console: Option<(TcpListener, Console)>,
    pub shared: Arc<Shared>,
    pub limits: Limits,
}

impl Servers {
    /// Starts a task for each, which ends once it is drained.
    pub fn start(
        self,
        shutdown: &Shutdown,
        status: Arc<Status>,
        health: HealthReporter,
        health_server: &HealthServer<impl Health>,
    ) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        let permits = Arc::new(Semaphore::new(self.limits.connections));
        for bound in self.listeners {
            info!(address = %bound.address(), "listening for checks");
            tasks.spawn(ext_authz::serve(
                bound,
                Arc::clone(&self.shared),
                health_server.clone(),
                self.limits,
                Arc::clone(&permits),
                shutdown.draining(),
            ));
        }
        #[cfg(feature = "console")]
        if let Some(address) = self.console.as_ref().and_then(|(at, _)| at.local_addr().ok()) {
            info!(%address, "listening for browsers");
        }
        if let Ok(address) = self.admin.local_addr() {
            info!(%address, "listening for probes and metrics");
        }
        tasks.spawn(admin::serve(self.admin, Arc::clone(&status), shutdown.draining()));
        #[cfg(feature = "console")]
        if let Some((listener, console)) = self.console {
            tasks.spawn(console::serve(listener, console, shutdown.draining()));
        }
        let draining = shutdown.draining();
        tasks.spawn(async move {
            draining.cancelled().await;
            // Streams of Watch would keep their connections open until the end of the grace.
            status.end_watches(health).await;
        });
        tasks
    }
}
