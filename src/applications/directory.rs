//! Which client id belongs to whom.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, HashMap},
};

use super::{
    document::{Consumer, Located},
    gather::{Claim, Rank, Sources},
};
use crate::{
    config::PreAuthorized,
    finding::Code,
    identifiers::{ApplicationId, ClientId},
    target::Claimants,
    yaml::Reader,
};

/// Which client id an application has, by what all documents and further consumers say.
#[derive(Debug, Default)]
pub struct Directory {
    client_ids: HashMap<ApplicationId, ClientId>,
    /// Who claims a client id, by the best rank that anyone claims it by.
    claims: HashMap<ClientId, (Rank, Claimants)>,
    further: Further,
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
    /// A client id that several applications claim is evidence of none of them, unless one of
    /// them has the better claim. Where documents and further consumers differ, the documents
    /// count.
    pub fn new(applications: &BTreeMap<ApplicationId, Sources>, further: Further) -> Self {
        let count = applications.len();
        let (client_ids, claims) = (HashMap::with_capacity(count), HashMap::with_capacity(count));
        let mut directory = Self { client_ids, claims, further };
        for (id, sources) in applications {
            for Claim { rank, client_id } in sources.possible_client_ids() {
                directory.claim(client_id.value, rank, id);
            }
        }
        for (id, sources) in applications {
            if let Some(claim) = sources.client_id()
                && directory.rival(&claim, id).is_none()
            {
                directory.client_ids.insert(id.clone(), claim.client_id.value);
            }
        }
        directory
    }

    fn claim(&mut self, client_id: ClientId, rank: Rank, id: &ApplicationId) {
        let new = || (rank, Claimants::new(id));
        let (best, claimants) = self.claims.entry(client_id).or_insert_with(new);
        match rank.cmp(best) {
            Ordering::Less => {}
            Ordering::Equal => claimants.add(id),
            Ordering::Greater => (*best, *claimants) = new(),
        }
    }

    /// Another application that claims the client id of `id`, by no worse a claim.
    fn rival(&self, claim: &Claim, id: &ApplicationId) -> Option<Rival> {
        let (best, claimants) = self.claims.get(&claim.client_id.value)?;
        let rival = claimants.other_than(id)?.clone();
        Some(Rival { id: rival, is_better: *best > claim.rank })
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

    /// The further consumers that it was made of.
    pub fn further(&self) -> &Further {
        &self.further
    }
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
