//! The keys of issuers: reading key sets is pure, fetching them is the only outbound HTTP of the
//! token path.

mod discovery;
#[cfg(test)]
pub mod fake;
mod fetch;
mod issuer;
mod key_set;
mod prepared;
mod refresh;

pub use discovery::MetadataError;
pub use fetch::{FetchError, Source};
pub use issuer::{Issuer, KeyLookup};
pub use key_set::{Key, KeySet, KeySetError};
pub use prepared::{NoKey, PreparedKey};
pub use refresh::RefreshError;
