//! What is written of people.

use std::{io, path::PathBuf};

use aws_lc_rs::{error::Unspecified, hmac, rand};

use super::pseudonyms::Pseudonyms;
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
    Hashed(Box<Pseudonyms>),
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
                Self::Hashed(Pseudonyms::by(key).into())
            }
            config::PersonalData::Hashed { key_file: Some(path) } => {
                let key = file::read(path, file::MOST_OF_A_KEY)
                    .map_err(|error| KeyError::Unreadable { path: path.clone(), error })?;
                if key.len() < KEY_BYTES {
                    return Err(KeyError::TooShort(path.clone()));
                }
                Self::Hashed(Pseudonyms::by(hmac::Key::new(hmac::HMAC_SHA256, &key)).into())
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
            Self::Hashed(pseudonyms) => Some(pseudonyms.name_of(tenant, user, room)),
            Self::Omitted => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const TENANT: &str = "7d5b2c3e-9f14-4b8a-a6d0-52e1c8f73a94";
    const USER: &str = "4c6e8a0b-1f37-4d52-9b84-6e2d0f5a7c91";

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
    fn a_key_names_a_user_the_same_at_each_start_and_without_one_no_start_does() {
        let folder = tempfile::tempdir().unwrap();
        let key = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            hashed(Some(path))
        };
        let of = |start: Result<PersonalData, KeyError>| name(&start.unwrap(), TENANT, USER);
        assert_eq!(of(key("one", &[1; 32])), of(key("same", &[1; 32])));
        assert_ne!(of(key("one", &[1; 32])), of(key("other", &[2; 32])));
        assert_ne!(of(hashed(None)), of(hashed(None)));
        assert!(matches!(key("short", &[1; 31]), Err(KeyError::TooShort(_))));
        let gone = hashed(Some(folder.path().join("gone")));
        assert!(gone.unwrap_err().to_string().contains("gone cannot be read: "));
    }
}
