//! What of an application was used, for lists and drawings.

use std::collections::HashMap;

use crate::{
    applications::Application,
    graph::NodeId,
    usage::{Exported, Used},
};

/// The uses of what an application's documents state, by who comes by it.
#[derive(Debug, Default)]
pub struct Uses(HashMap<NodeId, Exported>);

impl Uses {
    /// Those of one application so far.
    pub fn of(application: &Application) -> Self {
        let mut uses = HashMap::new();
        application.usage.for_each(|used, count| {
            let by = match used {
                Used::Application => return,
                Used::Rule(id) => NodeId::Application(id.clone()),
                Used::Group(id) => NodeId::Group(id),
                Used::Everyone => NodeId::AllUsers,
            };
            uses.insert(by, count);
        });
        Self(uses)
    }

    /// How often somebody came, and since when that is counted.
    pub fn by(&self, who: &NodeId) -> Option<Exported> {
        self.0.get(who).copied()
    }
}
