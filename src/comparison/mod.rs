//! What a change of documents means: who gains access, and who loses it.
//!
//! ```text
//! OLD, NEW ── between ──────────────────> Change (gain, loss, other)
//! decision log ── Replay, by both ──────> Flip: callers whose answer is another one
//! ```

mod access;
mod change;
mod replay;
mod report;

pub use self::{
    access::between,
    change::{Change, Effect, Subject},
    replay::{Flip, Replay, Side},
    report::{as_json, as_lines},
};
