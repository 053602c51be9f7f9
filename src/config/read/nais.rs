//! The variables that NAIS gives an application.

use std::sync::Arc;

use super::super::{
    ClientCredentials, ClientProof, Environment, EnvironmentApplication, PreAuthorized, Tenant,
    document::Document,
};
use super::{entra::Stated, values::secure_url};
use crate::{
    applications::read_pre_authorized,
    finding::{Code, Place},
    identifiers::{ApplicationId, ClientId, TenantId},
    secret::Secret,
    yaml::{self, Node, Reader, Value},
};

/// What the variables tell. Everything but the cluster only where there is a client id.
#[derive(Debug, Default)]
pub struct Nais {
    pub cluster: Option<String>,
    pub application: Option<EnvironmentApplication>,
    pub tenant: Option<Tenant>,
    /// As whom Graph is asked about users of that tenant, where it may be.
    pub graph: Option<(TenantId, ClientCredentials)>,
}

const CLIENT_ID: &str = "AZURE_APP_CLIENT_ID";
const CLUSTER: &str = "NAIS_CLUSTER_NAME";

impl Nais {
    pub fn read(environment: &Environment, document: &Document, reader: &mut Reader) -> Self {
        let cluster = environment.get(CLUSTER).map(str::to_owned);
        let mut variables = Variables { environment, reader };
        let Some(client_id) = variables.parsed::<ClientId>(CLIENT_ID) else {
            return Self { cluster, ..Self::default() };
        };
        let Some(tenant) = variables.tenant() else { return Self { cluster, ..Self::default() } };
        let stated_cluster = document.get("cluster").and_then(|node| match &node.value {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        });
        let id = variables.application_id(stated_cluster);
        let consumers = variables.consumers();
        let application =
            id.map(|id| EnvironmentApplication { id, client_id, tenant: tenant.id, consumers });
        let graph = environment.get("AZURE_APP_CLIENT_SECRET").map(|secret| {
            let proof = ClientProof::Secret(Secret::new(secret));
            (tenant.id, ClientCredentials { client_id, proof })
        });
        Self { cluster, application, tenant: Some(tenant), graph }
    }
}

struct Variables<'e> {
    environment: &'e Environment,
    reader: &'e mut Reader,
}

impl<'e> Variables<'e> {
    fn node(&self, name: &str) -> Option<Node> {
        let value = Value::Text(self.environment.get(name)?.to_owned());
        Some(Node { place: place(name), value })
    }

    fn parsed<T>(&mut self, name: &str) -> Option<T>
    where
        T: std::str::FromStr,
        T::Err: std::fmt::Display,
    {
        self.reader.parsed(&self.node(name)?, name)
    }

    fn url(&mut self, name: &str) -> Option<url::Url> {
        secure_url(&self.node(name)?, name, self.reader)
    }

    fn tenant(&mut self) -> Option<Tenant> {
        const ISSUER: &str = "AZURE_OPENID_CONFIG_ISSUER";
        const WELL_KNOWN_URL: &str = "AZURE_APP_WELL_KNOWN_URL";
        let mark = self.reader.mark();
        let stated = Stated {
            well_known_url: self.url(WELL_KNOWN_URL),
            issuer: self.url(ISSUER).and_then(|_| self.environment.get(ISSUER)).map(str::to_owned),
            jwks_uri: self.url("AZURE_OPENID_CONFIG_JWKS_URI"),
            id: self.parsed("AZURE_APP_TENANT_ID"),
            name: None,
        };
        if self.reader.has_errors_since(mark) {
            return None;
        }
        stated.complete(WELL_KNOWN_URL, &place(WELL_KNOWN_URL), self.reader)
    }

    fn application_id(&mut self, stated_cluster: Option<&str>) -> Option<ApplicationId> {
        let cluster = self.environment.get(CLUSTER).or(stated_cluster);
        let names = [
            (CLUSTER, cluster),
            ("NAIS_NAMESPACE", self.environment.get("NAIS_NAMESPACE")),
            ("NAIS_APP_NAME", self.environment.get("NAIS_APP_NAME")),
        ];
        for (name, value) in names {
            if value.is_none() {
                let message = format!("{name} is not set, which {CLIENT_ID} needs beside it.");
                self.reader.error(&place(name), Code::Missing, message);
            }
        }
        let [(_, cluster), (_, namespace), (_, name)] = names;
        let id = ApplicationId::new(cluster?, namespace?, name?);
        id.map_err(|error| {
            let message = format!("Cluster, namespace and name make a text that {error}.");
            self.reader.error(&place("NAIS_APP_NAME"), Code::InvalidValue, message);
        })
        .ok()
    }

    fn consumers(&mut self) -> Vec<PreAuthorized> {
        const NAME: &str = "AZURE_APP_PRE_AUTHORIZED_APPS";
        let Some(text) = self.environment.get(NAME) else { return Vec::new() };
        match yaml::fragment(&place(NAME).source, text) {
            Ok(Some(node)) => {
                let entries = read_pre_authorized(&node, self.reader);
                entries.into_iter().map(|entry| entry.value).collect()
            }
            Ok(None) => Vec::new(),
            Err(finding) => {
                self.reader.add(finding);
                Vec::new()
            }
        }
    }
}

fn place(name: &str) -> Place {
    let source: Arc<str> = format!("environment variable {name}").into();
    Place::whole(source)
}
