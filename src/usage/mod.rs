//! Which rules, groups and applications are used: counted in passing, kept, and told.
//!
//! An [`Application`](crate::applications::Application) has its counts at hand ([`Usage`]). The
//! [`Ledger`] gives them to it when it is merged, so that they go on in every later version of it;
//! the [`Keeper`] keeps them over restarts.

mod counts;
mod export;
mod keeper;
mod ledger;
mod patch;
mod removal;
mod store;
mod tally;
#[cfg(test)]
mod tests;
mod unused;

pub use counts::{Usage, Used};
pub use export::{Export, Exported, ExportedApplication, Usedness};
pub use keeper::Keeper;
pub use ledger::Ledger;
pub use patch::Patch;
pub use store::{MOST_BYTES, StoreError};
pub use tally::{DAYS, DEFAULT_DAYS, SECONDS_PER_DAY, Tally, tally};
pub use unused::{Review, Unused, What};
