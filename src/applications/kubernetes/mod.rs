//! Documents from a cluster: its API server is asked for them once, and tells of every change.
//!
//! [`Source`] does the asking, on a thread of its own; [`Objects`] is what is known so far, and
//! what the loader reads beside the files. The status of an `AzureAdApplication` names client id,
//! tenant and granted consumers, so that no Secret needs to be read.

mod bounds;
mod connect;
mod credentials;
mod failure;
mod object;
mod objects;
mod pace;
mod resource;
mod source;
mod trouble;

pub use connect::ConnectError;
pub use object::Name;
#[cfg(test)]
pub use object::Object;
pub use objects::{ListId, Objects};
pub use source::{FollowError, Source};
