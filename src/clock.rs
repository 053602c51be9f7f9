//! The time of day, as an argument.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

/// Seconds since 1970-01-01T00:00:00Z.
pub type UnixSeconds = u64;

/// Where the time of day comes from.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> UnixSeconds + Send + Sync>);

impl Clock {
    /// The machine's clock. A clock before 1970 reads as 1970, at which no token is valid yet.
    #[expect(clippy::disallowed_methods, reason = "this is where all others take it from")]
    pub fn system() -> Self {
        Self::new(|| SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs()))
    }

    /// A clock of the caller's making.
    pub fn new(now: impl Fn() -> UnixSeconds + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The time now.
    pub fn now(&self) -> UnixSeconds {
        (self.0)()
    }
}

/// The time now, for what is told to people. Decisions take it from a [`Clock`].
#[expect(clippy::disallowed_methods, reason = "nothing is decided by it")]
pub fn time_to_tell() -> SystemTime {
    SystemTime::now()
}

/// A time as whole seconds; one before 1970 reads as 1970.
pub fn unix_seconds(time: SystemTime) -> UnixSeconds {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}
