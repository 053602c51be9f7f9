//! What becomes of decisions that were taken: the log of them, for machines that read it later.

use std::{num::NonZeroU64, path::PathBuf};

/// The decision log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DecisionLog {
    /// Where it goes; `None` where none is kept.
    pub to: Option<Destination>,
    pub decisions: Decisions,
    pub personal_data: PersonalData,
}

/// Where the lines of the decision log go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// Standard output, on which nothing else is written.
    Stdout,
    File(LogFile),
}

/// A file that is begun anew when it is full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFile {
    pub path: PathBuf,
    /// How large it grows. Default 100 MiB.
    pub max_bytes: u64,
    /// How many full ones are kept beside it, as `<path>.1`, the newest, and so on. Default 5.
    pub files: u32,
}

/// Which decisions are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Decisions {
    #[default]
    All,
    /// Those that the policy refuses, whether that keeps the request out or not.
    Denials,
    /// Every denial, and one in so many of what is allowed.
    Sampled { one_in: NonZeroU64 },
}

/// What is written of people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PersonalData {
    /// Users by their object ids.
    Plain,
    /// Users by a keyed hash. Without a file, the key is drawn at each start and kept nowhere.
    Hashed { key_file: Option<PathBuf> },
    /// Nothing about users, and no paths, which may name people too.
    Omitted,
}

impl Default for PersonalData {
    /// Hashed, by a key that nobody has.
    fn default() -> Self {
        Self::Hashed { key_file: None }
    }
}
