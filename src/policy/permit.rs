//! The proof that a request may go on.

use super::Caller;
use crate::decision::AllowReason;

/// An allow. Only the policy makes one, and only a permit becomes an allowing answer.
#[derive(Debug)]
pub struct Permit {
    reason: AllowReason,
    caller: Option<Caller>,
    workload_mismatch: bool,
}

impl Permit {
    /// A request that needs no token: its caller is unknown.
    pub(super) fn without_caller(reason: AllowReason) -> Self {
        Self { reason, caller: None, workload_mismatch: false }
    }

    /// A caller that the access policy lets in.
    pub(super) fn for_caller(caller: Caller, workload_mismatch: bool) -> Self {
        let reason = match caller.is_application() {
            true => AllowReason::ApplicationGranted,
            false => AllowReason::UserGranted,
        };
        Self { reason, caller: Some(caller), workload_mismatch }
    }

    /// Why it was given.
    pub fn reason(&self) -> AllowReason {
        self.reason
    }

    /// Who calls, where a token told.
    pub fn caller(&self) -> Option<&Caller> {
        self.caller.as_ref()
    }

    /// Whether the token was presented by another workload than its application's, and that is
    /// only to be reported.
    pub fn workload_mismatch(&self) -> bool {
        self.workload_mismatch
    }
}
