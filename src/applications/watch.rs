//! Keeping the applications in force current, for as long as the service runs.

use std::{
    io,
    sync::{
        Arc,
        mpsc::{self, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use tokio::{
    sync::{
        mpsc::{UnboundedReceiver, unbounded_channel},
        watch,
    },
    time::sleep,
};
use tracing::{error, info, warn};

use super::{
    Generation, Loader, Published, Role,
    loader::Resolved,
    priority::give_way,
    resolve::Rules,
    watches::{Watches, Watching},
};
use crate::{
    finding::{Finding, Severity},
    printable::Printable,
    telemetry::{DocumentMetrics, Metrics},
};

/// The least between the first sign of a change and reading: who writes one file often writes
/// several.
const GATHER_LEAST: Duration = Duration::from_millis(100);
/// The most, so that changes are in force within a second.
const GATHER_MOST: Duration = Duration::from_millis(500);
/// Between them, this many times as long as reading took: documents that change all the time
/// leave most of a processor to the checks.
const GATHER_RATIO: u32 = 3;
/// Between looks where every change is announced, as a safety net.
const POLL_WATCHED: Duration = Duration::from_secs(30);
/// Between looks where changes may go unannounced.
const POLL_UNWATCHED: Duration = Duration::from_secs(1);
/// Until another look at a file that was seen while it was being written.
const POLL_UNSETTLED: Duration = Duration::from_secs(1);

/// The documents can no longer be kept current.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    #[error("the thread that reads the documents cannot be started: {0}")]
    Thread(#[from] io::Error),
    /// A defect: reading never fails, whatever the files hold.
    #[error("reading the documents was cut short")]
    Cut,
}

/// Publishes what the loader reads, at once and after every change, without end.
///
/// `reload` asks for all files to be read anew. What cannot be watched is looked at each
/// second instead.
///
/// # Errors
/// [`WatchError`]; it never returns otherwise.
pub async fn keep_current(
    loader: Loader,
    published: Arc<Published>,
    metrics: Arc<Metrics>,
    mut reload: watch::Receiver<()>,
) -> Result<(), WatchError> {
    let changed = loader.changed();
    let watches = Watches::new(Arc::clone(&changed));
    let keeper = Keeper { loader, watches, published, metrics, is_clean: true };
    let (looks, mut told) = keeper.on_its_own()?;
    let mut is_asked = true;
    loop {
        let begin = Instant::now();
        looks.send(is_asked).map_err(|_| WatchError::Cut)?;
        let patience = told.recv().await.ok_or(WatchError::Cut)?;
        let gather = (begin.elapsed() * GATHER_RATIO).clamp(GATHER_LEAST, GATHER_MOST);
        is_asked = tokio::select! {
            Ok(()) = reload.changed() => true,
            () = changed.notified() => {
                sleep(gather).await;
                false
            }
            () = sleep(patience) => false,
        };
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
    /// Looks whenever it is told to, on a thread of its own, and tells how long to wait for a sign
    /// before the next look.
    ///
    /// Everything waits for the first look. Later ones give way to the checks.
    fn on_its_own(mut self) -> io::Result<(Sender<bool>, UnboundedReceiver<Duration>)> {
        let (looks, asked) = mpsc::channel();
        let (tell, told) = unbounded_channel();
        thread::Builder::new().name("documents".into()).spawn(move || {
            for (number, is_asked) in asked.into_iter().enumerate() {
                let patience = self.look(is_asked);
                if number == 0 {
                    give_way();
                }
                // Where nobody listens any more, nobody asks either.
                let _ = tell.send(patience);
            }
        })?;
        Ok((looks, told))
    }

    /// Publishes what is new, and tells how long to wait for a sign before the next look.
    ///
    /// `is_asked` has all files read, whether they look different or not.
    fn look(&mut self, is_asked: bool) -> Duration {
        let begin = Instant::now();
        if is_asked {
            self.loader.distrust();
        }
        let refreshed = self.loader.refresh();
        if refreshed.changed || (self.loader.is_complete() && !self.published.is_loaded()) {
            self.publish(begin);
        }
        if refreshed.changed || is_asked {
            self.documents().reloaded(self.is_clean, begin.elapsed());
        }
        match self.watches.follow(self.loader.folders()) {
            // A change between the look and the watch would have gone unseen.
            Watching::More => Duration::ZERO,
            _ if !refreshed.settled => POLL_UNSETTLED,
            Watching::All => POLL_WATCHED,
            Watching::NotAll => POLL_UNWATCHED,
        }
    }

    /// Nothing comes into force before every path was read once: what is missing could contradict
    /// what is there. The look at the files began at `begin`.
    fn publish(&mut self, begin: Instant) {
        // What comes to be complete meanwhile is not resolved yet.
        let is_complete = self.loader.is_complete();
        let Resolved { index, counts, is_clean, new } = self.loader.resolve();
        new.iter().for_each(log);
        self.is_clean = is_clean;
        if !is_complete {
            return;
        }
        let applications = index.len();
        let is_first = !self.published.is_loaded();
        self.published.publish(Generation { index });
        self.documents().known(applications, counts);
        let Rules { resolved, unresolved } = counts.rules;
        let took = begin.elapsed();
        if is_first {
            self.documents().loaded(took);
        }
        let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        match self.loader.role() {
            Role::Active => {
                info!(applications, resolved, unresolved, milliseconds, "documents in force");
            }
            Role::Candidate => {
                info!(applications, resolved, unresolved, milliseconds, "candidate documents read");
            }
        }
    }

    fn documents(&self) -> &DocumentMetrics {
        self.metrics.documents(self.loader.role())
    }
}

fn log(Finding { place, severity, code, message }: &Finding) {
    let (code, message) = (code.as_str(), Printable(message));
    match severity {
        Severity::Error => error!(%place, code, "{message}"),
        Severity::Warning => warn!(%place, code, "{message}"),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        os::unix::fs::symlink,
        path::{Path, PathBuf},
    };

    use tempfile::TempDir;

    use super::*;
    use crate::{
        applications::{Context, Protection, Tenants},
        config::ApplicationSources,
        identifiers::ApplicationId,
    };

    /// A folder that is kept current, and what is published from it.
    struct Kept {
        folder: TempDir,
        published: Arc<Published>,
        metrics: Arc<Metrics>,
        reload: watch::Sender<()>,
    }

    impl Kept {
        /// Starts on a folder that `prepare` fills; documents are in `applications` below it.
        fn start(prepare: impl FnOnce(&Path)) -> Self {
            let folder = tempfile::tempdir().unwrap();
            prepare(folder.path());
            let sources = ApplicationSources {
                paths: vec![folder.path().join("applications").into()],
                ..ApplicationSources::default()
            };
            let context = Context::new("dev", Tenants::Unspecified);
            let (published, metrics) = <(Arc<Published>, Arc<Metrics>)>::default();
            let reload = watch::Sender::default();
            tokio::spawn(keep_current(
                Loader::with(sources, context),
                Arc::clone(&published),
                Arc::clone(&metrics),
                reload.subscribe(),
            ));
            Self { folder, published, metrics, reload }
        }

        fn path(&self, path: &str) -> PathBuf {
            self.folder.path().join(path)
        }

        async fn until(&self, what: &str, is_so: impl Fn(&Generation) -> bool) {
            until(what, || self.published.is_loaded() && is_so(&self.published.current())).await;
        }
    }

    async fn until(what: &str, is_so: impl Fn() -> bool) {
        let wait = async {
            while !is_so() {
                sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wait).await.expect(what);
    }

    fn document(name: &str, host: &str) -> String {
        format!(
            "apiVersion: nais.io/v1alpha1\nkind: Application\nmetadata: {{name: {name}, namespace: \
             team}}\nspec: {{ingresses: ['https://{host}']}}\n"
        )
    }

    fn folder(path: &Path) {
        fs::create_dir_all(path.join("applications")).unwrap();
    }

    fn is_at(host: &str) -> impl Fn(&Generation) -> bool {
        move |generation| generation.index.by_host(host).is_some()
    }

    #[tokio::test]
    async fn files_that_come_change_and_go_are_seen() {
        let kept = Kept::start(folder);
        kept.until("an empty folder is loaded", |generation| generation.index.is_empty()).await;
        fs::write(kept.path("applications/api.yaml"), document("api", "one.example")).unwrap();
        kept.until("the file that came", is_at("one.example")).await;
        fs::write(kept.path("applications/api.yaml"), document("api", "two.example")).unwrap();
        kept.until("the file that was written again", is_at("two.example")).await;
        fs::write(kept.path("applications/new"), document("api", "three.example")).unwrap();
        fs::rename(kept.path("applications/new"), kept.path("applications/api.yaml")).unwrap();
        kept.until("the file that took its place", is_at("three.example")).await;
        fs::create_dir(kept.path("applications/team")).unwrap();
        fs::write(kept.path("applications/team/b.yml"), document("b", "four.example")).unwrap();
        kept.until("the file of a new folder", is_at("four.example")).await;
        fs::remove_file(kept.path("applications/api.yaml")).unwrap();
        kept.until("the file that went", |generation| generation.index.len() == 1).await;
    }

    #[tokio::test]
    async fn a_swapped_link_is_seen_as_config_maps_swap_it() {
        let version = |path: &Path, version: &str, host: &str| {
            fs::create_dir(path.join("applications").join(version)).unwrap();
            let file = path.join("applications").join(version).join("api.yaml");
            fs::write(file, document("api", host)).unwrap();
            let link = path.join("applications/..new");
            symlink(version, &link).unwrap();
            fs::rename(link, path.join("applications/..data")).unwrap();
        };
        let kept = Kept::start(|path| {
            folder(path);
            version(path, "..1", "one.example");
            symlink("..data/api.yaml", path.join("applications/api.yaml")).unwrap();
        });
        kept.until("the first version", is_at("one.example")).await;
        for (name, host) in [("..2", "two.example"), ("..3", "three.example")] {
            version(kept.folder.path(), name, host);
            kept.until("the next version", is_at(host)).await;
            assert_eq!(kept.published.current().index.len(), 1);
        }
    }

    #[tokio::test]
    async fn a_link_on_the_way_to_the_documents_is_seen_when_it_is_swapped() {
        let version = |path: &Path, version: &str, host: &str| {
            fs::create_dir(path.join(version)).unwrap();
            fs::write(path.join(version).join("api.yaml"), document("api", host)).unwrap();
            symlink(version, path.join("new")).unwrap();
            fs::rename(path.join("new"), path.join("current")).unwrap();
        };
        let kept = Kept::start(|path| {
            version(path, "1", "one.example");
            fs::create_dir(path.join("elsewhere")).unwrap();
            symlink("../current", path.join("elsewhere/link")).unwrap();
            symlink("elsewhere/link", path.join("applications")).unwrap();
        });
        kept.until("the first version", is_at("one.example")).await;
        version(kept.folder.path(), "2", "two.example");
        kept.until("the next version", is_at("two.example")).await;
        fs::write(kept.path("2/api.yaml"), document("api", "three.example")).unwrap();
        kept.until("the file at the end of the way", is_at("three.example")).await;
    }

    #[tokio::test]
    async fn a_folder_that_comes_late_is_waited_for_and_one_that_goes_is_not_forgotten() {
        let kept = Kept::start(|_| {});
        let counted = |number: u32| {
            let line = format!("portvakt_reloads_total{{outcome=\"partial\"}} {number}\n");
            String::from_utf8(kept.metrics.encode().unwrap()).unwrap().contains(&line)
        };
        until("the folder is missed", || counted(1)).await;
        assert!(!kept.published.is_loaded());
        for (host, missed) in [("one.example", 2), ("two.example", 3)] {
            // Put there whole, so that no look sees an empty folder.
            fs::create_dir(kept.path("new")).unwrap();
            fs::write(kept.path("new/api.yaml"), document("api", host)).unwrap();
            fs::rename(kept.path("new"), kept.path("applications")).unwrap();
            kept.until("the folder is there", is_at(host)).await;
            fs::rename(kept.path("applications"), kept.path(host)).unwrap();
            until("the folder is missed again", || counted(missed)).await;
            kept.until("what it said", is_at(host)).await;
        }
    }

    #[tokio::test]
    async fn a_reload_that_was_asked_for_is_counted_and_publishes_nothing_unchanged() {
        let kept = Kept::start(|path| {
            folder(path);
            fs::write(path.join("applications/api.yaml"), document("api", "a.example")).unwrap();
        });
        kept.until("the first version", is_at("a.example")).await;
        let generation = kept.published.current();
        let counted = |number: u32| {
            let line = format!("portvakt_reloads_total{{outcome=\"success\"}} {number}\n");
            String::from_utf8(kept.metrics.encode().unwrap()).unwrap().contains(&line)
        };
        kept.until("the first reading is counted", |_| counted(1)).await;
        kept.reload.send_replace(());
        kept.until("the second reading is counted", |_| counted(2)).await;
        assert!(Arc::ptr_eq(&generation, &kept.published.current()));
    }

    #[tokio::test]
    async fn files_that_never_rest_are_followed_without_a_gap() {
        let kept = Kept::start(|path| {
            folder(path);
            fs::write(path.join("applications/api.yaml"), document("api", "h0.example")).unwrap();
        });
        kept.until("the first version", is_at("h0.example")).await;
        let id: ApplicationId = "dev:team:api".parse().unwrap();
        for round in 1..=100 {
            let text = document("api", &format!("h{round}.example"));
            fs::write(kept.path("applications/api.yaml"), text).unwrap();
            let generation = kept.published.current();
            let application = generation.index.by_id(&id).expect("the application stays known");
            assert_eq!(application.hosts.len(), 1);
            assert!(matches!(application.protection, Protection::Disabled(_)));
            // Waits for nothing: this is the pace of the changes.
            sleep(Duration::from_millis(5)).await;
        }
        kept.until("the last version", is_at("h100.example")).await;
    }
}
