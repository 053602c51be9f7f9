//! One check: read, decide, answer, and leave a trace of it.

use std::{
    panic::AssertUnwindSafe,
    pin::{Pin, pin},
    sync::Arc,
};

use futures_util::FutureExt;
use prost::bytes::Bytes;
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout_at},
};
use tonic::{Code, Status, Streaming};

use super::{answer::Answers, read::Check, room::Room};
use crate::{
    authorizer::{Authorizer, Outcome},
    clock::time_to_tell,
    config::{Limits, Trust},
    decision::{Decision, Denial, DenyReason},
    recorder::Recorder,
    telemetry::Answered,
};

/// What all listeners share.
#[derive(Debug)]
pub struct Shared {
    pub authorizer: Authorizer,
    pub answers: Answers,
    pub recorder: Recorder,
    /// One permit for each check that may be under way.
    capacity: Semaphore,
    room: Room,
}

impl Shared {
    /// What takes on as much as `limits` allow, over all listeners.
    pub fn new(
        authorizer: Authorizer,
        answers: Answers,
        recorder: Recorder,
        limits: &Limits,
    ) -> Self {
        Self {
            authorizer,
            answers,
            recorder,
            capacity: Semaphore::new(limits.concurrent_checks),
            room: Room::new(limits.message_bytes),
        }
    }
}

/// Answers the checks of one listener.
#[derive(Debug)]
pub struct CheckService {
    shared: Arc<Shared>,
    trust: Trust,
}

impl CheckService {
    /// The service of a listener whose proxies are believed so much.
    pub fn new(shared: Arc<Shared>, trust: impl Into<Trust>) -> Self {
        Self { shared, trust: trust.into() }
    }

    /// Where messages take their memory from.
    pub(super) fn room(&self) -> &Room {
        &self.shared.room
    }

    /// The `CheckResponse` to the message of a call.
    pub(super) async fn answer(
        &self,
        mut messages: Streaming<Bytes>,
        began: Instant,
        deadline: Instant,
    ) -> Vec<u8> {
        self.answer_to(self.only(&mut messages), began, deadline).await
    }

    /// The `CheckResponse` to a `CheckRequest`, both as bytes: never an error, never later than
    /// `deadline`, and never a panic that ends the connection.
    ///
    /// The message is whatever `message` comes to, or else the reason why there is none; it is
    /// awaited only where another check may be under way. `began` is when the call did, for the
    /// metrics.
    pub async fn answer_to<M: AsRef<[u8]>>(
        &self,
        message: impl Future<Output = Result<M, Denial>>,
        began: Instant,
        deadline: Instant,
    ) -> Vec<u8> {
        let check = pin!(self.check(message, began, deadline));
        self.answer_of(check, began, deadline).await
    }

    /// What a check comes to, or a denial in its place.
    async fn answer_of(
        &self,
        check: Pin<&mut impl Future<Output = Result<Vec<u8>, Denial>>>,
        began: Instant,
        deadline: Instant,
    ) -> Vec<u8> {
        let denial = match timeout_at(deadline, AssertUnwindSafe(check).catch_unwind()).await {
            Ok(Ok(Ok(response))) => return response,
            Ok(Ok(Err(denial))) => denial,
            Ok(Err(_panic)) => DenyReason::InternalError.into(),
            Err(_elapsed) => DenyReason::DeadlineExceeded.into(),
        };
        self.refuse(denial, began)
    }

    /// Reads, decides and answers. The permit comes first: what waits to be read takes memory too.
    async fn check<M: AsRef<[u8]>>(
        &self,
        message: impl Future<Output = Result<M, Denial>>,
        began: Instant,
        deadline: Instant,
    ) -> Result<Vec<u8>, Denial> {
        let Shared { authorizer, answers, capacity, .. } = &*self.shared;
        let place = capacity.try_acquire().map_err(|_| DenyReason::Overloaded)?;
        let message = message.await?;
        let is_ours = |name: &str| answers.headers.is_ours(name);
        let check = Check::read(message.as_ref(), self.trust, Some(deadline), is_ours)
            .map_err(|_| internal_error("The CheckRequest is malformed."))?;
        let outcome = authorizer.authorize(&check.request, place).await;
        let response = answers.write(&outcome, &check.impostors, check.is_grpc);
        self.record(&outcome, Some(&check), began);
        Ok(response)
    }

    /// The one message of a call.
    async fn only(&self, messages: &mut Streaming<Bytes>) -> Result<Bytes, Denial> {
        let message = messages.message().await.map_err(|status| self.unreadable(&status))?;
        match (message, messages.message().await) {
            (Some(message), Ok(None)) => Ok(message),
            (_, Err(status)) => Err(self.unreadable(&status)),
            _ => Err(internal_error("The body of the check is not one message.")),
        }
    }

    fn unreadable(&self, status: &Status) -> Denial {
        match status.code() {
            Code::ResourceExhausted => Denial::new(
                DenyReason::Overloaded,
                "Too many large CheckRequests are being read at the moment.",
            ),
            Code::OutOfRange => internal_error(format!(
                "The CheckRequest is larger than limits.message_bytes, {}.",
                self.room().max_bytes
            )),
            _ => {
                let cause = status.message().trim_end_matches('.');
                internal_error(format!("The CheckRequest cannot be read: {cause}."))
            }
        }
    }

    /// The answer to a check of which nothing is known but that it is denied.
    fn refuse(&self, denial: Denial, began: Instant) -> Vec<u8> {
        let outcome = Outcome::new(Decision::Deny(denial));
        let response = self.shared.answers.write(&outcome, &[], false);
        self.record(&outcome, None, began);
        response
    }

    /// Tells of an answer, and of what is known of the check.
    fn record(&self, outcome: &Outcome, check: Option<&Check<'_>>, began: Instant) {
        self.shared.recorder.answered(&Answered {
            outcome,
            request: check.map(|check| &check.request),
            traceparent: check.and_then(|check| check.traceparent),
            at: time_to_tell(),
            took: began.elapsed(),
        });
    }
}

fn internal_error(detail: impl Into<std::borrow::Cow<'static, str>>) -> Denial {
    Denial::new(DenyReason::InternalError, detail)
}

#[cfg(test)]
mod tests;
