//! Bearer tokens: from the Authorization header to claims that are proven to be the issuer's.
//!
//! The order of the checks is that of their cost: grammar, form and header, key, signature,
//! claims. Each step refuses with the reason that the contract names for it.

mod bearer;
mod cache;
#[cfg(test)]
mod checklist;
mod claims;
mod compact;
mod json;
mod verifier;

pub use bearer::bearer_token;
pub use cache::TokenCache;
pub use claims::{Claims, Expected, V1Audiences};
pub use verifier::{Audience, SelfTestFailed, Verifier, self_test};
