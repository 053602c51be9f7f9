//! Keeping an issuer's keys fresh: when it is asked, what for, and what is said about it.

use std::{sync::Arc, time::Duration};

use tokio::time::{self, Instant};
use tracing::{info, warn};
use url::Url;

use super::{
    Issuer, KeySet, KeySetError, Source,
    discovery::{Metadata, MetadataError},
    fetch::FetchError,
    issuer::Snapshot,
};
use crate::config::{KeySource, is_secure};

/// Between attempts while there are no keys that could be trusted.
const RETRY_WITHOUT_KEYS: Duration = Duration::from_secs(1);

/// New key ids that a log line names; the others are counted.
const LOGGED_KEYS: usize = 10;

/// Characters of an error that are logged: some of it may be the issuer's own text.
const LOGGED_CHARS: usize = 300;

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

/// Where an issuer's keys are.
struct Location {
    issuer: Arc<str>,
    jwks_uri: Url,
    located: Instant,
}

/// What a refresh asks for.
#[derive(Debug, Clone, Copy)]
enum Extent {
    /// The metadata document, where one tells, and the keys.
    Everything,
    /// The keys, from where they were last: a single request.
    Keys,
}

/// What the log was told of an outage: what it is, and whether there are keys in spite of it.
type Told = Option<(String, bool)>;

impl Issuer {
    /// Keeps the keys fresh: at once, then in the refresh interval, and when a check asks for it.
    /// Never returns.
    pub async fn keep_fresh(&self, source: &impl Source) {
        let mut told = None;
        loop {
            self.refresh(source, self.extent(), &mut told).await;
            tokio::select! {
                () = time::sleep_until(self.next_attempt()) => {}
                () = self.asked() => {}
            }
        }
    }

    /// Once the refresh interval is over everything is asked for, whoever has it asked for: checks
    /// that meet unknown keys must not put that off for ever.
    fn extent(&self) -> Extent {
        match self.trusted() {
            Some(keys) if keys.located.elapsed() < self.settings.refresh_interval => Extent::Keys,
            _ => Extent::Everything,
        }
    }

    /// When to refresh next, unless a check asks for it before.
    ///
    /// With keys: in the refresh interval, and as often as the cooldown allows once that is
    /// missed. Without keys that could be trusted nothing can be decided: each second then.
    fn next_attempt(&self) -> Instant {
        let settings = &self.settings;
        let now = Instant::now();
        let Some(keys) = self.trusted() else {
            return now + RETRY_WITHOUT_KEYS.min(settings.refresh_interval);
        };
        let due = keys.located + settings.refresh_interval;
        let began = self.attempts.borrow().last_began.unwrap_or(now);
        let spaced = began + settings.cooldown.min(settings.refresh_interval);
        due.max(spaced).min(keys.fetched + settings.max_age)
    }

    async fn refresh(&self, source: &impl Source, extent: Extent, told: &mut Told) {
        self.attempts.send_modify(|attempts| {
            attempts.last_began = Some(Instant::now());
            attempts.under_way = true;
        });
        let result = self.fetch(source, extent).await;
        self.metrics
            .keys_refreshed(&self.tenant.label(), result.as_ref().ok().map(|keys| keys.keys.len()));
        match result {
            Ok(snapshot) => {
                self.tell_success(&snapshot, told);
                self.snapshot.store(Some(Arc::new(snapshot)));
            }
            Err(error) => self.tell_failure(&error, told),
        }
        self.attempts.send_modify(|attempts| {
            attempts.finished += 1;
            attempts.under_way = false;
        });
    }

    async fn fetch(&self, source: &impl Source, extent: Extent) -> Result<Snapshot, RefreshError> {
        let fetched = Instant::now();
        let Location { issuer, jwks_uri, located } = match (extent, &*self.snapshot.load()) {
            (Extent::Keys, Some(last)) => Location {
                issuer: Arc::clone(&last.issuer),
                jwks_uri: last.jwks_uri.clone(),
                located: last.located,
            },
            _ => self.locate(source).await?,
        };
        let text = get(source, &jwks_uri).await?;
        match KeySet::parse(&text, &issuer, self.tenant.id) {
            Ok(keys) => Ok(Snapshot { issuer, jwks_uri, keys, fetched, located }),
            Err(error) => Err(RefreshError::KeySet { url: jwks_uri, error }),
        }
    }

    async fn locate(&self, source: &impl Source) -> Result<Location, RefreshError> {
        let located = Instant::now();
        let stated = self.tenant.issuer.as_deref();
        let (issuer, jwks_uri) = match &self.tenant.key_source {
            KeySource::Stated { jwks_uri } => {
                (stated.unwrap_or_default().to_owned(), jwks_uri.clone())
            }
            KeySource::Discovery { well_known_url: url } => {
                let text = get(source, url).await?;
                let metadata = Metadata::parse(&text, url, stated, self.tenant.id)
                    .map_err(|error| RefreshError::Metadata { url: url.clone(), error })?;
                (metadata.issuer, metadata.jwks_uri)
            }
        };
        match is_secure(&jwks_uri) {
            true => Ok(Location { issuer: issuer.into(), jwks_uri, located }),
            false => Err(RefreshError::Insecure(jwks_uri)),
        }
    }

    fn tell_success(&self, snapshot: &Snapshot, told: &mut Told) {
        let tenant = self.tenant.id;
        if told.take().is_some() {
            info!(%tenant, "the issuer's keys can be refreshed again");
        }
        let before = self.snapshot.load();
        let skipped = &snapshot.keys.skipped;
        if !skipped.is_empty() && before.as_ref().is_none_or(|keys| keys.keys.skipped != *skipped) {
            warn!(%tenant, count = skipped.count(), first = ?skipped.first(), "keys of the issuer are not used");
        }
        let known = |kid: &str| before.as_ref().is_some_and(|keys| keys.keys.get(kid).is_some());
        let new: Vec<_> = snapshot.keys.kids().filter(|kid| !known(kid)).collect();
        if !new.is_empty() {
            let first = &new[..new.len().min(LOGGED_KEYS)];
            info!(%tenant, issuer = excerpt(&snapshot.issuer), keys = snapshot.keys.len(), new = new.len(), ?first, "the issuer has new keys");
        }
    }

    /// Says once what is wrong, and again only when that changes: it may be tried each second.
    fn tell_failure(&self, error: &RefreshError, told: &mut Told) {
        let error = excerpt(&error.to_string()).to_owned();
        let now = Some((error, self.has_keys()));
        if *told == now {
            return;
        }
        if let Some((error, has_keys)) = &now {
            let consequence = match has_keys {
                true => "the keys fetched before stay in use",
                false => "tokens of this tenant cannot be verified",
            };
            warn!(tenant = %self.tenant.id, error, consequence, "the issuer's keys could not be refreshed");
        }
        *told = now;
    }
}

async fn get(source: &impl Source, url: &Url) -> Result<Vec<u8>, RefreshError> {
    source.get(url).await.map_err(|error| RefreshError::Fetch { url: url.clone(), error })
}

/// The beginning of a text that may be without end.
fn excerpt(text: &str) -> &str {
    text.char_indices().nth(LOGGED_CHARS).map_or(text, |(end, _)| &text[..end])
}
