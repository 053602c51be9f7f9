//! How a decision came about, for people who ask why.
//!
//! Whatever decides tells a [`Trace`] of each step as it takes it. In production that is `()`,
//! which hears nothing and costs nothing; explanations listen with [`Steps`]. There is one way to
//! decide, so that an explanation cannot differ from what it explains.

use super::{Denial, DenyReason};

/// What a step looked at: names and values. Never a token, never a signature.
pub type Inputs = Vec<(&'static str, String)>;

/// Hears of the steps of one decision, in their order.
pub trait Trace: Send {
    /// A step came to a result. What it looked at is only asked for where somebody listens.
    fn step<T>(&mut self, step: Step, result: &Result<T, Denial>, inputs: impl FnOnce() -> Inputs);
}

impl Trace for () {
    fn step<T>(&mut self, _: Step, _: &Result<T, Denial>, _: impl FnOnce() -> Inputs) {}
}

/// The steps of a decision, in the order of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// Which application is asked for.
    Target,
    /// Whether the path needs no token. It decides where it is passed.
    UnauthenticatedPath,
    Credentials,
    TokenForm,
    Key,
    Signature,
    Claims,
    /// Who calls: an application or a user, and through which application.
    Caller,
    Consumer,
    Permission,
    User,
    /// Groups that the token does not list, looked up.
    Groups,
    Workload,
}

impl Step {
    /// Every step.
    pub const ALL: [Self; 13] = [
        Self::Target,
        Self::UnauthenticatedPath,
        Self::Credentials,
        Self::TokenForm,
        Self::Key,
        Self::Signature,
        Self::Claims,
        Self::Caller,
        Self::Consumer,
        Self::Permission,
        Self::User,
        Self::Groups,
        Self::Workload,
    ];

    /// Its name, for people and machines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Target => "target",
            Self::UnauthenticatedPath => "unauthenticated_path",
            Self::Credentials => "credentials",
            Self::TokenForm => "token_form",
            Self::Key => "key",
            Self::Signature => "signature",
            Self::Claims => "claims",
            Self::Caller => "caller",
            Self::Consumer => "consumer",
            Self::Permission => "permission",
            Self::User => "user",
            Self::Groups => "groups",
            Self::Workload => "workload",
        }
    }
}

/// The steps of one decision, as they were taken.
#[derive(Debug, Default)]
pub struct Steps(pub Vec<Taken>);

/// A step that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    pub step: Step,
    pub inputs: Inputs,
    pub verdict: Verdict,
}

/// What a step came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Passed,
    /// It refused: the reason, and the sentence that the caller is told.
    Refused(DenyReason, String),
}

impl Trace for Steps {
    fn step<T>(&mut self, step: Step, result: &Result<T, Denial>, inputs: impl FnOnce() -> Inputs) {
        let verdict = match result {
            Ok(_) => Verdict::Passed,
            Err(denial) => Verdict::Refused(denial.reason, denial.detail.to_string()),
        };
        self.0.push(Taken { step, inputs: inputs(), verdict });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_nobody_listens_nothing_is_asked_what_a_step_looked_at() {
        for step in Step::ALL {
            ().step(step, &Ok(()), || panic!("asked"));
            ().step::<()>(step, &Err(DenyReason::InternalError.into()), || panic!("asked"));
        }
    }
}
