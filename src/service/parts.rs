//! The parts of the service, made from its configuration and joined to each other.

use std::{iter, net::SocketAddr, num::NonZeroUsize, sync::Arc};

use tokio::net::TcpListener;

use super::{StartError, Status, descriptors, servers::Servers, workers::Workers};
#[cfg(feature = "console")]
use crate::console::{Console, Sources};
use crate::{
    applications::{ConnectError, Loader, Published, Source},
    authorizer::{Authorizer, Candidates},
    clock::Clock,
    config::{self, Config, Limits},
    decision_log::{DecisionLog, Recent},
    frontend::ext_authz::{self, Answers, CallerHeaders, Certificates, Shared},
    http::{Client, ClientError},
    keys::Issuer,
    membership::Resolver,
    recorder::Recorder,
    telemetry::{Flush, Metrics},
    usage::Keeper,
};

/// Decisions that the console can look back at: of what was allowed, and of what was refused. A
/// line is half a kilobyte or so.
const REMEMBERED: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1999);

/// What decides and what tells of it, before any of it runs.
pub struct Parts {
    metrics: Arc<Metrics>,
    issuers: Vec<Arc<Issuer>>,
    issuers_client: Client,
    published: Arc<Published>,
    /// Documents that are tried beside those in force, and where they go.
    candidates: Option<(Loader, Arc<Published>)>,
    limits: Limits,
    shared: Arc<Shared>,
    #[cfg(feature = "console")]
    recent: Option<Arc<Recent>>,
    pub status: Arc<Status>,
    pub usage: Arc<Keeper>,
}

impl Parts {
    /// Makes them. What is returned beside them waits at its end for the last lines of the decision
    /// log.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn new(config: &Config, clock: Clock) -> Result<(Self, Option<Flush>), StartError> {
        let metrics = Arc::new(Metrics::new());
        let issuers_client = Client::with_new_connections(&config.entra.proxy)?;
        let issuers = issuers(&config.entra, &metrics);
        let memberships = memberships(&config.entra, &clock, &metrics)?;
        let published = Arc::<Published>::default();
        let candidates = Loader::of_candidates(config).map(|loader| (loader, Arc::default()));
        let usage = Keeper::open(
            config.usage.file.clone(),
            clock.clone(),
            Arc::clone(&published),
            Arc::clone(&metrics),
        )?;
        let usage = Arc::new(usage);
        let authorizer =
            Authorizer::new(config, Arc::clone(&published), &issuers, clock, Arc::clone(&metrics))
                .with_memberships(memberships)
                .with_candidates(candidates.as_ref().map(|set| Candidates(Arc::clone(&set.1))));
        let limits = descriptors::within_reach(config.limits);
        // The console alone looks at the last decisions.
        let recent = config.listen.console.as_ref().map(|_| Arc::new(Recent::new(REMEMBERED)));
        let (decision_log, last_lines) = DecisionLog::start(&config.decision_log, &metrics)?;
        let decision_log = decision_log.with_recent(recent.clone());
        let recorder = Recorder::new(Arc::clone(&metrics)).with_decision_log(decision_log);
        let shared = Arc::new(Shared::new(authorizer, answers(config), recorder, &limits));
        let status = Arc::new(Status::new(
            Arc::clone(&published),
            issuers.clone(),
            Arc::clone(&shared),
            Arc::clone(&usage),
        ));
        let parts = Self {
            metrics,
            issuers,
            issuers_client,
            published,
            candidates,
            limits,
            shared,
            #[cfg(feature = "console")]
            recent,
            status,
            usage,
        };
        Ok((parts, last_lines))
    }

    /// Takes the addresses.
    ///
    /// # Errors
    /// Where one is not to be had.
    pub async fn servers(
        &self,
        config: &Config,
        certificates: Option<&Arc<Certificates>>,
    ) -> Result<Servers, StartError> {
        let mut listeners = Vec::new();
        for listener in &config.listen.ext_authz {
            listeners.push(ext_authz::bind(listener, certificates).await?);
        }
        Ok(Servers {
            listeners,
            admin: bind("listen.admin", config.listen.admin).await?,
            #[cfg(feature = "console")]
            console: self.console(config).await?,
            shared: Arc::clone(&self.shared),
            limits: self.limits,
        })
    }

    /// Asks for the cluster, where its documents count, and hands on what runs in the background.
    ///
    /// # Errors
    /// Where nobody tells where the cluster is.
    pub async fn workers(
        self,
        config: &Config,
        certificates: Option<Arc<Certificates>>,
    ) -> Result<Workers, StartError> {
        let loader = Loader::new(config, self.usage.ledger());
        let cluster = cluster(config, &loader, &self.metrics).await?;
        let documents = iter::once((loader, self.published)).chain(self.candidates);
        Ok(Workers {
            issuers: self.issuers,
            issuers_client: self.issuers_client,
            cluster,
            documents: documents.collect(),
            metrics: self.metrics,
            certificates,
            usage: self.usage,
        })
    }

    #[cfg(feature = "console")]
    async fn console(&self, config: &Config) -> Result<Option<(TcpListener, Console)>, StartError> {
        let (Some(settings), Some(recent)) = (&config.listen.console, &self.recent) else {
            return Ok(None);
        };
        let sources = Sources {
            published: Arc::clone(&self.published),
            issuers: self.issuers.clone(),
            shared: Arc::clone(&self.shared),
            status: Arc::clone(&self.status),
            recent: Arc::clone(recent),
        };
        let listener = bind("listen.console.address", settings.address).await?;
        Ok(Some((listener, Console::new(sources, &settings.hosts))))
    }
}

fn answers(config: &Config) -> Answers {
    Answers {
        headers: CallerHeaders::new(&config.headers),
        resource_metadata: config.resource_metadata.clone(),
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

async fn bind(key: &'static str, address: SocketAddr) -> Result<TcpListener, StartError> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|error| StartError::Address { key, address, error })
}
