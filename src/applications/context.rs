//! What documents are read against, besides each other.

use crate::{config::Config, identifiers::TenantId, usage::Ledger};

/// The cluster and the tenants of the applications.
#[derive(Debug, Clone)]
pub struct Context {
    /// The cluster of every document, and of rules that name none.
    pub cluster: String,
    pub tenants: Tenants,
    /// Where the uses of its applications are counted, if they are.
    pub usage: Ledger,
}

/// The tenants that an application can belong to.
#[derive(Debug, Clone)]
pub enum Tenants {
    /// These; the first is that of documents which name none.
    Configured(Vec<KnownTenant>),
    /// Not known, because there is no configuration: no tenant is found fault with, and all that
    /// have no GUID are taken for one and the same.
    Unspecified,
}

/// A tenant with the name that documents call it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownTenant {
    pub id: TenantId,
    pub name: Option<String>,
}

impl Context {
    /// A context in which nothing is counted.
    pub fn new(cluster: impl Into<String>, tenants: Tenants) -> Self {
        Self { cluster: cluster.into(), tenants, usage: Ledger::default() }
    }

    /// The context that a configuration states.
    pub fn of(config: &Config) -> Self {
        let known = |tenant: &crate::config::Tenant| KnownTenant {
            id: tenant.id,
            name: tenant.name.clone(),
        };
        let tenants = config.entra.tenants.iter().map(known).collect();
        Self::new(&*config.cluster, Tenants::Configured(tenants))
    }
}

impl Tenants {
    /// The tenant that a document states by id or by name, or the first where it states none.
    pub(super) fn find(&self, stated: Option<&str>) -> Option<TenantId> {
        let id = stated.and_then(|text| text.parse().ok());
        match (self, stated) {
            (Self::Unspecified, _) => id.or(Some(TenantId::NIL)),
            (Self::Configured(tenants), None) => tenants.first().map(|tenant| tenant.id),
            (Self::Configured(tenants), Some(text)) => tenants
                .iter()
                .find(|tenant| Some(tenant.id) == id || tenant.name.as_deref() == Some(text))
                .map(|tenant| tenant.id),
        }
    }

    /// Whether one that is not found is a fault.
    pub(super) fn are_known(&self) -> bool {
        matches!(self, Self::Configured(_))
    }
}
