//! Waiting for conditions, never for time to pass.

use std::{
    fmt::Debug,
    time::{Duration, Instant},
};

/// How long anything may take before the test fails.
pub const PATIENCE: Duration = Duration::from_secs(30);
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

/// Looks until there is something to see, and fails the test where that takes too long.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(began.elapsed() < PATIENCE, "waited in vain: {what}");
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}

/// Looks until what is seen is as it should be.
pub async fn until_equal<T: PartialEq + Debug>(expected: T, look: impl AsyncFnMut() -> T) {
    until_equal_within(PATIENCE, expected, look).await;
}

/// The same, where it may take another time than most things.
pub async fn until_equal_within<T: PartialEq + Debug>(
    patience: Duration,
    expected: T,
    mut look: impl AsyncFnMut() -> T,
) {
    let began = Instant::now();
    loop {
        let seen = look().await;
        if seen == expected {
            return;
        }
        assert!(began.elapsed() < patience, "waited in vain for {expected:?}; still {seen:?}");
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}
