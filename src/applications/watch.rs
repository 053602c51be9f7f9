//! Keeping the applications in force current, for as long as the service runs.

use std::{
    collections::HashMap,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use notify::{
    Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher,
    event::{AccessKind, AccessMode},
};
use tokio::{
    sync::Notify,
    task::{JoinError, spawn_blocking},
    time::sleep,
};
use tracing::{info, warn};

use super::{Generation, Loader, Published};
use crate::{finding::Severity, target::Index, telemetry::Metrics};

/// Between the first sign of a change and reading: who writes one file often writes several.
const GATHER: Duration = Duration::from_millis(100);
/// Between looks where every change is announced, as a safety net.
const POLL_WATCHED: Duration = Duration::from_secs(30);
/// Between looks where changes may go unannounced.
const POLL_UNWATCHED: Duration = Duration::from_secs(2);
/// Until another look at a file that was seen while it was being written.
const POLL_UNSETTLED: Duration = Duration::from_secs(1);

/// The documents can no longer be kept current.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// A defect: reading never fails, whatever the files hold.
    #[error("reading the documents was cut short: {0}")]
    Cut(#[from] JoinError),
}

/// Publishes what the loader reads, at once and after every change, without end.
///
/// `reload` asks for all files to be read anew. What cannot be watched is looked at every few
/// seconds instead.
///
/// # Errors
/// [`WatchError`]; it never returns otherwise.
pub async fn keep_current(
    loader: Loader,
    published: Arc<Published>,
    metrics: Arc<Metrics>,
    reload: Arc<Notify>,
) -> Result<(), WatchError> {
    let changed = Arc::new(Notify::new());
    let watches = Watches::new(Arc::clone(&changed));
    let mut keeper = Keeper { loader, watches, published, metrics, is_clean: true };
    loop {
        let patience;
        (keeper, patience) = spawn_blocking(|| keeper.look()).await?;
        tokio::select! {
            () = changed.notified() => sleep(GATHER).await,
            () = reload.notified() => keeper.loader.distrust(),
            () = sleep(patience) => {}
        }
    }
}

/// Everything that one look at the files needs.
struct Keeper {
    loader: Loader,
    watches: Watches,
    published: Arc<Published>,
    metrics: Arc<Metrics>,
    /// Whether the documents had no error when they were resolved last.
    is_clean: bool,
}

impl Keeper {
    /// Publishes what is new, and tells how long to wait for a sign before the next look.
    fn look(mut self) -> (Self, Duration) {
        let refreshed = self.loader.refresh();
        if refreshed.changed || !self.published.is_loaded() {
            self.publish();
        }
        self.metrics.reloaded(self.is_clean);
        let patience = match self.watches.follow(self.loader.folders()) {
            // A change between the look and the watch would have gone unseen.
            Watching::More => Duration::ZERO,
            _ if !refreshed.settled => POLL_UNSETTLED,
            Watching::All => POLL_WATCHED,
            Watching::NotAll => POLL_UNWATCHED,
        };
        (self, patience)
    }

    fn publish(&mut self) {
        let resolved = self.loader.resolve();
        self.loader.log(&resolved.findings);
        self.is_clean = resolved.findings.iter().all(|finding| finding.severity != Severity::Error);
        let rules = resolved.rules;
        let index = Index::new(resolved.applications, self.loader.cluster());
        let applications = index.len();
        self.published.publish(Generation { index });
        self.metrics.in_force(applications, rules.resolved, rules.unresolved);
        let (resolved, unresolved) = (rules.resolved, rules.unresolved);
        info!(applications, resolved, unresolved, "documents in force");
    }
}

/// The folders whose changes are announced.
struct Watches {
    /// `None` where the system has no watches to give.
    watcher: Option<RecommendedWatcher>,
    /// Each folder with its device and inode: another folder may take its place.
    folders: HashMap<PathBuf, (u64, u64)>,
}

/// What following the folders came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Watching {
    /// All that were watched before.
    All,
    /// Some that were not watched before.
    More,
    /// Some cannot be watched.
    NotAll,
}

impl Watches {
    fn new(changed: Arc<Notify>) -> Self {
        let announce = move |event: notify::Result<Event>| {
            if event.is_ok_and(|event| is_change(event.kind)) {
                changed.notify_one();
            }
        };
        let watcher = notify::recommended_watcher(announce)
            .inspect_err(|error| warn!(%error, "files cannot be watched and are polled instead"))
            .ok();
        Self { watcher, folders: HashMap::new() }
    }

    /// Watches these folders and no others.
    fn follow<'a>(&mut self, folders: impl Iterator<Item = &'a Path>) -> Watching {
        let Some(watcher) = &mut self.watcher else { return Watching::NotAll };
        let mut earlier = std::mem::take(&mut self.folders);
        let mut watching = Watching::All;
        for folder in folders {
            let Ok(metadata) = fs::metadata(folder) else { continue };
            let identity = (metadata.dev(), metadata.ino());
            match earlier.remove(folder) {
                Some(known) if known == identity => {}
                _ if self.folders.contains_key(folder) => continue,
                other => {
                    if other.is_some() {
                        // Fails where the folder's end has ended its watch too.
                        let _ = watcher.unwatch(folder);
                    }
                    if let Err(error) = watcher.watch(folder, RecursiveMode::NonRecursive) {
                        warn!(%error, "a folder cannot be watched and is polled instead");
                        watching = Watching::NotAll;
                        continue;
                    }
                    if watching == Watching::All {
                        watching = Watching::More;
                    }
                }
            }
            self.folders.insert(folder.to_owned(), identity);
        }
        for folder in earlier.into_keys() {
            let _ = watcher.unwatch(&folder);
        }
        watching
    }
}

/// Whether an event can mean that a file reads differently now. Reading it is an event too.
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}
