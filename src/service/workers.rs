//! What runs in the background: fetching keys, reading documents and certificates, reporting
//! health.

use std::{future::pending, sync::Arc};

use tokio::{sync::watch, task::JoinSet};
use tonic_health::server::HealthReporter;
use tracing::error;

use super::{RunError, Status};
use crate::{
    applications::{self, Loader, Published, Role, Source},
    frontend::ext_authz::Certificates,
    http::Client,
    keys::Issuer,
    telemetry::Metrics,
    usage::Keeper,
};

/// Everything that the background tasks need.
#[derive(Debug)]
pub struct Workers {
    pub issuers: Vec<Arc<Issuer>>,
    pub issuers_client: Client,
    /// Where documents come from beside the files.
    pub cluster: Option<Source>,
    /// Those in force first, then the candidates, if there are any; each with where it goes.
    pub documents: Vec<(Loader, Arc<Published>)>,
    pub metrics: Arc<Metrics>,
    pub certificates: Option<Arc<Certificates>>,
    pub usage: Arc<Keeper>,
}

impl Workers {
    /// Starts a task for each. None of them ends by itself unless something is wrong.
    pub fn start(
        self,
        reload: &watch::Sender<()>,
        status: Arc<Status>,
        health: HealthReporter,
    ) -> JoinSet<Result<(), RunError>> {
        let mut tasks = JoinSet::new();
        for issuer in self.issuers {
            let client = self.issuers_client.clone();
            tasks.spawn(async move {
                issuer.keep_fresh(&client).await;
                Err(RunError::Ended("the refresh of keys"))
            });
        }
        if let Some(cluster) = self.cluster {
            tasks.spawn(async move { match cluster.follow().await? {} });
        }
        for (loader, published) in self.documents {
            let (metrics, reload) = (Arc::clone(&self.metrics), reload.subscribe());
            let role = loader.role();
            let documents = applications::keep_current(loader, published, metrics, reload);
            tasks.spawn(async move {
                match (documents.await, role) {
                    // A rehearsal ends nothing but itself.
                    (Err(error), Role::Candidate) => {
                        error!(%error, "the candidate documents are no longer followed");
                        pending().await
                    }
                    (ended, _) => Ok(ended?),
                }
            });
        }
        if let Some(certificates) = self.certificates {
            tasks.spawn(async move {
                certificates.keep_current().await;
                Err(RunError::Ended("the renewal of certificates"))
            });
        }
        tasks.spawn(async move {
            self.usage.keep().await;
            Err(RunError::Ended("the count of uses"))
        });
        tasks.spawn(async move {
            status.keep_reporting(&health).await;
            Err(RunError::Ended("the health report"))
        });
        tasks
    }
}
