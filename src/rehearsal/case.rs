//! One case of a policy test, as it is written.

use std::fmt;

use crate::{
    decision::{AllowReason, Decision, DenyReason},
    finding::Place,
    identifiers::{ApplicationId, ClientId, GroupId},
};

/// A request that is made up, and what must become of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Where it begins.
    pub place: Place,
    pub name: String,
    pub caller: Caller,
    pub target: ApplicationId,
    /// Where the target is named.
    pub target_place: Place,
    pub method: String,
    /// With its query, if it has one.
    pub path: String,
    /// The workload that presents the token: a SPIFFE id, or an application that runs there.
    pub presented_by: Option<Presenter>,
    /// Whether it has the headers of a CORS preflight.
    pub preflight: bool,
    pub expected: Expected,
}

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// Nobody that a token tells of.
    Anonymous,
    /// An application on its own. Without `roles`, it has the one that is required.
    Application { who: Who, roles: Option<Vec<String>> },
    /// A user. Without `through`, logged in by the target itself; without `scopes`, with the one
    /// that is required.
    User { through: Option<Who>, scopes: Option<Vec<String>>, groups: Vec<GroupId>, overage: bool },
}

/// An application that calls, and where it is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    pub place: Place,
    pub name: Name,
}

/// What an application is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    Application(ApplicationId),
    ClientId(ClientId),
}

/// The workload that presents a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presenter {
    Principal(String),
    WorkloadOf(ApplicationId),
}

/// What must become of a request: at least one of the two is stated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// Whether it must be let through.
    pub allow: Option<bool>,
    /// The word of the reason.
    pub reason: Option<&'static str>,
}

impl Expected {
    /// Whether a decision is what was expected. A reason alone may be one of a rehearsal in
    /// production (shadow), too.
    pub fn is_met_by(&self, decision: &Decision) -> bool {
        self.allow.is_none_or(|allow| allow == (decision.verdict() == ALLOW))
            && self.reason.is_none_or(|reason| reason == decision.code())
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decision = self.allow.map(|allow| if allow { ALLOW } else { DENY });
        match (decision, self.reason) {
            (Some(decision), Some(reason)) => write!(f, "{decision} {reason}"),
            (decision, reason) => f.write_str(decision.or(reason).unwrap_or_default()),
        }
    }
}

pub const ALLOW: &str = "allow";
pub const DENY: &str = "deny";

/// The words of all reasons to let a request through.
pub fn allow_reasons() -> impl Iterator<Item = &'static str> {
    AllowReason::ALL.into_iter().map(AllowReason::code)
}

/// The words of all reasons.
pub fn reasons() -> impl Iterator<Item = &'static str> {
    allow_reasons().chain(DenyReason::ALL.iter().map(|reason| reason.code()))
}
