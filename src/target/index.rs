//! The applications of one generation, found by name and by host.

use std::{collections::HashMap, sync::Arc};

use crate::{
    applications::{Application, Protection},
    identifiers::{ApplicationId, ClientId},
};

/// An immutable index; a new generation of documents makes a new one.
#[derive(Debug, Default)]
pub struct Index {
    by_id: HashMap<ApplicationId, Arc<Application>>,
    /// `None` for a host that several applications claim: it is nobody's.
    by_host: HashMap<String, Option<ApplicationId>>,
    by_client_id: HashMap<ClientId, ApplicationId>,
}

impl Index {
    /// Indexes applications, each by its name, by the hosts of its ingresses and, if it runs in
    /// `local_cluster`, by its service names there.
    pub fn new(applications: Vec<Application>, local_cluster: &str) -> Self {
        let mut index = Self::default();
        for application in applications {
            let id = application.id.clone();
            let services = if id.cluster() == local_cluster { service_names(&id) } else { vec![] };
            for host in application.hosts.iter().cloned().chain(services) {
                index.claim(host, &id);
            }
            if let Protection::Enforced { client_id, .. } = application.protection {
                index.by_client_id.insert(client_id, id.clone());
            }
            index.by_id.insert(id, Arc::new(application));
        }
        index
    }

    fn claim(&mut self, host: String, id: &ApplicationId) {
        self.by_host
            .entry(host)
            .and_modify(|owner| {
                if owner.as_ref() != Some(id) {
                    *owner = None;
                }
            })
            .or_insert_with(|| Some(id.clone()));
    }

    /// The application of that name.
    pub fn by_id(&self, id: &ApplicationId) -> Option<&Arc<Application>> {
        self.by_id.get(id)
    }

    /// The application that alone claims a host, given as [`normalise_host`](super::normalise_host)
    /// returns it.
    pub fn by_host(&self, host: &str) -> Option<&Arc<Application>> {
        self.by_id.get(self.by_host.get(host)?.as_ref()?)
    }

    /// The application that has a client id, for people to read: never a ground for a decision.
    pub fn name_of(&self, client_id: ClientId) -> Option<&ApplicationId> {
        self.by_client_id.get(&client_id)
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

/// The names by which an application is reached inside its cluster.
pub fn service_names(id: &ApplicationId) -> Vec<String> {
    let short = format!("{}.{}", id.name(), id.namespace()).to_ascii_lowercase();
    ["", ".svc", ".svc.cluster.local"].map(|suffix| format!("{short}{suffix}")).into()
}
