//! The applications of one generation, found by name and by host.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

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
    /// Indexes applications, each by its name, by its service names if it runs in `local_cluster`,
    /// and by the hosts of its ingresses. Service names belong to their application: an ingress of
    /// another one claims none.
    pub fn new(applications: Vec<Application>, local_cluster: &str) -> Self {
        let mut index = Self::default();
        for id in applications.iter().map(|application| &application.id) {
            if id.cluster() == local_cluster {
                service_names(id).into_iter().for_each(|name| index.claim(name, id));
            }
        }
        let services: HashSet<_> = index.by_host.keys().cloned().collect();
        for application in applications {
            let id = application.id.clone();
            for host in &application.hosts {
                if !services.contains(host) && !is_service_name(host) {
                    index.claim(host.clone(), &id);
                }
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

/// What follows `application.namespace` in the names of its service. The first is none: a short
/// name cannot be told from the host of an ingress but by whose it is.
const SERVICE_SUFFIXES: [&str; 3] = ["", ".svc", ".svc.cluster.local"];

/// The names by which an application is reached inside its cluster.
pub fn service_names(id: &ApplicationId) -> [String; 3] {
    let short = format!("{}.{}", id.name(), id.namespace()).to_ascii_lowercase();
    SERVICE_SUFFIXES.map(|suffix| format!("{short}{suffix}"))
}

/// Whether a host is a service name by its ending, be there such an application or not.
pub fn is_service_name(host: &str) -> bool {
    SERVICE_SUFFIXES.iter().any(|suffix| !suffix.is_empty() && host.ends_with(suffix))
}
