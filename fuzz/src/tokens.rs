//! Tokens, from their text to their claims.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use futures_util::FutureExt;
use portvakt::{
    clock::Clock,
    config::{self, Environment},
    decision::DenyReason,
    keys::Issuer,
    policy::Caller,
    telemetry::Metrics,
    token::{Audience, Claims, Expected, TokenCache, Verifier},
};
use tokio::time::Instant;

use super::{AUDIENCE, ISSUER, TENANT, json, oracle};

const NOW: u64 = 1_800_000_000;

/// A header as JSON, within a token that is right otherwise.
pub fn token_header(header: &[u8]) {
    compare(&format!("{}.e30.c2ln", base64url(header)));
}

/// The whole token as text.
pub fn token_form(token: &[u8]) {
    let Ok(token) = std::str::from_utf8(token) else { return };
    compare(token);
}

/// A payload as JSON: both readings agree whether its claims hold.
pub fn claims(payload: &[u8]) {
    let Some(read) = json::parse(payload).filter(|read| matches!(read, json::Json::Object(_)))
    else {
        // Such a payload never comes so far; reading it must be harmless all the same.
        let _ = Claims::read(payload);
        return;
    };
    let expected =
        oracle::Expected { issuer: ISSUER, tenant: TENANT, audience: AUDIENCE, now: NOW };
    let holds = oracle::claims_hold(&read, &expected);
    let expected = Expected {
        issuer: ISSUER,
        tenant: TENANT.parse().unwrap(),
        audience: AUDIENCE.parse().unwrap(),
        v1: None,
        max_lifetime: 24 * 3600,
        now: NOW,
    };
    let claims = Claims::read(payload);
    let checked = claims.as_ref().is_ok_and(|claims| claims.check(&expected).is_ok());
    assert_eq!(checked, holds, "{}", String::from_utf8_lossy(payload));
    if let Ok(claims) = claims {
        let _ = Caller::from_claims(Arc::new(claims), expected.tenant);
    }
}

/// A verifier that was never given a key: a token of the right form is refused for that, and
/// every other one for its form.
static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
    let variables = [
        ("PORTVAKT_CLUSTER", "fuzz"),
        ("AZURE_APP_CLIENT_ID", AUDIENCE),
        ("AZURE_OPENID_CONFIG_ISSUER", ISSUER),
        ("AZURE_OPENID_CONFIG_JWKS_URI", "https://login.example/keys"),
        ("AZURE_APP_TENANT_ID", TENANT),
        ("NAIS_NAMESPACE", "team"),
        ("NAIS_APP_NAME", "app"),
    ];
    let environment: Environment =
        variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect();
    let config = config::read(None, &environment).unwrap().config;
    let metrics = Arc::new(Metrics::new());
    let tenant = config.entra.tenants[0].clone();
    let issuer = Issuer::new(tenant, config.entra.keys, Arc::clone(&metrics));
    let (cache, clock) = (TokenCache::new(0), Clock::new(|| NOW));
    Verifier::new(&[Arc::new(issuer)], cache, config.entra.max_token_lifetime, clock, metrics)
});

fn compare(token: &str) {
    let deadline = Instant::now() + Duration::from_secs(1);
    let audience = Audience {
        tenant: TENANT.parse().unwrap(),
        client_id: AUDIENCE.parse().unwrap(),
        v1: None,
    };
    let verified = VERIFIER.verify(token, &audience, deadline, (), &mut ()).now_or_never();
    let denial = verified.expect("nothing to wait for").expect_err("nobody has a key");
    // How long a token may be is asked before, where the header is read.
    let is_short = token.len() <= 16 * 1024;
    let has_form = denial.reason == DenyReason::KeysUnavailable;
    assert!(!is_short || has_form == oracle::form(token).is_some(), "{denial:?}: {token}");
}

fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let byte = |at| usize::from(three.get(at).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        let digits = [bits >> 18, bits >> 12 & 63, bits >> 6 & 63, bits & 63];
        text.extend(digits.iter().take(three.len() + 1).map(|digit| char::from(ALPHABET[*digit])));
    }
    text
}
