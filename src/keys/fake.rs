//! An issuer for tests: it answers, or fails, at once and counts what it is asked.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use tokio::time;
use url::Url;

use super::{FetchError, Issuer, Source};
use crate::{
    config::{KeySource, Keys, Tenant},
    telemetry::Metrics,
};

/// How it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    Normal,
    Fails,
    /// Until the client gives up.
    Hangs,
    /// Rightly, after a while that the client waits for.
    Takes(Duration),
    Html,
    EmptySet,
}

/// An issuer that publishes what a test tells it to.
#[derive(Debug)]
pub struct FakeIssuer {
    keys: Mutex<Vec<Value>>,
    behaviour: Mutex<Behaviour>,
    metadata_requests: AtomicUsize,
    key_requests: AtomicUsize,
    /// Held by each request as long as it is under way.
    under_way: Arc<()>,
}

impl FakeIssuer {
    /// One that publishes these keys.
    pub fn new(keys: Vec<Value>) -> Arc<Self> {
        Arc::new(Self {
            keys: Mutex::new(keys),
            behaviour: Mutex::new(Behaviour::Normal),
            metadata_requests: AtomicUsize::new(0),
            key_requests: AtomicUsize::new(0),
            under_way: Arc::default(),
        })
    }

    /// One that publishes keys of these ids, to which nobody has the private halves.
    pub fn of(kids: &[&str]) -> Arc<Self> {
        Self::new(kids.iter().map(|kid| key(kid)).collect())
    }

    pub fn publish(&self, keys: Vec<Value>) {
        *self.keys.lock().unwrap() = keys;
    }

    pub fn behave(&self, behaviour: Behaviour) {
        *self.behaviour.lock().unwrap() = behaviour;
    }

    /// How often it was asked for its metadata document and for its keys.
    pub fn requests(&self) -> (usize, usize) {
        let count = |counter: &AtomicUsize| counter.load(Ordering::SeqCst);
        (count(&self.metadata_requests), count(&self.key_requests))
    }

    /// How many requests wait for their answer and were not given up.
    pub fn under_way(&self) -> usize {
        Arc::strong_count(&self.under_way) - 1
    }

    /// Portvakt's side of it, kept fresh from now on.
    pub fn start(self: &Arc<Self>, tenant: &str, settings: Keys) -> Arc<Issuer> {
        let well_known_url = format!("{}/.well-known/openid-configuration", name(tenant));
        let well_known_url = well_known_url.parse().unwrap();
        let tenant = Tenant {
            id: tenant.parse().unwrap(),
            name: None,
            issuer: None,
            key_source: KeySource::Discovery { well_known_url },
        };
        let issuer = Arc::new(Issuer::new(tenant, settings, Arc::new(Metrics::new())));
        let (source, kept) = (Arc::clone(self), Arc::clone(&issuer));
        tokio::spawn(async move { kept.keep_fresh(&*source).await });
        issuer
    }

    /// The same, with its keys fetched.
    pub async fn started(self: &Arc<Self>, tenant: &str, settings: Keys) -> Arc<Issuer> {
        let issuer = self.start(tenant, settings);
        while !issuer.has_keys() {
            tokio::task::yield_now().await;
        }
        issuer
    }
}

impl Source for FakeIssuer {
    async fn get(&self, url: &Url) -> Result<Vec<u8>, FetchError> {
        let location = url.as_str().strip_suffix("/.well-known/openid-configuration");
        let counter = if location.is_some() { &self.metadata_requests } else { &self.key_requests };
        counter.fetch_add(1, Ordering::SeqCst);
        let _under_way = Arc::clone(&self.under_way);
        let behaviour = *self.behaviour.lock().unwrap();
        let document = match location {
            Some(issuer) => json!({"issuer": issuer, "jwks_uri": format!("{issuer}/keys")}),
            None if behaviour == Behaviour::EmptySet => json!({"keys": []}),
            None => json!({"keys": *self.keys.lock().unwrap()}),
        };
        if let Behaviour::Takes(duration) = behaviour {
            time::sleep(duration).await;
        }
        match behaviour {
            Behaviour::Normal | Behaviour::EmptySet | Behaviour::Takes(_) => {
                Ok(document.to_string().into_bytes())
            }
            Behaviour::Fails => Err(FetchError::Status(500)),
            Behaviour::Html => Ok(b"<html>maintenance</html>".to_vec()),
            Behaviour::Hangs => {
                time::sleep(Duration::from_secs(5)).await;
                Err(FetchError::Http("it took too long".to_owned()))
            }
        }
    }
}

/// `iss` of a tenant's tokens.
pub fn name(tenant: &str) -> String {
    format!("https://login.example/{tenant}/v2.0")
}

/// A usable key of this id.
pub fn key(kid: &str) -> Value {
    json!({"kty": "RSA", "use": "sig", "kid": kid, "n": "wcHB".repeat(86), "e": "AQAB"})
}
