//! `/api/status`: whether the service can decide, its keys, and its documents.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Serialize;

use super::Console;
use crate::{applications::Role, identifiers::TenantId, keys::Issuer};

/// What the head of every page tells.
#[derive(Debug, Serialize)]
pub struct Now {
    version: &'static str,
    /// What is missing to decide; nothing when ready.
    missing: Vec<&'static str>,
    applications: usize,
    documents: Documents,
    issuers: Vec<IssuerHealth>,
}

#[derive(Debug, Serialize)]
struct Documents {
    /// Whether the last reading met no error.
    clean: bool,
    /// Seconds since 1970; 0 where there was none.
    last_clean_at: f64,
}

/// Whether tokens of a tenant can be verified.
#[derive(Debug, Serialize)]
pub struct IssuerHealth {
    tenant: TenantId,
    name: String,
    /// Whether there are keys that are not too old.
    trusted: bool,
    keys: usize,
    /// Seconds since they were asked for.
    age_seconds: Option<u64>,
}

impl IssuerHealth {
    /// Of one issuer, now.
    pub fn of(issuer: &Issuer) -> Self {
        let keys = issuer.keys_in_force();
        Self {
            tenant: issuer.tenant(),
            name: issuer.label(),
            trusted: issuer.has_keys(),
            keys: keys.map_or(0, |(count, _)| count),
            age_seconds: keys.map(|(_, age)| age.as_secs()),
        }
    }
}

pub async fn now(State(console): State<Arc<Console>>) -> Json<Now> {
    let reload = console.sources.shared.recorder.metrics.documents(Role::Active).last_reload();
    Json(Now {
        version: env!("CARGO_PKG_VERSION"),
        missing: console.sources.status.missing(),
        applications: console.sources.published.current().index.len(),
        documents: Documents { clean: reload.clean, last_clean_at: reload.last_clean_at },
        issuers: console.sources.issuers.iter().map(|issuer| IssuerHealth::of(issuer)).collect(),
    })
}
