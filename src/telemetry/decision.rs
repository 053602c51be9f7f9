//! One line for each decision: denials by default, allows where the log's filter asks for debug.

use tracing::{
    debug,
    field::{DisplayValue, display},
    info, warn,
};

use super::Answered;
use crate::{authorizer::Outcome, decision::Decision, identifiers::ClientId};

/// Logs a decision. Everything in the line is ours or comes from documents and verified claims:
/// never a token, never a signature, never a header as it was sent.
///
/// Fields are made where somebody reads them: most decisions are not written.
pub fn log_decision(answered: &Answered<'_>) {
    let outcome = answered.outcome;
    if let Some(candidate) = &outcome.candidate {
        log_candidate(outcome, candidate);
    }
    match &outcome.decision {
        Decision::Deny(denial) => info!(
            decision = "deny",
            reason = denial.reason.code(),
            application = application(outcome),
            caller = caller(outcome),
            client_id = client_id(outcome),
            detail = &*denial.detail,
            decision_id = %outcome.id,
            trace_id = answered.trace_id(),
            "denied"
        ),
        Decision::Shadow(shadowed) => info!(
            decision = "allow",
            mode = "shadow",
            reason = shadowed.denial().reason.code(),
            application = application(outcome),
            caller = caller(outcome),
            client_id = client_id(outcome),
            detail = &*shadowed.denial().detail,
            decision_id = %outcome.id,
            trace_id = answered.trace_id(),
            "allowed in shadow; enforcing would have denied"
        ),
        Decision::Allow(permit) if permit.workload_mismatch() => warn!(
            decision = "allow",
            reason = outcome.decision.code(),
            application = application(outcome),
            caller = caller(outcome),
            client_id = client_id(outcome),
            decision_id = %outcome.id,
            trace_id = answered.trace_id(),
            "allowed, although another workload than the token's application presented the token"
        ),
        Decision::Allow(_) => debug!(
            decision = "allow",
            reason = outcome.decision.code(),
            application = application(outcome),
            caller = caller(outcome),
            client_id = client_id(outcome),
            decision_id = %outcome.id,
            trace_id = answered.trace_id(),
            "allowed"
        ),
    }
}

/// Logs that the candidate documents decide otherwise.
fn log_candidate(outcome: &Outcome, candidate: &Decision) {
    info!(
        decision = outcome.decision.verdict(),
        reason = outcome.decision.code(),
        candidate_decision = candidate.verdict(),
        candidate_reason = candidate.code(),
        application = application(outcome),
        caller = caller(outcome),
        client_id = client_id(outcome),
        decision_id = %outcome.id,
        "the candidate documents decide otherwise"
    );
}

/// The application that was asked for, where it is known.
fn application(outcome: &Outcome) -> Option<&str> {
    outcome.application_id().map(|id| id.as_str())
}

/// The application that the token was issued to, by its name in the documents.
fn caller(outcome: &Outcome) -> Option<&str> {
    outcome.consumer.as_ref().map(|id| id.as_str())
}

fn client_id(outcome: &Outcome) -> Option<DisplayValue<ClientId>> {
    outcome.caller.as_ref().map(|caller| display(caller.client_id))
}
