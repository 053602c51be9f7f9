//! Whether a refusal keeps its request out.

use super::Permit;
use crate::decision::{Decision, Denial, DenyReason};

/// What becomes of the requests that the policy refuses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// They are kept out.
    #[default]
    Enforce,
    /// They are let through, and it is told what enforcing would have said: for rehearsals.
    Shadow,
}

/// A denial that keeps nobody out, because its application's mode says so. Only [`Mode::decide`]
/// makes one. Whoever is let in by it is nobody in particular: nothing of the caller goes on.
#[derive(Debug)]
pub struct Shadowed(Denial);

impl Mode {
    /// The decision that a result of the policy comes to.
    pub fn decide(self, result: Result<Permit, Denial>) -> Decision {
        match (result, self) {
            (Ok(permit), _) => Decision::Allow(permit),
            (Err(denial), Self::Shadow) => Decision::Shadow(Shadowed(denial)),
            (Err(denial), Self::Enforce) => Decision::Deny(denial),
        }
    }
}

impl Shadowed {
    /// Why enforcing would have refused.
    pub fn reason(&self) -> DenyReason {
        self.0.reason
    }

    /// What enforcing would have said.
    pub fn denial(&self) -> &Denial {
        &self.0
    }
}
