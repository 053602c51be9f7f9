//! What is written of people.

use std::{io, path::PathBuf};

use aws_lc_rs::{error::Unspecified, hmac, rand};

use crate::{
    config, file,
    identifiers::{TenantId, UserId},
};

/// The least that a key may have, in bytes: as many as the hash.
const KEY_BYTES: usize = 32;

/// How users are named.
#[derive(Debug)]
pub enum PersonalData {
    /// By their object ids.
    Plain,
    /// By a hash that only the key's owner can compute. Without the key, a list of all users does
    /// not tell who it was; with it, it does.
    Hashed(Box<hmac::Key>),
    /// Not at all.
    Omitted,
}

/// There is no key for the hashes.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("decision_log.key_file: {} cannot be read: {error}", path.display())]
    Unreadable { path: PathBuf, error: io::Error },
    #[error(
        "decision_log.key_file: {} holds less than {KEY_BYTES} bytes; write it with \
         `head -c 32 /dev/urandom`", .0.display()
    )]
    TooShort(PathBuf),
    #[error("no key can be drawn for the hashes of users: the system has no randomness")]
    NoRandomness(#[from] Unspecified),
}

impl PersonalData {
    /// As configured. The key is read, or drawn.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn of(settings: &config::PersonalData) -> Result<Self, KeyError> {
        Ok(match settings {
            config::PersonalData::Plain => Self::Plain,
            config::PersonalData::Omitted => Self::Omitted,
            config::PersonalData::Hashed { key_file: None } => {
                let key = hmac::Key::generate(hmac::HMAC_SHA256, &rand::SystemRandom::new())?;
                Self::Hashed(Box::new(key))
            }
            config::PersonalData::Hashed { key_file: Some(path) } => {
                let key = file::read(path, file::MOST_OF_A_KEY)
                    .map_err(|error| KeyError::Unreadable { path: path.clone(), error })?;
                if key.len() < KEY_BYTES {
                    return Err(KeyError::TooShort(path.clone()));
                }
                Self::Hashed(Box::new(hmac::Key::new(hmac::HMAC_SHA256, &key)))
            }
        })
    }

    /// What stands for a user, written where there is room for it.
    pub fn name_of<'r>(
        &self,
        tenant: TenantId,
        user: UserId,
        room: &'r mut [u8; 36],
    ) -> Option<&'r str> {
        match self {
            Self::Plain => Some(user.encode(room)),
            Self::Hashed(key) => Some(hash_of(key, tenant, user, room)),
            Self::Omitted => None,
        }
    }
}

/// `h:` and 32 hexadecimal digits, half of the HMAC-SHA256 of the tenant's and the user's bytes.
fn hash_of<'r>(key: &hmac::Key, tenant: TenantId, user: UserId, room: &'r mut [u8; 36]) -> &'r str {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    const MARK: &[u8; 2] = b"h:";
    let mut person = [0; 32];
    person[..16].copy_from_slice(tenant.as_bytes());
    person[16..].copy_from_slice(user.as_bytes());
    let tag = hmac::sign(key, &person);
    let (mark, digits) = room.split_at_mut(MARK.len());
    mark.copy_from_slice(MARK);
    for (pair, byte) in digits.chunks_exact_mut(2).take(16).zip(tag.as_ref()) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    std::str::from_utf8(&room[..34]).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const TENANT: &str = "7d5b2c3e-9f14-4b8a-a6d0-52e1c8f73a94";
    const USER: &str = "4c6e8a0b-1f37-4d52-9b84-6e2d0f5a7c91";
    const OTHER: &str = "8b1d4f7a-2e95-4c30-b6d8-7f0a3c5e9b12";

    fn name(data: &PersonalData, tenant: &str, user: &str) -> Option<String> {
        let (tenant, user) = (tenant.parse().unwrap(), user.parse().unwrap());
        data.name_of(tenant, user, &mut [0; 36]).map(str::to_owned)
    }

    fn hashed(key_file: Option<PathBuf>) -> Result<PersonalData, KeyError> {
        PersonalData::of(&config::PersonalData::Hashed { key_file })
    }

    #[test]
    fn users_are_named_as_is_configured() {
        assert_eq!(name(&PersonalData::Plain, TENANT, USER).as_deref(), Some(USER));
        assert_eq!(name(&PersonalData::Omitted, TENANT, USER), None);
        let hash = name(&hashed(None).unwrap(), TENANT, USER).unwrap();
        let digits = hash.strip_prefix("h:").unwrap();
        assert!(digits.len() == 32 && digits.bytes().all(|c| c.is_ascii_hexdigit()), "{hash}");
    }

    #[test]
    fn a_hash_tells_people_apart_and_depends_on_its_key() {
        let folder = tempfile::tempdir().unwrap();
        let key = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            hashed(Some(path))
        };
        let (one, other) = (key("one", &[1; 32]).unwrap(), key("other", &[2; 32]).unwrap());
        let of_user = name(&one, TENANT, USER);
        // By Python: hmac.new(b"\x01" * 32, tenant.bytes + user.bytes, "sha256").hexdigest()[:32]
        assert_eq!(of_user.as_deref(), Some("h:db441f7b5646eff695e1570d02410864"));
        assert_eq!(name(&key("same", &[1; 32]).unwrap(), TENANT, USER), of_user);
        for another in
            [name(&one, TENANT, OTHER), name(&one, OTHER, USER), name(&other, TENANT, USER)]
        {
            assert_ne!(another, of_user);
        }
        assert_ne!(
            name(&hashed(None).unwrap(), TENANT, USER),
            name(&hashed(None).unwrap(), TENANT, USER)
        );
        assert!(matches!(key("short", &[1; 31]), Err(KeyError::TooShort(_))));
        let gone = hashed(Some(folder.path().join("gone")));
        assert!(gone.unwrap_err().to_string().contains("gone cannot be read: "));
    }
}
