//! Documents become applications.

mod application;
mod consumers;
mod loader;
mod published;

pub use application::{Application, DisabledBecause, Protection};
pub use consumers::read_pre_authorized;
pub use loader::{Loader, WatchError, keep_current};
pub use published::{Generation, Published};
