//! One issuer and the keys that it published last.
//!
//! Checks read an immutable snapshot. Only [`Issuer::keep_fresh`] talks to the network, one fetch
//! at a time as long as there are keys; a check that meets an unknown key can ask it to look again,
//! at most once in the cooldown, so that a flood of forged key ids costs the issuer nothing.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwapOption;
use tokio::{
    sync::{Notify, Semaphore, watch},
    time::{self, Instant},
};
use url::Url;

use super::{Key, KeySet};
use crate::{
    config::{Keys, Tenant},
    identifiers::TenantId,
    telemetry::Metrics,
};

/// Checks that may wait for the keys of one issuer at once. More of them, as a flood of forged
/// key ids brings them, are answered as if the wait had been in vain.
const MAX_WAITING: usize = 64;

/// An issuer of tokens: one tenant of Entra ID.
#[derive(Debug)]
pub struct Issuer {
    pub(super) tenant: Tenant,
    pub(super) settings: Keys,
    pub(super) snapshot: ArcSwapOption<Snapshot>,
    pub(super) attempts: watch::Sender<Attempts>,
    wanted: Notify,
    waiting: Semaphore,
    pub(super) metrics: Arc<Metrics>,
}

/// What the issuer published last.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub issuer: Arc<str>,
    pub jwks_uri: Url,
    pub keys: KeySet,
    /// When the keys were asked for.
    pub fetched: Instant,
    /// When it was asked where the keys are.
    pub located: Instant,
}

/// The fetches so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Attempts {
    pub finished: u64,
    /// When the last one began, and whether any is still under way.
    pub last_began: Option<Instant>,
    pub under_way: bool,
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

impl Issuer {
    /// An issuer without keys yet; [`keep_fresh`](Self::keep_fresh) fetches them.
    pub fn new(tenant: Tenant, settings: Keys, metrics: Arc<Metrics>) -> Self {
        Self {
            tenant,
            settings,
            snapshot: ArcSwapOption::empty(),
            attempts: watch::Sender::default(),
            wanted: Notify::new(),
            waiting: Semaphore::new(MAX_WAITING),
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

    /// What it is called in metrics.
    pub fn label(&self) -> String {
        self.tenant.label()
    }

    /// How many keys there are and how long ago they were asked for, however old that is.
    pub fn keys_in_force(&self) -> Option<(usize, Duration)> {
        let snapshot = self.snapshot.load();
        snapshot.as_ref().map(|snapshot| (snapshot.keys.len(), snapshot.fetched.elapsed()))
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
    pub fn known_key(&self, kid: &str) -> KeyLookup {
        match self.trusted() {
            None => KeyLookup::Unavailable,
            Some(snapshot) => snapshot
                .keys
                .get(kid)
                .map_or(KeyLookup::Unknown, |key| KeyLookup::Found(Arc::clone(key))),
        }
    }

    /// A key that the present set lacks, out of the next one: where the cooldown allows another
    /// fetch, or one is under way.
    pub async fn awaited_key(&self, kid: &str, deadline: Instant) -> KeyLookup {
        let seen = *self.attempts.borrow();
        if !seen.under_way && !self.may_ask(&seen) {
            // What was fetched since the present set was looked into counts.
            return self.known_key(kid);
        }
        let Ok(_place) = self.waiting.try_acquire() else { return self.known_key(kid) };
        self.wanted.notify_one();
        let mut attempts = self.attempts.subscribe();
        let next = attempts.wait_for(|attempts| attempts.finished > seen.finished);
        match time::timeout_at(deadline, next).await {
            Ok(_) => self.known_key(kid),
            Err(_) => KeyLookup::TimedOut,
        }
    }

    pub(super) fn trusted(&self) -> Option<Arc<Snapshot>> {
        self.snapshot.load_full().filter(|keys| keys.fetched.elapsed() < self.settings.max_age)
    }

    /// Until a check asks for a refresh that the cooldown allows.
    pub(super) async fn asked(&self) {
        loop {
            self.wanted.notified().await;
            // Asked while a refresh was under way: its answer was the one that was waited for.
            if self.may_ask(&self.attempts.borrow()) {
                return;
            }
        }
    }

    fn may_ask(&self, attempts: &Attempts) -> bool {
        attempts.last_began.is_none_or(|began| began.elapsed() >= self.settings.cooldown)
    }
}

#[cfg(test)]
mod tests;
