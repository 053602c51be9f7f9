//! Whether a refusal keeps its request out.

use std::str::FromStr;

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
    /// Every mode.
    pub const ALL: [Self; 2] = [Self::Enforce, Self::Shadow];

    /// As in configuration and documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Shadow => "shadow",
        }
    }

    /// The decision that a result of the policy comes to.
    pub fn decide(self, result: Result<Permit, Denial>) -> Decision {
        match (result, self) {
            (Ok(permit), _) => Decision::Allow(permit),
            (Err(denial), Self::Shadow) => Decision::Shadow(Shadowed(denial)),
            (Err(denial), Self::Enforce) => Decision::Deny(denial),
        }
    }
}

/// The text is no mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is neither enforce nor shadow")]
pub struct NotAMode;

impl FromStr for Mode {
    type Err = NotAMode;

    fn from_str(text: &str) -> Result<Self, NotAMode> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == text).ok_or(NotAMode)
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
