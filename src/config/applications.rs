//! Where documents come from, and for whom they may speak.

use std::{collections::BTreeSet, path::PathBuf};

use crate::identifiers::{ApplicationId, ClientId, TenantId};

/// Where documents come from.
#[derive(Debug, Clone, Default)]
pub struct ApplicationSources {
    /// Files and folders of YAML documents, watched.
    pub paths: Vec<DocumentPath>,
    /// Those of documents that are tried beside them, in the same way.
    pub candidate_paths: Vec<DocumentPath>,
    /// Files of further consumers, in the shape of `AZURE_APP_PRE_AUTHORIZED_APPS`, watched.
    pub pre_authorized: Vec<PathBuf>,
    /// The namespaces of the cluster whose documents are read; `None` where it is not asked.
    pub kubernetes: Option<Namespaces>,
    /// The one application that the NAIS environment variables describe.
    pub environment: Option<EnvironmentApplication>,
}

/// A file or folder, and for whom its documents may speak.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentPath {
    pub path: PathBuf,
    pub namespaces: Namespaces,
}

impl From<PathBuf> for DocumentPath {
    /// One that is trusted with every namespace.
    fn from(path: PathBuf) -> Self {
        Self { path, namespaces: Namespaces::Any }
    }
}

/// The namespaces whose applications documents may describe.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Namespaces {
    #[default]
    Any,
    Only(BTreeSet<String>),
}

impl Namespaces {
    /// Whether an application of that namespace may be described.
    pub fn allow(&self, namespace: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Only(namespaces) => namespaces.contains(namespace),
        }
    }
}

/// The application that the variables of a NAIS pod describe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentApplication {
    pub id: ApplicationId,
    pub client_id: ClientId,
    pub tenant: TenantId,
    /// `AZURE_APP_PRE_AUTHORIZED_APPS`, read.
    pub consumers: Vec<PreAuthorized>,
}

/// One entry of `AZURE_APP_PRE_AUTHORIZED_APPS` or of a file of that shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreAuthorized {
    pub id: ApplicationId,
    pub client_id: ClientId,
}
