//! The claims of an Entra ID access token, and the checks that do not depend on policy.

use std::fmt;

use serde::{Deserialize, Deserializer, de::Visitor};
use serde_json::{Map, Value};

use crate::{
    clock::{self, UnixSeconds},
    decision::{Denial, DenyReason, Inputs},
    identifiers::{ClientId, GroupId, Guid, TenantId},
};

/// For clocks that differ, in seconds: the same for `exp`, `nbf` and `iat`.
const LEEWAY: u64 = 60;

/// The claims that Portvakt reads. Types are strict: a claim of another type makes all of them
/// unusable, and is never taken as absent. That holds for null too, except in claims that are
/// only handed on.
///
/// Source: nais/doc `docs/auth/entra-id/reference`, entra-docs `access-token-claims-reference`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Claims {
    #[serde(deserialize_with = "stated")]
    iss: Option<String>,
    #[serde(deserialize_with = "stated")]
    aud: Option<String>,
    #[serde(deserialize_with = "stated")]
    exp: Option<u64>,
    #[serde(deserialize_with = "stated")]
    nbf: Option<u64>,
    #[serde(deserialize_with = "stated")]
    iat: Option<u64>,
    #[serde(deserialize_with = "stated")]
    tid: Option<String>,
    #[serde(deserialize_with = "stated")]
    ver: Option<String>,
    /// The consumer's client id in a v2.0 token.
    #[serde(deserialize_with = "stated")]
    azp: Option<String>,
    /// The consumer's client id in a v1.0 token.
    #[serde(deserialize_with = "stated")]
    appid: Option<String>,
    /// `app` for an application's own token.
    #[serde(deserialize_with = "stated")]
    pub idtyp: Option<String>,
    #[serde(deserialize_with = "stated")]
    pub roles: Option<Vec<String>>,
    /// Separated by spaces; for users only.
    #[serde(deserialize_with = "stated")]
    pub scp: Option<String>,
    /// Without texts that are no GUID, which are nobody's group.
    #[serde(deserialize_with = "listed")]
    pub groups: Option<Box<[GroupId]>>,
    #[serde(rename = "_claim_names", deserialize_with = "stated")]
    claim_names: Option<Map<String, Value>>,
    #[serde(deserialize_with = "stated")]
    pub oid: Option<String>,
    pub sub: Option<String>,
    pub name: Option<String>,
    pub preferred_username: Option<String>,
    #[serde(rename = "NAVident")]
    pub nav_ident: Option<String>,
}

/// A claim that is there has its type: null is none.
fn stated<'de, T: Deserialize<'de>, D: Deserializer<'de>>(claim: D) -> Result<Option<T>, D::Error> {
    T::deserialize(claim).map(Some)
}

/// Each check looks at a user's groups; they are read once for all checks with one token.
fn listed<'de, D: Deserializer<'de>>(claim: D) -> Result<Option<Box<[GroupId]>>, D::Error> {
    let groups = Vec::<Listed>::deserialize(claim)?;
    Ok(Some(groups.into_iter().filter_map(|Listed(group)| group).collect()))
}

/// A text that may be a group's id, read without a copy of it.
struct Listed(Option<GroupId>);

impl<'de> Deserialize<'de> for Listed {
    fn deserialize<D: Deserializer<'de>>(text: D) -> Result<Self, D::Error> {
        text.deserialize_str(ListedVisitor)
    }
}

struct ListedVisitor;

impl Visitor<'_> for ListedVisitor {
    type Value = Listed;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E>(self, text: &str) -> Result<Listed, E> {
        Ok(Listed(Guid::from_token(text).ok()))
    }
}

/// What a token for one application must say.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    pub issuer: &'a str,
    pub tenant: TenantId,
    pub audience: ClientId,
    /// Whether a v1.0 token will do, and which audiences it may have besides the client id.
    pub v1: Option<V1Audiences<'a>>,
    /// The longest lifetime, in seconds.
    pub max_lifetime: u64,
    pub now: UnixSeconds,
}

/// The App ID URIs of an application that accepts v1.0 tokens, besides `api://<client id>`.
#[derive(Debug, Clone, Copy)]
pub struct V1Audiences<'a>(pub &'a [String]);

/// The endpoint that a token comes from: issuer, audience and the consumer's claim depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    V1,
    V2,
}

impl Claims {
    /// Reads a token's payload, of which it is known that its members are distinct.
    ///
    /// # Errors
    /// `token_claims_invalid` where a claim has another type than Entra ID gives it.
    pub fn read(payload: &[u8]) -> Result<Self, Denial> {
        serde_json::from_slice(payload)
            .map_err(|_| invalid("A claim of the token has an unexpected type."))
    }

    /// Checks issuer, version, audience, time and tenant.
    ///
    /// # Errors
    /// The reason of the first that does not hold.
    pub fn check(&self, expected: &Expected<'_>) -> Result<(), Denial> {
        match (self.check_issuer(expected)?, expected.v1) {
            (Version::V2, _) => self.check_audience(expected.audience)?,
            (Version::V1, Some(accepted)) => {
                self.check_v1_audience(expected.audience, accepted)?;
            }
            (Version::V1, None) => return Err(v1_not_accepted()),
        }
        self.check_time(expected)?;
        match self.tid.as_deref().map(Guid::from_token) {
            Some(Ok(tenant)) if tenant == expected.tenant => Ok(()),
            _ => Err(invalid("The token's tenant (tid) is missing or not that of its issuer.")),
        }
    }

    /// What [`Self::check`] compares, and what tells the caller, in words: for explanations.
    pub fn checked_against(&self, expected: &Expected<'_>) -> Inputs {
        let text = |claim: &Option<String>| claim.clone().unwrap_or_default();
        let time = |claim: Option<u64>| claim.map(clock::in_words).unwrap_or_default();
        let claims = [
            ("iss", text(&self.iss)),
            ("expected iss", expected.issuer.to_owned()),
            ("ver", text(&self.ver)),
            ("aud", text(&self.aud)),
            ("expected aud", expected.audience.to_string()),
            ("tid", text(&self.tid)),
            ("iat", time(self.iat)),
            ("nbf", time(self.nbf)),
            ("exp", time(self.exp)),
            ("now", clock::in_words(expected.now)),
            ("azp", text(&self.azp)),
            ("appid", text(&self.appid)),
            ("idtyp", text(&self.idtyp)),
            ("scp", text(&self.scp)),
        ];
        claims.into_iter().filter(|(_, value)| !value.is_empty()).collect()
    }

    /// The client id of the application that the token was issued to, once it is checked: each
    /// version has its own claim for it.
    pub fn issued_to(&self) -> Option<&str> {
        match self.version() {
            Some(Version::V2) => self.azp.as_deref(),
            Some(Version::V1) => self.appid.as_deref(),
            None => None,
        }
    }

    /// Whether the user has too many groups for the token to list.
    pub fn has_groups_overage(&self) -> bool {
        self.claim_names.as_ref().is_some_and(|names| names.contains_key("groups"))
    }

    /// About how much memory the claims take beside their own.
    pub fn heap_bytes(&self) -> usize {
        let texts = [
            &self.iss,
            &self.aud,
            &self.tid,
            &self.ver,
            &self.azp,
            &self.appid,
            &self.idtyp,
            &self.scp,
            &self.oid,
            &self.sub,
            &self.name,
            &self.preferred_username,
            &self.nav_ident,
        ];
        let texts = texts.into_iter().flatten().map(String::len);
        let roles = self.roles.iter().flatten().map(|role| role.len() + size_of::<String>());
        let groups = self.groups.as_deref().map(size_of_val);
        texts.chain(roles).chain(groups).sum()
    }

    /// A v2.0 token need not say so.
    fn version(&self) -> Option<Version> {
        match self.ver.as_deref() {
            None | Some("2.0") => Some(Version::V2),
            Some("1.0") => Some(Version::V1),
            Some(_) => None,
        }
    }

    /// A tenant has an issuer for each version; the token's version must be that of its issuer.
    fn check_issuer(&self, expected: &Expected<'_>) -> Result<Version, Denial> {
        let issuer = self.iss.as_deref().ok_or_else(|| missing("iss"))?;
        let by_issuer = if issuer == expected.issuer {
            Version::V2
        } else if is_v1_issuer(issuer, expected.tenant) {
            Version::V1
        } else {
            return Err(DenyReason::TokenIssuerRejected.into());
        };
        match (self.version(), by_issuer) {
            (Some(Version::V2), Version::V2) => Ok(Version::V2),
            (Some(Version::V1), Version::V1) => Ok(Version::V1),
            _ => Err(Denial::new(
                DenyReason::TokenVersionRejected,
                "The token's version (ver) is not that of its issuer.",
            )),
        }
    }

    fn check_audience(&self, audience: ClientId) -> Result<(), Denial> {
        let claimed = self.aud.as_deref().ok_or_else(|| missing("aud"))?;
        match Guid::from_token(claimed) {
            Ok(claimed) if claimed == audience => Ok(()),
            _ => Err(DenyReason::TokenAudienceRejected.into()),
        }
    }

    fn check_v1_audience(
        &self,
        audience: ClientId,
        accepted: V1Audiences<'_>,
    ) -> Result<(), Denial> {
        let claimed = self.aud.as_deref().ok_or_else(|| missing("aud"))?;
        let id = claimed.strip_prefix("api://").unwrap_or(claimed);
        let is_own = Guid::from_token(id).is_ok_and(|id| id == audience);
        match is_own || accepted.0.iter().any(|uri| uri == claimed) {
            true => Ok(()),
            false => Err(DenyReason::TokenAudienceRejected.into()),
        }
    }

    fn check_time(&self, expected: &Expected<'_>) -> Result<(), Denial> {
        let expires = self.exp.ok_or_else(|| missing("exp"))?;
        let issued = self.iat.ok_or_else(|| missing("iat"))?;
        let now = expected.now;
        if expires.checked_add(LEEWAY).is_none_or(|end| end <= now) {
            return Err(match expires > now {
                true => invalid("The token's end (exp) is not a time."),
                false => DenyReason::TokenExpired.into(),
            });
        }
        let latest_start = now.saturating_add(LEEWAY);
        if issued > latest_start || self.nbf.is_some_and(|start| start > latest_start) {
            return Err(DenyReason::TokenNotYetValid.into());
        }
        match expires.checked_sub(issued) {
            Some(lifetime) if lifetime <= expected.max_lifetime => Ok(()),
            Some(_) => {
                Err(invalid("The token lives longer than is accepted (entra.max_token_lifetime)."))
            }
            None => Err(invalid("The token ends (exp) before it was issued (iat).")),
        }
    }
}

/// The issuer of a tenant's v1.0 tokens: `https://sts.windows.net/<tenant id>/`.
fn is_v1_issuer(issuer: &str, tenant: TenantId) -> bool {
    issuer
        .strip_prefix("https://sts.windows.net/")
        .and_then(|rest| rest.strip_suffix('/'))
        .is_some_and(|id| Guid::from_token(id).is_ok_and(|id| id == tenant))
}

fn v1_not_accepted() -> Denial {
    Denial::new(
        DenyReason::TokenVersionRejected,
        "The token is a v1.0 token; the application's registration must ask for v2.0 (requestedAccessTokenVersion: 2).",
    )
}

fn missing(claim: &str) -> Denial {
    Denial::new(DenyReason::TokenClaimsInvalid, format!("The token lacks the claim {claim}."))
}

fn invalid(detail: &'static str) -> Denial {
    Denial::new(DenyReason::TokenClaimsInvalid, detail)
}

#[cfg(test)]
mod tests;
