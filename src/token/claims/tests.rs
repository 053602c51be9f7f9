use DenyReason::{
    TokenAudienceRejected, TokenClaimsInvalid, TokenExpired, TokenIssuerRejected, TokenNotYetValid,
    TokenVersionRejected,
};
use serde_json::json;

use super::*;

const TENANT: &str = "62366534-1ec3-4962-8869-9b5535279d0b";
const AUDIENCE: &str = "381ce452-1d49-49df-9e7e-990ef0328d6c";
const ISSUER: &str = "https://login.microsoftonline.com/62366534-1ec3-4962-8869-9b5535279d0b/v2.0";
const NOW: u64 = 1_800_000_000;

fn good() -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "tid": TENANT, "ver": "2.0",
        "iat": NOW - 100, "nbf": NOW - 100, "exp": NOW + 3900,
    })
}

fn v1() -> Value {
    let mut claims = good();
    claims["iss"] = format!("https://sts.windows.net/{TENANT}/").into();
    claims["ver"] = "1.0".into();
    claims
}

fn expected() -> Expected<'static> {
    Expected {
        issuer: ISSUER,
        tenant: TENANT.parse().unwrap(),
        audience: AUDIENCE.parse().unwrap(),
        v1: None,
        max_lifetime: 24 * 3600,
        now: NOW,
    }
}

fn check_all(claims: &Value, expected: &Expected<'_>) -> Result<(), DenyReason> {
    Claims::read(claims.to_string().as_bytes())
        .and_then(|claims| claims.check(expected))
        .map_err(|denial| denial.reason)
}

/// The check's result after changing one claim of a good token; null removes it.
fn check(claim: &str, value: Value) -> Result<(), DenyReason> {
    let mut claims = good();
    claims[claim] = value;
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    check_all(&claims, &expected())
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
        let payload =
            json!({"iss": ISSUER, "aud": AUDIENCE, "tid": TENANT, "iat": exp - 3600, "exp": exp});
        Claims::read(payload.to_string().as_bytes()).unwrap()
    };
    for now in [0, 1, NOW - 31_536_000, NOW + 3600 + 60, NOW + 31_536_000, u64::MAX] {
        let expected = Expected { now, ..expected() };
        assert!(claims(NOW + 3600).check(&expected).is_err(), "{now}");
    }
}

#[test]
fn the_lifetime_of_tokens_is_capped_as_configured() {
    for (hours, cap, result) in [
        (24, 24, Ok(())),
        (25, 24, Err(TokenClaimsInvalid)),
        // Tokens of continuous access evaluation live up to 28 hours.
        (28, 29, Ok(())),
        (30, 29, Err(TokenClaimsInvalid)),
        (2, 1, Err(TokenClaimsInvalid)),
    ] {
        let mut claims = good();
        claims["exp"] = (NOW - 100 + hours * 3600).into();
        let expected = Expected { max_lifetime: cap * 3600, ..expected() };
        assert_eq!(check_all(&claims, &expected), result, "{hours} h, at most {cap} h");
    }
}

#[test]
fn null_is_no_value_of_a_claim_that_decides() {
    for claim in [
        "iss",
        "aud",
        "exp",
        "nbf",
        "iat",
        "tid",
        "ver",
        "azp",
        "appid",
        "idtyp",
        "scp",
        "roles",
        "groups",
        "oid",
        "_claim_names",
    ] {
        let mut claims = good();
        claims[claim] = Value::Null;
        assert_eq!(check_all(&claims, &expected()), Err(TokenClaimsInvalid), "{claim}");
    }
    for claim in ["sub", "name", "preferred_username", "NAVident", "unknown"] {
        let mut claims = good();
        claims[claim] = Value::Null;
        assert_eq!(check_all(&claims, &expected()), Ok(()), "{claim}");
    }
}

#[test]
fn v1_tokens_are_accepted_where_asked_for_and_nowhere_else() {
    let stated = ["api://prod.team.api".to_owned(), "https://api.example".to_owned()];
    let stated = Some(V1Audiences(&stated));
    let bare = Some(V1Audiences(&[]));
    let own = format!("api://{AUDIENCE}");
    let upper = format!("api://{}", AUDIENCE.to_uppercase());
    for (audience, accepted, result) in [
        (AUDIENCE, None, Err(TokenVersionRejected)),
        (&*own, None, Err(TokenVersionRejected)),
        (AUDIENCE, bare, Ok(())),
        (&*own, bare, Ok(())),
        (&*upper, bare, Err(TokenAudienceRejected)),
        (TENANT, bare, Err(TokenAudienceRejected)),
        ("api://prod.team.api", bare, Err(TokenAudienceRejected)),
        ("api://prod.team.api", stated, Ok(())),
        ("https://api.example", stated, Ok(())),
        ("https://api.example/", stated, Err(TokenAudienceRejected)),
        ("API://prod.team.api", stated, Err(TokenAudienceRejected)),
        ("", stated, Err(TokenAudienceRejected)),
    ] {
        let mut claims = v1();
        claims["aud"] = audience.into();
        let expected = Expected { v1: accepted, ..expected() };
        assert_eq!(check_all(&claims, &expected), result, "{audience}, {accepted:?}");
    }
}

#[test]
fn version_and_issuer_of_a_token_belong_together() {
    let expected = Expected { v1: Some(V1Audiences(&[])), ..expected() };
    let other = format!("https://sts.windows.net/{AUDIENCE}/");
    let bare = format!("https://sts.windows.net/{TENANT}");
    for (claim, value, result) in [
        ("ver", json!("1.0"), Ok(())),
        ("ver", json!("2.0"), Err(TokenVersionRejected)),
        ("ver", json!("3.0"), Err(TokenVersionRejected)),
        ("iss", json!(ISSUER), Err(TokenVersionRejected)),
        ("iss", json!(other), Err(TokenIssuerRejected)),
        ("iss", json!(bare), Err(TokenIssuerRejected)),
        ("tid", json!(AUDIENCE), Err(TokenClaimsInvalid)),
    ] {
        let mut claims = v1();
        claims[claim] = value.clone();
        assert_eq!(check_all(&claims, &expected), result, "{claim} = {value}");
    }
    let mut silent = v1();
    silent.as_object_mut().unwrap().remove("ver");
    assert_eq!(check_all(&silent, &expected), Err(TokenVersionRejected));
    // What a v1.0 token may have as its audience, a v2.0 token may not.
    let mut claims = good();
    claims["aud"] = format!("api://{AUDIENCE}").into();
    assert_eq!(check_all(&claims, &expected), Err(TokenAudienceRejected));
}

#[test]
fn each_version_has_its_own_claim_for_the_application_it_was_issued_to() {
    for (version, expected) in [("1.0", Some("one")), ("2.0", Some("two")), ("3.0", None)] {
        let payload = json!({"ver": version, "appid": "one", "azp": "two"});
        let claims = Claims::read(payload.to_string().as_bytes()).unwrap();
        assert_eq!(claims.issued_to(), expected, "{version}");
    }
}
