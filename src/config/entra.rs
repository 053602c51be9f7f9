//! Whose tokens are believed.

use std::{fmt, time::Duration};

use url::Url;

use super::Graph;
use crate::identifiers::TenantId;

/// The issuers of tokens, and what tokens must carry.
#[derive(Debug, Clone)]
pub struct Entra {
    /// At least one; the first is that of documents which name none.
    pub tenants: Vec<Tenant>,
    /// What a token of an application must carry in `roles`.
    pub required_role: String,
    /// What a token of a user through another application must carry in `scp`.
    pub required_scope: String,
    /// The longest lifetime of a token that is accepted. Default 24 h; tokens of continuous access
    /// evaluation live up to 28 h.
    pub max_token_lifetime: Duration,
    /// Whether every application takes v1.0 tokens, and not only those whose documents ask for it.
    pub accept_v1_tokens: bool,
    pub proxy: Proxy,
    pub keys: Keys,
    /// Looking up groups that tokens do not list; `None` where that is off.
    pub graph: Option<Graph>,
}

/// One Entra ID tenant.
#[derive(Debug, Clone)]
pub struct Tenant {
    pub id: TenantId,
    /// What documents call this tenant, for instance `trygdeetaten.no`.
    pub name: Option<String>,
    /// `iss` of its tokens; where not stated, the metadata document tells.
    pub issuer: Option<String>,
    pub key_source: KeySource,
}

impl Tenant {
    /// What its issuer is called in metrics: the issuer as stated, or as the location of its
    /// metadata document tells (OpenID Connect Discovery 1.0, section 4).
    pub fn label(&self) -> String {
        const METADATA_PATH: &str = "/.well-known/openid-configuration";
        match (&self.issuer, &self.key_source) {
            (Some(issuer), _) => issuer.clone(),
            (None, KeySource::Discovery { well_known_url: url }) => {
                url.as_str().trim_end_matches(METADATA_PATH).to_owned()
            }
            (None, KeySource::Stated { .. }) => self.id.to_string(),
        }
    }
}

/// Where a tenant's keys are found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// The metadata document tells (`jwks_uri`), and the issuer where that is not stated.
    Discovery { well_known_url: Url },
    /// Stated by hand, together with the issuer.
    Stated { jwks_uri: Url },
}

/// Through which proxy issuers and Graph are reached.
#[derive(Clone, PartialEq, Eq)]
pub enum Proxy {
    /// `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, in both cases.
    Environment,
    /// This one, whatever the environment says. It may hold a password.
    Url(Url),
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Environment => "Environment",
            Self::Url(_) => "Url(…)",
        })
    }
}

/// How key sets are kept fresh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    /// Between refreshes that nothing asked for. Default 1 h.
    pub refresh_interval: Duration,
    /// The least time between two refreshes that unknown keys asked for. Default 60 s.
    pub cooldown: Duration,
    /// After this long without a successful refresh the keys are no longer trusted. Default 24 h.
    pub max_age: Duration,
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            refresh_interval: Duration::from_secs(3600),
            cooldown: Duration::from_secs(60),
            max_age: Duration::from_secs(24 * 3600),
        }
    }
}
