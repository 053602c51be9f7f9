//! One line for each decision: denials by default, allows where the log's filter asks for debug.

use tracing::{
    debug,
    field::{DisplayValue, display},
    info, warn,
};

use super::Answered;
use crate::{authorizer::Outcome, decision::Decision, identifiers::ClientId};

/// Writes a line with what all of them tell of a decision. Fields are made where somebody reads
/// them: most decisions are not written.
macro_rules! tell {
    ($level:ident, $outcome:expr, $($more:tt)*) => {
        $level!(
            decision = $outcome.decision.verdict(),
            reason = $outcome.decision.code(),
            application = application($outcome),
            caller = caller($outcome),
            client_id = client_id($outcome),
            decision_id = %$outcome.id,
            $($more)*
        )
    };
}

/// Logs a decision. Everything in the line is ours or comes from documents and verified claims:
/// never a token, never a signature, never a header as it was sent.
pub fn log_decision(answered: &Answered<'_>) {
    let outcome = answered.outcome;
    let trace_id = || answered.trace_id();
    if let Some(candidate) = &outcome.candidate {
        tell!(
            info,
            outcome,
            candidate_decision = candidate.verdict(),
            candidate_reason = candidate.code(),
            "the candidate documents decide otherwise"
        );
    }
    match &outcome.decision {
        Decision::Deny(denial) => {
            tell!(info, outcome, detail = &*denial.detail, trace_id = trace_id(), "denied");
        }
        Decision::Shadow(shadowed) => tell!(
            info,
            outcome,
            mode = "shadow",
            detail = &*shadowed.denial().detail,
            trace_id = trace_id(),
            "allowed in shadow; enforcing would have denied"
        ),
        Decision::Allow(permit) if permit.workload_mismatch() => tell!(
            warn,
            outcome,
            trace_id = trace_id(),
            "allowed, although another workload than the token's application presented the token"
        ),
        Decision::Allow(_) => tell!(debug, outcome, trace_id = trace_id(), "allowed"),
    }
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
