//! Who may call: the access policy of an application and its evaluation. Pure.

mod access;
mod fact;

pub use access::{AccessPolicy, UserAccess};
pub use fact::Fact;
