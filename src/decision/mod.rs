//! Decisions and their reasons: one closed table of codes, statuses and challenges.

mod id;
mod trace;

use std::borrow::Cow;

pub use id::DecisionId;
pub use trace::{Inputs, Step, Steps, Taken, Trace, Verdict};

use crate::policy::{Mode, Permit, Shadowed};

/// The answer to one request. Its default denies.
#[derive(Debug)]
pub enum Decision {
    /// Made only from what the policy returned.
    Allow(Permit),
    /// Let through although it is refused: a rehearsal.
    Shadow(Shadowed),
    Deny(Denial),
}

impl Default for Decision {
    fn default() -> Self {
        Self::Deny(DenyReason::InternalError.into())
    }
}

impl Decision {
    /// `allow` or `deny`: what becomes of the request.
    pub fn verdict(&self) -> &'static str {
        match self {
            Self::Allow(_) | Self::Shadow(_) => "allow",
            Self::Deny(_) => "deny",
        }
    }

    /// Why the policy refuses, whether that keeps the request out or not.
    pub fn refusal(&self) -> Option<&Denial> {
        match self {
            Self::Allow(_) => None,
            Self::Shadow(shadowed) => Some(shadowed.denial()),
            Self::Deny(denial) => Some(denial),
        }
    }

    /// The stable word for the reason; in shadow, the one that enforcing would have given.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Allow(permit) => permit.reason().code(),
            Self::Shadow(shadowed) => shadowed.reason().code(),
            Self::Deny(denial) => denial.reason.code(),
        }
    }
}

impl From<Result<Permit, Denial>> for Decision {
    /// What is refused is denied.
    fn from(result: Result<Permit, Denial>) -> Self {
        Mode::Enforce.decide(result)
    }
}

/// Why a request is let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AllowReason {
    /// The path needs no token.
    UnauthenticatedPath,
    /// A CORS preflight request, which cannot carry a token.
    CorsPreflight,
    /// An application, by its own token.
    ApplicationGranted,
    /// A user, through a granted application.
    UserGranted,
}

impl AllowReason {
    /// Every reason.
    pub const ALL: [Self; 4] = [
        Self::UnauthenticatedPath,
        Self::CorsPreflight,
        Self::ApplicationGranted,
        Self::UserGranted,
    ];

    /// The stable word for it.
    pub fn code(self) -> &'static str {
        match self {
            Self::UnauthenticatedPath => "unauthenticated_path",
            Self::CorsPreflight => "cors_preflight",
            Self::ApplicationGranted => "application_granted",
            Self::UserGranted => "user_granted",
        }
    }
}

/// A refusal, with what its caller may know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    pub reason: DenyReason,
    /// One sentence for people; never part of the token.
    pub detail: Cow<'static, str>,
}

impl Denial {
    /// A denial that says more than its reason's own sentence.
    pub fn new(reason: DenyReason, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { reason, detail: detail.into() }
    }
}

impl From<DenyReason> for Denial {
    fn from(reason: DenyReason) -> Self {
        Self::new(reason, reason.sentence())
    }
}

/// The HTTP statuses of denials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    BadRequest = 400,
    Unauthorized = 401,
    Forbidden = 403,
    ServiceUnavailable = 503,
}

/// What `WWW-Authenticate` says (RFC 6750, section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Challenge {
    /// There is none: another token would not help.
    None,
    /// `Bearer` without an error code: no credentials were sent.
    Bare,
    /// `Bearer` with `error="…"`.
    Error(&'static str),
}

const MALFORMED: Challenge = Challenge::Error("invalid_request");
const INVALID: Challenge = Challenge::Error("invalid_token");
const INSUFFICIENT: Challenge = Challenge::Error("insufficient_scope");

macro_rules! deny_reasons {
    ($($variant:ident $code:literal $status:ident $challenge:expr, $sentence:literal;)+) => {
        /// Why a request is refused. The order is that of the decision's steps.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum DenyReason { $(#[doc = $sentence] $variant,)+ }

        impl DenyReason {
            /// Every reason, in the order of the decision's steps.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The stable word for it: in responses, logs, metrics and tests.
            pub fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// The HTTP status of the response.
            pub fn status(self) -> Status {
                match self { $(Self::$variant => Status::$status,)+ }
            }

            /// The challenge of the response.
            pub fn challenge(self) -> Challenge {
                match self { $(Self::$variant => $challenge,)+ }
            }

            /// What it means, for people.
            pub fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence,)+ }
            }
        }
    };
}

deny_reasons! {
    ApplicationUnknown "application_unknown" Forbidden Challenge::None,
        "No known application answers for this request.";
    ApplicationDisabled "application_disabled" Forbidden Challenge::None,
        "The application lets nobody in.";
    TokenMissing "token_missing" Unauthorized Challenge::Bare,
        "A bearer token is needed.";
    CredentialsMalformed "credentials_malformed" BadRequest MALFORMED,
        "The Authorization header is not a single well-formed bearer token.";
    TokenMalformed "token_malformed" Unauthorized INVALID,
        "The token is not a well-formed signed JWT.";
    TokenAlgorithmRejected "token_algorithm_rejected" Unauthorized INVALID,
        "The token is not signed with RS256.";
    TokenKindRejected "token_kind_rejected" Unauthorized INVALID,
        "The token is of a kind that is not accepted.";
    TokenKeyUnknown "token_key_unknown" Unauthorized INVALID,
        "The token is signed with a key that the issuer does not publish.";
    KeysUnavailable "keys_unavailable" ServiceUnavailable Challenge::None,
        "The issuer's keys are not available at the moment.";
    TokenSignatureInvalid "token_signature_invalid" Unauthorized INVALID,
        "The token's signature does not fit.";
    TokenIssuerRejected "token_issuer_rejected" Unauthorized INVALID,
        "The token is from another issuer than the application's.";
    TokenAudienceRejected "token_audience_rejected" Unauthorized INVALID,
        "The token is meant for another application.";
    TokenExpired "token_expired" Unauthorized INVALID,
        "The token has expired.";
    TokenNotYetValid "token_not_yet_valid" Unauthorized INVALID,
        "The token is not valid yet.";
    TokenVersionRejected "token_version_rejected" Unauthorized INVALID,
        "The token is not a v2.0 access token.";
    TokenClaimsInvalid "token_claims_invalid" Unauthorized INVALID,
        "A claim that the token must carry is missing or unusable.";
    ConsumerNotGranted "consumer_not_granted" Forbidden Challenge::None,
        "The calling application is not in the access policy of this one.";
    RoleMissing "role_missing" Forbidden INSUFFICIENT,
        "The token lacks the role that every granted application carries.";
    ScopeMissing "scope_missing" Forbidden INSUFFICIENT,
        "The token lacks the scope that every user's token carries.";
    UserNotGranted "user_not_granted" Forbidden Challenge::None,
        "The user is in none of the groups that may use this application.";
    GroupsOverage "groups_overage" Forbidden Challenge::None,
        "The token does not list the user's groups, because there are too many of them.";
    GroupsUnavailable "groups_unavailable" ServiceUnavailable Challenge::None,
        "The user's groups could not be looked up at the moment.";
    WorkloadMismatch "workload_mismatch" Forbidden Challenge::None,
        "The token belongs to another application than the one that presents it.";
    DeadlineExceeded "deadline_exceeded" ServiceUnavailable Challenge::None,
        "The decision took too long.";
    Overloaded "overloaded" ServiceUnavailable Challenge::None,
        "Too many requests are being decided at the moment.";
    InternalError "internal_error" ServiceUnavailable Challenge::None,
        "The decision failed.";
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_are_distinct_words() {
        let codes: Vec<_> = DenyReason::ALL
            .iter()
            .map(|reason| reason.code())
            .chain(AllowReason::ALL.map(AllowReason::code))
            .collect();
        assert_eq!(codes.iter().collect::<HashSet<_>>().len(), codes.len());
        for code in codes {
            assert!(code.bytes().all(|c| c.is_ascii_lowercase() || c == b'_'), "{code}");
        }
    }

    #[test]
    fn what_another_token_could_mend_is_challenged_and_nothing_else() {
        for reason in DenyReason::ALL {
            let challenged = reason.challenge() != Challenge::None;
            let expected = match reason.status() {
                Status::BadRequest | Status::Unauthorized => true,
                Status::Forbidden => matches!(reason.code(), "role_missing" | "scope_missing"),
                Status::ServiceUnavailable => false,
            };
            assert_eq!(challenged, expected, "{}", reason.code());
        }
    }

    #[test]
    fn the_default_decision_denies() {
        assert_eq!(Decision::default().code(), "internal_error");
    }

    #[test]
    fn the_documentation_has_a_row_for_every_reason_with_its_status() {
        let documentation = include_str!("../../docs/reasons.md");
        let has = |row: &str| documentation.lines().any(|line| line.starts_with(row));
        for reason in DenyReason::ALL {
            let row = format!("| `{}` | {} | ", reason.code(), reason.status() as u16);
            assert!(has(&row), "{row}");
        }
        for reason in AllowReason::ALL {
            assert!(has(&format!("| `{}` | ", reason.code())), "{}", reason.code());
        }
    }
}
