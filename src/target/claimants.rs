//! Who claims what only one application can have.

use crate::identifiers::ApplicationId;

/// The first two applications that claim something; what others do beside them changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimants {
    first: ApplicationId,
    second: Option<ApplicationId>,
}

impl Claimants {
    /// One alone.
    pub fn new(first: &ApplicationId) -> Self {
        Self { first: first.clone(), second: None }
    }

    /// Adds one, which may be there already.
    pub fn add(&mut self, id: &ApplicationId) {
        if self.second.is_none() && self.first != *id {
            self.second = Some(id.clone());
        }
    }

    /// The one that alone claims it.
    pub fn only(&self) -> Option<&ApplicationId> {
        self.second.is_none().then_some(&self.first)
    }

    /// The first that is not `id`.
    pub fn other_than(&self, id: &ApplicationId) -> Option<&ApplicationId> {
        if self.first == *id { self.second.as_ref() } else { Some(&self.first) }
    }
}
