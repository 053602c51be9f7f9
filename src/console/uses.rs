//! What of an application was used, for lists and drawings.

use std::collections::HashMap;

use crate::{
    applications::Application,
    graph::NodeId,
    usage::{Exported, Used},
};

/// The uses of what an application's documents state, by who comes by it.
#[derive(Debug, Default)]
pub struct Uses {
    of_all: Option<Exported>,
    by: HashMap<NodeId, Exported>,
}

impl Uses {
    /// Those of one application so far.
    pub fn of(application: &Application) -> Self {
        let mut uses = Self::default();
        application.usage.for_each(|used, count| {
            let by = match used {
                Used::Application => {
                    uses.of_all = Some(count);
                    return;
                }
                Used::Rule(id) => NodeId::Application(id.clone()),
                Used::Group(id) => NodeId::Group(id),
                Used::Everyone => NodeId::AllUsers,
            };
            uses.by.insert(by, count);
        });
        uses
    }

    /// How often somebody came, and since when that is counted.
    pub fn by(&self, who: &NodeId) -> Option<Exported> {
        self.by.get(who).copied()
    }

    /// Of everybody who came by a token.
    pub fn of_all(&self) -> Option<Exported> {
        self.of_all
    }
}
