//! One line for each decision: denials by default, allows where the log's filter asks for debug.

use tracing::{debug, field::display, info, warn};

use super::Answered;
use crate::decision::Decision;

/// Logs a decision. Everything in the line is ours or comes from documents and verified claims:
/// never a token, never a signature, never a header as it was sent.
pub fn log_decision(answered: &Answered<'_>) {
    let (outcome, trace_id) = (answered.outcome, answered.trace_id());
    let application = outcome.application_id().map(|id| id.as_str());
    let caller = outcome.consumer.as_ref().map(|id| id.as_str());
    let client_id = outcome.caller.as_ref().map(|caller| display(caller.client_id));
    let reason = outcome.decision.code();
    let mut room = [0; 32];
    let decision_id = outcome.id.encode(&mut room);
    match &outcome.decision {
        Decision::Deny(denial) => {
            let detail = &*denial.detail;
            info!(
                decision = "deny",
                reason, application, caller, client_id, detail, decision_id, trace_id, "denied"
            );
        }
        Decision::Shadow(shadowed) => {
            let detail = &*shadowed.denial().detail;
            info!(
                decision = "allow",
                mode = "shadow",
                reason,
                application,
                caller,
                client_id,
                detail,
                decision_id,
                trace_id,
                "allowed in shadow; enforcing would have denied"
            );
        }
        Decision::Allow(permit) if permit.workload_mismatch() => {
            warn!(
                decision = "allow",
                reason,
                application,
                caller,
                client_id,
                decision_id,
                trace_id,
                "allowed, although another workload than the token's application presented the token"
            );
        }
        Decision::Allow(_) => {
            debug!(
                decision = "allow",
                reason, application, caller, client_id, decision_id, trace_id, "allowed"
            );
        }
    }
}
