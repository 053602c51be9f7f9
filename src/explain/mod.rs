//! Why a decision came out as it did, and what would have to change for the opposite. Pure.
//!
//! Who decides tells its [`Steps`]; to them this adds what in the documents decided, and for every
//! reason what to do about it ([`table`]). Nothing here decides anything.

mod grants;
mod policy;
mod situation;
mod table;
mod target;
#[cfg(test)]
mod tests;
mod text;
mod token;
mod why;

use serde::Serialize;

use self::situation::Situation;
pub use self::why::{By, Ground, Remedy};
use crate::{
    authorizer::{Outcome, Settings},
    decision::{Decision, Steps, Taken, Verdict},
    decision_log::Record,
    identifiers::Guid,
    request::Request,
};

/// One decision, explained. As JSON its members are stable: others may be added, none changed
/// (`docs/explain.md`). It holds nothing of a token but claims.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// `allow` or `deny`: what becomes of the request.
    pub decision: &'static str,
    /// The stable word; in shadow, the one that enforcing would have given.
    pub reason: &'static str,
    /// Whether the service would come to the same. Not where something that it has is missing here:
    /// the notes tell what.
    pub certain: bool,
    /// `shadow` where the request is let through although it is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<&'static str>,
    /// The HTTP status of the answer, where the request is kept out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What the caller is told of a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// `cluster:namespace:application` that is asked for, once it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application: Option<String>,
    /// Who calls, once a token told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller: Option<CallerExplained>,
    /// The steps in their order, up to the one that decided.
    pub steps: Vec<StepExplained>,
    /// What decided, and where it is written.
    pub decided_by: Vec<Ground>,
    /// What would have to change for the opposite outcome: each by itself.
    pub remedies: Vec<Remedy>,
    /// What to bear in mind about this explanation.
    pub notes: Vec<String>,
    /// What a decision log has of the same request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recorded: Option<Recorded>,
}

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CallerExplained {
    /// `application` or `user`.
    pub kind: &'static str,
    pub client_id: Guid,
    /// The name that documents have for the client id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application: Option<String>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepExplained {
    /// As in the contract: `target`, `credentials`, ….
    pub step: &'static str,
    /// Whether it refused.
    pub refused: bool,
    /// What it looked at.
    pub inputs: Vec<Input>,
}

/// Something that a step looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Input {
    pub name: &'static str,
    pub value: String,
}

/// What became of a request at its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recorded {
    /// RFC 3339.
    pub time: String,
    pub decision: String,
    pub reason: String,
    /// Whether the explanation comes to something else.
    pub differs: bool,
}

impl Explanation {
    /// Explains the decision about a request that was taken with these settings.
    pub fn of(
        outcome: &Outcome,
        steps: &Steps,
        request: &Request<'_>,
        settings: &Settings,
    ) -> Self {
        let situation = Situation { outcome, steps, request, settings };
        let why = table::why(&situation);
        let Outcome { decision, caller, consumer, .. } = outcome;
        let is_shadow = matches!(decision, Decision::Shadow(_));
        let denial = decision.refusal();
        Self {
            decision: decision.verdict(),
            reason: decision.code(),
            certain: true,
            mode: is_shadow.then_some("shadow"),
            status: denial.filter(|_| !is_shadow).map(|denial| denial.reason.status() as u16),
            detail: denial.map(|denial| denial.detail.to_string()),
            application: outcome.application_id().map(ToString::to_string),
            caller: caller.as_ref().map(|caller| CallerExplained {
                kind: caller.kind(),
                client_id: caller.client_id,
                application: consumer.as_ref().map(ToString::to_string),
            }),
            steps: steps.0.iter().map(step).collect(),
            decided_by: why.grounds,
            remedies: why.remedies,
            notes: Vec::new(),
            recorded: None,
        }
    }

    /// The same beside what a decision log has of the request.
    pub fn beside(self, record: &Record<'_>) -> Self {
        let Record { time, decision, reason, .. } = record;
        let differs = (&**decision, &**reason) != (self.decision, self.reason);
        let recorded = Recorded {
            time: time.to_string(),
            decision: decision.to_string(),
            reason: reason.to_string(),
            differs,
        };
        Self { recorded: Some(recorded), ..self }
    }

    /// The same, though what the service would come to cannot be said for this reason.
    pub fn uncertain(mut self, because: &str) -> Self {
        self.certain = false;
        self.notes.push(format!("It cannot be said what the service answers: {because}."));
        self
    }

    /// The same, with something to bear in mind.
    pub fn noting(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Whether the request is let through.
    pub fn is_allowed(&self) -> bool {
        self.decision == "allow"
    }
}

fn step(Taken { step, inputs, verdict }: &Taken) -> StepExplained {
    StepExplained {
        step: step.name(),
        refused: *verdict != Verdict::Passed,
        inputs: inputs.iter().map(|(name, value)| Input { name, value: value.clone() }).collect(),
    }
}
