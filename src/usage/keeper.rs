//! What keeps the counts: forgetting what is gone, and writing the file.

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio::{task::spawn_blocking, time::sleep};
use tracing::{info, warn};

use super::{
    Export, Ledger,
    store::{Store, StoreError},
};
use crate::{applications::Published, clock::Clock, telemetry::Metrics};

/// Between two writes of the file: what a process that is killed forgets.
const INTERVAL: Duration = Duration::from_secs(60);

/// Keeps the counts for as long as the service runs.
#[derive(Debug)]
pub struct Keeper {
    ledger: Ledger,
    clock: Clock,
    published: Arc<Published>,
    store: Option<Store>,
    metrics: Arc<Metrics>,
}

impl Keeper {
    /// Counts that go on from what the file holds, where there is one.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn open(
        file: Option<PathBuf>,
        clock: Clock,
        published: Arc<Published>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, StoreError> {
        let (store, export) = match file {
            Some(path) => {
                let (store, export) = Store::open(path)?;
                (Some(store), export)
            }
            None => (None, None),
        };
        let ledger = match export {
            Some(export) => Ledger::go_on_from(export, clock.clone()),
            None => Ledger::new(clock.clone()),
        };
        Ok(Self { ledger, clock, published, store, metrics })
    }

    /// Where applications get their counts.
    pub fn ledger(&self) -> Ledger {
        self.ledger.clone()
    }

    /// The counts of the applications that are known.
    pub fn export(&self) -> Export {
        self.ledger.export(self.clock.now())
    }

    /// Forgets and writes each minute. Never returns.
    pub async fn keep(self: Arc<Self>) {
        let mut is_failing = false;
        loop {
            sleep(INTERVAL).await;
            let keeper = Arc::clone(&self);
            is_failing = spawn_blocking(move || keeper.tidy(is_failing)).await.unwrap_or(true);
        }
    }

    /// Writes the file for the last time.
    pub fn close(&self) {
        self.tidy(false);
    }

    /// Tells whether writing fails, and logs where that is different from before.
    fn tidy(&self, was_failing: bool) -> bool {
        // Before the documents are there, everything would be gone.
        if !self.published.is_loaded() {
            return was_failing;
        }
        self.ledger.keep_only(&self.published.current().index);
        let Some(store) = &self.store else { return false };
        let saved = store.save(&self.export());
        self.metrics.usage.saved(saved.is_ok());
        match (saved, was_failing) {
            (Err(error), false) => warn!(%error, "the file of uses cannot be written"),
            (Err(_), true) | (Ok(()), false) => return was_failing,
            (Ok(()), true) => info!("the file of uses is written again"),
        }
        !was_failing
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{applications::Generation, target::Index};

    #[test]
    fn a_file_that_cannot_be_written_is_told_of_until_it_can() {
        let folder = tempfile::tempdir().unwrap();
        let (below, metrics) = (folder.path().join("below"), Arc::new(Metrics::new()));
        let told = |expected: &str| {
            let text = String::from_utf8(metrics.encode().unwrap()).unwrap();
            let line = format!("\nportvakt_usage_last_save_successful {expected}\n");
            assert!(text.contains(&line), "{text}");
        };
        fs::create_dir(&below).unwrap();
        let published = Arc::<Published>::default();
        published.publish(Generation { index: Index::new("dev") });
        let file = Some(below.join("usage.json"));
        let keeper = Keeper::open(file, Clock::system(), published, Arc::clone(&metrics)).unwrap();
        told("1");
        fs::remove_dir_all(&below).unwrap();
        assert!(keeper.tidy(false));
        told("0");
        fs::create_dir(&below).unwrap();
        assert!(!keeper.tidy(true));
        told("1");
    }
}
