//! A map of which every generation has a version of its own.

use std::{
    borrow::Borrow,
    collections::HashMap,
    fmt,
    hash::{BuildHasher, Hash, RandomState},
    sync::Arc,
};

/// As many as a byte of a hash tells apart.
const SHARDS: usize = 256;

/// A map that is cheap to clone: clones share what has not changed since.
///
/// A change copies the shard that it concerns, a 256th of the map, unless nobody else has it. Trees
/// that are made for this copy less, and have every look-up follow several nodes. Each check looks
/// up and documents change seldom, so that a look-up is a `HashMap`'s here, one step further away.
#[derive(Clone)]
pub struct Sharded<K, V> {
    hasher: RandomState,
    shards: Arc<[Arc<HashMap<K, V>>]>,
    len: usize,
}

impl<K, V> Default for Sharded<K, V> {
    fn default() -> Self {
        let shards = vec![Arc::default(); SHARDS].into();
        Self { hasher: RandomState::new(), shards, len: 0 }
    }
}

impl<K, V> Sharded<K, V> {
    /// Everything, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.shards.iter().flat_map(|shard| shard.iter())
    }

    pub fn len(&self) -> usize {
        self.len
    }
}

impl<K: Clone + Eq + Hash, V: Clone> Sharded<K, V> {
    pub fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.shards[self.number(key)].get(key)
    }

    /// The value, to be changed.
    pub fn get_mut<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        self.shard(key).get_mut(key)
    }

    /// Puts a value in, and returns the one that was in its place.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        let earlier = self.shard(&key).insert(key, value);
        self.len += usize::from(earlier.is_none());
        earlier
    }

    /// Takes a value out.
    pub fn remove<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let earlier = self.shard(key).remove(key);
        self.len -= usize::from(earlier.is_some());
        earlier
    }

    fn number<Q: Hash + ?Sized>(&self, key: &Q) -> usize {
        let [first, ..] = self.hasher.hash_one(key).to_ne_bytes();
        first.into()
    }

    fn shard<Q: Hash + ?Sized>(&mut self, key: &Q) -> &mut HashMap<K, V> {
        let number = self.number(key);
        Arc::make_mut(&mut Arc::make_mut(&mut self.shards)[number])
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for Sharded<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<K: Clone + Eq + Hash, V: Clone + PartialEq> PartialEq for Sharded<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.iter().all(|(key, value)| other.get(key) == Some(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_stays_as_it_was_and_shares_all_but_what_changed() {
        let mut map = Sharded::default();
        for number in 0..10_000 {
            assert_eq!(map.insert(number, number), None);
        }
        let earlier = map.clone();
        assert_eq!(map.insert(7, 0), Some(7));
        assert_eq!((map.len(), map.get(&7), earlier.get(&7)), (10_000, Some(&0), Some(&7)));
        assert_eq!(map.remove(&7), Some(0));
        assert_eq!(map.remove(&7), None);
        assert_eq!((map.len(), map.get(&7), earlier.len()), (9_999, None, 10_000));
        let shards = map.shards.iter().zip(earlier.shards.iter());
        let copied = shards.filter(|(one, other)| !Arc::ptr_eq(one, other)).count();
        assert_eq!(copied, 1);
    }

    #[test]
    fn two_are_equal_that_hold_the_same() {
        let of = |numbers: &[u8]| {
            let mut map = Sharded::default();
            for number in numbers {
                map.insert(*number, *number);
            }
            map
        };
        assert_eq!(of(&[1, 2]), of(&[2, 1]));
        for other in [&[1][..], &[1, 3], &[1, 2, 3]] {
            assert_ne!(of(&[1, 2]), of(other));
        }
    }
}
