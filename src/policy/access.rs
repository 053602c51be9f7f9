//! Who may call one application: the resolved form of a NAIS access policy.

use std::collections::{BTreeSet, HashMap};

use crate::identifiers::{ApplicationId, ClientId, GroupId};

/// The applications and users that may call one application.
///
/// The default lets nobody in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccessPolicy {
    /// Granted consumers: client id (`azp`) and the name that the documents give it.
    /// The application itself is not listed; it is always a consumer of itself.
    pub consumers: HashMap<ClientId, ApplicationId>,
    /// Granted users.
    pub users: UserAccess,
}

/// The users that may call one application.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserAccess {
    /// `allowAllUsers`: every user of the tenant. The groups then only serve the application.
    pub everyone: bool,
    /// The groups that the application lists; a member of any of them gets in.
    pub groups: BTreeSet<GroupId>,
}
