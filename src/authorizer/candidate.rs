//! What other documents would have decided about the same request.

use std::{panic::AssertUnwindSafe, sync::Arc};

use futures_util::FutureExt;
use tokio::time::Instant;

use super::{Evidence, Outcome, Settings, flow::Flow};
use crate::{
    applications::Published,
    decision::{Decision, Denial, DenyReason, Trace},
    request::Request,
    token::{Audience, Claims, Verifier, bearer_token},
};

/// Documents that are not in force, and are tried on the requests that come.
#[derive(Debug)]
pub struct Candidates(pub Arc<Published>);

impl Candidates {
    /// What they decide, where that is something else than `outcome`. Nothing is waited for, and
    /// nobody asked: a request that needs either is passed over.
    pub fn difference(
        &self,
        request: &Request<'_>,
        outcome: &Outcome,
        settings: &Settings,
        verifier: &Verifier,
    ) -> Option<Box<Decision>> {
        if !self.0.is_loaded() || is_passing(&outcome.decision) {
            return None;
        }
        let generation = self.0.current();
        let (index, trace) = (&generation.index, &mut ());
        let evidence = &Verified { verifier, outcome };
        let flow = Flow { settings, index, evidence, memberships: None, trace };
        // A panic is a defect, and none of the request that is decided already.
        let decided = AssertUnwindSafe(flow.decide(request, ())).catch_unwind();
        let decision = decided.now_or_never()?.ok()?.decision;
        let is_other = decision.code() != outcome.decision.code()
            || decision.verdict() != outcome.decision.verdict();
        (is_other && !is_passing(&decision)).then(|| Box::new(decision))
    }
}

/// Whether a decision tells more of the moment, or of somebody who is not asked, than of documents.
fn is_passing(decision: &Decision) -> bool {
    decision.refusal().is_some_and(|denial| {
        matches!(
            denial.reason,
            DenyReason::DeadlineExceeded
                | DenyReason::GroupsOverage
                | DenyReason::GroupsUnavailable
                | DenyReason::InternalError
                | DenyReason::KeysUnavailable
        )
    })
}

/// The token that the decision in force was about. What that found out is not found out again.
struct Verified<'a> {
    verifier: &'a Verifier,
    outcome: &'a Outcome,
}

impl Evidence for Verified<'_> {
    async fn claims(
        &self,
        request: &Request<'_>,
        audience: &Audience<'_>,
        deadline: Instant,
        place: impl Send,
        trace: &mut impl Trace,
    ) -> Result<Arc<Claims>, Denial> {
        let token = bearer_token(request.authorization)?;
        match self.outcome.decision.refusal() {
            Some(denial) if is_forgery(denial.reason) => Err(denial.clone()),
            _ => match self.verifier.reverify(token, audience) {
                Some(result) => result,
                None => self.verifier.verify(token, audience, deadline, place, trace).await,
            },
        }
    }
}

/// Whether a reason holds of a token for whomever it is meant.
fn is_forgery(reason: DenyReason) -> bool {
    matches!(
        reason,
        DenyReason::TokenMalformed
            | DenyReason::TokenAlgorithmRejected
            | DenyReason::TokenKindRejected
            | DenyReason::TokenSignatureInvalid
    )
}
