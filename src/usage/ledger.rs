//! Whose counts go on when an application is merged anew.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{Usage, counts::Counts, export::Export};
use crate::{
    applications::Stated,
    clock::{Clock, UnixSeconds},
    identifiers::ApplicationId,
    target::Index,
};

/// The counts of all applications, by name. Checks never come here: each application has its own
/// counts at hand.
///
/// The default counts nothing.
#[derive(Debug, Clone, Default)]
pub struct Ledger(Option<Arc<Book>>);

#[derive(Debug)]
struct Book {
    clock: Clock,
    counts: Mutex<HashMap<ApplicationId, Arc<Counts>>>,
}

impl Ledger {
    /// One that counts from now on.
    pub fn new(clock: Clock) -> Self {
        Self(Some(Arc::new(Book { clock, counts: Mutex::default() })))
    }

    /// One that goes on from what was exported.
    pub fn go_on_from(export: Export, clock: Clock) -> Self {
        let ledger = Self::new(clock);
        if let Some(book) = &ledger.0 {
            let known = export.applications.into_iter();
            let counts = known.map(|(id, counts)| (id, Arc::new(Counts::go_on_from(counts))));
            book.lock().extend(counts);
        }
        ledger
    }

    /// The counts for an application of which this is stated. What was counted before goes on, in
    /// earlier versions of it too.
    pub fn open(&self, id: &ApplicationId, stated: &Stated) -> Usage {
        let Some(book) = &self.0 else { return Usage::default() };
        let mut known = book.lock();
        let earlier = known.get(id).map(Arc::as_ref);
        let counts = Arc::new(Counts::new(stated, earlier, book.clock.now()));
        known.insert(id.clone(), Arc::clone(&counts));
        Usage::of(counts)
    }

    /// All counts as they are now.
    pub fn export(&self, at: UnixSeconds) -> Export {
        let known: Vec<_> = self.0.iter().flat_map(|book| book.lock().clone()).collect();
        let applications = known.into_iter().map(|(id, counts)| (id, counts.export())).collect();
        Export { at, applications }
    }

    /// Forgets the applications that are gone.
    pub fn keep_only(&self, index: &Index) {
        if let Some(book) = &self.0 {
            book.lock().retain(|id, _| index.by_id(id).is_some());
        }
    }
}

impl Book {
    fn lock(&self) -> MutexGuard<'_, HashMap<ApplicationId, Arc<Counts>>> {
        // Whoever panicked in between left nothing half done.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
