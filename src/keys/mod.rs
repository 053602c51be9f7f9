//! The keys of issuers: reading key sets is pure, fetching them is the only outbound HTTP of the
//! token path.

mod discovery;
#[cfg(test)]
pub mod fake;
mod fetch;
mod issuer;
mod key_set;
mod refresh;

pub use fetch::{Client, ClientError, FetchError, Source};
pub use issuer::{Issuer, KeyLookup};
pub use key_set::{Key, KeySet, KeySetError};
