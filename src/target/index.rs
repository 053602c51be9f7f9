//! The applications of one generation, found by name and by host.

use std::{collections::HashSet, sync::Arc};

use super::{Hosts, sharded::Sharded};
use crate::{
    applications::{Application, Protection},
    identifiers::{ApplicationId, ClientId},
};

/// The applications of one generation. The next one is a clone that was changed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Index {
    by_id: Sharded<ApplicationId, Arc<Application>>,
    by_client_id: Sharded<ClientId, ApplicationId>,
    hosts: Hosts,
}

impl Index {
    /// An index without applications.
    pub fn new(local_cluster: &str) -> Self {
        Self { hosts: Hosts::new(local_cluster), ..Self::default() }
    }

    /// Puts an application in the place of the one that is called so. Returns the applications of
    /// which it may make a difference to whether they are found by their ingresses.
    pub fn insert(&mut self, application: Arc<Application>) -> HashSet<ApplicationId> {
        let id = application.id.clone();
        let earlier = self.by_id.insert(id, Arc::clone(&application));
        self.replace_client_id(earlier.as_deref(), Some(&application));
        self.replace_hosts(earlier.as_deref(), Some(&application))
    }

    /// Takes an application out, and returns the same.
    pub fn remove(&mut self, id: &ApplicationId) -> HashSet<ApplicationId> {
        let earlier = self.by_id.remove(id);
        self.replace_client_id(earlier.as_deref(), None);
        self.replace_hosts(earlier.as_deref(), None)
    }

    fn replace_client_id(&mut self, earlier: Option<&Application>, now: Option<&Application>) {
        let [earlier, now] = [earlier, now].map(|application| {
            let Application { id, protection, .. } = application?;
            match protection {
                Protection::Enforced { client_id, .. } => Some((client_id, id)),
                Protection::Disabled(_) => None,
            }
        });
        if earlier == now {
            return;
        }
        if let Some((client_id, id)) = earlier
            // Another one may have come to it in the meantime.
            && self.by_client_id.get(client_id) == Some(id)
        {
            self.by_client_id.remove(client_id);
        }
        if let Some((client_id, id)) = now {
            self.by_client_id.insert(*client_id, id.clone());
        }
    }

    fn replace_hosts(
        &mut self,
        earlier: Option<&Application>,
        now: Option<&Application>,
    ) -> HashSet<ApplicationId> {
        let mut concerned = HashSet::new();
        if earlier.map(|application| &application.hosts)
            != now.map(|application| &application.hosts)
        {
            if let Some(application) = earlier {
                concerned.extend(self.hosts.remove(application));
            }
            if let Some(application) = now {
                concerned.extend(self.hosts.add(application));
            }
        }
        concerned
    }

    /// Which application is found by which host.
    pub fn hosts(&self) -> &Hosts {
        &self.hosts
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

    /// The applications that claim a host which is nobody's, since several do.
    pub fn rivals(&self, host: &str) -> Vec<&Arc<Application>> {
        self.hosts.rivals(host).into_iter().filter_map(|id| self.by_id(id)).collect()
    }

    /// The application that has a client id, for people to read: never a ground for a decision.
    pub fn name_of(&self, client_id: ClientId) -> Option<&ApplicationId> {
        self.by_client_id.get(&client_id)
    }

    /// All applications, in the order of their names.
    pub fn applications(&self) -> Vec<&Arc<Application>> {
        let mut applications: Vec<_> = self.by_id.iter().map(|(_, it)| it).collect();
        applications.sort_by(|one, other| one.id.cmp(&other.id));
        applications
    }

    /// How many applications there are.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
