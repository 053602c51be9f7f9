//! Decisions to write, for tests.

use std::{
    fs,
    sync::Arc,
    time::{Duration, SystemTime},
};

use serde_json::{Value, json};

use crate::{
    applications::{Context, Tenants, read_once},
    authorizer::{Outcome, Presumed, Settings, rehearse},
    config,
    policy::Mode,
    request::Request,
    telemetry::Answered,
    token::Claims,
};

pub const WEBSHOP: &str = "22222222-2222-2222-2222-222222222222";
pub const GROUP: &str = "aaaaaaaa-0000-0000-0000-000000000001";
pub const USER: &str = "4c6e8a0b-1f37-4d52-9b84-6e2d0f5a7c91";
pub const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

const DOCUMENTS: &str = "\
apiVersion: nais.io/v1alpha1
kind: Application
metadata:
  name: api
  namespace: team
  annotations: {portvakt.dev/client-id: 11111111-1111-1111-1111-111111111111}
spec:
  azure: {application: {enabled: true, claims: {groups: [{id: aaaaaaaa-0000-0000-0000-000000000001}]}}}
  accessPolicy: {inbound: {rules: [{application: webshop}]}}
---
apiVersion: nais.io/v1
kind: AzureAdApplication
metadata: {name: webshop, namespace: team}
status: {clientId: 22222222-2222-2222-2222-222222222222}
";

/// A request to the one application.
pub fn request(path: &str) -> Request<'_> {
    Request {
        context_application: Some("c:team:api"),
        method: "GET",
        host: "api.test",
        source_principal: "spiffe://cluster.local/ns/team/sa/webshop",
        path,
        ..Request::default()
    }
}

/// The claims of a user who gets in.
pub fn user() -> Value {
    json!({"azp": WEBSHOP, "scp": "defaultaccess", "oid": USER, "groups": [GROUP]})
}

/// The claims of an application that gets in.
pub fn application() -> Value {
    json!({"azp": WEBSHOP, "idtyp": "app", "roles": ["access_as_application"]})
}

/// The claims of an application that does not.
pub fn stranger() -> Value {
    json!({"azp": GROUP, "idtyp": "app"})
}

/// What a request comes to.
pub fn outcome(request: &Request<'_>, claims: &Value, mode: Mode) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("all.yaml");
    fs::write(&path, DOCUMENTS).unwrap();
    let context = Context::new("c", Tenants::Unspecified);
    let index = read_once(vec![path.into()], vec![], context).index;
    let claims = Claims::read(claims.to_string().as_bytes()).map(Arc::new);
    let settings = Settings::of(&config::defaults("c").unwrap());
    let mut outcome = rehearse(&settings, &index, request, &Presumed(claims)).0;
    if let Some(refusal) = outcome.decision.refusal().cloned() {
        outcome.decision = mode.decide(Err(refusal));
    }
    outcome
}

/// The same, as it is told.
pub fn answered<'a>(outcome: &'a Outcome, request: &'a Request<'a>) -> Answered<'a> {
    Answered {
        outcome,
        request: Some(request),
        traceparent: Some(TRACEPARENT),
        at: SystemTime::UNIX_EPOCH + Duration::from_millis(1_792_567_680_042),
        took: Duration::from_nanos(27_900),
    }
}
