//! For every reason, what decided and what to do: one closed table.

use super::{grants, policy, situation::Situation, target, token, why::Why};
use crate::decision::{AllowReason, Decision, DenyReason};

/// What decided, and what would have to change for the opposite outcome.
pub fn why(situation: &Situation<'_>) -> Why {
    match &situation.outcome.decision {
        Decision::Allow(permit) => allowed(permit.reason(), situation),
        Decision::Shadow(shadowed) => denied(shadowed.reason(), situation),
        Decision::Deny(denial) => denied(denial.reason, situation),
    }
}

fn allowed(reason: AllowReason, situation: &Situation<'_>) -> Why {
    match reason {
        AllowReason::UnauthenticatedPath => grants::unauthenticated_path(situation),
        AllowReason::CorsPreflight => grants::cors_preflight(),
        AllowReason::ApplicationGranted => grants::application(situation),
        AllowReason::UserGranted => grants::user(situation),
    }
}

fn denied(reason: DenyReason, situation: &Situation<'_>) -> Why {
    match reason {
        DenyReason::ApplicationUnknown => target::unknown(situation),
        DenyReason::ApplicationDisabled => target::disabled(situation),
        DenyReason::TokenMissing => token::missing(situation),
        DenyReason::CredentialsMalformed => token::credentials(),
        DenyReason::TokenMalformed => token::malformed(situation),
        DenyReason::TokenAlgorithmRejected => token::algorithm(situation),
        DenyReason::TokenKindRejected => token::kind(situation),
        DenyReason::TokenKeyUnknown => token::key_unknown(situation),
        DenyReason::KeysUnavailable => token::keys_unavailable(),
        DenyReason::TokenSignatureInvalid => token::signature(situation),
        DenyReason::TokenIssuerRejected => token::issuer(situation),
        DenyReason::TokenAudienceRejected => token::audience(situation),
        DenyReason::TokenExpired => token::expired(situation),
        DenyReason::TokenNotYetValid => token::not_yet_valid(situation),
        DenyReason::TokenVersionRejected => token::version(situation),
        DenyReason::TokenClaimsInvalid => token::claims(situation),
        DenyReason::ConsumerNotGranted => policy::consumer(situation),
        DenyReason::RoleMissing => policy::role(situation),
        DenyReason::ScopeMissing => policy::scope(situation),
        DenyReason::UserNotGranted => policy::user(situation),
        DenyReason::GroupsOverage => policy::groups_overage(situation),
        DenyReason::GroupsUnavailable => policy::groups_unavailable(),
        DenyReason::WorkloadMismatch => policy::workload(situation),
        DenyReason::DeadlineExceeded => target::deadline(),
        DenyReason::Overloaded => target::overloaded(),
        DenyReason::InternalError => target::internal_error(),
    }
}

#[cfg(test)]
pub use tests::every_remedy;

#[cfg(test)]
mod tests {
    use super::*;

    /// What the table has for each reason in one situation.
    pub fn every_remedy(situation: &Situation<'_>) -> Vec<(&'static str, Why)> {
        let allowed =
            AllowReason::ALL.iter().map(|reason| (reason.code(), allowed(*reason, situation)));
        let denied =
            DenyReason::ALL.iter().map(|reason| (reason.code(), denied(*reason, situation)));
        allowed.chain(denied).collect()
    }
}
