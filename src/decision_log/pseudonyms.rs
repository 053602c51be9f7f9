//! Hashes that stand for users.

use std::{array, fmt, sync::Mutex};

use aws_lc_rs::hmac;

use crate::identifiers::{TenantId, UserId};

/// How many names are kept: as many as a byte tells apart.
const KEPT: usize = 256;

/// Names users by a key. Those of the latest users are kept, for who calls once calls again.
pub struct Pseudonyms {
    key: hmac::Key,
    /// Each at the place that one byte of the user's id tells.
    latest: [Mutex<Option<Latest>>; KEPT],
}

/// A user and the name.
#[derive(Clone, Copy)]
struct Latest {
    person: Person,
    name: Name,
}

/// The tenant's and the user's bytes.
type Person = [u8; 32];
/// `h:` and 32 hexadecimal digits.
type Name = [u8; 34];

impl Pseudonyms {
    /// Names by this key.
    pub fn by(key: hmac::Key) -> Self {
        Self { key, latest: array::from_fn(|_| Mutex::default()) }
    }

    /// What stands for a user, written where there is room for it: `h:` and half of the HMAC-SHA256
    /// of the tenant's and the user's bytes, in hexadecimal digits.
    pub fn name_of<'r>(&self, tenant: TenantId, user: UserId, room: &'r mut [u8; 36]) -> &'r str {
        let (tenant, user) = (tenant.as_bytes(), user.as_bytes());
        let mut person = [0; 32];
        person[..16].copy_from_slice(tenant);
        person[16..].copy_from_slice(user);
        let name = self.kept(person, usize::from(user[0])).unwrap_or_else(|| self.hash(person));
        let written = &mut room[..name.len()];
        written.copy_from_slice(&name);
        std::str::from_utf8(written).unwrap_or_default()
    }

    /// The name at a place, which becomes this user's. `None` where another thread is at it: nobody
    /// waits.
    fn kept(&self, person: Person, place: usize) -> Option<Name> {
        let mut latest = self.latest.get(place)?.try_lock().ok()?;
        let known = latest.filter(|latest| latest.person == person);
        let Latest { name, .. } =
            *latest.insert(known.unwrap_or_else(|| Latest { person, name: self.hash(person) }));
        Some(name)
    }

    fn hash(&self, person: Person) -> Name {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let tag = hmac::sign(&self.key, &person);
        let mut name = [0; 34];
        let (mark, digits) = name.split_at_mut(2);
        mark.copy_from_slice(b"h:");
        for (pair, byte) in digits.chunks_exact_mut(2).zip(tag.as_ref()) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        name
    }
}

impl fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pseudonyms").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: &str = "7d5b2c3e-9f14-4b8a-a6d0-52e1c8f73a94";
    const USER: &str = "4c6e8a0b-1f37-4d52-9b84-6e2d0f5a7c91";
    /// Kept at the same place as the user.
    const NEIGHBOUR: &str = "4c1d4f7a-2e95-4c30-b6d8-7f0a3c5e9b12";

    fn by(key: &[u8]) -> Pseudonyms {
        Pseudonyms::by(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    fn name(pseudonyms: &Pseudonyms, tenant: &str, user: &str) -> String {
        let (tenant, user) = (tenant.parse().unwrap(), user.parse().unwrap());
        pseudonyms.name_of(tenant, user, &mut [0; 36]).to_owned()
    }

    #[test]
    fn a_name_tells_people_apart_depends_on_its_key_and_stays() {
        let (one, other) = (by(&[1; 32]), by(&[2; 32]));
        // By Python: hmac.new(b"\x01" * 32, tenant.bytes + user.bytes, "sha256").hexdigest()[:32]
        let of_user = "h:db441f7b5646eff695e1570d02410864";
        for _ in 0..2 {
            assert_eq!(name(&one, TENANT, USER), of_user);
            for another in [
                name(&one, TENANT, NEIGHBOUR),
                name(&one, NEIGHBOUR, USER),
                name(&other, TENANT, USER),
            ] {
                assert_ne!(another, of_user);
            }
        }
    }

    #[test]
    fn a_place_that_is_taken_keeps_nobody_waiting() {
        let pseudonyms = by(&[1; 32]);
        let _taken: Vec<_> = pseudonyms.latest.iter().map(|place| place.lock().unwrap()).collect();
        assert_eq!(name(&pseudonyms, TENANT, USER), "h:db441f7b5646eff695e1570d02410864");
    }
}
