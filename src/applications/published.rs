//! The applications in force, swapped whole.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use arc_swap::ArcSwap;

use crate::target::Index;

/// One state of all documents. A check sees one of them, whole.
#[derive(Debug, Default)]
pub struct Generation {
    pub index: Index,
}

/// Where the newest generation is found.
#[derive(Debug, Default)]
pub struct Published {
    current: ArcSwap<Generation>,
    loaded: AtomicBool,
}

impl Published {
    /// Replaces the generation in force.
    pub fn publish(&self, generation: Generation) {
        self.current.store(Arc::new(generation));
        self.loaded.store(true, Ordering::Release);
    }

    /// The generation in force; before the first, one in which no application is known.
    pub fn current(&self) -> Arc<Generation> {
        self.current.load_full()
    }

    /// Whether documents are in force: every path that is configured was read once.
    pub fn is_loaded(&self) -> bool {
        self.loaded.load(Ordering::Acquire)
    }
}
