//! The decision log: one JSON line for each decision, for machines that read them later.
//!
//! ```text
//! check ── writing ──> line ──┬─> telemetry::Lines ── a thread ──> output ──> file, standard output
//!                             └─> recent
//! ```

mod file;
mod line;
mod log;
mod output;
mod personal;
mod pseudonyms;
mod reading;
mod recent;
mod record;
mod rehearsal;
#[cfg(test)]
mod sample;
mod writing;

pub use file::FileError;
pub use log::{DecisionLog, DecisionLogError};
pub use personal::{KeyError, PersonalData};
pub use reading::LogReader;
pub use recent::{Entry, Recent};
pub use record::{CallerRecord, CandidateRecord, Record};
pub use rehearsal::Rehearsal;
