//! The keys of issuers: reading key sets is pure, fetching them is the only outbound HTTP of the
//! token path.

mod discovery;
mod issuer;
mod key_set;

pub use issuer::{Issuer, KeyLookup};
pub use key_set::{Key, KeySet, KeySetError};
