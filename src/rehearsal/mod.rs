//! Policy tests: cases beside the documents, decided by the code that decides in production.
//!
//! ```text
//! files ── read ──> Case ── Stage::rehearse ──> Rehearsed ── Report ──> lines, TAP, JUnit, JSON
//!                                                  └── Coverage
//! ```

mod case;
mod coverage;
mod human;
mod json;
mod junit;
mod names;
mod read;
mod report;
mod stage;
mod tap;

pub use self::{
    case::{Caller, Case, Expected, Who},
    coverage::{Coverage, Statement},
    human::as_lines,
    json::as_json,
    junit::as_junit,
    read::{CasesRead, read},
    report::{Report, Required},
    stage::{Rehearsed, Stage},
    tap::as_tap,
};
