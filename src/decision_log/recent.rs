//! The last decisions, in memory: for those who look at a running service.

use std::{
    collections::VecDeque,
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::Record;

/// The last decisions. What was refused is kept longer than what was allowed, of which there is
/// more.
#[derive(Debug)]
pub struct Recent {
    /// Of allows, and of refusals, each.
    capacity: NonZeroUsize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// The number of the last one.
    last: u64,
    allowed: VecDeque<Entry>,
    refused: VecDeque<Entry>,
}

/// One decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Counted from 1, in the order in which they came.
    pub number: u64,
    /// Its line of the decision log, without the end.
    pub line: Arc<str>,
}

impl Entry {
    /// The decision.
    ///
    /// # Errors
    /// None that could be met: the line was written from a record.
    pub fn record(&self) -> serde_json::Result<Record<'_>> {
        serde_json::from_str(&self.line)
    }
}

impl Recent {
    /// Room for so many allowed ones, and as many refused.
    pub fn new(capacity: NonZeroUsize) -> Self {
        Self { capacity, kept: Mutex::default() }
    }

    /// Keeps a decision, by its line.
    pub(super) fn keep(&self, line: &[u8], is_refused: bool) {
        let Ok(text) = std::str::from_utf8(line) else { return };
        let line = text.trim_end().into();
        let kept = &mut *self.lock();
        kept.last += 1;
        let entries = if is_refused { &mut kept.refused } else { &mut kept.allowed };
        if entries.len() == self.capacity.get() {
            entries.pop_front();
        }
        entries.push_back(Entry { number: kept.last, line });
    }

    /// Those that came after the one of that `number`, in their order; 0 is before all of them. Of
    /// more than `most`, the newest.
    pub fn after(&self, number: u64, most: usize) -> Vec<Entry> {
        let kept = self.lock();
        let newest_first = |entries: &VecDeque<Entry>| -> Vec<Entry> {
            let newer = entries.iter().rev().take_while(|entry| entry.number > number);
            newer.take(most).cloned().collect()
        };
        let mut entries = [newest_first(&kept.allowed), newest_first(&kept.refused)].concat();
        drop(kept);
        entries.sort_unstable_by_key(|entry| entry.number);
        entries.split_off(entries.len().saturating_sub(most))
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // Whoever panicked in between left nothing half done that matters.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(recent: &Recent, after: u64, most: usize) -> Vec<u64> {
        recent.after(after, most).iter().map(|entry| entry.number).collect()
    }

    #[test]
    fn the_newest_are_kept_and_refusals_longer_than_allows() {
        let recent = Recent::new(NonZeroUsize::new(3).unwrap());
        assert_eq!(numbers(&recent, 0, 10), [0; 0]);
        for number in 1..=10 {
            recent.keep(format!("{number}\n").as_bytes(), number % 4 == 0);
        }
        for (after, most, expected) in [
            (0, 10, &[4, 7, 8, 9, 10][..]),
            (0, 2, &[9, 10]),
            (8, 10, &[9, 10]),
            (7, 2, &[9, 10]),
            (10, 10, &[]),
            (99, 10, &[]),
            (0, 0, &[]),
        ] {
            assert_eq!(numbers(&recent, after, most), expected, "after {after}, {most}");
        }
        assert_eq!(&*recent.after(9, 1)[0].line, "10");
    }
}
