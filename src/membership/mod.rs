//! Which groups a user is a member of, where the token does not list them: Microsoft Graph is
//! asked, about the groups that matter and no others.
//!
//! Entra ID leaves `groups` out of tokens of users with more than 200 groups and names an address
//! instead (`_claim_sources`). That address is never followed: it stands in a token, and the
//! service behind it is retired.

mod access_token;
mod assertion;
mod graph;
mod lookup;
mod pem;
mod question;
mod resolver;
mod tenant;
mod throttle;

pub use question::Question;
pub use resolver::{Resolver, Unresolved};

#[cfg(test)]
#[path = "../../tests/e2e/support/graph.rs"]
pub(crate) mod fake;
#[cfg(test)]
mod tests;
