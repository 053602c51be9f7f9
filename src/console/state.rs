//! What is known of a grant, for lists and drawings.

use serde::Serialize;

use super::asked::{Misstated, Parameters};
use crate::{
    clock::{UnixSeconds, time_to_tell, unix_seconds},
    graph::Access,
    usage::{DAYS, DEFAULT_DAYS, Exported, SECONDS_PER_DAY, Usedness},
};

/// Ten years: longer, nobody counts.
const MOST_DAYS: u64 = 3650;

/// Over how many days somebody asks for uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Period {
    days: u64,
    /// When it ends: now. Seconds since 1970.
    at: UnixSeconds,
    /// What else may be asked for, as the metrics tell it.
    choices: [u64; DAYS.len()],
}

impl Default for Period {
    fn default() -> Self {
        Self { days: DEFAULT_DAYS, at: unix_seconds(time_to_tell()), choices: DAYS }
    }
}

impl Period {
    /// The name of its parameter.
    pub const NAME: &str = "days";

    /// As it is asked for, until now.
    ///
    /// # Errors
    /// The days are no number of days.
    pub fn read(parameters: &Parameters) -> Result<Self, Misstated> {
        let days = parameters.number(Self::NAME, 1..=MOST_DAYS, DEFAULT_DAYS)?;
        Ok(Self { days, ..Self::default() })
    }

    fn usedness(self, uses: Exported) -> Usedness {
        uses.over(self.at, self.days * SECONDS_PER_DAY)
    }
}

/// What a rule or an edge is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Refused lately.
    Denied,
    /// It grants nothing, since no client id is known for the caller.
    Unresolved,
    /// It is for the network only and grants no token.
    Wildcard,
    /// It would grant, were what is called not disabled.
    Disabled,
    /// It grants, and nobody came by it over the period.
    Unused,
    /// It grants, nobody came by it so far, and that is not counted for as long as the period.
    Uncounted,
    Granted,
}

impl State {
    /// Of what documents state, with its uses where they are counted.
    pub fn of(access: Access, uses: Option<Exported>, period: Period) -> Self {
        match access {
            Access::Granted => match uses.map(|uses| period.usedness(uses)) {
                Some(Usedness::Unused) => Self::Unused,
                Some(Usedness::Uncounted) => Self::Uncounted,
                Some(Usedness::Used) | None => Self::Granted,
            },
            Access::Disabled => Self::Disabled,
            Access::Unresolved => Self::Unresolved,
            Access::Wildcard => Self::Wildcard,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unused_is_what_was_counted_for_the_whole_period_and_nobody_came_by() {
        const DAY: u64 = SECONDS_PER_DAY;
        let at = 1_000 * DAY;
        let counted = |days: u64, last: Option<u64>| {
            Some(Exported {
                since: at - days * DAY,
                last: last.map(|days| at - days * DAY),
                times: 1,
            })
        };
        for (uses, days, expected) in [
            (None, 30, State::Granted),
            (counted(3, None), 7, State::Uncounted),
            (counted(7, None), 7, State::Unused),
            (counted(7, None), 30, State::Uncounted),
            (counted(3, Some(1)), 7, State::Granted),
            (counted(100, Some(1)), 7, State::Granted),
            (counted(100, Some(8)), 7, State::Unused),
            (counted(100, Some(8)), 30, State::Granted),
        ] {
            let period = Period { days, at, choices: DAYS };
            assert_eq!(State::of(Access::Granted, uses, period), expected, "{uses:?} over {days}");
            assert_eq!(State::of(Access::Disabled, uses, period), State::Disabled);
        }
    }
}
