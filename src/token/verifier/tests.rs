use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use tokio::{
    sync::Semaphore,
    time::{Duration, sleep},
};

use super::*;
use crate::{
    config::Keys,
    demo::SigningKey,
    keys::fake::{Behaviour, FakeIssuer, name},
};

const HOME: &str = "7d5b2c3e-9f14-4b8a-a6d0-52e1c8f73a94";
const FOREIGN: &str = "2f6c8a1b-3d5e-4f70-8b92-c4d6e8f0a1b3";
const CLIENT: &str = "a2f4c0d1-5b7e-4d3a-8c69-17e05b9d4f20";
const NOW: u64 = 1_800_000_000;
const HOUR: u64 = 3600;
const YEAR: u64 = 365 * 24 * HOUR;

/// A verifier of two tenants' tokens, with a clock that the test moves.
struct Fixture {
    verifier: Verifier,
    home: Arc<FakeIssuer>,
    foreign: Arc<FakeIssuer>,
    now: Arc<AtomicU64>,
    capacity: Semaphore,
}

impl Fixture {
    async fn new(home: &SigningKey, foreign: &SigningKey) -> Self {
        let home = FakeIssuer::new(vec![home.public_jwk()]);
        let foreign = FakeIssuer::new(vec![foreign.public_jwk()]);
        let settings = Keys::default();
        let issuers =
            [home.started(HOME, settings.clone()).await, foreign.started(FOREIGN, settings).await];
        Self::with(&issuers, home, foreign)
    }

    fn with(issuers: &[Arc<Issuer>], home: Arc<FakeIssuer>, foreign: Arc<FakeIssuer>) -> Self {
        let now = Arc::new(AtomicU64::new(NOW));
        let told = Arc::clone(&now);
        let clock = Clock::new(move || told.load(Ordering::SeqCst));
        let day = Duration::from_secs(24 * HOUR);
        let metrics = Arc::new(Metrics::new());
        let verifier = Verifier::new(issuers, TokenCache::new(1 << 20), day, clock, metrics);
        Self { verifier, home, foreign, now, capacity: Semaphore::new(1) }
    }

    /// The reason for which an application of `tenant` refuses a token.
    async fn refusal(&self, token: &str, tenant: &str) -> Option<DenyReason> {
        let place = self.capacity.try_acquire().unwrap();
        let deadline = Instant::now() + Duration::from_millis(150);
        let audience = audience(tenant);
        let verified = self.verifier.verify(token, &audience, deadline, place, &mut ()).await;
        verified.err().map(|denial| denial.reason)
    }
}

fn audience(tenant: &str) -> Audience<'static> {
    let (tenant, client_id) = (tenant.parse().unwrap(), CLIENT.parse().unwrap());
    Audience { tenant, client_id, v1: None }
}

fn key(kid: &str) -> SigningKey {
    SigningKey::generate(kid).unwrap()
}

fn claims(tenant: &str) -> Value {
    json!({
        "iss": name(tenant), "tid": tenant, "aud": CLIENT, "ver": "2.0",
        "iat": NOW, "nbf": NOW, "exp": NOW + HOUR, "azp": CLIENT, "idtyp": "app",
    })
}

#[test]
fn the_signature_library_works() {
    self_test().unwrap();
}

#[tokio::test(start_paused = true)]
async fn keys_of_one_id_never_cross_issuers_remembered_tokens_included() {
    let (home, foreign) = (key("k"), key("k"));
    let fixture = Fixture::new(&home, &foreign).await;
    let token = home.token(&claims(HOME)).unwrap();
    let forged = foreign.token(&claims(HOME)).unwrap();
    // Twice each: the second time from the cache, or past it.
    for _ in 0..2 {
        assert_eq!(fixture.refusal(&token, HOME).await, None);
        let refused = Some(DenyReason::TokenSignatureInvalid);
        assert_eq!(fixture.refusal(&token, FOREIGN).await, refused);
        assert_eq!(fixture.refusal(&forged, HOME).await, refused);
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_two_tenants_share_makes_no_token_of_the_other() {
    let shared = key("k");
    let fixture = Fixture::new(&shared, &shared).await;
    let token = shared.token(&claims(HOME)).unwrap();
    for _ in 0..2 {
        assert_eq!(fixture.refusal(&token, HOME).await, None);
        let refused = Some(DenyReason::TokenIssuerRejected);
        assert_eq!(fixture.refusal(&token, FOREIGN).await, refused);
    }
    let mut other = claims(HOME);
    other["iss"] = name(FOREIGN).into();
    let token = shared.token(&other).unwrap();
    assert_eq!(fixture.refusal(&token, FOREIGN).await, Some(DenyReason::TokenClaimsInvalid));
}

#[tokio::test(start_paused = true)]
async fn what_has_not_the_form_of_a_token_is_refused_before_any_key_is_looked_for() {
    let fake = FakeIssuer::of(&["k"]);
    fake.behave(Behaviour::Fails);
    let issuer = fake.start(HOME, Keys::default());
    let fixture = Fixture::with(&[issuer], Arc::clone(&fake), Arc::clone(&fake));
    let good = key("k").token(&claims(HOME)).unwrap();
    let parts: Vec<_> = good.split('.').collect();
    let [header, payload, signature] = parts[..] else { panic!() };
    let flattened = json!({"protected": header, "payload": payload, "signature": signature});
    let general = json!({
        "payload": payload,
        "signatures": [{"protected": header, "signature": signature}],
    });
    assert_eq!(fixture.refusal(&good, HOME).await, Some(DenyReason::KeysUnavailable));
    for token in [
        String::new(),
        header.to_owned(),
        format!("{header}.{payload}"),
        format!("{header}.{payload}."),
        format!("{header}..{signature}"),
        format!(".{payload}.{signature}"),
        format!("{good}.{signature}"),
        flattened.to_string(),
        general.to_string(),
        format!("{header}=.{payload}.{signature}"),
    ] {
        let reason = fixture.refusal(&token, HOME).await;
        assert_eq!(reason, Some(DenyReason::TokenMalformed), "{token}");
    }
    let encrypted = format!("{good}.{payload}.{signature}");
    assert_eq!(fixture.refusal(&encrypted, HOME).await, Some(DenyReason::TokenKindRejected));
    // Only the attempts of each second, and none for these tokens.
    assert!(fixture.foreign.requests().0 <= 1);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_moves_lets_no_expired_token_in_remembered_ones_included() {
    let home = key("k");
    let fixture = Fixture::new(&home, &key("f")).await;
    let token = home.token(&claims(HOME)).unwrap();
    let fresh = |number: u64| {
        let mut claims = claims(HOME);
        claims["uti"] = number.into();
        home.token(&claims).unwrap()
    };
    let (expired, early) = (Some(DenyReason::TokenExpired), Some(DenyReason::TokenNotYetValid));
    for (now, expected) in [
        (NOW, None),
        (NOW + HOUR + 59, None),
        (NOW + HOUR + 60, expired),
        (NOW + 2 * HOUR, expired),
        (NOW + YEAR, expired),
        (u64::MAX, expired),
        (NOW - 60, None),
        (NOW - 61, early),
        (NOW - HOUR, early),
        (NOW - YEAR, early),
        (0, early),
        (NOW, None),
    ] {
        fixture.now.store(now, Ordering::SeqCst);
        assert_eq!(fixture.refusal(&token, HOME).await, expected, "remembered, at {now}");
        assert_eq!(fixture.refusal(&fresh(now), HOME).await, expected, "new, at {now}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_does_not_hold_is_verified_once_and_refused_each_time() {
    let home = key("k");
    let fixture = Fixture::new(&home, &key("f")).await;
    let token = home.token(&claims(HOME)).unwrap();
    fixture.now.store(NOW + 2 * HOUR, Ordering::SeqCst);
    for _ in 0..3 {
        let reason = fixture.refusal(&token, HOME).await;
        assert_eq!(reason, Some(DenyReason::TokenExpired));
    }
    let metrics = String::from_utf8(fixture.verifier.metrics.encode().unwrap()).unwrap();
    for line in [r#"{outcome="miss"} 1"#, r#"{outcome="hit"} 2"#] {
        let line = format!("portvakt_token_cache_requests_total{line}");
        assert!(metrics.lines().any(|found| found == line), "{line}\n{metrics}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_ends_with_its_key_though_it_is_remembered() {
    let (old, new) = (key("old"), key("new"));
    let fixture = Fixture::new(&old, &key("f")).await;
    let token = old.token(&claims(HOME)).unwrap();
    assert_eq!(fixture.refusal(&token, HOME).await, None);
    fixture.home.publish(vec![new.public_jwk()]);
    sleep(Keys::default().refresh_interval).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(fixture.refusal(&token, HOME).await, Some(DenyReason::TokenKeyUnknown));
    // Another key by the old name does not bring it back.
    fixture.home.publish(vec![key("old").public_jwk()]);
    sleep(Keys::default().refresh_interval).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(fixture.refusal(&token, HOME).await, Some(DenyReason::TokenSignatureInvalid));
}

#[tokio::test(start_paused = true)]
async fn a_check_that_waits_for_a_key_takes_nobodys_place() {
    let home = key("k");
    let fixture = Fixture::new(&home, &key("f")).await;
    sleep(Keys::default().cooldown).await;
    fixture.home.behave(Behaviour::Hangs);
    let forged = key("forged").token(&claims(HOME)).unwrap();
    let good = home.token(&claims(HOME)).unwrap();
    // There is one place. The forged token waits for a key; the good one is decided meanwhile.
    let (forged, good) = tokio::join!(fixture.refusal(&forged, HOME), async {
        tokio::task::yield_now().await;
        fixture.refusal(&good, HOME).await
    });
    assert_eq!((forged, good), (Some(DenyReason::DeadlineExceeded), None));
}

#[tokio::test(start_paused = true)]
async fn a_v1_token_is_proven_by_the_same_keys() {
    let home = key("k");
    let fixture = Fixture::new(&home, &key("f")).await;
    let mut claims = claims(HOME);
    claims["iss"] = format!("https://sts.windows.net/{HOME}/").into();
    claims["ver"] = "1.0".into();
    let token = home.token(&claims).unwrap();
    let deadline = Instant::now() + Duration::from_millis(150);
    let accepting = Audience { v1: Some(V1Audiences(&[])), ..audience(HOME) };
    // Twice, and one that does not take it in between: what is remembered is no decision.
    for _ in 0..2 {
        let place = fixture.capacity.try_acquire().unwrap();
        fixture.verifier.verify(&token, &accepting, deadline, place, &mut ()).await.unwrap();
        let reason = fixture.refusal(&token, HOME).await;
        assert_eq!(reason, Some(DenyReason::TokenVersionRejected));
    }
}
