//! What is said about decisions, held against what then comes of it.

use std::{collections::BTreeSet, fs, sync::Arc};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::{
    applications::{Application, Context, Snapshot, Tenants, read_once},
    authorizer::{Presumed, rehearse},
    config,
    decision::{AllowReason, DenyReason},
    decision_log::Rehearsal,
    policy::Mode,
    target::Index,
    token::Claims,
};

const OWN: &str = "11111111-1111-1111-1111-111111111111";
const CALLER: &str = "22222222-2222-2222-2222-222222222222";
const STRANGER: &str = "33333333-3333-3333-3333-333333333333";
const NAMELESS: &str = "44444444-4444-4444-4444-444444444444";
const LISTED: &str = "aaaaaaaa-0000-0000-0000-000000000001";
const OTHER: &str = "aaaaaaaa-0000-0000-0000-000000000002";

const API: &str = "\
apiVersion: nais.io/v1alpha1
kind: Application
metadata:
  name: api
  namespace: team
  annotations:
    portvakt.dev/client-id: 11111111-1111-1111-1111-111111111111
spec:
  liveness: {path: /alive}
  azure:
    application:
      enabled: true
      claims:
        groups:
          - id: aaaaaaaa-0000-0000-0000-000000000001
  accessPolicy:
    inbound:
      rules:
        - application: caller
        - application: nobody
          namespace: elsewhere
---
apiVersion: nais.io/v1alpha1
kind: Application
metadata: {name: off, namespace: team}
spec: {azure: {application: {enabled: false}}}
---
apiVersion: nais.io/v1
kind: AzureAdApplication
metadata: {name: caller, namespace: team}
status: {clientId: 22222222-2222-2222-2222-222222222222}
---
apiVersion: nais.io/v1
kind: AzureAdApplication
metadata: {name: stranger, namespace: other}
status: {clientId: 33333333-3333-3333-3333-333333333333}
";

/// Documents in a file that tests change.
struct Documents {
    folder: TempDir,
    text: String,
    further: String,
}

impl Documents {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, text: API.to_owned(), further: "[]".to_owned() }
    }

    fn read(&self) -> Snapshot {
        let file = |name: &str| self.folder.path().join(name);
        fs::write(file("all.yaml"), &self.text).unwrap();
        fs::write(file("further.json"), &self.further).unwrap();
        let context = Context::new("c", Tenants::Unspecified);
        read_once(vec![file("all.yaml").into()], vec![file("further.json")], context)
    }

    fn explain(&self, request: &Request<'_>, claims: &Value) -> Explanation {
        let claims = Claims::read(claims.to_string().as_bytes()).map(Arc::new);
        let settings = settings();
        let snapshot = self.read();
        let (outcome, steps) = rehearse(&settings, &snapshot.index, request, &Presumed(claims));
        Explanation::of(&outcome, &steps, request, &settings)
    }

    /// With what a remedy has to be copied written behind the line that it names.
    fn follow(&mut self, remedy: &Remedy) {
        let (place, text) = (&remedy.at[0], remedy.text.as_ref().unwrap());
        let column = usize::try_from(place.column).unwrap();
        let line = usize::try_from(place.line).unwrap();
        let item = self.text.lines().nth(line - 1).unwrap();
        // Entries of a list begin at their hyphen.
        let indent = item.find("- ").filter(|hyphen| *hyphen < column).unwrap();
        let added = text.lines().map(|added| format!("{}{added}", " ".repeat(indent)));
        let mut lines: Vec<_> = self.text.lines().map(str::to_owned).collect();
        let rest_of_item = lines[line..]
            .iter()
            .take_while(|next| next.starts_with(&" ".repeat(indent + 2)))
            .count();
        let end = line + rest_of_item;
        lines.splice(end..end, added);
        self.text = lines.join("\n") + "\n";
    }

    /// Without the lines that a remedy names.
    fn strike(&mut self, remedy: &Remedy) {
        let named: Vec<_> =
            remedy.at.iter().map(|place| usize::try_from(place.line).unwrap()).collect();
        let lines = self.text.lines().enumerate();
        let kept: Vec<_> = lines
            .filter(|(index, _)| !named.contains(&(index + 1)))
            .map(|(_, line)| line)
            .collect();
        self.text = kept.join("\n") + "\n";
    }
}

fn settings() -> Settings {
    Settings::of(&config::defaults("c").unwrap())
}

fn to(application: &str) -> Request<'_> {
    let context_application = Some(application);
    Request { context_application, method: "GET", path: "/", ..Request::default() }
}

fn application(client_id: &str) -> Value {
    json!({"azp": client_id, "idtyp": "app", "roles": ["access_as_application"]})
}

fn user(group: &str) -> Value {
    json!({"azp": CALLER, "scp": "defaultaccess", "oid": OWN, "groups": [group]})
}

#[test]
fn every_reason_has_a_remedy_whatever_is_known() {
    let (settings, steps) = (settings(), Steps::default());
    let snapshot = Documents::new().read();
    let claims = Claims::read(user(LISTED).to_string().as_bytes()).map(Arc::new);
    for (target, presumed) in [
        ("c:team:api", Presumed(claims)),
        ("c:team:api", Presumed(Err(DenyReason::TokenExpired.into()))),
        ("c:team:off", Presumed(Err(DenyReason::InternalError.into()))),
        ("c:team:gone", Presumed(Err(DenyReason::InternalError.into()))),
    ] {
        let request = to(target);
        let (outcome, taken) = rehearse(&settings, &snapshot.index, &request, &presumed);
        for steps in [&taken, &steps] {
            let situation =
                Situation { outcome: &outcome, steps, request: &request, settings: &settings };
            for (reason, why) in table::every_remedy(&situation) {
                assert!(!why.remedies.is_empty(), "{reason} of {target}");
                for remedy in &why.remedies {
                    assert!(remedy.what.ends_with(['.', ':']), "{reason}: {}", remedy.what);
                    let is_announced = remedy.what.ends_with(':');
                    assert_eq!(is_announced, remedy.text.is_some(), "{reason}: {}", remedy.what);
                }
            }
        }
    }
}

#[test]
fn every_reason_is_in_the_table_once() {
    let (outcome, steps) = (Outcome::new(Decision::default()), Steps::default());
    let (request, settings) = (Request::default(), settings());
    let situation =
        Situation { outcome: &outcome, steps: &steps, request: &request, settings: &settings };
    let told: Vec<_> =
        table::every_remedy(&situation).into_iter().map(|(reason, _)| reason).collect();
    let distinct: BTreeSet<_> = told.iter().collect();
    assert_eq!(distinct.len(), DenyReason::ALL.len() + AllowReason::ALL.len());
    assert_eq!(distinct.len(), told.len());
}

#[test]
fn what_a_remedy_says_to_add_lets_the_caller_in() {
    for (claims, before, after) in [
        (application(STRANGER), "consumer_not_granted", "application_granted"),
        (user(OTHER), "user_not_granted", "user_granted"),
    ] {
        let mut documents = Documents::new();
        let refused = documents.explain(&to("c:team:api"), &claims);
        assert_eq!(refused.reason, before);
        documents.follow(&refused.remedies[0]);
        let allowed = documents.explain(&to("c:team:api"), &claims);
        assert_eq!(allowed.reason, after, "{}", documents.text);
    }
}

#[test]
fn what_a_remedy_says_to_remove_shuts_the_caller_out() {
    for (claims, reason, number, after) in [
        (application(CALLER), "application_granted", 0, "consumer_not_granted"),
        (user(LISTED), "user_granted", 0, "consumer_not_granted"),
        (user(LISTED), "user_granted", 1, "user_not_granted"),
    ] {
        let mut documents = Documents::new();
        let allowed = documents.explain(&to("c:team:api"), &claims);
        assert_eq!(allowed.reason, reason);
        documents.strike(&allowed.remedies[number]);
        let refused = documents.explain(&to("c:team:api"), &claims);
        assert_eq!(refused.reason, after, "{}", documents.text);
    }
}

#[test]
fn a_rule_that_is_there_and_has_no_client_id_is_named_with_the_entry_that_it_lacks() {
    let mut documents = Documents::new();
    let refused = documents.explain(&to("c:team:api"), &application(NAMELESS));
    assert_eq!(refused.reason, "consumer_not_granted");
    let remedy = &refused.remedies[0];
    assert_eq!(remedy.by, By::Operator);
    assert!(remedy.what.contains("c:elsewhere:nobody"), "{}", remedy.what);
    assert!(remedy.at[0].to_string().ends_with("all.yaml:20:11"), "{}", remedy.at[0]);
    documents.further = remedy.text.clone().unwrap();
    let allowed = documents.explain(&to("c:team:api"), &application(NAMELESS));
    assert_eq!(allowed.reason, "application_granted");
    assert!(allowed.decided_by[0].at[0].to_string().ends_with("all.yaml:20:11"));
}

#[test]
fn a_rule_that_stands_for_another_client_id_says_so() {
    let mut documents = Documents::new();
    documents.text += &format!(
        "---\napiVersion: nais.io/v1\nkind: AzureAdApplication\n\
         metadata: {{name: api, namespace: team}}\nstatus:\n  clientId: {OWN}\n  \
         preAuthorizedApps:\n    assigned:\n    - accessPolicyRule: {{application: caller, \
         namespace: team, cluster: c}}\n      clientId: {NAMELESS}\n"
    );
    let refused = documents.explain(&to("c:team:api"), &application(CALLER));
    assert_eq!(refused.reason, "consumer_not_granted");
    assert!(refused.decided_by[0].what.contains(NAMELESS), "{:?}", refused.decided_by);
    let wrong = format!("clientId: {NAMELESS}");
    documents.text = documents.text.replace(&wrong, refused.remedies[0].text.as_ref().unwrap());
    let allowed = documents.explain(&to("c:team:api"), &application(CALLER));
    assert_eq!(allowed.reason, "application_granted", "{}", documents.text);
}

#[test]
fn in_shadow_what_is_refused_is_let_through_and_its_remedy_is_told() {
    let snapshot = Documents::new().read();
    let api = snapshot.index.by_id(&"c:team:api".parse().unwrap()).unwrap();
    let shadowed = Application { mode: Mode::Shadow, ..Application::clone(api) };
    let mut index = Index::new("c");
    index.insert(Arc::new(shadowed));
    let claims = Claims::read(application(NAMELESS).to_string().as_bytes()).map(Arc::new);
    let (request, settings) = (to("c:team:api"), settings());
    let (outcome, steps) = rehearse(&settings, &index, &request, &Presumed(claims));
    let told = Explanation::of(&outcome, &steps, &request, &settings);
    assert_eq!((told.decision, told.reason), ("allow", "consumer_not_granted"));
    assert_eq!((told.mode, told.status), (Some("shadow"), None));
    assert!(!told.remedies.is_empty() && told.is_allowed());
    let text = told.to_string();
    assert!(text.starts_with("LET THROUGH IN SHADOW: consumer_not_granted\n"), "{text}");
    assert!(text.contains("\nWhat would let it in when it is enforced\n"), "{text}");
}

#[test]
fn an_api_is_told_where_its_own_kind_of_document_states_who_gets_in() {
    let mut documents = Documents::new();
    documents.text = format!(
        "apiVersion: nais.io/v1\nkind: AzureAdApplication\nmetadata: {{name: api, namespace: \
         team}}\nspec:\n  preAuthorizedApplications:\n    - application: nobody\nstatus: \
         {{clientId: {OWN}}}\n---\napiVersion: nais.io/v1\nkind: AzureAdApplication\nmetadata: \
         {{name: stranger, namespace: other}}\nstatus: {{clientId: {STRANGER}}}\n"
    );
    let refused = documents.explain(&to("c:team:api"), &application(STRANGER));
    assert_eq!(refused.reason, "consumer_not_granted");
    assert!(refused.remedies[0].what.contains("spec.preAuthorizedApplications"));
    documents.follow(&refused.remedies[0]);
    let allowed = documents.explain(&to("c:team:api"), &application(STRANGER));
    assert_eq!(allowed.reason, "application_granted", "{}", documents.text);
}

#[test]
fn a_request_of_a_log_is_rehearsed_as_far_as_the_log_tells() {
    let snapshot = Documents::new().read();
    let record = |reason: &str, application: &str, caller: Value| {
        let decision = if reason.ends_with("granted") { "allow" } else { "deny" };
        let mut record = json!({"time": "t", "decision_id": "d", "decision": decision,
            "reason": reason, "application": application, "path": "/"});
        if !caller.is_null() {
            record["caller"] = caller;
        }
        record.to_string()
    };
    let caller = json!({"kind": "application", "client_id": CALLER, "tenant_id": OWN,
        "roles": ["access_as_application"]});
    for (reason, application, caller, expected, is_at_a_loss) in [
        ("consumer_not_granted", "c:team:api", caller.clone(), "application_granted", false),
        ("application_granted", "c:team:off", caller.clone(), "application_disabled", false),
        ("token_expired", "c:team:api", Value::Null, "token_expired", false),
        ("overloaded", "c:team:api", Value::Null, "overloaded", false),
        ("application_disabled", "c:team:api", Value::Null, "internal_error", true),
        ("unauthenticated_path", "c:team:api", Value::Null, "internal_error", true),
        ("application_unknown", "c:team:gone", Value::Null, "application_unknown", false),
    ] {
        let text = record(reason, application, caller);
        let record: Record<'_> = serde_json::from_str(&text).unwrap();
        let rehearsal = Rehearsal::of(&record);
        let (request, presumed) = (record.request(), Presumed(rehearsal.claims()));
        let (outcome, steps) = rehearse(&settings(), &snapshot.index, &request, &presumed);
        assert_eq!(outcome.decision.code(), expected, "{text}");
        assert_eq!(rehearsal.is_at_a_loss(&steps), is_at_a_loss, "{text}");
        let explanation = Explanation::of(&outcome, &steps, &request, &settings());
        let differs = explanation.beside(&record).recorded.unwrap().differs;
        assert_eq!(differs, reason != expected, "{text}");
    }
}

#[test]
fn the_documentation_has_a_row_for_every_member() {
    let documentation = include_str!("../../docs/explain.md");
    let record = json!({"time": "t", "decision_id": "d", "decision": "allow", "reason": "x"});
    let record = serde_json::from_value(record).unwrap();
    let documents = Documents::new();
    let refused = documents.explain(&to("c:team:api"), &application(STRANGER)).beside(&record);
    let whole = Explanation { mode: Some("shadow"), ..refused };
    let whole = serde_json::to_value(&whole).unwrap();
    for part in [
        &whole,
        &whole["caller"],
        &whole["steps"][0],
        &whole["decided_by"][0],
        &whole["remedies"][0],
        &whole["remedies"][0]["at"][0],
        &whole["recorded"],
    ] {
        for member in part.as_object().unwrap().keys() {
            let is_row =
                |line: &str| line.starts_with("| `") && line.contains(&format!("`{member}`"));
            assert!(documentation.lines().any(is_row), "{member}");
        }
    }
}

#[test]
fn the_text_fits_eighty_columns_and_holds_nothing_that_a_terminal_obeys() {
    let documents = Documents::new();
    let path = "/\u{1b}[2J\u{7}bell";
    let request = Request { path, host: "\u{1b}]0;title\u{7}", ..to("c:team:api") };
    let refused = documents.explain(&request, &user(OTHER));
    let text = refused.to_string();
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
    assert!(text.contains("/\\u{1b}[2J\\u{7}bell"), "{text}");
    let is_place = |line: &&str| line.trim_start().starts_with("at /");
    for line in text.lines().filter(|line| !is_place(line)) {
        assert!(line.chars().count() <= 80, "{line}");
    }
}
