//! `entra.graph` and `entra.tenants[].graph`.

use std::collections::HashMap;

use url::Url;

use super::{
    super::{ClientCredentials, ClientProof, Graph, Membership},
    values::Values,
};
use crate::{
    finding::Code,
    identifiers::TenantId,
    yaml::{Mapping, Node},
};

const MEMBERSHIPS: [(&str, Membership); 2] =
    [("direct", Membership::Direct), ("transitive", Membership::Transitive)];

/// `None` where Graph is not to be asked, or cannot be. `own` is what the NAIS variables tell.
pub fn read(
    values: &mut Values<'_>,
    mut credentials: HashMap<TenantId, ClientCredentials>,
    own: Option<(TenantId, ClientCredentials)>,
) -> Option<Graph> {
    let is_enabled = values.boolean("entra.graph.enabled", false);
    let membership = values.choice("entra.graph.membership", &MEMBERSHIPS);
    let cache_lifetime = values.duration("entra.graph.cache_lifetime", "1s", "24h", "5m");
    let concurrency = values.number("entra.graph.concurrency", 1..=1024, 16);
    let url = base_url(values, "entra.graph.url", "https://graph.microsoft.com");
    let login_url = base_url(values, "entra.graph.login_url", "https://login.microsoftonline.com");
    if !is_enabled {
        if !credentials.is_empty() {
            warn(
                values,
                "The credentials in entra.tenants[].graph are never used: entra.graph.enabled is not true.",
            );
        }
        return None;
    }
    if let Some((tenant, own)) = own {
        credentials.entry(tenant).or_insert(own);
    }
    if credentials.is_empty() {
        values.missing("entra.tenants[].graph", "With entra.graph.enabled, one tenant at least needs credentials; or set AZURE_APP_CLIENT_SECRET together with AZURE_APP_CLIENT_ID.");
    }
    let (url, login_url) = (url?, login_url?);
    Some(Graph { credentials, membership, cache_lifetime, concurrency, url, login_url })
}

fn warn(values: &mut Values<'_>, message: &str) {
    if let Some(node) = values.node("entra.tenants") {
        values.reader.warning(&node.place, Code::RiskySetting, message);
    }
}

fn base_url(values: &mut Values<'_>, path: &str, default: &str) -> Option<Url> {
    if values.node(path).is_none() {
        return Url::parse(default).ok();
    }
    let url = values.secure_url(path)?;
    if url.query().is_some() || url.fragment().is_some() {
        values.invalid(path, "has a query or a fragment, which it must not");
        return None;
    }
    Some(url)
}

/// The credentials of one tenant of the list.
pub fn credentials(node: &Node, values: &mut Values<'_>) -> Option<ClientCredentials> {
    const CLIENT_ID: &str = "entra.tenants[].graph.client_id";
    let members = values.reader.mapping(node, "entra.tenants[].graph")?;
    let client_id = match members.get("client_id") {
        Some(client_id) => values.reader.parsed(client_id, CLIENT_ID),
        None => {
            let message = format!("{CLIENT_ID} is missing.");
            values.reader.error(&node.place, Code::Missing, message);
            None
        }
    };
    let proof = proof(node, members, values);
    Some(ClientCredentials { client_id: client_id?, proof: proof? })
}

fn proof(node: &Node, members: Mapping<'_>, values: &mut Values<'_>) -> Option<ClientProof> {
    let mark = values.reader.mark();
    let mut file = |name: &str| {
        let node = members.get(name)?;
        let path = values.reader.text(node, &format!("entra.tenants[].graph.{name}"))?;
        Some(values.resolve(path, &node.place))
    };
    match (file("client_secret_file"), file("certificate_file"), file("private_key_file")) {
        (Some(secret), None, None) => Some(ClientProof::SecretFile(secret)),
        (None, Some(certificate), Some(private_key)) => {
            Some(ClientProof::Certificate { certificate, private_key })
        }
        _ if values.reader.has_errors_since(mark) => None,
        _ => {
            let message = "entra.tenants[].graph takes either client_secret_file, or certificate_file together with private_key_file.";
            values.reader.error(&node.place, Code::Missing, message);
            None
        }
    }
}
