//! Times during which somebody asked not to be asked.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::{clock::UnixSeconds, http::RetryAfter};

/// Where an answer says "later" and not when, and where there is none.
pub const DEFAULT: Duration = Duration::from_secs(5);
/// No answer keeps us away for longer.
const LONGEST: Duration = Duration::from_secs(3600);
/// "Again in 0 seconds" is a while, too.
const SHORTEST: Duration = Duration::from_secs(1);

/// How long to stay away after an answer that came now and said so, by its `Retry-After`.
pub fn pause(retry_after: Option<RetryAfter>, now: UnixSeconds) -> Duration {
    retry_after.map_or(DEFAULT, |after| after.wait(now)).clamp(SHORTEST, LONGEST)
}

/// Remembers until when not to ask.
#[derive(Debug, Default)]
pub struct Throttle(Mutex<Option<Instant>>);

impl Throttle {
    /// From now on not, for this long.
    pub fn stay_away(&self, pause: Duration) {
        let until = Instant::now() + pause;
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *known = (*known).max(Some(until));
    }

    /// Whether it may be asked now.
    pub fn is_open(&self) -> bool {
        let until = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_none_or(|until| until <= Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_neither_nothing_nor_endless() {
        const NOW: UnixSeconds = 1_800_000_000;
        for (retry_after, seconds) in [
            (None, 5),
            (Some(RetryAfter::Seconds(0)), 1),
            (Some(RetryAfter::Seconds(120)), 120),
            (Some(RetryAfter::Seconds(u64::MAX)), 3600),
            (Some(RetryAfter::Date(0)), 1),
            (Some(RetryAfter::Date(NOW)), 1),
            (Some(RetryAfter::Date(NOW + 120)), 120),
            (Some(RetryAfter::Date(u64::MAX)), 3600),
        ] {
            assert_eq!(pause(retry_after, NOW), Duration::from_secs(seconds), "{retry_after:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_shorter_pause_never_ends_a_longer_one() {
        let throttle = Throttle::default();
        assert!(throttle.is_open());
        throttle.stay_away(Duration::from_secs(30));
        throttle.stay_away(Duration::from_secs(1));
        tokio::time::advance(Duration::from_secs(29)).await;
        assert!(!throttle.is_open());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(throttle.is_open());
    }
}
