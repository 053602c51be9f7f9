//! A request with a token or without, decided by the authorizer that serves checks.

use std::{
    error::Error,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use clap::Args;
use url::Url;

use super::{
    super::input::{Input, Unreadable},
    asked::Asked,
    documents::Documents,
};
use crate::{
    applications::{Generation, Protection, Published},
    authorizer::{Authorizer, Outcome},
    clock::{Clock, UnixSeconds, in_words},
    config::{Config, KeySource, Keys, Log, LogFormat, Tenant},
    decision::DenyReason,
    explain::Explanation,
    file::MOST_OF_A_KEY,
    http::{Client, FetchError},
    keys::{Issuer, RefreshError, Source},
    membership::Resolver,
    telemetry::{Metrics, init_log},
};

/// What the service gives a check to wait for Graph is too little for the first of its questions.
const PATIENCE: Duration = Duration::from_secs(15);

#[derive(Debug, Args)]
pub struct Live {
    /// A key set (JWKS) of the application's tenant, instead of asking its issuer.
    #[arg(long, value_name = "FILE", conflicts_with = "decisions")]
    jwks: Option<PathBuf>,
    /// Decide as at this time (RFC 3339, UTC: 2026-11-28T21:58:45Z). Keys and documents are still
    /// those of now.
    #[arg(long, value_name = "TIME", value_parser = time, conflicts_with = "decisions")]
    at: Option<UnixSeconds>,
}

/// The token cannot be verified here.
#[derive(Debug, thiserror::Error)]
enum NoKeys {
    #[error(
        "a token is verified by the keys of an issuer, which the configuration names: give the configuration among the PATHs"
    )]
    NoConfiguration,
    #[error(
        "the keys of tenant {tenant} cannot be had, so that nothing can be said about the token; --jwks FILE takes them from a file"
    )]
    Fetch { tenant: String, source: RefreshError },
    #[error(transparent)]
    File(#[from] Unreadable),
    #[error("{}: the key set cannot be used for tenant {tenant}: {reason}", file.display())]
    KeySet { file: PathBuf, tenant: String, reason: String },
}

/// A file in the place of an issuer.
struct KeyFile(Vec<u8>);

impl Source for KeyFile {
    async fn get(&self, _: &Url) -> Result<Vec<u8>, FetchError> {
        Ok(self.0.clone())
    }
}

impl Live {
    /// Explains the request. Issuers are asked for keys only where the decision comes to need them.
    ///
    /// # Errors
    /// Where the request is not complete, or the keys cannot be had.
    pub fn explain(
        &self,
        asked: &Asked,
        authorization: Option<String>,
        documents: Documents,
    ) -> Result<Explanation, Box<dyn Error>> {
        let Documents { mut config, has_configuration, index, .. } = documents;
        if authorization.is_some() && !has_configuration {
            return Err(NoKeys::NoConfiguration.into());
        }
        config.limits.deadline = PATIENCE;
        let request = asked.request(authorization.as_deref(), &config)?;
        let note = asked.note_on_the_name(&index);
        let _flush = init_log(&Log { filter: "warn".into(), format: LogFormat::Text })?;
        tokio::runtime::Runtime::new()?.block_on(async {
            let metrics = Arc::new(Metrics::new());
            let issuers: Vec<_> =
                config.entra.tenants.iter().map(|tenant| self.issuer(tenant, &metrics)).collect();
            let published = Arc::new(Published::default());
            published.publish(Generation { index });
            let clock = self.clock();
            let memberships = self.memberships(&config, &clock, &metrics)?;
            let authorizer = Authorizer::new(&config, published, &issuers, clock, metrics)
                .with_memberships(memberships);
            let (mut outcome, mut steps) = authorizer.explain(&request).await;
            if let Some(issuer) = wanted(&outcome, &issuers) {
                self.fetch(issuer, &config).await?;
                (outcome, steps) = authorizer.explain(&request).await;
            }
            let explanation = Explanation::of(&outcome, &steps, &request, authorizer.settings());
            let explanation = note.into_iter().fold(explanation, Explanation::noting);
            Ok(self.with_notes(explanation, &outcome, &config))
        })
    }

    /// An issuer that was not asked yet.
    fn issuer(&self, tenant: &Tenant, metrics: &Arc<Metrics>) -> Arc<Issuer> {
        let mut tenant = tenant.clone();
        if self.jwks.is_some() {
            // Nobody tells where the keys are, and the issuer is the one that is configured.
            tenant.issuer = Some(tenant.label());
            tenant.key_source = KeySource::Stated { jwks_uri: address(&tenant.key_source).clone() };
        }
        // What is fetched is what there is: an unknown key is not asked for again.
        let settings = Keys { cooldown: Duration::MAX, ..Keys::default() };
        Arc::new(Issuer::new(tenant, settings, Arc::clone(metrics)))
    }

    async fn fetch(&self, issuer: &Issuer, config: &Config) -> Result<(), Box<dyn Error>> {
        let tenant = issuer.tenant().to_string();
        match &self.jwks {
            None => {
                let client = Client::with_new_connections(&config.entra.proxy)?;
                let fetched = issuer.fetch_once(&client).await;
                Ok(fetched.map_err(|source| NoKeys::Fetch { tenant, source })?)
            }
            Some(file) => Ok(read_keys(issuer, file, tenant).await?),
        }
    }

    /// Whom the service would ask for groups; nobody where keys come from a file.
    fn memberships(
        &self,
        config: &Config,
        clock: &Clock,
        metrics: &Arc<Metrics>,
    ) -> Result<Option<Resolver>, Box<dyn Error>> {
        let Some(graph) = config.entra.graph.as_ref().filter(|_| self.jwks.is_none()) else {
            return Ok(None);
        };
        let client = Client::new(&config.entra.proxy)?;
        Ok(Some(Resolver::new(graph, &client, clock, Arc::clone(metrics))))
    }

    fn clock(&self) -> Clock {
        match self.at {
            Some(time) => Clock::new(move || time),
            None => Clock::system(),
        }
    }

    /// What the service has and this command had not.
    fn with_notes(
        &self,
        explanation: Explanation,
        outcome: &Outcome,
        config: &Config,
    ) -> Explanation {
        let explanation = match self.at.map(in_words) {
            Some(time) => explanation.noting(format!(
                "Decided as at {time}; keys, documents and configuration are those of now."
            )),
            None => explanation,
        };
        let reason = outcome.decision.refusal().map(|denial| denial.reason);
        let graph_is_left_out = config.entra.graph.is_some() && self.jwks.is_some();
        match reason {
            Some(DenyReason::GroupsUnavailable) => {
                explanation.uncertain("Graph could not be asked from here")
            }
            Some(DenyReason::GroupsOverage) if graph_is_left_out => {
                explanation.uncertain("with --jwks, Graph is not asked for the user's groups")
            }
            _ => explanation,
        }
    }
}

/// The issuer whose keys the decision ended without.
fn wanted<'i>(outcome: &Outcome, issuers: &'i [Arc<Issuer>]) -> Option<&'i Issuer> {
    let refusal = outcome.decision.refusal()?;
    let Protection::Enforced { tenant, .. } = outcome.application.as_ref()?.protection else {
        return None;
    };
    let issuer = issuers.iter().find(|issuer| issuer.tenant() == tenant)?;
    (refusal.reason == DenyReason::KeysUnavailable).then_some(issuer)
}

async fn read_keys(issuer: &Issuer, path: &Path, tenant: String) -> Result<(), NoKeys> {
    let keys = Input::open(path)?.read_all(MOST_OF_A_KEY)?;
    issuer.fetch_once(&KeyFile(keys)).await.map_err(|error| {
        let reason = match error {
            RefreshError::KeySet { error, .. } => error.to_string(),
            other => other.to_string(),
        };
        NoKeys::KeySet { file: path.to_owned(), tenant, reason }
    })
}

/// Any address of the issuer: where a file stands in, none is asked.
fn address(source: &KeySource) -> &Url {
    match source {
        KeySource::Discovery { well_known_url: url } | KeySource::Stated { jwks_uri: url } => url,
    }
}

fn time(text: &str) -> Result<UnixSeconds, String> {
    let time: SystemTime = humantime::parse_rfc3339(text).map_err(|error| error.to_string())?;
    time.duration_since(UNIX_EPOCH)
        .map(|since| since.as_secs())
        .map_err(|_| "it is before 1970".to_owned())
}
