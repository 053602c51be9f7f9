//! The claims of an Entra ID v2.0 access token, and the checks that do not depend on policy.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    clock::UnixSeconds,
    decision::{Denial, DenyReason},
    identifiers::{ClientId, Guid, TenantId},
};

/// For clocks that differ, in seconds: the same for `exp`, `nbf` and `iat`.
const LEEWAY: u64 = 60;

/// The longest lifetime of a token, in seconds.
const MAX_LIFETIME: u64 = 24 * 3600;

/// The claims that Portvakt reads. Types are strict: a claim of another type makes all of them
/// unusable, and is never taken as absent.
///
/// Source: nais/doc `docs/auth/entra-id/reference`, entra-docs `access-token-claims-reference`.
#[derive(Debug, Clone, Deserialize)]
pub struct Claims {
    iss: Option<String>,
    aud: Option<String>,
    exp: Option<u64>,
    nbf: Option<u64>,
    iat: Option<u64>,
    tid: Option<String>,
    ver: Option<String>,
    /// The consumer's client id.
    pub azp: Option<String>,
    /// `app` for an application's own token.
    pub idtyp: Option<String>,
    pub roles: Option<Vec<String>>,
    /// Separated by spaces; for users only.
    pub scp: Option<String>,
    pub groups: Option<Vec<String>>,
    #[serde(rename = "_claim_names")]
    claim_names: Option<Map<String, Value>>,
    pub oid: Option<String>,
    pub sub: Option<String>,
    pub name: Option<String>,
    pub preferred_username: Option<String>,
    #[serde(rename = "NAVident")]
    pub nav_ident: Option<String>,
}

/// What a token for one application must say.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    pub issuer: &'a str,
    pub tenant: TenantId,
    pub audience: ClientId,
    pub now: UnixSeconds,
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

    /// Checks issuer, audience, time, version and tenant.
    ///
    /// # Errors
    /// The reason of the first that does not hold.
    pub fn check(&self, expected: &Expected<'_>) -> Result<(), Denial> {
        self.check_issuer(expected)?;
        self.check_audience(expected.audience)?;
        self.check_time(expected.now)?;
        if self.ver.as_ref().is_some_and(|version| version != "2.0") {
            return Err(DenyReason::TokenVersionRejected.into());
        }
        match self.tid.as_deref().map(Guid::from_token) {
            Some(Ok(tenant)) if tenant == expected.tenant => Ok(()),
            _ => Err(invalid("The token's tenant (tid) is missing or not that of its issuer.")),
        }
    }

    /// Whether the user has too many groups for the token to list.
    pub fn has_groups_overage(&self) -> bool {
        self.claim_names.as_ref().is_some_and(|names| names.contains_key("groups"))
    }

    /// About how much memory the texts of the claims take.
    pub fn text_bytes(&self) -> usize {
        let texts = [
            &self.iss,
            &self.aud,
            &self.tid,
            &self.ver,
            &self.azp,
            &self.idtyp,
            &self.scp,
            &self.oid,
            &self.sub,
            &self.name,
            &self.preferred_username,
            &self.nav_ident,
        ];
        let lists = [&self.roles, &self.groups];
        let listed =
            lists.into_iter().flatten().flatten().map(|text| text.len() + size_of::<String>());
        texts.into_iter().flatten().map(String::len).chain(listed).sum()
    }

    fn check_issuer(&self, expected: &Expected<'_>) -> Result<(), Denial> {
        let issuer = self.iss.as_deref().ok_or_else(|| missing("iss"))?;
        if issuer == expected.issuer {
            return Ok(());
        }
        // The same tenant's other face: worth a better answer than "another issuer".
        let v1 = format!("https://sts.windows.net/{}/", expected.tenant);
        Err(match issuer == v1 {
            true => Denial::new(
                DenyReason::TokenVersionRejected,
                "The token is a v1.0 token; the application's registration must ask for v2.0 (requestedAccessTokenVersion: 2).",
            ),
            false => DenyReason::TokenIssuerRejected.into(),
        })
    }

    fn check_audience(&self, audience: ClientId) -> Result<(), Denial> {
        let claimed = self.aud.as_deref().ok_or_else(|| missing("aud"))?;
        match Guid::from_token(claimed) {
            Ok(claimed) if claimed == audience => Ok(()),
            _ => Err(DenyReason::TokenAudienceRejected.into()),
        }
    }

    fn check_time(&self, now: UnixSeconds) -> Result<(), Denial> {
        let expires = self.exp.ok_or_else(|| missing("exp"))?;
        let issued = self.iat.ok_or_else(|| missing("iat"))?;
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
            Some(lifetime) if lifetime <= MAX_LIFETIME => Ok(()),
            Some(_) => Err(invalid("The token lives longer than 24 hours.")),
            None => Err(invalid("The token ends (exp) before it was issued (iat).")),
        }
    }
}

fn missing(claim: &str) -> Denial {
    Denial::new(DenyReason::TokenClaimsInvalid, format!("The token lacks the claim {claim}."))
}

fn invalid(detail: &'static str) -> Denial {
    Denial::new(DenyReason::TokenClaimsInvalid, detail)
}

#[cfg(test)]
mod tests {
    use DenyReason::{
        TokenAudienceRejected, TokenClaimsInvalid, TokenExpired, TokenIssuerRejected,
        TokenNotYetValid, TokenVersionRejected,
    };
    use serde_json::json;

    use super::*;

    const TENANT: &str = "62366534-1ec3-4962-8869-9b5535279d0b";
    const AUDIENCE: &str = "381ce452-1d49-49df-9e7e-990ef0328d6c";
    const ISSUER: &str =
        "https://login.microsoftonline.com/62366534-1ec3-4962-8869-9b5535279d0b/v2.0";
    const NOW: u64 = 1_800_000_000;

    /// The check's result after changing one claim of a good token; null removes it.
    fn check(claim: &str, value: Value) -> Result<(), DenyReason> {
        let mut claims = json!({
            "iss": ISSUER, "aud": AUDIENCE, "tid": TENANT, "ver": "2.0",
            "iat": NOW - 100, "nbf": NOW - 100, "exp": NOW + 3900,
        });
        claims[claim] = value;
        claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let expected = Expected {
            issuer: ISSUER,
            tenant: TENANT.parse().unwrap(),
            audience: AUDIENCE.parse().unwrap(),
            now: NOW,
        };
        Claims::read(claims.to_string().as_bytes())
            .and_then(|claims| claims.check(&expected))
            .map_err(|denial| denial.reason)
    }

    #[test]
    fn each_claim_is_checked() {
        let v1 = format!("https://sts.windows.net/{TENANT}/");
        for (claim, value, result) in [
            ("azp", json!("anything"), Ok(())),
            ("nbf", json!(null), Ok(())),
            ("ver", json!(null), Ok(())),
            ("exp", json!(NOW - 59), Ok(())),
            ("iat", json!(NOW + 60), Ok(())),
            ("nbf", json!(NOW + 60), Ok(())),
            ("iss", json!(null), Err(TokenClaimsInvalid)),
            ("iss", json!([ISSUER]), Err(TokenClaimsInvalid)),
            ("iss", json!(format!("{ISSUER}/")), Err(TokenIssuerRejected)),
            ("iss", json!(ISSUER.to_uppercase()), Err(TokenIssuerRejected)),
            ("iss", json!(""), Err(TokenIssuerRejected)),
            ("iss", json!(v1), Err(TokenVersionRejected)),
            ("aud", json!(null), Err(TokenClaimsInvalid)),
            ("aud", json!([AUDIENCE]), Err(TokenClaimsInvalid)),
            ("aud", json!(AUDIENCE.to_uppercase()), Err(TokenAudienceRejected)),
            ("aud", json!(format!("api://{AUDIENCE}")), Err(TokenAudienceRejected)),
            ("aud", json!(TENANT), Err(TokenAudienceRejected)),
            ("exp", json!(null), Err(TokenClaimsInvalid)),
            ("exp", json!((NOW + 10).to_string()), Err(TokenClaimsInvalid)),
            ("exp", json!(1e19), Err(TokenClaimsInvalid)),
            ("exp", json!(u64::MAX), Err(TokenClaimsInvalid)),
            ("exp", json!(-1), Err(TokenClaimsInvalid)),
            ("exp", json!(1_800_000_000.5), Err(TokenClaimsInvalid)),
            ("exp", json!(NOW - 100 + 24 * 3600 + 1), Err(TokenClaimsInvalid)),
            ("exp", json!(NOW - 60), Err(TokenExpired)),
            ("exp", json!(0), Err(TokenExpired)),
            ("iat", json!(null), Err(TokenClaimsInvalid)),
            ("iat", json!(NOW + 61), Err(TokenNotYetValid)),
            ("nbf", json!(NOW + 61), Err(TokenNotYetValid)),
            ("nbf", json!("soon"), Err(TokenClaimsInvalid)),
            ("ver", json!("1.0"), Err(TokenVersionRejected)),
            ("ver", json!("2"), Err(TokenVersionRejected)),
            ("ver", json!(2.0), Err(TokenClaimsInvalid)),
            ("tid", json!(null), Err(TokenClaimsInvalid)),
            ("tid", json!(AUDIENCE), Err(TokenClaimsInvalid)),
            ("tid", json!("nav.no"), Err(TokenClaimsInvalid)),
            ("roles", json!("access_as_application"), Err(TokenClaimsInvalid)),
            ("groups", json!("381ce452"), Err(TokenClaimsInvalid)),
            ("scp", json!(["defaultaccess"]), Err(TokenClaimsInvalid)),
        ] {
            assert_eq!(check(claim, value.clone()), result, "{claim} = {value}");
        }
    }

    #[test]
    fn a_clock_that_jumps_never_lets_an_expired_token_in() {
        let claims = |exp: u64| {
            let payload = json!({"iss": ISSUER, "aud": AUDIENCE, "tid": TENANT, "iat": exp - 3600, "exp": exp});
            Claims::read(payload.to_string().as_bytes()).unwrap()
        };
        for now in [0, 1, NOW - 31_536_000, NOW + 3600 + 60, NOW + 31_536_000, u64::MAX] {
            let expected = Expected {
                issuer: ISSUER,
                tenant: TENANT.parse().unwrap(),
                audience: AUDIENCE.parse().unwrap(),
                now,
            };
            assert!(claims(NOW + 3600).check(&expected).is_err(), "{now}");
        }
    }
}
