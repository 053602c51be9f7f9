//! Which client id belongs to whom.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    mem,
};

use super::{
    document::{Consumer, Located},
    gather::{Claim, Rank, Sources},
};
use crate::{
    config::PreAuthorized,
    finding::Code,
    identifiers::{ApplicationId, ClientId},
    target::Claims,
    yaml::Reader,
};

/// Which client id an application has, by what all documents and further consumers say, and who
/// wants to know.
#[derive(Debug, Default)]
pub struct Directory {
    client_ids: HashMap<ApplicationId, ClientId>,
    claims: Claims<(ClientId, Rank)>,
    further: Further,
    /// The applications that have a rule which names an application.
    asking: HashMap<ApplicationId, BTreeSet<ApplicationId>>,
}

/// The further consumers, without those that have several client ids.
pub type Further = HashMap<ApplicationId, ClientId>;

/// Another application that claims a client id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rival {
    pub id: ApplicationId,
    /// Whether its claim beats the other, and it keeps the client id.
    pub is_better: bool,
}

/// What a directory says of all that one application asks it. With its sources, this is what the
/// application depends on, and all of it.
#[derive(Debug, PartialEq, Eq)]
pub struct Answers {
    /// Another application that claims its client id, by no worse a claim.
    pub rival: Option<Rival>,
    /// The client id of each rule's consumer, in the order of the rules.
    pub consumers: Vec<Option<ClientId>>,
}

impl Directory {
    /// Takes back what an application claimed and asked for, and adds what it does now. Returns
    /// those that may have another client id by that, and another [rival](Answers::rival).
    ///
    /// All applications that changed are to be replaced before any is [settled](Self::settle).
    pub fn replace(
        &mut self,
        id: &ApplicationId,
        earlier: &Sources,
        now: &Sources,
    ) -> HashSet<ApplicationId> {
        let [asked, asks] = [earlier, now].map(consumers);
        for consumer in asked.difference(&asks) {
            if let Some(asking) = self.asking.get_mut(*consumer) {
                asking.remove(id);
                if asking.is_empty() {
                    self.asking.remove(*consumer);
                }
            }
        }
        for consumer in asks.difference(&asked) {
            self.asking.entry((*consumer).clone()).or_default().insert(id.clone());
        }
        let [claimed, claims] = [earlier, now].map(claims);
        let mut concerned = HashSet::from([id.clone()]);
        for claim in claimed.difference(&claims) {
            if self.claims.remove(claim, id) {
                concerned.extend(self.claimants(claim.0));
            }
        }
        for claim in claims.difference(&claimed) {
            if self.claims.add(*claim, id) {
                concerned.extend(self.claimants(claim.0));
            }
        }
        concerned
    }

    /// Finds out which client id an application has. Returns those that may get another answer by
    /// that.
    ///
    /// A client id that several applications claim is evidence of none of them, unless one of
    /// them has the better claim.
    pub fn settle(
        &mut self,
        id: &ApplicationId,
        sources: &Sources,
    ) -> impl Iterator<Item = &ApplicationId> {
        let claim = sources.client_id().filter(|claim| self.rival(claim, id).is_none());
        let client_id = claim.map(|claim| claim.client_id.value);
        let earlier = match client_id {
            Some(client_id) => self.client_ids.insert(id.clone(), client_id),
            None => self.client_ids.remove(id),
        };
        (client_id != earlier).then(|| self.asking_for(id)).into_iter().flatten()
    }

    /// Replaces the further consumers. Returns those that may get another answer by that. Where
    /// documents and further consumers differ, the documents count.
    pub fn set_further(&mut self, further: Further) -> HashSet<ApplicationId> {
        let earlier = mem::replace(&mut self.further, further);
        let names = earlier.keys().chain(self.further.keys());
        let different = names.filter(|name| earlier.get(*name) != self.further.get(*name));
        different.flat_map(|name| self.asking_for(name)).cloned().collect()
    }

    fn asking_for(&self, consumer: &ApplicationId) -> impl Iterator<Item = &ApplicationId> {
        self.asking.get(consumer).into_iter().flatten()
    }

    /// All that claim a client id, by whatever rank.
    fn claimants(&self, client_id: ClientId) -> impl Iterator<Item = ApplicationId> {
        let claimants =
            Rank::ALL.into_iter().filter_map(move |rank| self.claims.get(&(client_id, rank)));
        claimants.flat_map(|claimants| claimants.iter().cloned())
    }

    /// Another application that claims the client id of `id`, by no worse a claim.
    fn rival(&self, claim: &Claim, id: &ApplicationId) -> Option<Rival> {
        let client_id = claim.client_id.value;
        let claims = |rank| Some((rank, self.claims.get(&(client_id, rank))?));
        let (best, claimants) = Rank::ALL.into_iter().find_map(claims)?;
        let rival = claimants.other_than(id)?.clone();
        Some(Rival { id: rival, is_better: best > claim.rank })
    }

    /// What there is to know for the application `id`.
    pub fn answers(&self, id: &ApplicationId, sources: &Sources) -> Answers {
        Answers {
            rival: sources.client_id().and_then(|claim| self.rival(&claim, id)),
            consumers: sources.rules().iter().map(|rule| self.client_id(&rule.value)).collect(),
        }
    }

    fn client_id(&self, consumer: &Consumer) -> Option<ClientId> {
        let Consumer::Application(id) = consumer else { return None };
        self.client_ids.get(id).or_else(|| self.further.get(id)).copied()
    }
}

/// Whom the rules of an application name.
fn consumers(sources: &Sources) -> BTreeSet<&ApplicationId> {
    let consumers = sources.rules().iter().filter_map(|rule| match &rule.value {
        Consumer::Application(id) => Some(id),
        Consumer::Anyone => None,
    });
    consumers.collect()
}

/// Which client ids an application claims, and by which rank.
fn claims(sources: &Sources) -> BTreeSet<(ClientId, Rank)> {
    let claims = sources.possible_client_ids().into_iter();
    claims.map(|Claim { rank, client_id }| (client_id.value, rank)).collect()
}

/// The further consumers that have one client id. Each that has several is reported.
pub fn unambiguous<'a>(
    further: impl Iterator<Item = &'a Located<PreAuthorized>>,
    reader: &mut Reader,
) -> Further {
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
    let known = consumers.into_iter();
    known.filter_map(|(id, (_, client_id))| Some((id.clone(), client_id?))).collect()
}
