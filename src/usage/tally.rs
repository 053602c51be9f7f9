//! How much is not used.

use super::Used;
use crate::{clock::UnixSeconds, target::Index};

/// For how many days something must not have been used.
pub const DAYS: [u64; 3] = [7, 30, 90];
/// The one of them that is meant where nobody says.
pub const DEFAULT_DAYS: u64 = DAYS[1];

pub const SECONDS_PER_DAY: u64 = 24 * 3600;

/// How much was counted for so long and not used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    pub rules: usize,
    /// `allowAllUsers` among them.
    pub groups: usize,
    pub applications: usize,
}

/// What of an index was not used, for each of [`DAYS`].
pub fn tally(index: &Index, at: UnixSeconds) -> [Tally; DAYS.len()] {
    let mut tallies = [Tally::default(); DAYS.len()];
    for application in index.applications() {
        application.usage.for_each(|used, count| {
            for (tally, days) in tallies.iter_mut().zip(DAYS) {
                if count.is_unused(at, days * SECONDS_PER_DAY) {
                    *match used {
                        Used::Application => &mut tally.applications,
                        Used::Rule(_) => &mut tally.rules,
                        Used::Group(_) | Used::Everyone => &mut tally.groups,
                    } += 1;
                }
            }
        });
    }
    tallies
}
