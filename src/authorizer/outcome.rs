//! What a decision came to, and what it was about.

use std::sync::Arc;

use crate::{
    applications::Application,
    decision::{Decision, DecisionId},
    identifiers::ApplicationId,
    policy::Caller,
};

/// A decision and what it was about, for answers, logs and metrics.
#[derive(Debug)]
pub struct Outcome {
    pub id: DecisionId,
    pub decision: Decision,
    /// The application that was asked for, once it is known.
    pub application: Option<Arc<Application>>,
    /// Who calls, once a verified token told, whether the policy lets it in or not.
    pub caller: Option<Caller>,
    /// The name of the caller's application, if any document has it.
    pub consumer: Option<ApplicationId>,
    /// What the candidate documents would have decided, where that is something else.
    pub candidate: Option<Box<Decision>>,
}

impl Outcome {
    /// A decision about which nothing else is known.
    pub fn new(decision: Decision) -> Self {
        Self {
            id: DecisionId::next(),
            decision,
            application: None,
            caller: None,
            consumer: None,
            candidate: None,
        }
    }

    /// The name of the application that was asked for.
    pub fn application_id(&self) -> Option<&ApplicationId> {
        self.application.as_ref().map(|application| &application.id)
    }
}
