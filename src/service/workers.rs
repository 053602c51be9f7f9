//! What runs in the background: fetching keys, reading documents and certificates, reporting
//! health.

use std::sync::Arc;

use tokio::{sync::Notify, task::JoinSet};
use tonic_health::server::HealthReporter;

use super::{RunError, Status};
use crate::{
    applications::{self, Loader, Published, Source},
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
    pub loader: Loader,
    pub published: Arc<Published>,
    pub metrics: Arc<Metrics>,
    pub certificates: Option<Arc<Certificates>>,
    pub usage: Arc<Keeper>,
}

impl Workers {
    /// Starts a task for each. None of them ends by itself unless something is wrong.
    pub fn start(
        self,
        reload: &Arc<Notify>,
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
        let documents = applications::keep_current(
            self.loader,
            self.published,
            self.metrics,
            Arc::clone(reload),
        );
        tasks.spawn(async move { Ok(documents.await?) });
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
