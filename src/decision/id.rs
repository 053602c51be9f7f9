//! The name of one decision, by which a response and a log line find each other.

use std::{
    fmt,
    num::NonZeroU64,
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
    /// Whether it is among those that stand for all: one in so many, as if by chance, since
    /// requests come in patterns.
    pub fn is_one_in(self, many: NonZeroU64) -> bool {
        // The finalizer of SplitMix64 (Steele, Lea and Flood, 2014).
        let mut mixed = self.process.wrapping_add(self.count);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)).is_multiple_of(many.get())
    }

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
    fn one_in_so_many_ids_stands_for_all() {
        for (many, least, most) in [(1, 10_000, 10_000), (2, 4_500, 5_500), (100, 50, 150)] {
            let many = NonZeroU64::new(many).unwrap();
            let ids = (0..10_000).map(|count| DecisionId { process: 4711, count });
            let found = ids.filter(|id| id.is_one_in(many)).count();
            assert!((least..=most).contains(&found), "{found} for one in {many}");
        }
    }

    #[test]
    fn ids_differ_and_are_32_digits() {
        let (first, second) = (DecisionId::next().to_string(), DecisionId::next().to_string());
        assert_ne!(first, second);
        assert_eq!(first.len(), 32);
        assert!(first.bytes().all(|c| c.is_ascii_hexdigit()));
    }
}
