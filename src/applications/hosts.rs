//! Hosts that more than one application would be found by.

use std::collections::{BTreeMap, HashMap};

use super::{document::Located, gather::Sources};
use crate::{
    finding::Code,
    identifiers::ApplicationId,
    target::{is_service_name, service_names},
    yaml::Reader,
};

/// The first two applications that have an ingress with one host.
struct Claimants<'a> {
    first: &'a ApplicationId,
    second: Option<&'a ApplicationId>,
}

/// Warns at each ingress by whose host no request finds its application: another one has it too,
/// or it is a service name, which belongs to the application that is called so.
pub fn report_claimed_twice(
    applications: &BTreeMap<&ApplicationId, Sources<'_>>,
    cluster: &str,
    reader: &mut Reader,
) {
    let services: HashMap<_, _> = applications
        .keys()
        .filter(|id| id.cluster() == cluster)
        .flat_map(|id| service_names(id).map(|name| (name, *id)))
        .collect();
    let mut claims: HashMap<&str, Claimants<'_>> = HashMap::new();
    for (id, sources) in applications {
        for host in sources.hosts() {
            let new = Claimants { first: id, second: None };
            let claimants = claims.entry(&host.value).or_insert(new);
            if claimants.first != *id {
                claimants.second.get_or_insert(id);
            }
        }
    }
    for (id, sources) in applications {
        for Located { place, value: host } in sources.hosts() {
            let owner = services.get(host).copied();
            if let Some(message) = fault(id, host, owner, claims.get(host.as_str())) {
                reader.warning(place, Code::HostClaimedTwice, message);
            }
        }
    }
}

/// Why requests for the host do not find the application `id`; `None` where they do.
fn fault(
    id: &ApplicationId,
    host: &str,
    owner: Option<&ApplicationId>,
    claimants: Option<&Claimants<'_>>,
) -> Option<String> {
    match (owner, claimants) {
        (Some(owner), _) if owner == id => None,
        (Some(owner), _) => Some(format!(
            "{host} is a service name of {owner}, which alone is found by it. Take it out of the \
             ingresses."
        )),
        (None, _) if is_service_name(host) => Some(format!(
            "{host} is a service name, and not one of {id}, which is not found by it. Take it out \
             of the ingresses."
        )),
        (None, Some(Claimants { first, second: Some(second) })) => {
            let other = if *first == id { second } else { first };
            Some(format!(
                "{other} claims the host {host} too: it is nobody's, and requests find neither \
                 application by it."
            ))
        }
        _ => None,
    }
}
