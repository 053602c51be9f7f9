//! The applications of one generation, found by name and by host.

use std::{collections::HashMap, sync::Arc};

use super::Hosts;
use crate::{
    applications::{Application, Protection},
    identifiers::{ApplicationId, ClientId},
};

/// An immutable index; a new generation of documents makes a new one.
#[derive(Debug, Default)]
pub struct Index {
    by_id: HashMap<ApplicationId, Arc<Application>>,
    by_client_id: HashMap<ClientId, ApplicationId>,
    hosts: Arc<Hosts>,
}

impl Index {
    /// Indexes applications, whose hosts are `hosts`.
    pub fn new(applications: &[Arc<Application>], hosts: Arc<Hosts>) -> Self {
        let count = applications.len();
        let (by_id, by_client_id) = (HashMap::with_capacity(count), HashMap::with_capacity(count));
        let mut index = Self { by_id, by_client_id, hosts };
        for application in applications {
            let id = &application.id;
            if let Protection::Enforced { client_id, .. } = application.protection {
                index.by_client_id.insert(client_id, id.clone());
            }
            index.by_id.insert(id.clone(), Arc::clone(application));
        }
        index
    }

    /// The application of that name.
    pub fn by_id(&self, id: &ApplicationId) -> Option<&Arc<Application>> {
        self.by_id.get(id)
    }

    /// The application that alone is found by a host, given as
    /// [`normalise_host`](super::normalise_host) returns it.
    pub fn by_host(&self, host: &str) -> Option<&Arc<Application>> {
        self.by_id(self.hosts.find(host)?)
    }

    /// The application that has a client id, for people to read: never a ground for a decision.
    pub fn name_of(&self, client_id: ClientId) -> Option<&ApplicationId> {
        self.by_client_id.get(&client_id)
    }

    /// All of them, in no order.
    pub fn applications(&self) -> impl Iterator<Item = &Arc<Application>> {
        self.by_id.values()
    }

    /// How many applications there are.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }
}
