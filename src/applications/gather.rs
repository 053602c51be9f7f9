//! Everything that is said about one application, brought together.

use std::collections::{BTreeMap, HashMap};

use super::document::{Document, Located, Manifest, Named, Registration};
use crate::{
    config::{EnvironmentApplication, PreAuthorized},
    finding::{Code, Place},
    identifiers::{ApplicationId, ClientId},
    yaml::Reader,
};

/// What is said about one application. At least one of them is there.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sources<'a> {
    pub manifest: Option<&'a Named<Manifest>>,
    pub registration: Option<&'a Named<Registration>>,
    pub environment: Option<&'a EnvironmentApplication>,
}

/// Sorts documents by application. Of two documents with one identity, the first counts.
pub fn gather<'a>(
    documents: impl Iterator<Item = &'a Document>,
    environment: Option<&'a EnvironmentApplication>,
    reader: &mut Reader,
) -> BTreeMap<&'a ApplicationId, Sources<'a>> {
    let mut applications: BTreeMap<_, Sources<'_>> = BTreeMap::new();
    for document in documents {
        match document {
            Document::Manifest(manifest) => {
                let slot = &mut applications.entry(&manifest.id).or_default().manifest;
                take_first(slot, manifest, "Application", reader);
            }
            Document::Registration(registration) => {
                let slot = &mut applications.entry(&registration.id).or_default().registration;
                take_first(slot, registration, "AzureAdApplication", reader);
            }
        }
    }
    if let Some(environment) = environment {
        applications.entry(&environment.id).or_default().environment = Some(environment);
    }
    applications
}

fn take_first<'a, T>(
    slot: &mut Option<&'a Named<T>>,
    document: &'a Named<T>,
    kind: &str,
    reader: &mut Reader,
) {
    match slot {
        None => *slot = Some(document),
        Some(first) => {
            let message = format!(
                "A second {kind} {}: the one at {} counts. Remove one of them.",
                document.id, first.place
            );
            reader.error(&document.place, Code::DuplicateDocument, message);
        }
    }
}

impl<'a> Sources<'a> {
    /// What its team wants, where that can be read.
    pub fn wanted(&self) -> Option<&'a Manifest> {
        self.manifest?.content.as_ref()
    }

    /// The hosts of its ingresses.
    pub fn hosts(&self) -> &'a [Located<String>] {
        self.wanted().map(|manifest| manifest.hosts.as_slice()).unwrap_or_default()
    }

    /// What came of it in Entra ID, where that can be read.
    pub fn registered(&self) -> Option<&'a Registration> {
        self.registration?.content.as_ref()
    }

    /// Whether one of its documents is broken and has no earlier version.
    pub fn is_broken(&self) -> bool {
        self.manifest.is_some_and(|document| document.content.is_none())
            || self.registration.is_some_and(|document| document.content.is_none())
    }

    /// Whether its API asks for tokens of Entra ID. Where no one says so, something that only
    /// such an application has does.
    pub fn is_enabled(&self) -> bool {
        let stated = self.wanted().and_then(|manifest| manifest.enabled);
        stated.unwrap_or_else(|| self.registration.is_some() || self.client_id().is_some())
    }

    /// Its client id and where that is stated.
    pub fn client_id(&self) -> Option<Located<ClientId>> {
        let registered = || self.registered()?.client_id.clone();
        let environment = || {
            let place = Place::whole("environment variable AZURE_APP_CLIENT_ID");
            self.environment.map(|environment| Located { place, value: environment.client_id })
        };
        let annotated = || self.wanted()?.client_id.clone();
        registered().or_else(environment).or_else(annotated)
    }

    /// The id or name of its tenant and where that is stated.
    pub fn tenant(&self) -> Option<Located<String>> {
        let registered = || self.registered()?.tenant.clone();
        let environment = || {
            let place = Place::whole("environment variable AZURE_APP_TENANT_ID");
            let tenant = self.environment?.tenant;
            Some(Located { place, value: tenant.to_string() })
        };
        let wanted = || self.wanted()?.tenant.clone();
        registered().or_else(environment).or_else(wanted)
    }

    /// The consumers that Entra ID or NAIS itself assigned to it.
    pub fn assigned(&self) -> impl Iterator<Item = &'a PreAuthorized> + use<'a> {
        let registered = self.registered().map(|registration| registration.assigned.as_slice());
        let environment = self.environment.map(|environment| environment.consumers.as_slice());
        registered.into_iter().chain(environment).flatten()
    }

    /// Where to report what concerns the application as a whole.
    pub fn place(&self) -> Place {
        let manifest = self.manifest.map(|document| &document.place);
        let registration = self.registration.map(|document| &document.place);
        let environment = || Place::whole("environment variable NAIS_APP_NAME");
        manifest.or(registration).cloned().unwrap_or_else(environment)
    }
}

/// Which client id an application has, by what all documents and further consumers say.
#[derive(Debug, Default)]
pub struct Directory<'a> {
    client_ids: HashMap<&'a ApplicationId, ClientId>,
    claims: HashMap<ClientId, Vec<&'a ApplicationId>>,
}

impl<'a> Directory<'a> {
    /// A client id that several applications claim is evidence of none of them. Where documents
    /// and further consumers differ, the documents count.
    pub fn new(
        applications: &BTreeMap<&'a ApplicationId, Sources<'a>>,
        further: impl Iterator<Item = &'a PreAuthorized>,
    ) -> Self {
        let mut directory = Self::default();
        for (id, sources) in applications {
            if let Some(client_id) = sources.client_id() {
                directory.claims.entry(client_id.value).or_default().push(id);
            }
        }
        for (client_id, claimants) in &directory.claims {
            if let [id] = claimants[..] {
                directory.client_ids.insert(id, *client_id);
            }
        }
        for PreAuthorized { id, client_id } in further {
            directory.client_ids.entry(id).or_insert(*client_id);
        }
        directory
    }

    /// The client id of an application.
    pub fn client_id(&self, id: &ApplicationId) -> Option<ClientId> {
        self.client_ids.get(id).copied()
    }

    /// Another application that claims the client id of `id`.
    pub fn rival(&self, client_id: ClientId, id: &ApplicationId) -> Option<&'a ApplicationId> {
        self.claims.get(&client_id)?.iter().copied().find(|claimant| *claimant != id)
    }
}
