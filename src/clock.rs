//! The time of day, as an argument.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use humantime::format_rfc3339_seconds;

/// Seconds since 1970-01-01T00:00:00Z.
pub type UnixSeconds = u64;

/// The end of the year 9999, after which RFC 3339 has no words.
const END_OF_CALENDAR: UnixSeconds = 253_402_300_800;

/// A time as RFC 3339 writes it, in UTC, behind its number; the number alone where there is no such
/// time.
pub fn in_words(time: UnixSeconds) -> String {
    match time < END_OF_CALENDAR {
        true => {
            let date = format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(time));
            format!("{time} ({date})")
        }
        false => time.to_string(),
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_as_a_number_and_as_a_date_as_long_as_there_are_dates() {
        for (time, expected) in [
            (0, "0 (1970-01-01T00:00:00Z)"),
            (1_800_000_000, "1800000000 (2027-01-15T08:00:00Z)"),
            (END_OF_CALENDAR - 1, "253402300799 (9999-12-31T23:59:59Z)"),
            (END_OF_CALENDAR, "253402300800"),
            (u64::MAX, "18446744073709551615"),
        ] {
            assert_eq!(in_words(time), expected);
        }
    }
}
