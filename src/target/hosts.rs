//! Which application is found by which host.

use std::{collections::HashSet, sync::Arc};

use super::claims::{Claimants, Claims};
use crate::{applications::Application, identifiers::ApplicationId};

/// What follows `application.namespace` in the names of a service. The first is none: a short name
/// cannot be told from the host of an ingress but by whose it is.
const SERVICE_SUFFIXES: [&str; 3] = ["", ".svc", ".svc.cluster.local"];

/// Applications by the service names of those that run in the local cluster, and by the hosts of
/// their ingresses. Service names belong to their application: an ingress of another one claims
/// none.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Hosts {
    local_cluster: Arc<str>,
    /// By their short names alone: the others are those with something behind.
    services: Claims<String>,
    ingresses: Claims<String>,
}

/// Why an application is not found by a host of its ingresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost<'h> {
    /// It is a service name of this other application.
    ServiceOf(&'h ApplicationId),
    /// It is a service name of several applications.
    ServiceOfSeveral,
    /// It has the ending of a service name and is that of no application.
    NoService,
    /// This other application has an ingress with it, too.
    SharedWith(&'h ApplicationId),
}

impl Hosts {
    /// The hosts of no application yet.
    pub fn new(local_cluster: &str) -> Self {
        let (services, ingresses) = (Claims::default(), Claims::default());
        Self { local_cluster: local_cluster.into(), services, ingresses }
    }

    /// Adds what an application claims. Returns those of which it may make a difference to whether
    /// they are found by their ingresses.
    pub fn add(&mut self, Application { id, hosts, .. }: &Application) -> HashSet<ApplicationId> {
        let mut concerned = HashSet::new();
        if let Some(name) = self.service_name(id)
            && self.services.add(name.clone(), id)
        {
            concerned.extend(self.with_ingress_of_service(&name));
        }
        for host in hosts {
            if self.ingresses.add(host.clone(), id) {
                concerned.extend(self.with_ingress(host));
            }
        }
        concerned
    }

    /// Takes back what an application claims, and returns the same.
    pub fn remove(
        &mut self,
        Application { id, hosts, .. }: &Application,
    ) -> HashSet<ApplicationId> {
        let mut concerned = HashSet::new();
        if let Some(name) = self.service_name(id)
            && self.services.remove(&name, id)
        {
            concerned.extend(self.with_ingress_of_service(&name));
        }
        for host in hosts {
            if self.ingresses.remove(host, id) {
                concerned.extend(self.with_ingress(host));
            }
        }
        concerned
    }

    /// Those that have an ingress with any of the names of a service.
    fn with_ingress_of_service(&self, name: &str) -> impl Iterator<Item = ApplicationId> {
        let names = SERVICE_SUFFIXES.iter().map(move |suffix| [name, suffix].concat());
        names.flat_map(|name| self.with_ingress(&name).collect::<Vec<_>>())
    }

    fn with_ingress(&self, host: &str) -> impl Iterator<Item = ApplicationId> {
        self.ingresses.get(host).into_iter().flat_map(|claimants| claimants.iter().cloned())
    }

    /// The short name of the service of an application, if it runs in the local cluster.
    fn service_name(&self, id: &ApplicationId) -> Option<String> {
        (id.cluster() == &*self.local_cluster).then(|| {
            let mut name = [id.name(), id.namespace()].join(".");
            name.make_ascii_lowercase();
            name
        })
    }

    /// The application that alone is found by a host, given as
    /// [`normalise_host`](super::normalise_host) returns it.
    pub fn find(&self, host: &str) -> Option<&ApplicationId> {
        match self.service(host) {
            Some(owner) => owner,
            None if is_service_name(host) => None,
            None => self.ingresses.get(host)?.only(),
        }
    }

    /// Those that claim a host which is nobody's, since several do.
    pub fn rivals(&self, host: &str) -> Vec<&ApplicationId> {
        let claimants: Vec<_> = match self.services(host).next() {
            Some(_) => self.services(host).flat_map(Claimants::iter).collect(),
            None => self.ingresses.get(host).into_iter().flat_map(Claimants::iter).collect(),
        };
        if claimants.len() > 1 { claimants } else { Vec::new() }
    }

    /// Why `id` is not found by a host of its ingresses; `None` where it is.
    pub fn lost(&self, host: &str, id: &ApplicationId) -> Option<Lost<'_>> {
        match self.service(host) {
            Some(Some(owner)) => (owner != id).then_some(Lost::ServiceOf(owner)),
            Some(None) => Some(Lost::ServiceOfSeveral),
            None if is_service_name(host) => Some(Lost::NoService),
            None => self.ingresses.get(host)?.other_than(id).map(Lost::SharedWith),
        }
    }

    /// The owner of a service name, if it has only one; `None` where no service has the name.
    ///
    /// `a.b.svc` can be that of `a.b` in the namespace `svc` and of `a` in `b`: then it has two.
    fn service(&self, host: &str) -> Option<Option<&ApplicationId>> {
        let mut claimants = self.services(host);
        let first = claimants.next()?;
        Some(first.only().filter(|_| claimants.next().is_none()))
    }

    /// Whose service name a host can be, for each way to read it.
    fn services(&self, host: &str) -> impl Iterator<Item = &Claimants> {
        let short_names =
            SERVICE_SUFFIXES.iter().filter_map(move |suffix| host.strip_suffix(suffix));
        short_names.filter_map(|name| self.services.get(name))
    }
}

/// Whether a host is a service name by its ending, be there such an application or not.
fn is_service_name(host: &str) -> bool {
    SERVICE_SUFFIXES.iter().any(|suffix| !suffix.is_empty() && host.ends_with(suffix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::applications::DisabledBecause;

    fn hosts(applications: &[(&str, &[&str])]) -> Hosts {
        let application = |(id, hosts): &(&str, &[&str])| Application {
            hosts: hosts.iter().map(ToString::to_string).collect(),
            ..Application::disabled(id.parse().unwrap(), DisabledBecause::NoClientId)
        };
        let mut hosts = Hosts::new("prod");
        applications.iter().map(application).for_each(|application| {
            hosts.add(&application);
        });
        hosts
    }

    #[test]
    fn a_service_name_is_its_applications_unless_it_can_be_read_in_two_ways() {
        let hosts = hosts(&[
            ("prod:b:a", &[]),
            ("prod:svc:a.b", &[]),
            ("prod:Team:API", &[]),
            ("prod:t:x", &[]),
            ("prod:T:X", &[]),
            ("dev:d:c", &[]),
        ]);
        for (host, owner) in [
            ("a.b", Some("prod:b:a")),
            ("a.b.svc", None),
            ("a.b.svc.cluster.local", Some("prod:b:a")),
            ("a.b.svc.svc", Some("prod:svc:a.b")),
            ("a.b.svc.svc.cluster.local", Some("prod:svc:a.b")),
            ("api.team", Some("prod:Team:API")),
            ("api.team.svc", Some("prod:Team:API")),
            ("x.t", None),
            ("x.t.svc", None),
            ("c.d", None),
            ("a.b.svc.cluster", None),
            (".svc", None),
        ] {
            assert_eq!(hosts.find(host).map(ApplicationId::as_str), owner, "{host}");
            let is_contested = ["a.b.svc", "x.t", "x.t.svc"].contains(&host);
            assert_eq!(!hosts.rivals(host).is_empty(), is_contested, "{host}");
        }
    }

    #[test]
    fn an_ingress_that_finds_another_application_or_none_is_lost() {
        let api = "prod:team:api".parse().unwrap();
        let other = "prod:team:other".parse().unwrap();
        let several = ("prod:Team:other", &[][..]);
        for (host, with, lost) in [
            ("own.example", None, None),
            ("api.team.svc", None, None),
            ("gone.team", None, None),
            ("gone.team.svc", None, Some(Lost::NoService)),
            ("other.team", None, Some(Lost::ServiceOf(&other))),
            ("other.team", Some(several), Some(Lost::ServiceOfSeveral)),
            ("shared.example", None, Some(Lost::SharedWith(&other))),
        ] {
            let ingresses = [host];
            let applications =
                [("prod:team:api", &ingresses[..]), ("prod:team:other", &["shared.example"])];
            let applications: Vec<_> = applications.into_iter().chain(with).collect();
            let hosts = hosts(&applications);
            assert_eq!(hosts.lost(host, &api), lost, "{host}");
            assert_eq!(hosts.find(host) == Some(&api), lost.is_none(), "{host}");
            let is_contested = matches!(lost, Some(Lost::ServiceOfSeveral | Lost::SharedWith(_)));
            assert_eq!(!hosts.rivals(host).is_empty(), is_contested, "{host}");
        }
    }
}
