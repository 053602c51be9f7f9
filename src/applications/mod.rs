//! Documents become applications.

mod application;
mod published;

pub use application::{Application, DisabledBecause, Protection};
pub use published::{Generation, Published};
