//! The `Check` call: read, decide, answer, and leave a trace of it.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt;
use tokio::{sync::Semaphore, time::Instant};
use tonic::{Request, Response, Status, metadata::MetadataMap};

use super::{
    answer::{Answers, internal_error},
    read::Check,
};
use crate::{
    authorizer::{Authorizer, Outcome},
    config::AskedBy,
    decision::{Decision, DenyReason},
    proto::envoy::service::auth::v3::{
        CheckRequest, CheckResponse, authorization_server::Authorization,
    },
    telemetry::{Metrics, log_decision},
};

/// What all listeners share.
#[derive(Debug)]
pub struct Shared {
    pub authorizer: Authorizer,
    pub answers: Answers,
    pub metrics: Arc<Metrics>,
    /// One permit for each check that may be under way.
    pub capacity: Semaphore,
}

/// The `Check` service of one listener.
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

    /// Reads, decides and answers one check.
    async fn answer(&self, message: &CheckRequest, deadline: Option<Instant>) -> CheckResponse {
        let began = Instant::now();
        let Shared { authorizer, answers, capacity, .. } = &*self.shared;
        let check =
            Check::read(message, self.asked_by, deadline, |name| answers.headers.is_ours(name));
        let outcome = match capacity.try_acquire() {
            Ok(_permit) => authorizer.authorize(&check.request).await,
            Err(_) => Outcome::new(Decision::Deny(DenyReason::Overloaded.into())),
        };
        let response = answers.write(&outcome, &check.impostors, check.is_grpc);
        self.record(&outcome, check.traceparent, began.elapsed());
        response
    }

    /// The answer after a panic, which is a defect and still a denial.
    fn answer_after_panic(&self) -> CheckResponse {
        let outcome = Outcome::new(Decision::default());
        self.record(&outcome, None, Duration::ZERO);
        internal_error(outcome.id)
    }

    fn record(&self, outcome: &Outcome, traceparent: Option<&str>, took: Duration) {
        self.shared.metrics.checked(outcome, took);
        log_decision(outcome, traceparent);
    }
}

#[tonic::async_trait]
impl Authorization for CheckService {
    /// Never an error: that would leave the decision to Envoy's failure mode.
    async fn check(
        &self,
        request: Request<CheckRequest>,
    ) -> Result<Response<CheckResponse>, Status> {
        let deadline = timeout(request.metadata()).map(|timeout| Instant::now() + timeout);
        let answer =
            AssertUnwindSafe(self.answer(request.get_ref(), deadline)).catch_unwind().await;
        Ok(Response::new(answer.unwrap_or_else(|_| self.answer_after_panic())))
    }
}

/// How long the answer is of use: nine tenths of `grpc-timeout`, so that it arrives in time.
fn timeout(metadata: &MetadataMap) -> Option<Duration> {
    let text = metadata.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: u64 = (1..=8).contains(&digits.len()).then(|| digits.parse().ok())??;
    let timeout = match unit {
        "H" => Duration::from_secs(number * 3600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    };
    Some(timeout / 10 * 9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_of_grpc_are_read_in_every_unit() {
        for (text, expected) in [
            ("200m", Some(Duration::from_millis(180))),
            ("1S", Some(Duration::from_millis(900))),
            ("1M", Some(Duration::from_secs(54))),
            ("99999999H", Some(Duration::from_secs(99_999_999 * 3240))),
            ("1000u", Some(Duration::from_micros(900))),
            ("1000n", Some(Duration::from_nanos(900))),
            ("", None),
            ("m", None),
            ("-1m", None),
            ("1.5S", None),
            ("100000000m", None),
            ("1x", None),
        ] {
            let mut metadata = MetadataMap::new();
            metadata.insert("grpc-timeout", text.parse().unwrap());
            assert_eq!(timeout(&metadata), expected, "{text}");
        }
    }
}
