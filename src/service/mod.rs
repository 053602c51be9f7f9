//! The running service: every part started, watched over, and stopped in order.

mod descriptors;
mod servers;
mod shutdown;
mod status;
mod workers;

use std::{io, iter, net::SocketAddr, num::NonZeroUsize, sync::Arc};

use tokio::{net::TcpListener, sync::watch};
use tracing::warn;

pub use shutdown::{Shutdown, Signals};
pub use status::Status;

#[cfg(feature = "console")]
use crate::console::{Console, Sources};
use crate::{
    applications::{ConnectError, FollowError, Loader, Published, Source, WatchError},
    authorizer::{Authorizer, Candidates},
    clock::Clock,
    config::{self, Address, Config},
    decision_log::{DecisionLog, DecisionLogError, Recent},
    frontend::ext_authz::{
        self, Answers, Bound, CallerHeaders, CertificateError, Certificates, ListenError, Shared,
    },
    http::{Client, ClientError},
    keys::Issuer,
    membership::Resolver,
    recorder::Recorder,
    telemetry::{Flush, Metrics},
    token::{SelfTestFailed, self_test},
    usage::{Keeper, StoreError},
};
use servers::Servers;
use workers::Workers;

/// Decisions that the console can look back at: of what was allowed, and of what was refused. A line
/// is half a kilobyte or so.
const REMEMBERED: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1999);

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
        let metrics = Arc::new(Metrics::new());
        let issuers_client = Client::with_new_connections(&config.entra.proxy)?;
        let published = Arc::new(Published::default());
        let issuers = issuers(&config.entra, &metrics);
        let memberships = memberships(&config.entra, &clock, &metrics)?;
        let candidates =
            Loader::of_candidates(&config).map(|loader| (loader, Arc::<Published>::default()));
        let usage = Keeper::open(config.usage.file.clone(), clock.clone(), Arc::clone(&published))?;
        let usage = Arc::new(usage);
        let authorizer =
            Authorizer::new(&config, Arc::clone(&published), &issuers, clock, Arc::clone(&metrics))
                .with_memberships(memberships)
                .with_candidates(candidates.as_ref().map(|set| Candidates(Arc::clone(&set.1))));
        let answers = Answers {
            headers: CallerHeaders::new(&config.headers),
            resource_metadata: config.resource_metadata.clone(),
        };
        let limits = descriptors::within_reach(config.limits);
        let (decision_log, last_lines) = DecisionLog::start(&config.decision_log, &metrics)?;
        // The console alone looks at the last decisions.
        let recent = config.listen.console.as_ref().map(|_| Arc::new(Recent::new(REMEMBERED)));
        let decision_log = decision_log.with_recent(recent.clone());
        let recorder = Recorder::new(Arc::clone(&metrics)).with_decision_log(decision_log);
        let shared = Arc::new(Shared::new(authorizer, answers, recorder, &limits));
        let status = Arc::new(Status::new(
            Arc::clone(&published),
            issuers.clone(),
            Arc::clone(&shared),
            Arc::clone(&usage),
        ));

        let tls = config.listen.tls.as_ref().map(Certificates::read).transpose()?;
        let certificates = tls.map(Arc::new);
        let mut listeners = Vec::new();
        for listener in &config.listen.ext_authz {
            listeners.push(ext_authz::bind(listener, certificates.as_ref()).await?);
        }
        let admin = bind("listen.admin", config.listen.admin).await?;
        #[cfg(feature = "console")]
        let console = match (&config.listen.console, recent) {
            (Some(settings), Some(recent)) => {
                let (published, shared) = (Arc::clone(&published), Arc::clone(&shared));
                let (issuers, status) = (issuers.clone(), Arc::clone(&status));
                let sources = Sources { published, issuers, shared, status, recent };
                Some(bind_console(settings, sources).await?)
            }
            _ => None,
        };
        let loader = Loader::new(&config, usage.ledger());
        let cluster = cluster(&config, &loader, &metrics).await?;
        Ok(Self {
            settings: config.shutdown,
            servers: Servers {
                listeners,
                admin,
                #[cfg(feature = "console")]
                console,
                shared,
                limits,
            },
            workers: Workers {
                issuers,
                issuers_client,
                cluster,
                documents: iter::once((loader, published)).chain(candidates).collect(),
                metrics,
                certificates,
                usage: Arc::clone(&usage),
            },
            status,
            last_lines,
            usage,
        })
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

fn issuers(entra: &config::Entra, metrics: &Arc<Metrics>) -> Vec<Arc<Issuer>> {
    let issuer = |tenant: &config::Tenant| {
        Arc::new(Issuer::new(tenant.clone(), entra.keys.clone(), Arc::clone(metrics)))
    };
    entra.tenants.iter().map(issuer).collect()
}

fn memberships(
    entra: &config::Entra,
    clock: &Clock,
    metrics: &Arc<Metrics>,
) -> Result<Option<Resolver>, ClientError> {
    let Some(graph) = &entra.graph else { return Ok(None) };
    let client = Client::new(&entra.proxy)?;
    Ok(Some(Resolver::new(graph, &client, clock, Arc::clone(metrics))))
}

/// The cluster's own documents, where they are asked for.
async fn cluster(
    config: &Config,
    loader: &Loader,
    metrics: &Arc<Metrics>,
) -> Result<Option<Source>, ConnectError> {
    match (&config.applications.kubernetes, loader.objects()) {
        (Some(namespaces), Some(objects)) => {
            let metrics = Arc::clone(metrics);
            Ok(Some(Source::infer(namespaces.clone(), objects, metrics).await?))
        }
        _ => Ok(None),
    }
}

#[cfg(feature = "console")]
async fn bind_console(
    settings: &config::Console,
    sources: Sources,
) -> Result<(TcpListener, Console), StartError> {
    let listener = bind("listen.console.address", settings.address).await?;
    Ok((listener, Console::new(sources, &settings.hosts)))
}

async fn bind(key: &'static str, address: SocketAddr) -> Result<TcpListener, StartError> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|error| StartError::Address { key, address, error })
}
