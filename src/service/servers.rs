//! What others connect to: the listeners of ext_authz and of admin.

use std::sync::Arc;

use tokio::{net::TcpListener, task::JoinSet};
use tonic_health::{
    pb::health_server::{Health, HealthServer},
    server::HealthReporter,
};
use tracing::info;

use super::{RunError, Shutdown, Status};
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
    ) -> JoinSet<Result<(), RunError>> {
        let mut tasks = JoinSet::new();
        for bound in self.listeners {
            if let Ok(address) = bound.address() {
                info!(%address, "listening for checks");
            }
            let (shared, health, limits) =
                (Arc::clone(&self.shared), health_server.clone(), self.limits);
            let drained = shutdown.drained();
            tasks.spawn(async move {
                Ok(ext_authz::serve(bound, shared, health, &limits, drained).await?)
            });
        }
        if let Ok(address) = self.admin.local_addr() {
            info!(%address, "listening for probes and metrics");
        }
        let (admin, of_admin, drained) = (self.admin, Arc::clone(&status), shutdown.drained());
        tasks.spawn(async move {
            admin::serve(admin, of_admin, drained).await.map_err(RunError::Admin)
        });
        let drained = shutdown.drained();
        tasks.spawn(async move {
            drained.await;
            // Streams of Watch would keep their connections open until the end of the grace.
            status.end_watches(health).await;
            Ok(())
        });
        tasks
    }
}
