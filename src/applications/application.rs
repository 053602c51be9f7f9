//! One application as the documents describe it, merged, defaulted and resolved.

use super::Stated;
use crate::{
    finding::Place,
    identifiers::{ApplicationId, ClientId, TenantId},
    policy::{AccessPolicy, Mode},
    target::PathPattern,
    usage::Usage,
};

/// An application that Portvakt knows, whether it lets anyone in or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    pub id: ApplicationId,
    pub protection: Protection,
    /// Hosts of the ingresses: lower case, without port, without a trailing dot.
    pub hosts: Vec<String>,
    /// Paths that need no token: the probes and the metrics, each as it stands.
    pub open_paths: Vec<PathPattern>,
    /// Whether what is refused here is kept out.
    pub mode: Mode,
    /// What its documents state and where, for explanations.
    pub stated: Stated,
    /// How often it is used.
    pub usage: Usage,
}

impl Application {
    /// One that lets nobody in, about which nothing else is known.
    pub fn disabled(id: ApplicationId, because: DisabledBecause) -> Self {
        Self {
            stated: Stated::at(Place::whole(id.as_str())),
            id,
            protection: Protection::Disabled(because),
            hosts: Vec::new(),
            open_paths: Vec::new(),
            mode: Mode::default(),
            usage: Usage::default(),
        }
    }
}

/// What a request to the application must pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Protection {
    /// A token for `client_id` from `tenant`, whose caller `access` lets in.
    Enforced { client_id: ClientId, tenant: TenantId, access: AccessPolicy, v1: V1Tokens },
    /// Nothing passes.
    Disabled(DisabledBecause),
}

/// What an application's document says of v1.0 tokens. By default, that they are refused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct V1Tokens {
    pub accepted: bool,
    /// App ID URIs that such a token may have as its audience, besides `api://<client id>`.
    pub app_id_uris: Vec<String>,
}

/// Why nobody may call an application at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisabledBecause {
    /// `spec.azure.application.enabled` is not true.
    EntraNotEnabled,
    /// No document tells its client id.
    NoClientId,
    /// Another application claims the same client id, so that a token for it could mean either.
    ClientIdClaimedTwice,
    /// It belongs to a tenant that is not configured.
    UnknownTenant,
    /// Two documents of one kind describe it differently, so that neither counts.
    DuplicateDocument,
    /// Its document is broken, and there is no earlier version of it.
    BrokenDocument,
}

impl DisabledBecause {
    /// What is in the way, for people.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::EntraNotEnabled => {
                "The application's document does not enable Entra ID (spec.azure.application.enabled)."
            }
            Self::NoClientId => "The application's client id is not known.",
            Self::ClientIdClaimedTwice => {
                "The application's client id is claimed by another application too."
            }
            Self::UnknownTenant => "The application belongs to a tenant that is not configured.",
            Self::DuplicateDocument => {
                "Two documents of one kind describe the application differently."
            }
            Self::BrokenDocument => "The application's document is broken.",
        }
    }
}
