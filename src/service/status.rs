//! Whether the service can decide, for `/readyz` and for `grpc.health.v1`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tonic::server::NamedService;
use tonic_health::{ServingStatus, server::HealthReporter};
use tracing::info;

use crate::{
    applications::Published,
    clock::{time_to_tell, unix_seconds},
    frontend::ext_authz::{AuthorizationServer, Shared},
    keys::Issuer,
    usage::{Export, Keeper, tally},
};

/// How often the answer is looked at: it also changes by mere passing of time.
const INTERVAL: Duration = Duration::from_millis(100);
/// As long as somebody waits for it to change.
const INTERVAL_UNTIL_READY: Duration = Duration::from_millis(10);

/// The names that gRPC health is asked for: the whole server's and the service's.
const SERVICES: [&str; 2] = ["", AuthorizationServer::NAME];

/// What the service's readiness depends on.
#[derive(Debug)]
pub struct Status {
    published: Arc<Published>,
    issuers: Vec<Arc<Issuer>>,
    shared: Arc<Shared>,
    usage: Arc<Keeper>,
    stopping: AtomicBool,
}

impl Status {
    pub(super) fn new(
        published: Arc<Published>,
        issuers: Vec<Arc<Issuer>>,
        shared: Arc<Shared>,
        usage: Arc<Keeper>,
    ) -> Self {
        Self { published, issuers, shared, usage, stopping: AtomicBool::new(false) }
    }

    /// From now on not ready, whatever else.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    /// What is missing to decide; nothing when ready.
    ///
    /// One tenant's issuer that is down does not take the others down: ready means that the keys
    /// of each were tried and those of one at least are there.
    pub fn missing(&self) -> Vec<&'static str> {
        let keys = self.issuers.iter().any(|issuer| issuer.has_keys())
            && self.issuers.iter().all(|issuer| issuer.was_attempted());
        [
            (self.stopping.load(Ordering::Acquire), "the service is stopping"),
            (!self.published.is_loaded(), "the documents are not loaded yet"),
            (!keys, "no issuer's keys are loaded"),
        ]
        .into_iter()
        .filter_map(|(applies, what)| applies.then_some(what))
        .collect()
    }

    /// Whether nothing is missing.
    pub fn is_ready(&self) -> bool {
        self.missing().is_empty()
    }

    /// The metrics as they are now.
    ///
    /// # Errors
    /// As for [`Metrics::encode`](crate::telemetry::Metrics::encode).
    pub fn metrics(&self) -> Result<Vec<u8>, prometheus::Error> {
        self.shared.recorder.metrics.token_cache_entries(self.shared.authorizer.cached_tokens());
        let memberships = self.shared.authorizer.cached_memberships();
        self.shared.recorder.metrics.graph.cache_entries(memberships);
        self.shared.recorder.metrics.ready(self.is_ready());
        let unused = tally(&self.published.current().index, unix_seconds(time_to_tell()));
        self.shared.recorder.metrics.usage.set(&unused);
        self.shared.recorder.metrics.encode()
    }

    /// Which rules, groups and applications are used, as it is now.
    pub fn usage(&self) -> Export {
        self.usage.export()
    }

    /// Tells the gRPC health service once; returns what it told.
    pub(super) async fn report(&self, health: &HealthReporter) -> bool {
        let ready = self.is_ready();
        let status = if ready { ServingStatus::Serving } else { ServingStatus::NotServing };
        for name in SERVICES {
            health.set_service_status(name, status).await;
        }
        ready
    }

    /// Ends the streams of those who watch the gRPC health service.
    pub(super) async fn end_watches(&self, mut health: HealthReporter) {
        for name in SERVICES {
            health.clear_service_status(name).await;
        }
    }

    /// Keeps the gRPC health service true. Never returns.
    pub(super) async fn keep_reporting(&self, health: &HealthReporter) {
        let mut told = false;
        loop {
            if self.is_ready() != told {
                told = self.report(health).await;
                info!(ready = told, missing = self.missing().join("; "), "readiness changed");
            }
            tokio::time::sleep(if told { INTERVAL } else { INTERVAL_UNTIL_READY }).await;
        }
    }
}
