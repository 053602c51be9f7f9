use serde_json::{Value, json};

use super::*;
use crate::{
    config,
    decision::DenyReason,
    decision_log::sample::{
        GROUP, USER, WEBSHOP, answered, application, outcome, request, stranger, user,
    },
    policy::Mode,
};

fn line(answered: &Answered<'_>, personal: &PersonalData) -> String {
    let mut line = Vec::new();
    write_line(answered, personal, &mut line);
    String::from_utf8(line).unwrap()
}

/// What is written of a request with these claims, but for its decision's id.
fn written(path: &str, claims: &Value, mode: Mode, personal: &PersonalData) -> Value {
    let request = request(path);
    let outcome = outcome(&request, claims, mode);
    let line = line(&answered(&outcome, &request), personal);
    assert_eq!(line.find('\n'), Some(line.len() - 1), "{line}");
    let mut written: Value = serde_json::from_str(&line).unwrap();
    let record: Record<'_> = serde_json::from_str(&line).unwrap();
    assert_eq!(serde_json::to_value(record).unwrap(), written, "it reads as it is written");
    let id = written.as_object_mut().unwrap().remove("decision_id").unwrap();
    assert_eq!(id.as_str().unwrap(), outcome.id.to_string());
    written
}

#[test]
fn an_allowed_user_is_written_whole() {
    let expected = json!({
        "time": "2026-10-21T07:28:00.042Z",
        "decision": "allow",
        "reason": "user_granted",
        "application": "c:team:api",
        "method": "GET",
        "path": "/orders/4711",
        "host": "api.test",
        "presented_by": "spiffe://cluster.local/ns/team/sa/webshop",
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "caller": {
            "kind": "user",
            "client_id": WEBSHOP,
            "application": "c:team:webshop",
            "tenant_id": "00000000-0000-0000-0000-000000000000",
            "object_id": USER,
            "scopes": "defaultaccess",
            "groups": [GROUP],
        },
        "duration_us": 27,
    });
    let path = "/orders/4711?expand=lines&token=secret";
    assert_eq!(written(path, &user(), Mode::Enforce, &PersonalData::Plain), expected);
}

#[test]
fn what_is_refused_tells_why_and_whether_it_was_kept_out() {
    for (mode, decision, shadow) in
        [(Mode::Enforce, "deny", Value::Null), (Mode::Shadow, "allow", json!("shadow"))]
    {
        let found = written("/", &stranger(), mode, &PersonalData::Plain);
        assert_eq!(found["decision"], decision);
        assert_eq!(found["mode"], shadow);
        assert_eq!(found["reason"], "consumer_not_granted");
        assert!(found["detail"].as_str().unwrap().contains("not in the access policy"));
        let caller = json!({
            "kind": "application",
            "client_id": GROUP,
            "tenant_id": "00000000-0000-0000-0000-000000000000",
        });
        assert_eq!(found["caller"], caller);
    }
}

#[test]
fn what_candidate_documents_would_decide_otherwise_is_written_beside() {
    let request = request("/");
    let mut outcome = outcome(&request, &user(), Mode::Enforce);
    let mut candidate = |decision: Option<Decision>| {
        outcome.candidate = decision.map(Box::new);
        let line = line(&answered(&outcome, &request), &PersonalData::Plain);
        let record: Record<'_> = serde_json::from_str(&line).unwrap();
        assert_eq!((&*record.decision, &*record.reason), ("allow", "user_granted"));
        record.candidate.map(|other| (other.decision.into_owned(), other.reason.into_owned()))
    };
    for (mode, decision) in [(Mode::Enforce, "deny"), (Mode::Shadow, "allow")] {
        let otherwise = mode.decide(Err(DenyReason::ConsumerNotGranted.into()));
        let expected = (decision.to_owned(), "consumer_not_granted".to_owned());
        assert_eq!(candidate(Some(otherwise)), Some(expected));
    }
    assert_eq!(candidate(None), None);
}

#[test]
fn of_people_only_what_is_configured_is_written() {
    let hashed = PersonalData::of(&config::PersonalData::default()).unwrap();
    let found = written("/orders", &user(), Mode::Enforce, &hashed);
    assert!(found["caller"]["object_id"].as_str().unwrap().starts_with("h:"), "{found}");
    assert_eq!(found["path"], "/orders");
    let found = written("/orders", &user(), Mode::Enforce, &PersonalData::Omitted);
    assert_eq!((found["caller"].get("object_id"), found.get("path")), (None, None));
    let mut with_roles = user();
    with_roles["roles"] = json!(["admin"]);
    let mut overage = user();
    overage.as_object_mut().unwrap().remove("groups");
    overage["_claim_names"] = json!({"groups": "src1"});
    for claims in [user(), with_roles, overage] {
        let found = written("/orders", &claims, Mode::Shadow, &PersonalData::Omitted);
        let caller = json!({
            "kind": "user",
            "client_id": WEBSHOP,
            "application": "c:team:webshop",
            "tenant_id": "00000000-0000-0000-0000-000000000000",
            "scopes": "defaultaccess",
        });
        assert_eq!(found["caller"], caller);
    }
    let found = written("/orders", &application(), Mode::Enforce, &PersonalData::Omitted);
    assert_eq!(found["caller"]["roles"], json!(["access_as_application"]));
    for personal in [&hashed, &PersonalData::Omitted] {
        let found = written("/orders", &user(), Mode::Enforce, personal);
        assert!(!found.to_string().contains(USER), "{found}");
    }
}

#[test]
fn a_caller_reads_as_claims_that_decide_alike() {
    let overage = json!({"azp": WEBSHOP, "scp": "defaultaccess", "oid": USER,
        "_claim_names": {"groups": "src1"}});
    let without_groups = json!({"azp": WEBSHOP, "scp": "defaultaccess", "oid": USER});
    let hashed = PersonalData::of(&config::PersonalData::default()).unwrap();
    for claims in [user(), application(), stranger(), overage, without_groups] {
        let request = request("/");
        let before = outcome(&request, &claims, Mode::Enforce);
        let line = line(&answered(&before, &request), &hashed);
        let record: Record<'_> = serde_json::from_str(&line).unwrap();
        let read = record.caller.unwrap().claims().unwrap();
        let caller = Caller::from_claims(read, crate::identifiers::Guid::NIL).unwrap();
        let was = before.caller.as_ref().unwrap();
        assert_eq!(
            (caller.kind(), caller.client_id, caller.roles(), caller.scope()),
            (was.kind(), was.client_id, was.roles(), was.scope())
        );
        assert_eq!(caller.has_groups_overage(), was.has_groups_overage(), "{claims}");
        assert_eq!(caller.groups(), was.groups(), "{claims}");
    }
}

#[test]
fn what_callers_send_is_cut_where_it_is_long_or_a_token_begins() {
    let long = format!("/{}", "ø".repeat(4000));
    let cut = format!("/{}…", "ø".repeat(511));
    for (path, expected) in [
        ("/a?b=eyJhbGciOi", "/a"),
        ("/a#b", "/a"),
        ("/download/eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJ4In0.c2ln/x", "/download/…"),
        (&long, &cut),
        ("/\"\n\u{7}", "/\"\n\u{7}"),
        ("", ""),
    ] {
        let found = written(path, &stranger(), Mode::Enforce, &PersonalData::Plain);
        assert_eq!(found["path"].as_str().unwrap_or_default(), expected);
    }
}

#[test]
fn a_check_that_cannot_be_read_is_written_with_what_is_known() {
    let outcome = crate::authorizer::Outcome::new(Decision::default());
    let request = request("/");
    let told = Answered { request: None, traceparent: None, ..answered(&outcome, &request) };
    let written: Value = serde_json::from_str(&line(&told, &PersonalData::Plain)).unwrap();
    let names: Vec<_> = written.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = ["decision", "decision_id", "detail", "duration_us", "reason", "time"];
    assert_eq!(names, expected);
}
