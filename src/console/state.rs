//! What is known of a grant, for lists and drawings.

use serde::Serialize;

use crate::{graph::Access, usage::Exported};

/// What a rule or an edge is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Refused lately.
    Denied,
    /// It grants nothing, since no client id is known for the caller.
    Unresolved,
    /// It is for the network only and grants no token.
    Wildcard,
    /// It would grant, were what is called not disabled.
    Disabled,
    /// It grants, and nobody came by it since that is counted.
    Unused,
    Granted,
}

impl State {
    /// Of what documents state, with its uses where they are counted.
    pub fn of(access: Access, uses: Option<Exported>) -> Self {
        match access {
            Access::Granted if uses.is_some_and(|uses| uses.last.is_none()) => Self::Unused,
            Access::Granted => Self::Granted,
            Access::Disabled => Self::Disabled,
            Access::Unresolved => Self::Unresolved,
            Access::Wildcard => Self::Wildcard,
        }
    }
}
