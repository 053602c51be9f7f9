//! One issuer and the keys that it published last, kept fresh by one task.
//!
//! Checks read an immutable snapshot. Only [`Issuer::keep_fresh`] talks to the network, one fetch
//! at a time; a check that meets an unknown key can ask it to look again, at most once in the
//! cooldown, so that a flood of forged key ids costs the issuer nothing.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwapOption;
use tokio::{
    sync::{Notify, watch},
    time::{self, Instant},
};
use tracing::{info, warn};
use url::Url;

use super::{
    Key, KeySet, KeySetError,
    discovery::{Metadata, MetadataError},
};
use crate::{
    config::{KeySource, Keys, Tenant},
    http::{Client, FetchError},
    identifiers::TenantId,
    telemetry::Metrics,
};

/// Between attempts while there are no keys at all.
const RETRY_WITHOUT_KEYS: Duration = Duration::from_secs(1);

/// An issuer of tokens: one tenant of Entra ID.
#[derive(Debug)]
pub struct Issuer {
    tenant: Tenant,
    settings: Keys,
    snapshot: ArcSwapOption<Snapshot>,
    attempts: watch::Sender<Attempts>,
    wanted: Notify,
    metrics: Arc<Metrics>,
}

/// What the issuer published last.
#[derive(Debug)]
struct Snapshot {
    issuer: Arc<str>,
    keys: KeySet,
    fetched: Instant,
}

/// The fetches so far.
#[derive(Debug, Clone, Copy, Default)]
struct Attempts {
    finished: u64,
    /// When the last one began, and whether it is still under way.
    last_began: Option<Instant>,
    under_way: bool,
}

/// What became of the search for a key.
#[derive(Debug)]
pub enum KeyLookup {
    Found(Arc<Key>),
    /// The issuer does not publish it.
    Unknown,
    /// There are no keys, or they are too old to be trusted.
    Unavailable,
    /// It was being looked for when the time was up.
    TimedOut,
}

/// Why the keys could not be refreshed.
#[derive(Debug, thiserror::Error)]
enum RefreshError {
    #[error("{url}: {error}")]
    Fetch { url: Url, error: FetchError },
    #[error("{url}: {error}")]
    Metadata { url: Url, error: MetadataError },
    #[error("{url}: the key set cannot be used: {error}")]
    KeySet { url: Url, error: KeySetError },
    #[error("the metadata document points to {0}, which is without TLS")]
    Insecure(Url),
}

impl Issuer {
    /// An issuer without keys yet; [`keep_fresh`](Self::keep_fresh) fetches them.
    pub fn new(tenant: Tenant, settings: Keys, metrics: Arc<Metrics>) -> Self {
        Self {
            tenant,
            settings,
            snapshot: ArcSwapOption::empty(),
            attempts: watch::Sender::default(),
            wanted: Notify::new(),
            metrics,
        }
    }

    /// The tenant's id.
    pub fn tenant(&self) -> TenantId {
        self.tenant.id
    }

    /// `iss` of its tokens, as stated or as its metadata document told; known with its keys.
    pub fn name(&self) -> Option<Arc<str>> {
        self.snapshot.load().as_ref().map(|snapshot| Arc::clone(&snapshot.issuer))
    }

    /// Whether its tokens can be verified now.
    pub fn has_keys(&self) -> bool {
        self.trusted().is_some()
    }

    /// Whether the first attempt to fetch its keys is over.
    pub fn was_attempted(&self) -> bool {
        self.attempts.borrow().finished > 0
    }

    /// A key of the present set, if that is not too old.
    pub fn known_key(&self, kid: &str) -> Option<Arc<Key>> {
        self.trusted()?.keys.get(kid).cloned()
    }

    /// A key of the present set, or of the next one where this one lacks it and the cooldown
    /// allows another fetch, or one is under way.
    pub async fn key(&self, kid: &str, deadline: Instant) -> KeyLookup {
        let Some(snapshot) = self.trusted() else { return KeyLookup::Unavailable };
        if let Some(key) = snapshot.keys.get(kid) {
            return KeyLookup::Found(Arc::clone(key));
        }
        let mut attempts = self.attempts.subscribe();
        let seen = *attempts.borrow_and_update();
        if !seen.under_way && !self.may_ask(&seen) {
            return KeyLookup::Unknown;
        }
        self.wanted.notify_one();
        let next = attempts.wait_for(|attempts| attempts.finished > seen.finished);
        match time::timeout_at(deadline, next).await {
            Ok(_) => self.known_key(kid).map_or(KeyLookup::Unknown, KeyLookup::Found),
            Err(_) => KeyLookup::TimedOut,
        }
    }

    /// Keeps the keys fresh: at once, then in the refresh interval, and when a check asks for it.
    /// Never returns.
    pub async fn keep_fresh(&self, client: &Client) {
        loop {
            self.refresh(client).await;
            let next = Instant::now() + self.pause();
            tokio::select! {
                () = time::sleep_until(next) => {}
                () = self.asked() => {}
            }
        }
    }

    fn trusted(&self) -> Option<Arc<Snapshot>> {
        self.snapshot.load_full().filter(|keys| keys.fetched.elapsed() < self.settings.max_age)
    }

    fn may_ask(&self, attempts: &Attempts) -> bool {
        attempts.last_began.is_none_or(|began| began.elapsed() >= self.settings.cooldown)
    }

    /// Until a check asks for a refresh that the cooldown allows.
    async fn asked(&self) {
        loop {
            self.wanted.notified().await;
            // Asked while a refresh was under way: its answer was the one that was waited for.
            if self.may_ask(&self.attempts.borrow()) {
                return;
            }
        }
    }

    /// Until the next refresh that nothing asks for.
    fn pause(&self) -> Duration {
        let regular = self.settings.refresh_interval;
        match self.snapshot.load().as_ref() {
            None => RETRY_WITHOUT_KEYS.min(regular),
            Some(keys) if keys.fetched.elapsed() >= regular => self.settings.cooldown.min(regular),
            Some(_) => regular,
        }
    }

    async fn refresh(&self, client: &Client) {
        self.attempts.send_modify(|attempts| {
            attempts.last_began = Some(Instant::now());
            attempts.under_way = true;
        });
        let result = self.fetch(client).await;
        self.metrics
            .keys_refreshed(&self.tenant.label(), result.as_ref().ok().map(|keys| keys.keys.len()));
        match result {
            Ok(snapshot) => {
                self.report(&snapshot);
                self.snapshot.store(Some(Arc::new(snapshot)));
            }
            Err(error) => {
                let consequence = match self.has_keys() {
                    true => "the keys fetched before stay in use",
                    false => "tokens of this tenant cannot be verified",
                };
                warn!(tenant = %self.tenant.id, %error, consequence, "the issuer's keys could not be refreshed");
            }
        }
        self.attempts.send_modify(|attempts| {
            attempts.finished += 1;
            attempts.under_way = false;
        });
    }

    fn report(&self, snapshot: &Snapshot) {
        for (kid, fault) in &snapshot.keys.skipped {
            warn!(tenant = %self.tenant.id, kid = ?kid, %fault, "a key of the issuer is not used");
        }
        let before = self.snapshot.load();
        let known = |kid: &str| before.as_ref().is_some_and(|keys| keys.keys.get(kid).is_some());
        let new: Vec<_> = snapshot.keys.kids().filter(|kid| !known(kid)).collect();
        if !new.is_empty() {
            info!(tenant = %self.tenant.id, issuer = &*snapshot.issuer, keys = snapshot.keys.len(), ?new, "the issuer has new keys");
        }
    }

    async fn fetch(&self, client: &Client) -> Result<Snapshot, RefreshError> {
        let get = async |url: &Url| {
            client.get(url).await.map_err(|error| RefreshError::Fetch { url: url.clone(), error })
        };
        let stated = self.tenant.issuer.as_deref();
        let (issuer, jwks_uri) = match &self.tenant.key_source {
            KeySource::Stated { jwks_uri } => {
                (stated.unwrap_or_default().to_owned(), jwks_uri.clone())
            }
            KeySource::Discovery { well_known_url } => {
                let text = get(well_known_url).await?;
                let metadata = Metadata::parse(&text, well_known_url, stated).map_err(|error| {
                    RefreshError::Metadata { url: well_known_url.clone(), error }
                })?;
                (metadata.issuer, metadata.jwks_uri)
            }
        };
        if !crate::config::is_secure(&jwks_uri) {
            return Err(RefreshError::Insecure(jwks_uri));
        }
        let text = get(&jwks_uri).await?;
        let keys = KeySet::parse(&text, &issuer, self.tenant.id)
            .map_err(|error| RefreshError::KeySet { url: jwks_uri, error })?;
        Ok(Snapshot { issuer: issuer.into(), keys, fetched: Instant::now() })
    }
}
