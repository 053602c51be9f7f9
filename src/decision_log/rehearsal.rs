//! A request of a decision log, as far as the log tells of it.

use std::sync::Arc;

use super::Record;
use crate::{
    decision::{Denial, DenyReason, Step, Steps},
    token::Claims,
};

/// What a record lets one presume.
#[derive(Debug)]
pub struct Rehearsal<'r> {
    record: &'r Record<'r>,
}

/// Where the steps before the caller ended.
#[derive(Debug, PartialEq, Eq)]
enum Before {
    /// With a caller.
    Called,
    /// With a refusal, which documents hardly change.
    Refused(DenyReason),
    /// Before anybody looked for a token: whether there was one, nobody knows.
    Untold,
}

impl<'r> Rehearsal<'r> {
    /// The request of a record.
    pub fn of(record: &'r Record<'r>) -> Self {
        Self { record }
    }

    /// The caller's claims, or the refusal that ended the steps before them.
    ///
    /// # Errors
    /// The recorded reason; `internal_error` where the log does not tell.
    pub fn claims(&self) -> Result<Arc<Claims>, Denial> {
        match (self.before(), &self.record.caller) {
            (Before::Called, Some(caller)) => caller.claims(),
            (Before::Refused(reason), _) => Err(match &self.record.detail {
                Some(detail) => Denial::new(reason, detail.to_string()),
                None => reason.into(),
            }),
            _ => Err(Denial::new(
                DenyReason::InternalError,
                "The log does not tell whether there was a token, nor whose.",
            )),
        }
    }

    /// Whether the steps came to where the log does not tell any further.
    pub fn is_at_a_loss(&self, steps: &Steps) -> bool {
        let is_past = steps.0.iter().any(|taken| taken.step == Step::Claims);
        is_past && self.before() == Before::Untold
    }

    fn before(&self) -> Before {
        if self.record.caller.is_some() {
            return Before::Called;
        }
        let reason = DenyReason::ALL.iter().find(|reason| reason.code() == self.record.reason);
        match reason {
            None | Some(DenyReason::ApplicationUnknown | DenyReason::ApplicationDisabled) => {
                Before::Untold
            }
            Some(reason) => Before::Refused(*reason),
        }
    }
}
