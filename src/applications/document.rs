//! What documents say, read and compact: no YAML is kept.

use std::sync::Arc;

use super::V1Tokens;
use crate::{
    config::PreAuthorized,
    finding::Place,
    identifiers::{ApplicationId, ClientId, GroupId},
    policy::{Mode, UserAccess},
    target::PathPattern,
};

/// A value and where it was written. Two of one value are equal, wherever they were written: what
/// documents say is compared, not how they are set.
#[derive(Debug, Clone)]
pub struct Located<T> {
    pub place: Place,
    pub value: T,
}

impl<T: PartialEq> PartialEq for Located<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Eq> Eq for Located<T> {}

/// A document of one of the two kinds that say something about access. It is never changed, and
/// shared by all who remember it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Document {
    /// `Application`, `nais.io/v1alpha1`.
    Manifest(Arc<Named<Manifest>>),
    /// `AzureAdApplication`, `nais.io/v1`.
    Registration(Arc<Named<Registration>>),
}

/// A document with the application that it describes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named<T> {
    pub id: ApplicationId,
    /// Where the document gives its name.
    pub place: Place,
    /// What it says: its last good version. Where it is broken and there is none, what could be
    /// read of it: for what it claims, never for what it grants.
    pub content: Result<T, T>,
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
    /// The annotation `portvakt.dev/mode`.
    pub mode: Option<Mode>,
    /// `spec.azure.application.tenant`.
    pub tenant: Option<Located<String>>,
    pub rules: Vec<Rule>,
    pub users: Users,
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
    pub users: Users,
    /// `status.preAuthorizedApps.assigned`.
    pub assigned: Vec<PreAuthorized>,
}

/// A rule of an access policy, with the protected application's namespace and cluster filled in.
pub type Rule = Located<Consumer>;

/// Whom a rule names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Consumer {
    Application(ApplicationId),
    /// `*`, which opens the network in NAIS and grants no token.
    Anyone,
}

impl Consumer {
    /// Whether it is that application, by name.
    pub fn is(&self, id: &ApplicationId) -> bool {
        matches!(self, Self::Application(named) if named == id)
    }
}

/// The users that a document lets in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Users {
    /// Where `allowAllUsers` is true.
    pub everyone: Option<Located<()>>,
    /// In the document's order; one may stand there twice.
    pub groups: Vec<Located<GroupId>>,
}

impl Users {
    /// The same, without where it is written.
    pub fn access(&self) -> UserAccess {
        UserAccess {
            everyone: self.everyone.is_some(),
            groups: self.groups.iter().map(|group| group.value).collect(),
        }
    }
}

/// The kinds of documents that say something about access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Manifest,
    Registration,
}

/// What two versions of one document have in common.
pub type Identity = (Kind, ApplicationId);

impl Kind {
    /// The `kind` that documents state.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Manifest => "Application",
            Self::Registration => "AzureAdApplication",
        }
    }

    /// The `apiVersion` that documents of this kind state.
    pub fn api_version(self) -> &'static str {
        match self {
            Self::Manifest => "nais.io/v1alpha1",
            Self::Registration => "nais.io/v1",
        }
    }
}

impl Document {
    /// One that is there, and of which nothing else can be read.
    pub fn unreadable(kind: Kind, id: ApplicationId, place: Place) -> Self {
        match kind {
            Kind::Manifest => {
                let content = Err(Manifest::default());
                Self::Manifest(Arc::new(Named { id, place, content }))
            }
            Kind::Registration => {
                let content = Err(Registration::default());
                Self::Registration(Arc::new(Named { id, place, content }))
            }
        }
    }

    /// The application that it describes.
    pub fn id(&self) -> &ApplicationId {
        match self {
            Self::Manifest(document) => &document.id,
            Self::Registration(document) => &document.id,
        }
    }

    /// Its kind and its application.
    pub fn identity(&self) -> Identity {
        let kind = match self {
            Self::Manifest(_) => Kind::Manifest,
            Self::Registration(_) => Kind::Registration,
        };
        (kind, self.id().clone())
    }

    /// Whether it has an error, so that an earlier version must stand in.
    pub fn is_broken(&self) -> bool {
        match self {
            Self::Manifest(document) => document.content.is_err(),
            Self::Registration(document) => document.content.is_err(),
        }
    }
}
