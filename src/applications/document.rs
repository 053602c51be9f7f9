//! What documents say, read and compact: no YAML is kept.

use super::V1Tokens;
use crate::{
    config::PreAuthorized,
    finding::Place,
    identifiers::{ApplicationId, ClientId},
    policy::UserAccess,
    target::PathPattern,
};

/// A value and where it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located<T> {
    pub place: Place,
    pub value: T,
}

/// A document of one of the two kinds that say something about access.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Document {
    /// `Application`, `nais.io/v1alpha1`.
    Manifest(Named<Manifest>),
    /// `AzureAdApplication`, `nais.io/v1`.
    Registration(Named<Registration>),
}

/// A document with the application that it describes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named<T> {
    pub id: ApplicationId,
    /// Where the document gives its name.
    pub place: Place,
    /// What it says: its last good version. `None` where it is broken and there is none.
    pub content: Option<T>,
}

/// An `Application`: what its team wants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manifest {
    /// `spec.azure.application.enabled`, where it is stated.
    pub enabled: Option<bool>,
    /// The annotation `portvakt.dev/client-id`.
    pub client_id: Option<Located<ClientId>>,
    /// The annotations `portvakt.dev/accept-v1-tokens` and `portvakt.dev/app-id-uris`.
    pub v1: V1Tokens,
    /// `spec.azure.application.tenant`.
    pub tenant: Option<Located<String>>,
    pub rules: Vec<Rule>,
    pub users: UserAccess,
    /// Hosts of the ingresses, as hosts are compared.
    pub hosts: Vec<Located<String>>,
    /// Paths of the probes and of the metrics.
    pub open_paths: Vec<PathPattern>,
}

/// An `AzureAdApplication`: what was asked of Entra ID, and what came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Registration {
    /// `status.clientId`.
    pub client_id: Option<Located<ClientId>>,
    /// The tenant's id or name: as synchronised, or else as asked for.
    pub tenant: Option<Located<String>>,
    /// `spec.preAuthorizedApplications`.
    pub rules: Vec<Rule>,
    pub users: UserAccess,
    /// `status.preAuthorizedApps.assigned`.
    pub assigned: Vec<PreAuthorized>,
}

/// A rule of an access policy, with the protected application's namespace and cluster filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub place: Place,
    pub consumer: Consumer,
}

/// Whom a rule names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Consumer {
    Application(ApplicationId),
    /// `*`, which opens the network in NAIS and grants no token.
    Anyone,
}

/// The kinds of documents that say something about access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Manifest,
    Registration,
}

impl Kind {
    /// The `apiVersion` that documents of this kind state.
    pub fn api_version(self) -> &'static str {
        match self {
            Self::Manifest => "nais.io/v1alpha1",
            Self::Registration => "nais.io/v1",
        }
    }
}

impl Document {
    /// What two versions of one document have in common: its kind and its application.
    pub fn identity(&self) -> (Kind, ApplicationId) {
        match self {
            Self::Manifest(document) => (Kind::Manifest, document.id.clone()),
            Self::Registration(document) => (Kind::Registration, document.id.clone()),
        }
    }

    /// Whether it has an error, so that an earlier version must stand in.
    pub fn is_broken(&self) -> bool {
        match self {
            Self::Manifest(document) => document.content.is_none(),
            Self::Registration(document) => document.content.is_none(),
        }
    }
}
