//! Where every answered check is told: one place for all who count, write or remember.

use std::sync::Arc;

use crate::{
    clock::unix_seconds,
    decision_log::DecisionLog,
    telemetry::{Answered, Metrics, log_decision},
};

/// Tells of answered checks. It never waits, and never fails.
#[derive(Debug)]
pub struct Recorder {
    pub metrics: Arc<Metrics>,
    decision_log: Option<DecisionLog>,
}

impl Recorder {
    /// One that counts, and writes the log for people.
    pub fn new(metrics: Arc<Metrics>) -> Self {
        Self { metrics, decision_log: None }
    }

    /// The same, with a decision log.
    pub fn with_decision_log(self, decision_log: DecisionLog) -> Self {
        Self { decision_log: Some(decision_log), ..self }
    }

    /// A check was answered.
    pub fn answered(&self, answered: &Answered<'_>) {
        self.metrics.checked(answered.outcome, answered.took);
        log_decision(answered);
        let Answered { outcome, at, .. } = answered;
        if let Some(application) = &outcome.application {
            application.usage.decided(&outcome.decision, unix_seconds(*at));
        }
        if let Some(decision_log) = &self.decision_log {
            decision_log.record(answered);
        }
    }

    /// Has files opened anew by their names.
    pub fn reopen(&self) {
        if let Some(decision_log) = &self.decision_log {
            decision_log.reopen();
        }
    }
}
