//! The name of one decision, by which a response and a log line find each other.

use std::{
    fmt,
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};

use aws_lc_rs::rand;

/// A number that no other decision has: this process', drawn at random, and a count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DecisionId {
    process: u64,
    count: u64,
}

impl DecisionId {
    /// The id of the next decision.
    pub fn next() -> Self {
        static PROCESS: LazyLock<u64> = LazyLock::new(|| {
            let mut bytes = [0; 8];
            // Without randomness ids are only unique within the process; nothing rests on more.
            let _ = rand::fill(&mut bytes);
            u64::from_ne_bytes(bytes)
        });
        static COUNT: AtomicU64 = AtomicU64::new(0);
        Self { process: *PROCESS, count: COUNT.fetch_add(1, Ordering::Relaxed) }
    }
}

impl DecisionId {
    /// 32 hexadecimal digits, written where there is room for them.
    pub fn encode(self, room: &mut [u8; 32]) -> &str {
        uuid::Uuid::from_u64_pair(self.process, self.count).simple().encode_lower(room)
    }
}

impl fmt::Display for DecisionId {
    /// 32 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.encode(&mut [0; 32]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_and_are_32_digits() {
        let (first, second) = (DecisionId::next().to_string(), DecisionId::next().to_string());
        assert_ne!(first, second);
        assert_eq!(first.len(), 32);
        assert!(first.bytes().all(|c| c.is_ascii_hexdigit()));
    }
}
