//! The keys of issuers: reading key sets is pure, fetching them is the only outbound HTTP of the
//! token path.

mod discovery;
mod fetch;
mod issuer;
mod key_set;

pub use fetch::{Client, ClientError};
pub use issuer::{Issuer, KeyLookup};
pub use key_set::{Key, KeySet, KeySetError};
