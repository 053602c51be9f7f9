//! Everything that is said about one application, brought together.

use std::sync::Arc;

use super::{
    document::{Document, Kind, Located, Manifest, Named, Registration, Rule},
    origin::Origin,
};
use crate::{
    config::{EnvironmentApplication, PreAuthorized},
    finding::{Code, Place},
    identifiers::ClientId,
    policy::Mode,
    yaml::Reader,
};

/// What is said about one application. Of one that is known, at least one of them is there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sources {
    pub manifest: Said<Manifest>,
    pub registration: Said<Registration>,
    pub environment: Option<Arc<EnvironmentApplication>>,
}

/// The documents of one kind about one application, in the order of their origins.
#[derive(Debug)]
pub struct Said<T>(Vec<(Origin, Arc<Named<T>>)>);

/// A client id that is said to be an application's.
#[derive(Debug, PartialEq, Eq)]
pub struct Claim {
    pub rank: Rank,
    pub client_id: Located<ClientId>,
}

/// What a claim rests on: the better, the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rank {
    /// What a team writes.
    Annotation,
    /// What Entra ID answered: the registration's status, or NAIS's own variables.
    Registration,
}

impl Rank {
    /// The best first.
    pub const ALL: [Self; 2] = [Self::Registration, Self::Annotation];
}

impl<T> Default for Said<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Clone for Said<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// The very same documents, and not only such that say the same.
impl<T> PartialEq for Said<T> {
    fn eq(&self, other: &Self) -> bool {
        let are_same = |(one, other): (&(Origin, Arc<_>), &(Origin, Arc<_>))| {
            one.0 == other.0 && Arc::ptr_eq(&one.1, &other.1)
        };
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(are_same)
    }
}

impl<T: PartialEq> Said<T> {
    /// The document. Several count as the first if all of them say the same, and not at all
    /// otherwise.
    pub fn document(&self) -> Option<&Named<T>> {
        self.first().filter(|_| !self.is_contradictory())
    }

    /// What it says, unless it is broken.
    pub fn usable(&self) -> Option<&T> {
        self.document()?.content.as_ref().ok()
    }

    /// What is claimed by whatever there is, broken and contradictory documents included.
    fn claimed(&self) -> impl Iterator<Item = &T> {
        let documents = if self.is_contradictory() { self.0.len() } else { 1 };
        self.documents().take(documents).map(|document| match &document.content {
            Ok(content) | Err(content) => content,
        })
    }

    fn documents(&self) -> impl Iterator<Item = &Named<T>> {
        self.0.iter().map(|(_, document)| &**document)
    }

    fn first(&self) -> Option<&Named<T>> {
        self.documents().next()
    }

    /// Adds a document behind those of the same origin.
    fn add(&mut self, origin: &Origin, document: &Arc<Named<T>>) {
        let place = self.0.partition_point(|(other, _)| other <= origin);
        self.0.insert(place, (origin.clone(), Arc::clone(document)));
    }

    fn forget(&mut self, origin: &Origin) {
        self.0.retain(|(other, _)| other != origin);
    }

    fn is_contradictory(&self) -> bool {
        self.first().is_some_and(|first| {
            self.documents().skip(1).any(|document| document.content != first.content)
        })
    }

    fn is_broken(&self) -> bool {
        self.document().is_some_and(|document| document.content.is_err())
    }

    fn report_duplicates(&self, kind: Kind, reader: &mut Reader) {
        let [(_, first), (_, second), ..] = &self.0[..] else { return };
        let (kind, id, is_contradictory) = (kind.as_str(), &first.id, self.is_contradictory());
        for (index, document) in self.documents().enumerate() {
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

impl Sources {
    /// Adds what a document of this origin says.
    pub fn add(&mut self, origin: &Origin, document: &Document) {
        match document {
            Document::Manifest(manifest) => self.manifest.add(origin, manifest),
            Document::Registration(registration) => self.registration.add(origin, registration),
        }
    }

    /// Takes out what documents of this origin say.
    pub fn forget(&mut self, origin: &Origin) {
        self.manifest.forget(origin);
        self.registration.forget(origin);
    }

    /// Whether nothing is said any more.
    pub fn is_empty(&self) -> bool {
        self.manifest.0.is_empty() && self.registration.0.is_empty() && self.environment.is_none()
    }

    /// Reports the documents that there are several of.
    pub fn report_duplicates(&self, reader: &mut Reader) {
        self.manifest.report_duplicates(Kind::Manifest, reader);
        self.registration.report_duplicates(Kind::Registration, reader);
    }

    /// What its team wants, where that can be read.
    pub fn wanted(&self) -> Option<&Manifest> {
        self.manifest.usable()
    }

    /// The hosts of its ingresses: all that it may have, so that nobody else takes them.
    pub fn hosts(&self) -> impl Iterator<Item = &Located<String>> {
        self.manifest.claimed().flat_map(|manifest| &manifest.hosts)
    }

    /// The modes that are stated, by documents that do not count too.
    pub fn modes(&self) -> impl Iterator<Item = Mode> {
        self.manifest.claimed().filter_map(|manifest| manifest.mode)
    }

    /// What came of it in Entra ID, where that can be read.
    pub fn registered(&self) -> Option<&Registration> {
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

    /// All client ids that it may have: of the best rank that it has any of, and the one that
    /// counts where documents that tell of others do not.
    pub fn possible_client_ids(&self) -> Vec<Claim> {
        let mut claims = self.claims(self.registration.claimed(), self.manifest.claimed());
        claims.extend(self.client_id().filter(|claim| !claims.contains(claim)));
        claims
    }

    /// Those of the registrations, or else the environment's, or else those of the manifests.
    fn claims<'s>(
        &'s self,
        registrations: impl Iterator<Item = &'s Registration>,
        manifests: impl Iterator<Item = &'s Manifest>,
    ) -> Vec<Claim> {
        let claim = |rank| move |client_id| Claim { rank, client_id };
        let mut client_ids: Vec<_> =
            registrations.filter_map(|registration| registration.client_id.clone()).collect();
        if client_ids.is_empty() {
            client_ids.extend(self.environment.as_ref().map(|environment| Located {
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
            let tenant = self.environment.as_ref()?.tenant;
            Some(Located { place, value: tenant.to_string() })
        };
        let wanted = || self.wanted()?.tenant.clone();
        registered().or_else(environment).or_else(wanted)
    }

    /// The rules that say who gets in: an `Application`'s alone, where there is one.
    pub fn rules(&self) -> &[Rule] {
        match (self.wanted(), self.registered()) {
            (Some(manifest), _) => &manifest.rules,
            (None, Some(registration)) => &registration.rules,
            (None, None) => &[],
        }
    }

    /// The consumers that Entra ID or NAIS itself assigned to it.
    pub fn assigned(&self) -> impl Iterator<Item = &PreAuthorized> {
        let registered = self.registered().map(|registration| registration.assigned.as_slice());
        let environment = self.environment.as_ref().map(|known| known.consumers.as_slice());
        registered.into_iter().chain(environment).flatten()
    }

    /// Where to report what concerns the application as a whole.
    pub fn place(&self) -> Place {
        let manifest = self.manifest.first().map(|document| &document.place);
        let registration = self.registration.first().map(|document| &document.place);
        let environment = || Place::whole("environment variable NAIS_APP_NAME");
        manifest.or(registration).cloned().unwrap_or_else(environment)
    }
}
