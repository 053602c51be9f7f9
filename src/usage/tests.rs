//! Documents, decisions, and what is counted of them.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use serde_json::{Value, json};

use super::*;
use crate::{
    applications::{Context, Tenants, read_once},
    authorizer::{Presumed, Settings, rehearse},
    clock::{Clock, UnixSeconds},
    config,
    request::Request,
    target::Index,
    token::Claims,
};

const WEBSHOP: &str = "22222222-2222-2222-2222-222222222222";
const REPORTS: &str = "33333333-3333-3333-3333-333333333333";
const DESK: &str = "aaaaaaaa-0000-0000-0000-000000000001";
const AUDIT: &str = "aaaaaaaa-0000-0000-0000-000000000002";
const USER: &str = "4c6e8a0b-1f37-4d52-9b84-6e2d0f5a7c91";
const DAY: u64 = SECONDS_PER_DAY;

/// Documents that are read again and again, at times that the test decides.
struct Scene {
    ledger: Ledger,
    now: Arc<AtomicU64>,
}

impl Scene {
    fn at(now: UnixSeconds) -> Self {
        let now = Arc::new(AtomicU64::new(now));
        Self { ledger: Ledger::new(clock(&now)), now }
    }

    /// The index of an API that grants these, and says this of users.
    fn read(&self, rules: &[&str], users: &str) -> Index {
        let rules: String = rules.iter().map(|rule| format!("{{application: {rule}}}, ")).collect();
        let api = format!(
            "apiVersion: nais.io/v1alpha1\nkind: Application\nmetadata: {{name: api, namespace: n, \
             annotations: {{portvakt.dev/client-id: 11111111-1111-1111-1111-111111111111}}}}\nspec: \
             {{liveness: {{path: /alive}}, azure: {{application: {{enabled: true, {users}}}}}, \
             accessPolicy: {{inbound: {{rules: [{rules}]}}}}}}\n"
        );
        let consumer = |name: &str, id: &str| {
            format!(
                "---\napiVersion: nais.io/v1\nkind: AzureAdApplication\nmetadata: {{name: {name}, \
                 namespace: n}}\nstatus: {{clientId: {id}}}\n"
            )
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("all.yaml");
        fs::write(&path, api + &consumer("webshop", WEBSHOP) + &consumer("reports", REPORTS))
            .unwrap();
        let usage = self.ledger.clone();
        let context = Context { usage, ..Context::new("c", Tenants::Unspecified) };
        read_once(vec![path.into()], vec![], context).index
    }

    /// A request at some time, with these claims; returns its reason.
    fn ask(&self, index: &Index, now: UnixSeconds, path: &str, claims: &Value) -> &'static str {
        self.now.store(now, Ordering::Relaxed);
        let claims = Claims::read(claims.to_string().as_bytes()).map(Arc::new);
        let settings = Settings::of(&config::defaults("c").unwrap());
        let request = Request { context_application: Some("c:n:api"), path, ..Request::default() };
        let (outcome, _) = rehearse(&settings, index, &request, &Presumed(claims));
        outcome.application.unwrap().usage.decided(&outcome.decision, now);
        outcome.decision.code()
    }

    /// Since when, when last, and how often: the application, then its rules, groups, and everyone.
    fn counts(&self) -> Value {
        let export = self.ledger.export(0);
        let Some(api) = export.applications.get(&"c:n:api".parse().unwrap()) else {
            return Value::Null;
        };
        let short = |count: &Exported| json!([count.since, count.last, count.times]);
        let rules = api.rules.iter().map(|(id, count)| (id.name().to_owned(), short(count)));
        let groups = api.groups.iter().map(|(id, count)| (id.to_string(), short(count)));
        json!({
            "api": short(&api.count),
            "rules": rules.collect::<serde_json::Map<_, _>>(),
            "groups": groups.collect::<serde_json::Map<_, _>>(),
            "everyone": api.everyone.as_ref().map(short),
        })
    }
}

fn clock(now: &Arc<AtomicU64>) -> Clock {
    let now = Arc::clone(now);
    Clock::new(move || now.load(Ordering::Relaxed))
}

fn application(client_id: &str) -> Value {
    json!({"azp": client_id, "idtyp": "app", "roles": ["access_as_application"]})
}

fn user(groups: &[&str]) -> Value {
    json!({"azp": WEBSHOP, "scp": "defaultaccess", "oid": USER, "groups": groups})
}

#[test]
fn what_lets_somebody_in_is_used_and_nothing_else() {
    let scene = Scene::at(10);
    let groups = format!("claims: {{groups: [{{id: {DESK}}}, {{id: {AUDIT}}}]}}");
    let index = scene.read(&["webshop", "reports", "nobody", "'*'"], &groups);
    let stranger = application(DESK);
    let without_role = json!({"azp": REPORTS, "idtyp": "app", "roles": []});
    for (at, path, claims, reason) in [
        (20, "/", application(WEBSHOP), "application_granted"),
        (30, "/", user(&[DESK]), "user_granted"),
        (40, "/", stranger, "consumer_not_granted"),
        (50, "/", without_role, "role_missing"),
        (60, "/", user(&[]), "user_not_granted"),
        (70, "/alive", json!({}), "unauthenticated_path"),
        // Two checks of one moment may be told of in any order.
        (25, "/", application(WEBSHOP), "application_granted"),
    ] {
        assert_eq!(scene.ask(&index, at, path, &claims), reason);
    }
    let expected = json!({
        "api": [10, 30, 3],
        "rules": {"webshop": [10, 30, 3], "reports": [10, null, 0], "nobody": [10, null, 0]},
        "groups": {DESK: [10, 30, 1], AUDIT: [10, null, 0]},
        "everyone": null,
    });
    assert_eq!(scene.counts(), expected);
}

#[test]
fn everyone_is_used_by_those_who_are_in_no_group() {
    let scene = Scene::at(10);
    let users = format!("allowAllUsers: true, claims: {{groups: [{{id: {DESK}}}]}}");
    let index = scene.read(&["webshop"], &users);
    for (at, groups, group, everyone) in [
        (20, &[DESK][..], json!([10, 20, 1]), json!([10, null, 0])),
        (30, &[AUDIT], json!([10, 20, 1]), json!([10, 30, 1])),
    ] {
        assert_eq!(scene.ask(&index, at, "/", &user(groups)), "user_granted");
        let counts = scene.counts();
        assert_eq!((&counts["groups"][DESK], &counts["everyone"]), (&group, &everyone));
    }
}

#[test]
fn counts_go_on_when_documents_change_and_begin_with_what_is_new() {
    let scene = Scene::at(10);
    let before = scene.read(&["webshop"], "");
    scene.ask(&before, 20, "/", &application(WEBSHOP));
    scene.now.store(100, Ordering::Relaxed);
    let after = scene.read(&["reports", "webshop"], "");
    // A check that saw the generation before counts all the same.
    for index in [&before, &after] {
        scene.ask(index, 110, "/", &application(WEBSHOP));
    }
    let counts = scene.counts();
    assert_eq!(counts["api"], json!([10, 110, 3]));
    assert_eq!(counts["rules"], json!({"webshop": [10, 110, 3], "reports": [100, null, 0]}));

    scene.now.store(200, Ordering::Relaxed);
    scene.read(&["reports"], "");
    assert_eq!(scene.counts()["rules"], json!({"reports": [100, null, 0]}));
    scene.read(&["reports", "webshop"], "");
    assert_eq!(scene.counts()["rules"]["webshop"], json!([200, null, 0]), "it was gone");
}

#[test]
fn an_application_that_is_switched_off_for_a_while_goes_on_and_one_that_is_gone_does_not() {
    let scene = Scene::at(10);
    let index = scene.read(&["webshop"], "");
    scene.ask(&index, 20, "/", &application(WEBSHOP));
    let off = scene.read(&["webshop"], "tenant: 7");
    scene.ledger.keep_only(&off);
    scene.read(&["webshop"], "");
    assert_eq!(scene.counts()["rules"]["webshop"], json!([10, 20, 1]));
    scene.ledger.keep_only(&Index::default());
    assert_eq!(scene.counts(), Value::Null);
}

#[test]
fn counts_go_on_after_a_restart() {
    let scene = Scene::at(10);
    let users = format!("allowAllUsers: true, claims: {{groups: [{{id: {DESK}}}]}}");
    let index = scene.read(&["webshop"], &users);
    scene.ask(&index, 20, "/", &user(&[DESK]));
    let kept = serde_json::to_string(&scene.ledger.export(21)).unwrap();
    let ledger = Ledger::go_on_from(serde_json::from_str(&kept).unwrap(), clock(&scene.now));
    let restarted = Scene { ledger, ..scene };
    let index = restarted.read(&["webshop", "reports"], &users);
    restarted.ask(&index, 40, "/", &user(&[DESK]));
    let expected = json!({
        "api": [10, 40, 2],
        "rules": {"webshop": [10, 40, 2], "reports": [20, null, 0]},
        "groups": {DESK: [10, 40, 2]},
        "everyone": [10, null, 0],
    });
    assert_eq!(restarted.counts(), expected);
}

#[test]
fn only_what_was_counted_for_as_long_is_unused() {
    let scene = Scene::at(DAY);
    let groups = format!("claims: {{groups: [{{id: {DESK}}}, {{id: {AUDIT}}}]}}");
    let index = scene.read(&["webshop", "reports", "nobody"], &groups);
    scene.ask(&index, 5 * DAY, "/", &user(&[AUDIT]));
    let tallied = |rules, groups, applications| Tally { rules, groups, applications };
    let none = Tally::default();
    for (at, expected) in [
        (8 * DAY - 1, [none, none, none]),
        (8 * DAY, [tallied(2, 1, 0), none, none]),
        (12 * DAY, [tallied(3, 2, 1), none, none]),
        (31 * DAY, [tallied(3, 2, 1), tallied(2, 1, 0), none]),
        (91 * DAY, [tallied(3, 2, 1), tallied(3, 2, 1), tallied(2, 1, 0)]),
        (0, [none, none, none]),
    ] {
        assert_eq!(tally(&index, at), expected, "day {}", at / DAY);
    }
}

#[test]
fn exports_of_several_instances_come_together() {
    let export = |at: u64, rules: &Value| -> Export {
        let api = json!({"since": 1, "times": 1, "rules": rules});
        serde_json::from_value(json!({"at": at, "applications": {"c:n:api": api}})).unwrap()
    };
    let one = export(
        100,
        &json!({
            "c:n:both": {"since": 10, "last": 50, "times": 2},
            "c:n:never": {"since": 10, "times": 0},
            "c:n:one": {"since": 5, "last": 6, "times": 1},
        }),
    );
    let other = export(
        90,
        &json!({
            "c:n:both": {"since": 20, "last": 40, "times": 3},
            "c:n:never": {"since": 5, "times": 0},
            "c:n:other": {"since": 7, "times": 0},
        }),
    );
    let expected = json!({
        "c:n:both": {"since": 20, "last": 50, "times": 5},
        "c:n:never": {"since": 10, "times": 0},
        "c:n:one": {"since": 5, "last": 6, "times": 1},
        "c:n:other": {"since": 7, "times": 0},
    });
    for merged in [one.clone().merge(other.clone()), other.merge(one)] {
        let merged = serde_json::to_value(merged).unwrap();
        assert_eq!(merged["at"], 90);
        assert_eq!(merged["applications"]["c:n:api"]["rules"], expected);
        assert_eq!(merged["applications"]["c:n:api"]["times"], 2);
    }
}
