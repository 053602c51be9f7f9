//! What Graph is asked.

use std::sync::Arc;

use crate::identifiers::{GroupId, TenantId, UserId};

/// Of which of these groups is this user a member?
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Question {
    pub tenant: TenantId,
    pub user: UserId,
    pub groups: Arc<[GroupId]>,
}

impl Question {
    /// The question about the groups that an application lists. The same groups in the same order
    /// make the same question, whichever application asks.
    pub fn new<'a>(
        tenant: TenantId,
        user: UserId,
        groups: impl IntoIterator<Item = &'a GroupId>,
    ) -> Self {
        Self { tenant, user, groups: groups.into_iter().copied().collect() }
    }
}
