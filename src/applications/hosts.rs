//! Hosts by which an application would be found and is not.

use super::{document::Located, gather::Sources};
use crate::{
    finding::Code,
    identifiers::ApplicationId,
    target::{Hosts, Lost},
    yaml::Reader,
};

/// Warns at each ingress by whose host no request finds the application `id`: another one has it
/// too, or it is a service name, which belongs to the application that is called so.
pub fn report_lost(id: &ApplicationId, sources: &Sources, hosts: &Hosts, reader: &mut Reader) {
    for Located { place, value: host } in sources.hosts() {
        if let Some(lost) = hosts.lost(host, id) {
            reader.warning(place, Code::HostClaimedTwice, describe(host, id, lost));
        }
    }
}

fn describe(host: &str, id: &ApplicationId, lost: Lost<'_>) -> String {
    match lost {
        Lost::ServiceOf(owner) => format!(
            "{host} is a service name of {owner}, which alone is found by it. Take it out of the \
             ingresses."
        ),
        Lost::ServiceOfSeveral => format!(
            "{host} is a service name of several applications, none of which is found by it. Take \
             it out of the ingresses."
        ),
        Lost::NoService => format!(
            "{host} is a service name, and not one of {id}, which is not found by it. Take it out \
             of the ingresses."
        ),
        Lost::SharedWith(other) => format!(
            "{other} claims the host {host} too: it is nobody's, and requests find neither \
             application by it."
        ),
    }
}
