//! One check: read, decide, answer, and leave a trace of it.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use tracing::error;

use super::{
    answer::{Answers, internal_error},
    read::Check,
};
use crate::{
    authorizer::{Authorizer, Outcome},
    config::AskedBy,
    decision::Decision,
    telemetry::{Metrics, log_decision},
};

/// What all listeners share.
#[derive(Debug)]
pub struct Shared {
    pub authorizer: Authorizer,
    pub answers: Answers,
    pub metrics: Arc<Metrics>,
}

/// Answers the checks of one listener.
#[derive(Debug, Clone)]
pub struct CheckService {
    shared: Arc<Shared>,
    asked_by: AskedBy,
}

impl CheckService {
    /// The service of a listener at which such proxies ask.
    pub fn new(shared: Arc<Shared>, asked_by: AskedBy) -> Self {
        Self { shared, asked_by }
    }

    /// Reads, decides and answers one check: a `CheckRequest` in, a `CheckResponse` out.
    pub(super) async fn answer(&self, message: &[u8], deadline: Option<Instant>) -> Vec<u8> {
        let began = Instant::now();
        let Shared { authorizer, answers, .. } = &*self.shared;
        let is_ours = |name: &str| answers.headers.is_ours(name);
        let check =
            Check::read(message, self.asked_by, deadline, is_ours).unwrap_or_else(|error| {
                error!(%error, "a CheckRequest cannot be read; it is denied");
                Check::nothing_known(self.asked_by, deadline)
            });
        let outcome = authorizer.authorize(&check.request).await;
        let response = answers.write(&outcome, &check.impostors, check.is_grpc);
        self.record(&outcome, check.traceparent, began.elapsed());
        response
    }

    /// The answer after a panic, which is a defect and still a denial.
    pub(super) fn answer_after_panic(&self) -> Vec<u8> {
        let outcome = Outcome::new(Decision::default());
        self.record(&outcome, None, Duration::ZERO);
        internal_error(outcome.id)
    }

    fn record(&self, outcome: &Outcome, traceparent: Option<&str>, took: Duration) {
        self.shared.metrics.checked(outcome, took);
        log_decision(outcome, traceparent);
    }
}
