//! Explanations are of what production decides: the same requests, decided both ways.

use std::time::Duration;

use super::*;
use crate::{
    applications::Generation,
    config::Keys,
    demo::SigningKey,
    keys::fake::{FakeIssuer, name},
    request::Authorization,
};

const TENANT: &str = "7d5b2c3e-9f14-4b8a-a6d0-52e1c8f73a94";
const NOW: u64 = 1_800_000_000;

/// An authorizer of the documents of all tests, whose issuer has this key.
async fn authorizer(key: &SigningKey) -> Authorizer {
    let mut config = config::defaults("c").unwrap();
    config.limits.deadline = Duration::from_secs(5);
    config.allow_cors_preflight = true;
    let tenant = KnownTenant { id: TENANT.parse().unwrap(), name: None };
    let context = Context::new("c", Tenants::Configured(vec![tenant]));
    let published = Arc::new(Published::default());
    published.publish(Generation { index: snapshot_in(context).index });
    let fake = FakeIssuer::new(vec![key.public_jwk()]);
    let issuer = fake.started(TENANT, Keys::default()).await;
    let clock = Clock::new(|| NOW);
    Authorizer::new(&config, published, &[issuer], clock, Arc::new(Metrics::new()))
}

fn token_claims(own: &Value) -> Value {
    let mut claims = json!({
        "iss": name(TENANT), "tid": TENANT, "aud": OWN, "ver": "2.0", "azp": CALLER,
        "iat": NOW, "nbf": NOW, "exp": NOW + 3600,
    });
    for (name, value) in own.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

#[tokio::test(start_paused = true)]
async fn a_request_is_explained_as_it_is_decided() {
    let (key, other_key) = (SigningKey::generate("k"), SigningKey::generate("k"));
    let (key, other_key, unknown_key) =
        (key.unwrap(), other_key.unwrap(), SigningKey::generate("u").unwrap());
    let authorizer = authorizer(&key).await;
    let signed = |key: &SigningKey, own: Value| {
        format!("Bearer {}", key.token(&token_claims(&own)).unwrap())
    };
    let by = |own: Value| signed(&key, own);
    let app = |name: &str, value: Value| {
        let mut own = json!({"idtyp": "app", "roles": ["access_as_application"]});
        own[name] = value;
        by(own)
    };
    let user = |name: &str, value: Value| {
        let mut own = json!({"scp": "defaultaccess", "oid": OWN, "groups": [GROUP]});
        own[name] = value;
        by(own)
    };
    let overage = json!({"scp": "defaultaccess", "oid": OWN, "_claim_names": {"groups": "src1"}});
    for (reason, value) in [
        ("credentials_malformed", "Bearer a, Bearer b".to_owned()),
        ("token_missing", "Basic x".to_owned()),
        ("token_malformed", "Bearer a.b".to_owned()),
        ("token_algorithm_rejected", "Bearer eyJhbGciOiJub25lIn0.e30.YQ".to_owned()),
        ("token_kind_rejected", "Bearer eyJhbGciOiJSUzI1NiIsImVuYyI6IngifQ.e30.YQ".to_owned()),
        ("token_key_unknown", signed(&unknown_key, json!({}))),
        ("token_signature_invalid", signed(&other_key, json!({}))),
        ("token_issuer_rejected", app("iss", json!("https://x.test"))),
        ("token_audience_rejected", app("aud", json!(CALLER))),
        ("token_expired", app("exp", json!(NOW - 3600))),
        ("token_not_yet_valid", app("nbf", json!(NOW + 3600))),
        ("token_version_rejected", app("ver", json!("1.0"))),
        ("token_claims_invalid", app("tid", json!(CALLER))),
        ("token_claims_invalid", app("roles", json!(7))),
        ("token_claims_invalid", by(json!({}))),
        ("consumer_not_granted", app("azp", json!(GROUP))),
        ("role_missing", app("roles", json!(["other"]))),
        ("scope_missing", user("scp", json!("other"))),
        ("user_not_granted", user("groups", json!([CALLER]))),
        ("groups_overage", by(overage)),
        ("application_granted", app("sub", json!("x"))),
        ("user_granted", user("sub", json!("x"))),
    ] {
        let request = Request { authorization: Authorization::Value(&value), ..to_api("/") };
        same(&authorizer, &request, reason).await;
        // Once more, now that the token may be remembered.
        same(&authorizer, &request, reason).await;
    }
    let unknown = Request { context_application: Some("c:team:gone"), ..Request::default() };
    let preflight = Request { method: "OPTIONS", has_preflight_headers: true, ..to_api("/") };
    for (reason, request) in [
        ("application_unknown", unknown),
        ("unauthenticated_path", to_api("/alive")),
        ("cors_preflight", preflight),
        ("token_missing", to_api("/")),
        (
            "credentials_malformed",
            Request { authorization: Authorization::Unreadable, ..to_api("/") },
        ),
    ] {
        same(&authorizer, &request, reason).await;
    }
}

async fn same(authorizer: &Authorizer, request: &Request<'_>, reason: &str) {
    let decided = authorizer.authorize(request, ()).await;
    let (explained, Steps(steps)) = authorizer.explain(request).await;
    assert_eq!(decided.decision.code(), reason);
    let told = |outcome: &Outcome| {
        let refusal = outcome.decision.refusal().cloned();
        let client_id = outcome.caller.as_ref().map(|caller| caller.client_id);
        let decision = &outcome.decision;
        (decision.verdict(), decision.code(), refusal, client_id, outcome.consumer.clone())
    };
    assert_eq!(told(&decided), told(&explained));
    let Some(last) = steps.last() else { panic!("no step of {reason}") };
    let refused = match &last.verdict {
        Verdict::Passed => None,
        Verdict::Refused(reason, detail) => Some((*reason, detail.clone())),
    };
    let denied = decided.decision.refusal();
    assert_eq!(refused, denied.map(|denial| (denial.reason, denial.detail.to_string())));
    let texts = steps.iter().flat_map(|taken| &taken.inputs).map(|(_, value)| value);
    let Authorization::Value(header) = request.authorization else { return };
    let parts: Vec<_> = header.split(['.', ' ']).filter(|part| part.len() > 8).collect();
    for text in texts {
        assert!(parts.iter().all(|part| !text.contains(part)), "{text}");
    }
}
