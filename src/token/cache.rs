//! Tokens whose signature was verified before.
//!
//! The cache holds what was proven, never a decision: the key must still be published and the
//! claims must still hold at every use.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::digest;
use moka::sync::Cache;

use super::Claims;
use crate::{identifiers::TenantId, keys::Key};

/// SHA-256 of the whole token, signature included.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The hash of a token in its compact form.
    pub fn of(token: &str) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
        Self(hash)
    }
}

impl std::fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenHash")
    }
}

/// Claims under a signature that fitted, and what it fitted to.
#[derive(Debug)]
pub struct Proven {
    pub tenant: TenantId,
    pub key: Arc<Key>,
    pub claims: Arc<Claims>,
}

/// A cache bounded by the size of what it holds.
#[derive(Debug)]
pub struct TokenCache {
    entries: Cache<TokenHash, Arc<Proven>>,
}

impl TokenCache {
    /// What an entry takes beside its token's length: hash, claims' structs, and bookkeeping.
    const ENTRY_BYTES: usize = 512;
    /// After this long a token is verified anew; about as long as most tokens live.
    const TIME_TO_LIVE: Duration = Duration::from_secs(3600);

    /// A cache of at most about `max_bytes`; 0 holds nothing.
    pub fn new(max_bytes: u64) -> Self {
        let entries = Cache::builder()
            .max_capacity(max_bytes)
            .weigher(|_, proven: &Arc<Proven>| weight(&proven.claims))
            .time_to_live(Self::TIME_TO_LIVE)
            .build();
        Self { entries }
    }

    /// What is proven of a token.
    pub fn get(&self, hash: &TokenHash) -> Option<Arc<Proven>> {
        self.entries.get(hash)
    }

    /// Remembers what was proven.
    pub fn insert(&self, hash: TokenHash, proven: Proven) {
        self.entries.insert(hash, Arc::new(proven));
    }

    /// How many tokens it holds, about.
    pub fn len(&self) -> u64 {
        self.entries.entry_count()
    }

    /// Whether it holds none, about.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn weight(claims: &Claims) -> u32 {
    u32::try_from(TokenCache::ENTRY_BYTES + claims.heap_bytes()).unwrap_or(u32::MAX)
}
