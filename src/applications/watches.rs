//! Folders whose changes are announced.

use std::{
    collections::HashMap,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use notify::{
    Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher,
    event::{AccessKind, AccessMode},
};
use tokio::sync::Notify;
use tracing::warn;

/// The folders whose changes are announced.
#[derive(Debug)]
pub struct Watches {
    /// `None` where the system has no watches to give.
    watcher: Option<RecommendedWatcher>,
    folders: HashMap<Identity, Watched>,
}

/// Which folder it is, whatever it is called: device, inode, and time of birth where that is
/// known, for the inode of a folder that is gone is soon given to another one.
type Identity = (u64, u64, Option<SystemTime>);

/// A folder that is watched, or that could not be.
#[derive(Debug)]
struct Watched {
    path: PathBuf,
    is_announced: bool,
}

/// What following the folders came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watching {
    /// All of them were watched before.
    All,
    /// Some were not watched before.
    More,
    /// Some cannot be watched.
    NotAll,
}

impl Watches {
    /// None yet; `changed` is told of changes in those to come.
    pub fn new(changed: Arc<Notify>) -> Self {
        let announce = move |event: notify::Result<Event>| {
            // An error can mean that a change was missed.
            if event.map_or(true, |event| is_change(event.kind)) {
                changed.notify_one();
            }
        };
        let watcher = notify::recommended_watcher(announce)
            .inspect_err(|error| warn!(%error, "files cannot be watched and are polled instead"))
            .ok();
        Self { watcher, folders: HashMap::new() }
    }

    /// Watches these folders and no others.
    pub fn follow<'a>(&mut self, folders: impl Iterator<Item = &'a Path>) -> Watching {
        let Some(watcher) = &mut self.watcher else { return Watching::NotAll };
        let folders: HashMap<_, _> =
            folders.filter_map(|path| Some((identity(path)?, path))).collect();
        for (_, gone) in self.folders.extract_if(|identity, _| !folders.contains_key(identity)) {
            // Fails where the folder's end has ended its watch already.
            let _ = watcher.unwatch(&gone.path);
        }
        let mut is_any_new = false;
        for (identity, path) in folders {
            self.folders.entry(identity).or_insert_with(|| {
                let is_announced = watch(watcher, path);
                is_any_new |= is_announced;
                Watched { path: path.to_owned(), is_announced }
            });
        }
        match self.folders.values().all(|folder| folder.is_announced) {
            _ if is_any_new => Watching::More,
            true => Watching::All,
            false => Watching::NotAll,
        }
    }
}

fn identity(folder: &Path) -> Option<Identity> {
    let metadata = fs::metadata(folder).ok()?;
    Some((metadata.dev(), metadata.ino(), metadata.created().ok()))
}

fn watch(watcher: &mut RecommendedWatcher, folder: &Path) -> bool {
    watcher
        .watch(folder, RecursiveMode::NonRecursive)
        .inspect_err(|error| warn!(%error, "a folder cannot be watched and is polled instead"))
        .is_ok()
}

/// Whether an event can mean that a file reads differently now. Reading it is an event too.
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}
