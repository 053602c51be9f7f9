//! Documents become applications.
//!
//! ```text
//! files ── walk, shelf ──> text ── manifests, consumers ──> documents ─┐
//! API server ── kubernetes ──> objects ── manifests ──────> documents ─┤
//! environment ─────────────────────────────────────────────────────────┴─ origin, resolve, merge ──> Index
//! ```
//!
//! [`keep_current`] repeats this after every change and publishes the result whole. Files that did
//! not change are not read again, nor are applications looked at again that depend on no change.

mod access;
mod application;
mod consumers;
mod context;
mod directory;
mod document;
mod findings;
mod gather;
mod hosts;
mod keys;
mod kubernetes;
mod loader;
mod manifest;
mod manifests;
mod merge;
mod origin;
mod priority;
mod published;
mod registration;
mod resolve;
mod role;
mod shelf;
mod standing;
mod stated;
mod walk;
mod watch;
mod watches;

pub use application::{Application, DisabledBecause, Protection, V1Tokens};
pub use consumers::read_pre_authorized;
pub use context::{Context, KnownTenant, Tenants};
pub use document::{Consumer, Kind, Located};
pub use kubernetes::{ConnectError, FollowError, Objects, Source};
#[cfg(test)]
pub use loader::snapshot_for_tests;
pub use loader::{Loader, Snapshot, read_once};
pub use published::{Generation, Published};
pub use resolve::{Counts, FoundBy, Rules};
pub use role::Role;
pub use stated::{Stated, StatedRule};
pub use walk::{files_below, folders_of};
pub use watch::{WatchError, keep_current};
pub use watches::{Watches, Watching};
