//! Documents become applications.

mod application;
mod loader;
mod published;

pub use application::{Application, DisabledBecause, Protection};
pub use loader::{Loader, WatchError, keep_current};
pub use published::{Generation, Published};
