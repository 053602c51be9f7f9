//! The decision log: one JSON line for each decision, for machines that read them later.

mod record;

pub use record::{CallerRecord, Record};
