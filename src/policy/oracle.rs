//! The policy once more, as naively as it can be written, and generated cases in which both must
//! agree. It shares no code with the real one: names are texts, lists are searched, and what the
//! contract says is written down in its order.

use proptest::{collection::vec, option, prelude::*, sample::select, strategy::ValueTree as _};
use serde_json::{Map, Value, json};

use super::*;
use crate::{
    config::BindTokens, decision::Decision, identifiers::ApplicationId, spiffe::WorkloadId,
    token::Claims,
};

const OWN: &str = "00000000-0000-0000-0000-000000000000";
const CLIENTS: [&str; 4] = [
    OWN,
    "11111111-1111-1111-1111-111111111111",
    "22222222-2222-2222-2222-222222222222",
    "33333333-3333-3333-3333-333333333333",
];
const GROUPS: [&str; 3] = [
    "aaaaaaaa-0000-0000-0000-000000000001",
    "aaaaaaaa-0000-0000-0000-000000000002",
    "aaaaaaaa-0000-0000-0000-000000000003",
];
const TENANT: &str = "99999999-9999-9999-9999-999999999999";

const USER: &str = "88888888-8888-8888-8888-888888888888";

/// One application's policy and one request to it.
#[derive(Debug, Clone)]
struct Case {
    /// Places in `CLIENTS`; the application at place n is called `c:team-n:app-n`.
    granted: Vec<usize>,
    everyone: bool,
    listed_groups: Vec<&'static str>,
    claims: Map<String, Value>,
    /// The presenting workload, by the same places.
    workload: Option<usize>,
    bind: BindTokens,
}

/// What the contract says, one sentence after the other.
fn oracle(case: &Case) -> &'static str {
    let text = |claim: &str| case.claims.get(claim).and_then(Value::as_str);
    let list = |claim: &str| -> Vec<&str> {
        let values = case.claims.get(claim).and_then(Value::as_array);
        values.map(|values| values.iter().filter_map(Value::as_str).collect()).unwrap_or_default()
    };
    let words: Vec<&str> = text("scp").unwrap_or("").split(' ').filter(|w| !w.is_empty()).collect();
    let is_app = text("idtyp") == Some("app");
    let is_user = !words.is_empty();
    if is_app == is_user || is_app && text("scp").is_some() {
        return "token_claims_invalid";
    }
    if is_user && text("oid") != Some(USER) {
        return "token_claims_invalid";
    }
    let Some(place) = CLIENTS.iter().position(|client| Some(*client) == text("azp")) else {
        return "token_claims_invalid";
    };
    let is_own = place == 0;
    if !is_own && !case.granted.contains(&place) {
        return "consumer_not_granted";
    }
    if is_app && !list("roles").contains(&"access_as_application") {
        return "role_missing";
    }
    if !is_app && !is_own && !words.contains(&"defaultaccess") {
        return "scope_missing";
    }
    if !is_app && !case.everyone {
        let is_member = list("groups").iter().any(|group| case.listed_groups.contains(group));
        if !is_member {
            let too_many =
                case.claims.get("_claim_names").is_some_and(|names| names.get("groups").is_some());
            let may_count = !case.claims.contains_key("groups") && !case.listed_groups.is_empty();
            return if too_many && may_count { "groups_overage" } else { "user_not_granted" };
        }
    }
    if case.bind == BindTokens::Enforce && case.workload.is_some_and(|workload| workload != place) {
        return "workload_mismatch";
    }
    if is_app { "application_granted" } else { "user_granted" }
}

/// The real policy's answer, with the decision for further questions.
fn decide(case: &Case) -> Decision {
    decide_as(case, |caller| caller)
}

/// The same, with the caller changed before the policy sees it.
fn decide_as(case: &Case, change: impl FnOnce(Caller) -> Caller) -> Decision {
    let client = |place: usize| CLIENTS[place].parse().unwrap();
    let access = AccessPolicy {
        consumers: case.granted.iter().map(|place| (client(*place), name(*place))).collect(),
        users: UserAccess {
            everyone: case.everyone,
            groups: case.listed_groups.iter().map(|group| group.parse().unwrap()).collect(),
        },
    };
    let own = name(0);
    let target = Protected { id: &own, client_id: client(0), access: &access };
    let requirements = Requirements {
        role: "access_as_application".to_owned(),
        scope: "defaultaccess".to_owned(),
    };
    let workload_name = case.workload.map(name);
    let workload = workload_name
        .as_ref()
        .map(|id| WorkloadId { namespace: id.namespace(), service_account: id.name() });
    let presenter = Presenter { workload, bind_tokens: case.bind };
    Claims::read(Value::Object(case.claims.clone()).to_string().as_bytes())
        .and_then(|claims| Caller::from_claims(claims.into(), TENANT.parse().unwrap()))
        .and_then(|caller| evaluate(change(caller), &target, &requirements, &presenter, &mut ()))
        .into()
}

fn name(place: usize) -> ApplicationId {
    format!("c:team-{place}:app-{place}").parse().unwrap()
}

fn claims() -> impl Strategy<Value = Map<String, Value>> {
    const WORDS: &[&str] = &["access_as_application", "defaultaccess", "other"];
    (
        option::of(prop_oneof![4 => select(&CLIENTS[..]), 1 => Just("no guid")]),
        option::weighted(0.5, select(&["app", "user", "App", ""][..])),
        option::weighted(0.6, vec(select(WORDS), 0..3)),
        option::weighted(0.6, vec(select(WORDS), 0..3)),
        option::weighted(0.6, vec(prop_oneof![4 => select(&GROUPS[..]), 1 => Just("x")], 0..4)),
        option::weighted(0.3, select(&["groups", "roles"][..])),
        option::weighted(0.3, select(&[GROUPS[0], CLIENTS[1], USER, "admin@example.com"][..])),
        option::weighted(0.95, prop_oneof![19 => Just(USER), 1 => Just("user@example.com")]),
    )
        .prop_map(|(azp, idtyp, scopes, roles, groups, claim_name, mutable, oid)| {
            let members = [
                // What its holder can change never decides: the oracle does not know these.
                ("email", mutable.map(|text| json!(text))),
                ("upn", mutable.map(|text| json!(text))),
                ("preferred_username", mutable.map(|text| json!(text))),
                ("name", mutable.map(|text| json!(text))),
                ("azp_name", mutable.map(|text| json!(text))),
                ("oid", oid.map(|oid| json!(oid))),
                ("azp", azp.map(|azp| json!(azp))),
                ("idtyp", idtyp.map(|idtyp| json!(idtyp))),
                ("scp", scopes.map(|scopes| json!(scopes.join(" ")))),
                ("roles", roles.map(|roles| json!(roles))),
                ("groups", groups.map(|groups| json!(groups))),
                ("_claim_names", claim_name.map(|name| json!({name: "src1"}))),
            ];
            let stated = |(name, value): (&str, Option<Value>)| Some((name.to_owned(), value?));
            members.into_iter().filter_map(stated).collect()
        })
}

fn cases() -> impl Strategy<Value = Case> {
    let bind = select(&[BindTokens::Off, BindTokens::Report, BindTokens::Enforce][..]);
    (
        vec(1..CLIENTS.len(), 0..3),
        any::<bool>(),
        vec(select(&GROUPS[..]), 0..3),
        claims(),
        option::weighted(0.4, 0..CLIENTS.len()),
        bind,
    )
        .prop_map(|(granted, everyone, listed_groups, claims, workload, bind)| Case {
            granted,
            everyone,
            listed_groups,
            claims,
            workload,
            bind,
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn the_policy_decides_as_the_oracle_does(case in cases()) {
        let decision = decide(&case);
        prop_assert_eq!(decision.code(), oracle(&case));
        let Decision::Allow(permit) = decision else { return Ok(()) };
        let contradicts = case.claims["azp"] != CLIENTS[case.workload.unwrap_or_default()];
        let reported = case.workload.is_some() && contradicts && case.bind != BindTokens::Off;
        prop_assert_eq!(permit.workload_mismatch(), reported);
        let mut all_listed = true;
        if let Some(caller) = permit.caller() {
            caller.fact(Fact::Groups).for_each(|group| all_listed &= case.listed_groups.contains(&group));
        }
        prop_assert!(all_listed);
    }

    #[test]
    fn groups_that_were_looked_up_count_as_if_the_token_listed_them(
        case in cases(),
        groups in vec(select(&GROUPS[..]), 0..4),
    ) {
        let resolved: Vec<_> = groups.iter().map(|group| group.parse().unwrap()).collect();
        let decision = decide_as(&case, |caller| caller.with_resolved_groups(resolved.into()));
        let mut listed = case.clone();
        let names = case.claims.get("_claim_names");
        // A token that lists groups, or that does not say that it lists too few, stands as it is.
        if names.is_some_and(|names| names.get("groups").is_some()) {
            listed.claims.entry("groups").or_insert_with(|| json!(groups));
        }
        prop_assert_eq!(decision.code(), oracle(&listed));
        prop_assert_ne!(decision.code(), "groups_overage");
    }
}

#[test]
fn the_generated_cases_reach_every_reason_of_the_policy() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut reached = std::collections::BTreeSet::new();
    for _ in 0..5_000 {
        let case = cases().new_tree(&mut runner).unwrap().current();
        reached.insert(oracle(&case));
    }
    let expected = [
        "application_granted",
        "consumer_not_granted",
        "groups_overage",
        "role_missing",
        "scope_missing",
        "token_claims_invalid",
        "user_granted",
        "user_not_granted",
        "workload_mismatch",
    ];
    assert_eq!(reached.into_iter().collect::<Vec<_>>(), expected);
}
