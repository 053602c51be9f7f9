//! What is told of the steps, held against what was decided.

use std::{fs, sync::Arc};

use serde_json::{Value, json};

use super::*;
use crate::{
    applications::{Context, KnownTenant, Snapshot, Tenants, read_once},
    config,
    decision::{DenyReason, Step, Verdict},
    policy::Mode,
    token::Claims,
};

const OWN: &str = "11111111-1111-1111-1111-111111111111";
const CALLER: &str = "22222222-2222-2222-2222-222222222222";
const GROUP: &str = "aaaaaaaa-0000-0000-0000-000000000001";

mod explained;

/// One application with one rule and one group, whose caller has the annotation of a client id.
fn snapshot() -> Snapshot {
    snapshot_in(Context::new("c", Tenants::Unspecified))
}

fn snapshot_in(context: Context) -> Snapshot {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("all.yaml");
    let api = format!(
        "apiVersion: nais.io/v1alpha1\nkind: Application\nmetadata:\n  name: api\n  \
         namespace: team\n  annotations: {{portvakt.dev/client-id: {OWN}}}\nspec:\n  \
         liveness: {{path: /alive}}\n  azure: {{application: {{enabled: true, claims: {{groups: \
         [{{id: {GROUP}}}]}}}}}}\n  accessPolicy:\n    inbound:\n      rules:\n      - application: \
         caller\n      - application: nobody\n"
    );
    let caller = format!(
        "---\napiVersion: nais.io/v1alpha1\nkind: Application\nmetadata: {{name: caller, namespace: \
         team, annotations: {{portvakt.dev/client-id: {CALLER}}}}}\nspec: {{azure: {{application: \
         {{enabled: true}}}}}}\n"
    );
    fs::write(&path, api + &caller).unwrap();
    read_once(vec![path.into()], vec![], context)
}

fn settings() -> Settings {
    Settings::of(&config::defaults("c").unwrap())
}

fn rehearsed(settings: &Settings, request: &Request<'_>, claims: &Value) -> (Outcome, Steps) {
    let claims = Claims::read(claims.to_string().as_bytes()).map(Arc::new);
    rehearse(settings, &snapshot().index, request, &Presumed(claims))
}

fn to_api(path: &str) -> Request<'_> {
    Request { context_application: Some("c:team:api"), method: "GET", path, ..Request::default() }
}

#[test]
fn the_steps_end_with_the_one_that_decided() {
    let application = json!({"azp": CALLER, "idtyp": "app", "roles": ["access_as_application"]});
    let with = |claims: &Value, name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        claims
    };
    let user = json!({"azp": CALLER, "scp": "defaultaccess", "oid": OWN, "groups": [GROUP]});
    for (claims, reason, last) in [
        (application.clone(), "application_granted", Step::Workload),
        (user.clone(), "user_granted", Step::Workload),
        (with(&application, "azp", json!(GROUP)), "consumer_not_granted", Step::Consumer),
        (with(&application, "roles", json!([])), "role_missing", Step::Permission),
        (with(&user, "scp", json!("other")), "scope_missing", Step::Permission),
        (with(&user, "groups", json!([])), "user_not_granted", Step::User),
        (with(&user, "idtyp", json!("app")), "token_claims_invalid", Step::Caller),
        (with(&user, "oid", json!(7)), "token_claims_invalid", Step::Claims),
    ] {
        let (outcome, Steps(steps)) = rehearsed(&settings(), &to_api("/"), &claims);
        assert_eq!(outcome.decision.code(), reason, "{claims}");
        let Some((end, before)) = steps.split_last() else { panic!("no step") };
        assert_eq!(end.step, last, "{claims}");
        assert!(before.iter().all(|taken| taken.verdict == Verdict::Passed), "{steps:?}");
        let refusal = match &end.verdict {
            Verdict::Passed => None,
            Verdict::Refused(reason, _) => Some(*reason),
        };
        assert_eq!(refusal, outcome.decision.refusal().map(|denial| denial.reason), "{claims}");
    }
}

#[test]
fn a_path_without_a_token_and_a_target_that_is_unknown_end_the_steps_early() {
    let (outcome, Steps(steps)) = rehearsed(&settings(), &to_api("/alive?x=1"), &json!({}));
    assert_eq!(outcome.decision.code(), "unauthenticated_path");
    let open = steps.last().unwrap();
    assert_eq!(open.step, Step::UnauthenticatedPath);
    assert!(open.inputs.contains(&("path", "/alive".to_owned())), "{open:?}");

    let unknown = Request { context_application: Some("c:team:gone"), ..Request::default() };
    let (outcome, Steps(steps)) = rehearsed(&settings(), &unknown, &json!({}));
    assert_eq!(outcome.decision.code(), "application_unknown");
    assert_eq!(steps.len(), 1);
    let expected = ("context extension", "c:team:gone".to_owned());
    assert!(steps[0].inputs.contains(&expected), "{steps:?}");
}

#[test]
fn in_shadow_what_is_refused_goes_through_with_its_reason_and_without_its_caller() {
    let shadow = Settings { mode: Mode::Shadow, ..settings() };
    let unknown = Request { context_application: Some("c:team:gone"), ..Request::default() };
    let (outcome, _) = rehearsed(&shadow, &unknown, &json!({}));
    assert!(matches!(&outcome.decision, Decision::Shadow(_)), "{outcome:?}");
    assert_eq!(
        (outcome.decision.verdict(), outcome.decision.code()),
        ("allow", "application_unknown")
    );
    let refusal = outcome.decision.refusal().unwrap();
    assert_eq!(refusal.reason, DenyReason::ApplicationUnknown);
    // An application's own mode counts where it is known.
    let (outcome, _) = rehearsed(&shadow, &to_api("/"), &json!({"azp": GROUP, "idtyp": "app"}));
    assert_eq!(
        (outcome.decision.verdict(), outcome.decision.code()),
        ("deny", "consumer_not_granted")
    );
}

#[test]
fn nobody_opens_an_application_that_enforces_by_claiming_its_host() {
    let claiming = |name: &str, mode: &str| {
        format!(
            "apiVersion: nais.io/v1alpha1\nkind: Application\nmetadata: {{name: {name}, namespace: \
             team, annotations: {{{mode}}}}}\nspec: {{ingresses: ['https://api.test']}}\n---\n"
        )
    };
    let (enforce, shadow) = ("portvakt.dev/mode: enforce", "portvakt.dev/mode: shadow");
    for (modes, default, expected) in [
        ([enforce, ""], Mode::Shadow, "deny"),
        ([enforce, shadow], Mode::Shadow, "deny"),
        (["", ""], Mode::Shadow, "allow"),
        ([shadow, ""], Mode::Shadow, "allow"),
        ([shadow, shadow], Mode::Enforce, "deny"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("all.yaml");
        fs::write(&path, claiming("one", modes[0]) + &claiming("two", modes[1])).unwrap();
        let context = Context { mode: default, ..Context::new("c", Tenants::Unspecified) };
        let index = read_once(vec![path.into()], vec![], context).index;
        let settings = Settings { mode: default, ..settings() };
        let request = Request { host: "api.test", ..Request::default() };
        let presumed = Presumed(Err(DenyReason::TokenMissing.into()));
        let decision = rehearse(&settings, &index, &request, &presumed).0.decision;
        assert_eq!(
            (decision.verdict(), decision.code()),
            (expected, "application_unknown"),
            "{modes:?}"
        );
    }
}

#[test]
fn what_is_stated_tells_where_and_what_grants_nothing() {
    let snapshot = snapshot();
    let api = snapshot.index.by_id(&"c:team:api".parse().unwrap()).unwrap();
    let rules: Vec<_> = api
        .stated
        .rules
        .iter()
        .map(|rule| (rule.place.line, rule.client_id.map(|id| id.to_string())))
        .collect();
    assert_eq!(rules, [(13, Some(CALLER.to_owned())), (14, None)]);
    let group = api.stated.group(GROUP.parse().unwrap()).unwrap();
    assert_eq!(group.line, 9);
    assert_eq!(api.stated.everyone, None);
    assert!(api.stated.rule(&"c:team:caller".parse().unwrap()).is_some());
}
