//! Documents become applications.

mod application;

pub use application::{Application, DisabledBecause, Protection};
