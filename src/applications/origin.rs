//! Where documents come from, and what each place says of which application.

use std::{collections::HashMap, mem, path::Path, sync::Arc};

use super::{
    document::Document,
    gather::Sources,
    kubernetes::{ListId, Name},
};
use crate::{config::EnvironmentApplication, identifiers::ApplicationId};

/// Where documents come from. Of several documents about one application, the first counts as the
/// first by this order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    File(Arc<Path>),
    /// An object of a cluster.
    Object(ListId, Arc<Name>),
}

/// What all origins say, by the applications that they speak of.
#[derive(Debug, Default)]
pub struct Gathered {
    applications: HashMap<ApplicationId, Sources>,
    /// Whom each origin speaks of.
    spoken_of: HashMap<Origin, Vec<ApplicationId>>,
    /// What was said of the applications of which something else may be said since.
    earlier: HashMap<ApplicationId, Sources>,
}

impl Gathered {
    /// Takes in what an origin says now, in place of all that it said before.
    pub fn say(&mut self, origin: &Origin, documents: &[Document]) {
        for id in self.spoken_of.remove(origin).unwrap_or_default() {
            self.change(&id, |sources| sources.forget(origin));
        }
        for document in documents {
            self.change(document.id(), |sources| sources.add(origin, document));
        }
        let mut ids: Vec<_> = documents.iter().map(Document::id).cloned().collect();
        if !ids.is_empty() {
            ids.sort();
            ids.dedup();
            self.spoken_of.insert(origin.clone(), ids);
        }
    }

    /// Takes in what the process's environment says.
    pub fn say_by_environment(&mut self, environment: &Arc<EnvironmentApplication>) {
        let own = Some(Arc::clone(environment));
        self.change(&environment.id, |sources| sources.environment = own);
    }

    /// What is said of an application; `None` where nothing is.
    pub fn get(&self, id: &ApplicationId) -> Option<&Sources> {
        self.applications.get(id)
    }

    /// The applications of which something else is said than when this was asked last, with what
    /// was said then.
    pub fn take_changed(&mut self) -> HashMap<ApplicationId, Sources> {
        let mut earlier = mem::take(&mut self.earlier);
        let none = Sources::default();
        earlier.retain(|id, sources| self.get(id).unwrap_or(&none) != sources);
        earlier
    }

    fn change(&mut self, id: &ApplicationId, change: impl FnOnce(&mut Sources)) {
        let sources = self.applications.entry(id.clone()).or_default();
        self.earlier.entry(id.clone()).or_insert_with(|| sources.clone());
        change(sources);
        if sources.is_empty() {
            self.applications.remove(id);
        }
    }
}
