//! `AzureAdApplication` documents, `nais.io/v1`.

use super::{
    access::{read_consumer, read_list, read_rules, read_users},
    document::{Consumer, Located, Registration},
    keys::warn_of_near_misses,
    manifest::read_text,
};
use crate::{
    config::PreAuthorized,
    finding::Code,
    identifiers::{ApplicationId, ClientId},
    yaml::{Mapping, Node, Reader},
};

const SPEC: &[&str] = &["allowAllUsers", "claims", "preAuthorizedApplications", "tenant"];

/// Reads `spec` and `status` of the registration of the application `id`.
pub fn read_registration(
    document: Mapping<'_>,
    id: &ApplicationId,
    reader: &mut Reader,
) -> Registration {
    let mut registration = Registration::default();
    if let Some(spec) = document.get("spec").and_then(|node| reader.mapping(node, "spec")) {
        read_spec(spec, id, &mut registration, reader);
    }
    if let Some(status) = document.get("status").and_then(|node| reader.mapping(node, "status")) {
        read_status(status, id, &mut registration, reader);
    }
    registration
}

fn read_spec(
    spec: Mapping<'_>,
    id: &ApplicationId,
    registration: &mut Registration,
    reader: &mut Reader,
) {
    warn_of_near_misses(spec, "spec", SPEC, reader);
    registration.tenant = spec.get("tenant").and_then(|node| read_text(node, "tenant", reader));
    registration.users = read_users(spec, reader);
    if let Some(rules) = spec.get("preAuthorizedApplications") {
        registration.rules = read_rules(rules, "spec.preAuthorizedApplications", id, reader);
    }
}

/// What was synchronised wins over what was asked for.
fn read_status(
    status: Mapping<'_>,
    id: &ApplicationId,
    registration: &mut Registration,
    reader: &mut Reader,
) {
    registration.client_id =
        status.get("clientId").and_then(|node| read_client_id(node, "status.clientId", reader));
    for key in ["synchronizationTenantName", "synchronizationTenant"] {
        if let Some(tenant) = status.get(key).and_then(|node| read_text(node, key, reader)) {
            registration.tenant = Some(tenant);
        }
    }
    if let Some(node) = status.get("preAuthorizedApps") {
        registration.assigned = read_assigned(node, id, reader).unwrap_or_default();
    }
}

/// A client id; an empty one counts as not assigned yet.
fn read_client_id(node: &Node, what: &str, reader: &mut Reader) -> Option<Located<ClientId>> {
    reader.text(node, what).filter(|text| !text.is_empty())?;
    let value = reader.parsed(node, what)?;
    Some(Located { place: node.place.clone(), value })
}

fn read_assigned(
    node: &Node,
    id: &ApplicationId,
    reader: &mut Reader,
) -> Option<Vec<PreAuthorized>> {
    let what = "status.preAuthorizedApps";
    let assigned = reader.mapping(node, what)?.get("assigned")?;
    let assigned = read_list(assigned, &format!("{what}.assigned"), reader);
    Some(assigned.iter().filter_map(|node| read_assignment(node, id, reader)).collect())
}

fn read_assignment(node: &Node, id: &ApplicationId, reader: &mut Reader) -> Option<PreAuthorized> {
    let assignment = reader.mapping(node, "An assigned application")?;
    let (Some(rule), Some(client_id)) =
        (assignment.get("accessPolicyRule"), assignment.get("clientId"))
    else {
        let message = "An assigned application must have accessPolicyRule and clientId.";
        reader.error(assignment.place, Code::Missing, message);
        return None;
    };
    let rule =
        reader.mapping(rule, "accessPolicyRule").and_then(|rule| read_consumer(rule, id, reader));
    let client_id = read_client_id(client_id, "clientId", reader)?.value;
    match rule? {
        Consumer::Application(id) => Some(PreAuthorized { id, client_id }),
        Consumer::Anyone => None,
    }
}
