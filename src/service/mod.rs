//! The running service: every part started, watched over, and stopped in order.

mod descriptors;
mod parts;
mod servers;
mod shutdown;
mod status;
mod workers;

use std::{io, net::SocketAddr, sync::Arc};

use tokio::sync::watch;
use tracing::warn;

pub use shutdown::{Shutdown, Signals};
pub use status::Status;

use crate::{
    applications::{ConnectError, FollowError, WatchError},
    clock::Clock,
    config::{self, Address, Config},
    decision_log::DecisionLogError,
    frontend::ext_authz::{Bound, CertificateError, Certificates, ListenError, Shared},
    http::ClientError,
    telemetry::Flush,
    token::{SelfTestFailed, self_test},
    usage::{Keeper, StoreError},
};
use parts::Parts;
use servers::Servers;
use workers::Workers;

/// A service whose addresses are taken and that only needs to run.
#[derive(Debug)]
pub struct Service {
    settings: config::Shutdown,
    servers: Servers,
    workers: Workers,
    status: Arc<Status>,
    /// Waits for the last lines of the decision log.
    last_lines: Option<Flush>,
    usage: Arc<Keeper>,
}

/// Why the service cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    SelfTest(#[from] SelfTestFailed),
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Listen(#[from] ListenError),
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    #[error(transparent)]
    DecisionLog(#[from] DecisionLogError),
    #[error(transparent)]
    Usage(#[from] StoreError),
    #[error(transparent)]
    Kubernetes(#[from] ConnectError),
    #[error("cannot listen at {address}: {error}; change {key} or free the address")]
    Address { key: &'static str, address: SocketAddr, error: io::Error },
}

/// Why the service ended without being asked to.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("the documents cannot be watched: {0}")]
    Documents(#[from] WatchError),
    #[error(transparent)]
    Kubernetes(#[from] FollowError),
    #[error("a part of the service ended: {0}")]
    Task(#[from] tokio::task::JoinError),
    #[error("{0} ended without being asked to")]
    Ended(&'static str),
}

impl Service {
    /// Takes the addresses and makes every part, but starts none.
    ///
    /// # Errors
    /// See [`StartError`]. An issuer that cannot be reached is no reason not to start.
    pub async fn bind(config: Config, clock: Clock) -> Result<Self, StartError> {
        self_test()?;
        let (parts, last_lines) = Parts::new(&config, clock)?;
        let certificates = config.listen.tls.as_ref().map(Certificates::read).transpose()?;
        let certificates = certificates.map(Arc::new);
        let servers = parts.servers(&config, certificates.as_ref()).await?;
        let (status, usage) = (Arc::clone(&parts.status), Arc::clone(&parts.usage));
        let workers = parts.workers(&config, certificates).await?;
        Ok(Self { settings: config.shutdown, servers, workers, status, last_lines, usage })
    }

    /// Where the admin listener is found.
    pub fn admin_address(&self) -> io::Result<SocketAddr> {
        self.servers.admin.local_addr()
    }

    /// Where the listeners of ext_authz are found, in the order of the configuration.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        self.servers.listeners.iter().map(Bound::address)
    }

    /// What the listeners share, the authorizer among it.
    pub fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.servers.shared)
    }

    /// What `/readyz` and the health service tell.
    pub fn status(&self) -> Arc<Status> {
        Arc::clone(&self.status)
    }

    /// Runs until `signals` ask to stop and everything is drained.
    ///
    /// # Errors
    /// The first part that ends unasked ends the service, with its reason.
    pub async fn run(self, mut signals: Signals) -> Result<(), RunError> {
        let shutdown = Shutdown::new();
        let reload = watch::Sender::default();
        let (health, health_server) = tonic_health::server::health_reporter();
        // The library begins with "serving"; that must not be seen.
        self.status.report(&health).await;
        // The lines of all that is answered until the end.
        let Self { settings, servers, workers, status, last_lines: _last_lines, usage } = self;
        let shared = Arc::clone(&servers.shared);
        let mut servers =
            servers.start(&shutdown, Arc::clone(&status), health.clone(), &health_server);
        let mut workers = workers.start(&reload, Arc::clone(&status), health);
        let reload = || {
            reload.send_replace(());
            shared.recorder.reopen();
        };

        tokio::select! {
            Some(ended) = workers.join_next() => ended??,
            Some(ended) = servers.join_next() => {
                ended?;
                return Err(RunError::Ended("a listener"));
            }
            () = signals.stop(reload) => {}
        }
        status.stop();
        let drained = tokio::select! {
            drained = shutdown.run(&settings, servers) => drained,
            () = signals.stop(reload) => {
                warn!("asked to stop once more; what is under way is cut off");
                Ok(())
            }
        };
        usage.close();
        drained
    }
}
