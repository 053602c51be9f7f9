//! Keeping an issuer's keys fresh: when it is asked, what for, and what is said about it.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, stream::FuturesUnordered};
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

/// From the beginning of one attempt to the next while there are no keys that could be trusted.
const RETRY_WITHOUT_KEYS: Duration = Duration::from_secs(1);

/// Attempts that may be under way at once while there are no such keys: as many as begin before the
/// oldest has ended. It makes two requests, of five seconds each at most.
const MOST_UNDER_WAY: usize = 10;

/// New key ids that a log line names; the others are counted.
const LOGGED_KEYS: usize = 10;

/// Characters of an error that are logged: some of it may be the issuer's own text.
const LOGGED_CHARS: usize = 300;

/// Why the keys could not be refreshed.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
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

/// What an attempt came to.
struct Attempt {
    began: Instant,
    result: Result<Snapshot, RefreshError>,
}

/// What the log was told.
#[derive(Default)]
struct Told {
    /// What keeps the keys from being refreshed, and whether there are some in spite of it.
    outage: Option<(String, bool)>,
    /// When the last attempt began that was heard of. One that is older tells nothing new.
    began: Option<Instant>,
}

impl Issuer {
    /// Keeps the keys fresh: at once, then in the refresh interval, and when a check asks for it.
    /// Never returns.
    ///
    /// One attempt at a time, except while there are no keys that could be trusted: then nobody
    /// waits for an issuer that hangs, and the first attempt that succeeds ends the others.
    pub async fn keep_fresh(&self, source: &impl Source) {
        let mut told = Told::default();
        let mut under_way = FuturesUnordered::new();
        loop {
            let (begun, next) = (under_way.len(), self.next_attempt(!under_way.is_empty()));
            tokio::select! {
                biased;
                Some(attempt) = under_way.next() => {
                    if self.take(attempt, &mut told) {
                        // None of them can replace these keys by older ones.
                        under_way.clear();
                    }
                    self.ended(!under_way.is_empty());
                }
                () = time::sleep_until(next), if begun < MOST_UNDER_WAY => {
                    under_way.push(self.begin(source));
                }
                () = self.asked(), if begun == 0 => under_way.push(self.begin(source)),
            }
        }
    }

    /// Fetches the keys once, for those who look once: a key that is not among them is unknown for
    /// as long as the cooldown lasts. Ends with the time limits of `source`.
    ///
    /// # Errors
    /// See [`RefreshError`].
    pub async fn fetch_once(&self, source: &impl Source) -> Result<(), RefreshError> {
        let Attempt { result, .. } = self.begin(source).await;
        let fetched = result.map(|snapshot| self.snapshot.store(Some(Arc::new(snapshot))));
        self.ended(false);
        fetched
    }

    /// Once the refresh interval is over everything is asked for, whoever has it asked for: checks
    /// that meet unknown keys must not put that off for ever.
    fn extent(&self) -> Extent {
        match self.trusted() {
            Some(keys) if keys.located.elapsed() < self.settings.refresh_interval => Extent::Keys,
            _ => Extent::Everything,
        }
    }

    /// When to begin the next attempt, unless a check asks for it before.
    ///
    /// With keys: in the refresh interval, as often as the cooldown allows once that is missed, and
    /// never beside another. Without keys that could be trusted nothing can be decided: each second
    /// then.
    fn next_attempt(&self, is_under_way: bool) -> Instant {
        let settings = &self.settings;
        let Some(began) = self.attempts.borrow().last_began else { return Instant::now() };
        let retry = began + RETRY_WITHOUT_KEYS;
        let Some(keys) = self.trusted() else { return retry };
        let without_keys = retry.max(keys.fetched + settings.max_age);
        if is_under_way {
            return without_keys;
        }
        let due = keys.located + settings.refresh_interval;
        let spaced = began + settings.cooldown.min(settings.refresh_interval);
        due.max(spaced).min(without_keys)
    }

    /// An attempt, which counts as begun though it was not awaited yet.
    fn begin(&self, source: &impl Source) -> impl Future<Output = Attempt> {
        let (began, extent) = (Instant::now(), self.extent());
        self.attempts.send_modify(|attempts| {
            attempts.last_began = Some(began);
            attempts.under_way = true;
        });
        async move { Attempt { began, result: self.fetch(source, extent).await } }
    }

    /// Takes what an attempt came to; whether that is new keys.
    fn take(&self, attempt: Attempt, told: &mut Told) -> bool {
        let Attempt { began, result } = attempt;
        self.metrics
            .keys_refreshed(&self.tenant.label(), result.as_ref().ok().map(|keys| keys.keys.len()));
        match result {
            Ok(snapshot) => {
                self.tell_success(&snapshot, told);
                self.snapshot.store(Some(Arc::new(snapshot)));
                true
            }
            Err(error) => {
                self.tell_failure(&error, began, told);
                false
            }
        }
    }

    /// Lets those know who wait for an attempt to end.
    fn ended(&self, under_way: bool) {
        self.attempts.send_modify(|attempts| {
            attempts.finished += 1;
            attempts.under_way = under_way;
        });
    }

    async fn fetch(&self, source: &impl Source, extent: Extent) -> Result<Snapshot, RefreshError> {
        let fetched = Instant::now();
        let Location { issuer, jwks_uri, located } = match (extent, self.snapshot.load_full()) {
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
        if told.outage.take().is_some() {
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
    fn tell_failure(&self, error: &RefreshError, began: Instant, told: &mut Told) {
        if told.began > Some(began) {
            return;
        }
        told.began = Some(began);
        let outage = (excerpt(&error.to_string()).to_owned(), self.has_keys());
        if told.outage.as_ref() == Some(&outage) {
            return;
        }
        let (error, has_keys) = &outage;
        let consequence = match has_keys {
            true => "the keys fetched before stay in use",
            false => "tokens of this tenant cannot be verified",
        };
        warn!(tenant = %self.tenant.id, error, consequence, "the issuer's keys could not be refreshed");
        told.outage = Some(outage);
    }
}

async fn get(source: &impl Source, url: &Url) -> Result<Vec<u8>, RefreshError> {
    source.get(url).await.map_err(|error| RefreshError::Fetch { url: url.clone(), error })
}

/// The beginning of a text that may be without end.
fn excerpt(text: &str) -> &str {
    text.char_indices().nth(LOGGED_CHARS).map_or(text, |(end, _)| &text[..end])
}
