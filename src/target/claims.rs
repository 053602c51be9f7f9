//! Who claims what only one application can have.

use std::{borrow::Borrow, collections::BTreeSet, hash::Hash, iter, mem};

use super::sharded::Sharded;
use crate::identifiers::ApplicationId;

/// Things that only one application can have, each with those that claim it.
#[derive(Debug, Clone, PartialEq)]
pub struct Claims<K: Clone + Eq + Hash>(Sharded<K, Claimants>);

/// The applications that claim one thing. There is at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimants {
    /// By its name.
    first: ApplicationId,
    others: BTreeSet<ApplicationId>,
}

impl<K: Clone + Eq + Hash> Default for Claims<K> {
    fn default() -> Self {
        Self(Sharded::default())
    }
}

impl<K: Clone + Eq + Hash> Claims<K> {
    /// Who claims a thing, if anyone does.
    pub fn get<Q: Eq + Hash + ?Sized>(&self, thing: &Q) -> Option<&Claimants>
    where
        K: Borrow<Q>,
    {
        self.0.get(thing)
    }

    /// Adds a claim, which may be there already. Returns whether that concerns others: who comes
    /// after the first two makes no difference to them.
    pub fn add(&mut self, thing: K, id: &ApplicationId) -> bool {
        if let Some(claimants) = self.0.get_mut(&thing) {
            return claimants.add(id);
        }
        self.0.insert(thing, Claimants { first: id.clone(), others: BTreeSet::new() });
        true
    }

    /// Takes a claim back. Returns whether that concerns others.
    pub fn remove<Q: Eq + Hash + ?Sized>(&mut self, thing: &Q, id: &ApplicationId) -> bool
    where
        K: Borrow<Q>,
    {
        match self.0.get_mut(thing) {
            None => false,
            Some(claimants) if claimants.only() == Some(id) => self.0.remove(thing).is_some(),
            Some(claimants) => claimants.remove(id),
        }
    }
}

impl Claimants {
    /// The one that alone claims it.
    pub fn only(&self) -> Option<&ApplicationId> {
        self.others.is_empty().then_some(&self.first)
    }

    /// The first that is not `id`.
    pub fn other_than(&self, id: &ApplicationId) -> Option<&ApplicationId> {
        if self.first == *id { self.others.first() } else { Some(&self.first) }
    }

    /// All of them, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &ApplicationId> {
        iter::once(&self.first).chain(&self.others)
    }

    fn add(&mut self, id: &ApplicationId) -> bool {
        let is_new = self.first != *id && self.others.insert(id.clone());
        let is_among_first_two = self.others.first() == Some(id);
        if *id < self.first
            && let Some(first) = self.others.pop_first()
        {
            self.others.insert(mem::replace(&mut self.first, first));
        }
        is_new && is_among_first_two
    }

    /// Removes one of several.
    fn remove(&mut self, id: &ApplicationId) -> bool {
        if self.first != *id {
            let is_second = self.others.first() == Some(id);
            return self.others.remove(id) && is_second;
        }
        if let Some(second) = self.others.pop_first() {
            self.first = second;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn id(number: u8) -> ApplicationId {
        format!("dev:team:{number}").parse().unwrap()
    }

    proptest! {
        #[test]
        fn claims_are_a_set_whose_first_two_concern_others(
            steps in vec((any::<bool>(), 0..6_u8), 0..40),
        ) {
            let mut claims = Claims::default();
            let mut expected = BTreeSet::new();
            for (is_added, number) in steps {
                let first_two = |set: &BTreeSet<_>| set.iter().take(2).cloned().collect::<Vec<_>>();
                let before = first_two(&expected);
                let is_of_concern = match is_added {
                    true => {
                        expected.insert(id(number));
                        claims.add("thing", &id(number))
                    }
                    false => {
                        expected.remove(&id(number));
                        claims.remove("thing", &id(number))
                    }
                };
                prop_assert_eq!(is_of_concern, before != first_two(&expected));
                let claimants = claims.get("thing");
                let found: BTreeSet<_> =
                    claimants.into_iter().flat_map(Claimants::iter).cloned().collect();
                prop_assert_eq!(&found, &expected);
                let Some(claimants) = claimants else { continue };
                prop_assert_eq!(claimants.only(), expected.first().filter(|_| expected.len() == 1));
                for number in 0..6 {
                    let other = expected.iter().find(|other| **other != id(number));
                    prop_assert_eq!(claimants.other_than(&id(number)), other);
                }
            }
        }
    }
}
