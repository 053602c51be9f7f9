//! Everything that is said about one application, brought together.

use std::collections::{BTreeMap, HashMap};

use super::document::{Document, Kind, Located, Manifest, Named, Registration};
use crate::{
    config::{EnvironmentApplication, PreAuthorized},
    finding::{Code, Place},
    identifiers::{ApplicationId, ClientId},
    yaml::Reader,
};

/// What is said about one application. At least one of them is there.
#[derive(Debug, Default)]
pub struct Sources<'a> {
    pub manifest: Said<'a, Manifest>,
    pub registration: Said<'a, Registration>,
    pub environment: Option<&'a EnvironmentApplication>,
}

/// The documents of one kind about one application.
#[derive(Debug)]
pub struct Said<'a, T>(Vec<&'a Named<T>>);

/// A client id that is said to be an application's.
#[derive(Debug)]
pub struct Claim {
    pub rank: Rank,
    pub client_id: Located<ClientId>,
}

/// What a claim rests on: the better, the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// What a team writes.
    Annotation,
    /// What Entra ID answered: the registration's status, or NAIS's own variables.
    Registration,
}

/// Sorts documents by application, and reports those that there are several of.
pub fn gather<'a>(
    documents: impl Iterator<Item = &'a Document>,
    environment: Option<&'a EnvironmentApplication>,
    reader: &mut Reader,
) -> BTreeMap<&'a ApplicationId, Sources<'a>> {
    let mut applications: BTreeMap<_, Sources<'_>> = BTreeMap::new();
    for document in documents {
        match document {
            Document::Manifest(manifest) => {
                applications.entry(&manifest.id).or_default().manifest.0.push(manifest);
            }
            Document::Registration(registration) => {
                applications.entry(&registration.id).or_default().registration.0.push(registration);
            }
        }
    }
    if let Some(environment) = environment {
        applications.entry(&environment.id).or_default().environment = Some(environment);
    }
    for sources in applications.values() {
        sources.manifest.report_duplicates(Kind::Manifest, reader);
        sources.registration.report_duplicates(Kind::Registration, reader);
    }
    applications
}

impl<T> Default for Said<'_, T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'a, T: PartialEq> Said<'a, T> {
    /// The document. Several count as the first if all of them say the same, and not at all
    /// otherwise.
    pub fn document(&self) -> Option<&'a Named<T>> {
        self.0.first().copied().filter(|_| !self.is_contradictory())
    }

    /// What it says, unless it is broken.
    pub fn usable(&self) -> Option<&'a T> {
        self.document()?.content.as_ref().ok()
    }

    /// What is claimed by whatever there is, broken and contradictory documents included.
    fn claimed(&self) -> impl Iterator<Item = &'a T> + use<'a, T> {
        let documents = if self.is_contradictory() { self.0.len() } else { 1 };
        let documents: Vec<_> = self.0.iter().copied().take(documents).collect();
        documents.into_iter().map(|document| match &document.content {
            Ok(content) | Err(content) => content,
        })
    }

    fn is_contradictory(&self) -> bool {
        self.0.split_first().is_some_and(|(first, others)| {
            others.iter().any(|document| document.content != first.content)
        })
    }

    fn is_broken(&self) -> bool {
        self.document().is_some_and(|document| document.content.is_err())
    }

    fn report_duplicates(&self, kind: Kind, reader: &mut Reader) {
        let [first, second, ..] = self.0[..] else { return };
        let (kind, id, is_contradictory) = (kind.as_str(), &first.id, self.is_contradictory());
        for (index, document) in self.0.iter().enumerate() {
            let other = if index == 0 { second } else { first };
            if is_contradictory {
                let message = format!(
                    "Another {kind} {id}, at {}, differs from this one: neither counts, and nobody \
                     gets in. Remove one of them.",
                    other.place
                );
                reader.error(&document.place, Code::DuplicateDocument, message);
            } else if index > 0 {
                let message = format!(
                    "The {kind} {id} stands at {} too, and says the same there: they count as one. \
                     Remove one of them.",
                    other.place
                );
                reader.warning(&document.place, Code::DuplicateDocument, message);
            }
        }
    }
}

impl<'a> Sources<'a> {
    /// What its team wants, where that can be read.
    pub fn wanted(&self) -> Option<&'a Manifest> {
        self.manifest.usable()
    }

    /// The hosts of its ingresses: all that it may have, so that nobody else takes them.
    pub fn hosts(&self) -> impl Iterator<Item = &'a Located<String>> + use<'a> {
        self.manifest.claimed().flat_map(|manifest| &manifest.hosts)
    }

    /// What came of it in Entra ID, where that can be read.
    pub fn registered(&self) -> Option<&'a Registration> {
        self.registration.usable()
    }

    /// Whether documents of one kind contradict each other.
    pub fn is_contradictory(&self) -> bool {
        self.manifest.is_contradictory() || self.registration.is_contradictory()
    }

    /// Whether one of its documents is broken and has no earlier version.
    pub fn is_broken(&self) -> bool {
        self.manifest.is_broken() || self.registration.is_broken()
    }

    /// Whether its API asks for tokens of Entra ID. Where no one says so, something that only
    /// such an application has does.
    pub fn is_enabled(&self) -> bool {
        let stated = self.wanted().and_then(|manifest| manifest.enabled);
        let is_registered = || self.registration.document().is_some() || self.client_id().is_some();
        stated.unwrap_or_else(is_registered)
    }

    /// Its client id and where that is stated. Registrations that differ leave it open.
    pub fn client_id(&self) -> Option<Claim> {
        let is_open = self.registration.is_contradictory();
        self.claims(self.registered().into_iter(), self.wanted().into_iter())
            .into_iter()
            .next()
            .filter(|_| !is_open)
    }

    /// All client ids that it may have: of the best rank that it has any of.
    fn possible_client_ids(&self) -> Vec<Claim> {
        self.claims(self.registration.claimed(), self.manifest.claimed())
    }

    /// Those of the registrations, or else the environment's, or else those of the manifests.
    fn claims(
        &self,
        registrations: impl Iterator<Item = &'a Registration>,
        manifests: impl Iterator<Item = &'a Manifest>,
    ) -> Vec<Claim> {
        let claim = |rank| move |client_id| Claim { rank, client_id };
        let mut client_ids: Vec<_> =
            registrations.filter_map(|registration| registration.client_id.clone()).collect();
        if client_ids.is_empty() {
            client_ids.extend(self.environment.map(|environment| Located {
                place: Place::whole("environment variable AZURE_APP_CLIENT_ID"),
                value: environment.client_id,
            }));
        }
        if !client_ids.is_empty() {
            return client_ids.into_iter().map(claim(Rank::Registration)).collect();
        }
        let annotations = manifests.filter_map(|manifest| manifest.client_id.clone());
        annotations.map(claim(Rank::Annotation)).collect()
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
        let manifest = self.manifest.0.first().map(|document| &document.place);
        let registration = self.registration.0.first().map(|document| &document.place);
        let environment = || Place::whole("environment variable NAIS_APP_NAME");
        manifest.or(registration).cloned().unwrap_or_else(environment)
    }
}

/// Which client id an application has, by what all documents and further consumers say.
#[derive(Debug, Default)]
pub struct Directory<'a> {
    client_ids: HashMap<&'a ApplicationId, ClientId>,
    claims: HashMap<ClientId, Claimants<'a>>,
}

/// Who claims a client id, by the best rank that anyone claims it by.
#[derive(Debug)]
struct Claimants<'a> {
    rank: Rank,
    ids: Vec<&'a ApplicationId>,
}

/// Another application that claims a client id.
#[derive(Debug, Clone, Copy)]
pub struct Rival<'a> {
    pub id: &'a ApplicationId,
    /// Whether its claim beats the other, and it keeps the client id.
    pub is_better: bool,
}

impl<'a> Directory<'a> {
    /// A client id that several applications claim is evidence of none of them, unless one of
    /// them has the better claim. Where documents and further consumers differ, the documents
    /// count.
    pub fn new(
        applications: &BTreeMap<&'a ApplicationId, Sources<'a>>,
        further: impl Iterator<Item = &'a Located<PreAuthorized>>,
        reader: &mut Reader,
    ) -> Self {
        let mut directory = Self::default();
        for (id, sources) in applications {
            for Claim { rank, client_id } in sources.possible_client_ids() {
                directory.claim(client_id.value, rank, id);
            }
        }
        for (id, sources) in applications {
            if let Some(claim) = sources.client_id()
                && directory.rival(&claim, id).is_none()
            {
                directory.client_ids.insert(id, claim.client_id.value);
            }
        }
        for (id, client_id) in unambiguous(further, reader) {
            directory.client_ids.entry(id).or_insert(client_id);
        }
        directory
    }

    fn claim(&mut self, client_id: ClientId, rank: Rank, id: &'a ApplicationId) {
        let new = || Claimants { rank, ids: Vec::new() };
        let claimants = self.claims.entry(client_id).or_insert_with(new);
        if claimants.rank < rank {
            *claimants = new();
        }
        if claimants.rank == rank && claimants.ids.last() != Some(&id) {
            claimants.ids.push(id);
        }
    }

    /// The client id of an application.
    pub fn client_id(&self, id: &ApplicationId) -> Option<ClientId> {
        self.client_ids.get(id).copied()
    }

    /// Another application that claims the client id of `id`, by no worse a claim.
    pub fn rival(&self, claim: &Claim, id: &ApplicationId) -> Option<Rival<'a>> {
        let claimants = self.claims.get(&claim.client_id.value)?;
        let rival = claimants.ids.iter().copied().find(|claimant| *claimant != id)?;
        Some(Rival { id: rival, is_better: claimants.rank > claim.rank })
    }
}

/// The further consumers, without those that have several client ids: each of these is reported.
fn unambiguous<'a>(
    further: impl Iterator<Item = &'a Located<PreAuthorized>>,
    reader: &mut Reader,
) -> impl Iterator<Item = (&'a ApplicationId, ClientId)> {
    let mut consumers = HashMap::new();
    for Located { place, value: PreAuthorized { id, client_id } } in further {
        let (first, known) = consumers.entry(id).or_insert((place, Some(*client_id)));
        if *known != Some(*client_id) {
            *known = None;
            let message = format!(
                "{id} has another client id at {first}: neither counts, and rules that name it \
                 grant nothing unless the documents tell its client id. Remove one of them."
            );
            reader.warning(place, Code::DuplicateConsumer, message);
        }
    }
    consumers.into_iter().filter_map(|(id, (_, client_id))| Some((id, client_id?)))
}
