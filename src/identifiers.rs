//! What applications, tenants and groups are called.
//!
//! Entra ID names things by GUID. A GUID is kept as sixteen bytes, so that two
//! spellings of the same one can never differ, and an unreadable one can never
//! be compared at all.

use std::{borrow::Cow, fmt, str::FromStr, sync::Arc};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, Unexpected},
};

/// A GUID in its hyphenated form, `8-4-4-4-12` hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Guid(uuid::Uuid);

/// A client id (`appId`) of an application registered in Entra ID; `azp` and `aud` of a v2.0 token.
pub type ClientId = Guid;
/// The object id of a user in Entra ID; `oid` of a user's token.
pub type UserId = Guid;
/// The object id of a group in Entra ID.
pub type GroupId = Guid;
/// The id of an Entra ID tenant; `tid` of a token.
pub type TenantId = Guid;

/// The text is no GUID in hyphenated form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a GUID (8-4-4-4-12 hexadecimal digits)")]
pub struct NotAGuid;

impl FromStr for Guid {
    type Err = NotAGuid;

    /// Accepts upper and lower case; refuses braces, `urn:uuid:` and the form without hyphens.
    fn from_str(text: &str) -> Result<Self, NotAGuid> {
        const HYPHENATED: usize = 36;
        if text.len() != HYPHENATED {
            return Err(NotAGuid);
        }
        uuid::Uuid::try_parse(text).map(Self).map_err(|_| NotAGuid)
    }
}

impl Guid {
    /// The one of zeros, which Entra ID gives to nothing.
    pub const NIL: Self = Self(uuid::Uuid::nil());

    /// Reads the one spelling that Entra ID writes into tokens: hyphenated and in lower case.
    ///
    /// # Errors
    /// [`NotAGuid`] for every other text.
    pub fn from_token(text: &str) -> Result<Self, NotAGuid> {
        match text.bytes().any(|c| c.is_ascii_uppercase()) {
            true => Err(NotAGuid),
            false => text.parse(),
        }
    }

    /// The first segment of a URL's path that is a GUID: in an issuer's, its tenant.
    pub fn in_path(url: &str) -> Option<Self> {
        url.split('/').find_map(|segment| segment.parse().ok())
    }

    /// The sixteen bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// Its text, hyphenated and in lower case, written where there is room for it.
    pub fn encode<'r>(&self, room: &'r mut [u8; 36]) -> &'r str {
        self.0.as_hyphenated().encode_lower(room)
    }

    /// Hands over its text, hyphenated and in lower case.
    pub fn with_text(&self, then: impl FnOnce(&str)) {
        then(self.0.as_hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer()));
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Guid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut buffer = uuid::Uuid::encode_buffer();
        serializer.serialize_str(self.0.as_hyphenated().encode_lower(&mut buffer))
    }
}

impl<'de> Deserialize<'de> for Guid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(|_| de::Error::invalid_value(Unexpected::Str(&text), &"a GUID"))
    }
}

/// An application's full name: `cluster:namespace:application`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ApplicationId(Arc<str>);

/// The text is not `cluster:namespace:application`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is not of the form cluster:namespace:application")]
pub struct NotAnApplicationId;

impl ApplicationId {
    /// # Errors
    /// [`NotAnApplicationId`] where a part is empty or holds a character that no such name can
    /// hold: anything but letters, digits, `-`, `.` and `_`.
    pub fn new(cluster: &str, namespace: &str, name: &str) -> Result<Self, NotAnApplicationId> {
        [cluster, namespace, name]
            .iter()
            .all(|part| is_name(part))
            .then(|| Self(format!("{cluster}:{namespace}:{name}").into()))
            .ok_or(NotAnApplicationId)
    }

    /// The whole name, `cluster:namespace:application`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The cluster that the application runs in.
    pub fn cluster(&self) -> &str {
        self.part(0)
    }

    /// The application's namespace, in NAIS its team.
    pub fn namespace(&self) -> &str {
        self.part(1)
    }

    /// The application's own name.
    pub fn name(&self) -> &str {
        self.part(2)
    }

    fn part(&self, index: usize) -> &str {
        self.0.split(':').nth(index).unwrap_or_default()
    }
}

impl FromStr for ApplicationId {
    type Err = NotAnApplicationId;

    fn from_str(text: &str) -> Result<Self, NotAnApplicationId> {
        let mut parts = text.split(':');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(cluster), Some(namespace), Some(name), None) => {
                Self::new(cluster, namespace, name)
            }
            _ => Err(NotAnApplicationId),
        }
    }
}

impl fmt::Display for ApplicationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ApplicationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for ApplicationId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ApplicationId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(|_| {
            de::Error::invalid_value(Unexpected::Str(&text), &"cluster:namespace:application")
        })
    }
}

/// The text is no name of a cluster, a namespace or an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("holds something else than letters, digits, -, . and _")]
pub struct NotAName;

/// Whether a cluster, a namespace or an application may be called that.
pub fn is_name(text: &str) -> bool {
    let allowed = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'.' | b'_');
    !text.is_empty() && text.len() <= 253 && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guid_is_read_in_any_case_and_written_in_lower_case() {
        let guid: Guid = "381CE452-1D49-49DF-9E7E-990EF0328D6C".parse().unwrap();
        assert_eq!(guid.to_string(), "381ce452-1d49-49df-9e7e-990ef0328d6c");
    }

    #[test]
    fn other_spellings_of_a_guid_are_refused() {
        for text in [
            "",
            "381ce4521d4949df9e7e990ef0328d6c",
            "{381ce452-1d49-49df-9e7e-990ef0328d6c}",
            "urn:uuid:381ce452-1d49-49df-9e7e-990ef0328d6c",
            " 381ce452-1d49-49df-9e7e-990ef0328d6",
            "381ce452-1d49-49df-9e7e-990ef0328d6g",
        ] {
            assert_eq!(text.parse::<Guid>(), Err(NotAGuid), "{text}");
        }
    }

    #[test]
    fn an_application_id_has_three_parts() {
        let id: ApplicationId = "prod:team-a:api".parse().unwrap();
        assert_eq!((id.cluster(), id.namespace(), id.name()), ("prod", "team-a", "api"));
        for text in ["", "prod:team-a", "prod::api", "a:b:c:d", "a:b:*", "a:b:c "] {
            assert_eq!(text.parse::<ApplicationId>(), Err(NotAnApplicationId), "{text}");
        }
    }
}
