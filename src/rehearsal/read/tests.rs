use super::*;
use crate::rehearsal::case::{Name, Presenter, Who};

const HEAD: &str = "apiVersion: portvakt.dev/v1\nkind: PolicyTest\n";
const GROUP: &str = "00000000-0000-0000-0000-0000000000aa";

fn read_text(text: &str) -> CasesRead {
    let mut read_all = CasesRead::default();
    read(&"t.yaml".into(), text, "dev", &mut read_all);
    read_all
}

fn case(text: &str) -> Case {
    let read = read_text(&format!("{HEAD}target: team:api\ncases:\n  - {text}\n"));
    assert_eq!(read.findings, [], "{text}");
    read.cases.into_iter().next().unwrap()
}

fn application(name: &str) -> Who {
    let name = Name::Application(name.parse().unwrap());
    Who { place: Place { source: "t.yaml".into(), line: 5, column: 14 }, name }
}

#[test]
fn what_a_case_leaves_out_is_what_most_requests_have() {
    let found = case("{caller: shop, expect: allow}");
    let expected = Case {
        place: Place { source: "t.yaml".into(), line: 5, column: 5 },
        name: "dev:team:api: allow".into(),
        caller: Caller::Application { who: application("dev:team:shop"), roles: None },
        target: "dev:team:api".parse().unwrap(),
        target_place: Place { source: "t.yaml".into(), line: 3, column: 9 },
        method: "GET".into(),
        path: "/".into(),
        presented_by: None,
        preflight: false,
        expected: Expected { allow: Some(true), reason: None },
    };
    assert_eq!(found, expected);
}

#[test]
fn callers_are_named_in_short_or_in_full() {
    for (text, expected) in [
        ("shop", "dev:team:shop"),
        ("'other:shop'", "dev:other:shop"),
        ("'prod:other:shop'", "prod:other:shop"),
    ] {
        let Caller::Application { who, roles: None } =
            case(&format!("{{caller: {text}, expect: allow}}")).caller
        else {
            panic!("{text}")
        };
        assert_eq!(who.name, Name::Application(expected.parse().unwrap()), "{text}");
    }
    let by_id = case(&format!("{{caller: {GROUP}, expect: deny}}")).caller;
    assert!(
        matches!(by_id, Caller::Application { who: Who { name: Name::ClientId(_), .. }, .. }),
        "{by_id:?}"
    );
    assert_eq!(case("{caller: anonymous, expect: deny}").caller, Caller::Anonymous);
    let user = case(&format!("{{caller: {{user: {{groups: [{GROUP}]}}}}, expect: allow}}")).caller;
    let groups = vec![GROUP.parse().unwrap()];
    assert_eq!(user, Caller::User { through: None, scopes: None, groups, overage: false });
}

#[test]
fn an_expectation_is_a_decision_a_reason_or_both() {
    for (text, allow, reason) in [
        ("allow", Some(true), None),
        ("deny", Some(false), None),
        ("role_missing", None, Some("role_missing")),
        ("{reason: user_granted}", None, Some("user_granted")),
        ("{decision: deny, reason: role_missing}", Some(false), Some("role_missing")),
        // In shadow.
        ("{decision: allow, reason: role_missing}", Some(true), Some("role_missing")),
    ] {
        let found = case(&format!("{{caller: anonymous, expect: {text}}}")).expected;
        assert_eq!(found, Expected { allow, reason }, "{text}");
    }
}

#[test]
fn the_workload_that_presents_a_token_is_named_like_an_application_or_by_its_id() {
    for (text, expected) in [
        ("shop", Presenter::WorkloadOf("dev:team:shop".parse().unwrap())),
        ("'spiffe://x/ns/a/sa/b'", Presenter::Principal("spiffe://x/ns/a/sa/b".into())),
    ] {
        let found = case(&format!("{{caller: shop, presented_by: {text}, expect: allow}}"));
        assert_eq!(found.presented_by, Some(expected), "{text}");
    }
}

#[test]
fn every_fault_of_a_case_is_told_at_its_place_and_the_case_does_not_run() {
    for (text, place, message) in [
        ("{calller: shop, expect: allow}", "5:6", "did you mean \"caller\"?"),
        ("{caller: shop, expected: allow}", "5:20", "did you mean \"expect\"?"),
        ("{caller: shop, expect: alow}", "5:28", "did you mean \"allow\"?"),
        ("{caller: shop, expect: role_mising}", "5:28", "did you mean \"role_missing\"?"),
        ("{caller: shop}", "5:5", "must say what to expect"),
        ("{expect: allow}", "5:5", "must have a caller"),
        ("{caller: 'a b', expect: allow}", "5:14", "\"a b\" is not of the form"),
        ("{caller: 'a:b:c:d', expect: allow}", "5:14", "is not of the form"),
        ("{caller: 7, expect: allow}", "5:14", "caller must be a mapping"),
        ("{caller: {}, expect: allow}", "5:14", "must have application or user"),
        ("{caller: {user: }, expect: allow}", "5:14", "user: {}"),
        ("{caller: {application: a, user: {}}, expect: deny}", "5:14", "and not both"),
        ("{caller: {application: a, role: [x]}, expect: deny}", "5:31", "did you mean \"roles\"?"),
        ("{caller: {user: {}, roles: [x]}, expect: deny}", "5:25", "roles are an application's"),
        ("{caller: {user: {group: [x]}}, expect: deny}", "5:22", "did you mean \"groups\"?"),
        ("{caller: {user: {groups: [desc]}}, expect: deny}", "5:31", "did you mean \"desk\"?"),
        ("{caller: {user: {scopes: []}}, expect: deny}", "5:30", "state another one"),
        (
            "{caller: {user: {groups: [desk], groups_overage: true}}, expect: deny}",
            "5:21",
            "one of the two",
        ),
        ("{caller: a, expect: {}}", "5:25", "a decision, a reason, or both"),
        ("{caller: a, expect: {decision: role_missing}}", "5:25", "decision must be allow or deny"),
        ("{caller: a, expect: {reason: deny}}", "5:25", "reason must be the word"),
        (
            "{caller: a, expect: {decision: deny, reason: user_granted}}",
            "5:25",
            "nothing is denied",
        ),
        ("{caller: a, target: api, expect: deny}", "5:25", "namespace:application."),
        ("{caller: a, preflight: 1, expect: deny}", "5:28", "true or false"),
        ("{caller: a, path: 1, expect: deny}", "5:23", "path must be a text"),
        ("7", "5:5", "A case must be a mapping"),
    ] {
        let file =
            format!("{HEAD}target: team:api\ncases:\n  - {text}\ngroups: {{desk: {GROUP}}}\n");
        let read = read_text(&file);
        let found: Vec<_> = read.findings.iter().map(ToString::to_string).collect();
        let is_it = |line: &String| {
            line.starts_with(&format!("t.yaml:{place}: error: ")) && line.contains(message)
        };
        assert!(found.iter().any(is_it), "{text}: {place} {message} is not in {found:#?}");
        assert_eq!(read.cases, [], "{text}");
    }
}

#[test]
fn a_document_that_is_meant_to_be_a_test_is_not_passed_over() {
    for (text, message) in [
        ("apiVersion: portvakt.dev/v1\nkind: PolicyTests\ntarget: a:b\ncases: []\n", "PolicyTests"),
        ("apiVersion: portvakt.dev/v2\nkind: PolicyTest\ncases: []\n", "portvakt.dev/v2"),
        ("kind: PolicyTest\ncases: []\n", "apiVersion of a policy test"),
        (&format!("{HEAD}target: a:b\n"), "must have cases"),
        (&format!("{HEAD}target: a:b\ncases: []\n"), "there is none"),
        (&format!("{HEAD}target: a\ncases: [{{caller: a, expect: deny}}]\n"), "of the form"),
        (&format!("{HEAD}cases: [{{caller: a, expect: deny}}]\n"), "must have a target"),
        (&format!("{HEAD}targt: a:b\ncases: []\n"), "did you mean \"target\"?"),
    ] {
        let read = read_text(text);
        assert_eq!(read.cases, [], "{text}");
        assert!(read.findings.iter().any(|f| f.message.contains(message)), "{:?}", read.findings);
    }
}

#[test]
fn documents_of_other_kinds_are_passed_over() {
    for text in [
        "apiVersion: nais.io/v1alpha1\nkind: Application\nmetadata: {name: PolicyTest}\n",
        "- PolicyTest\n",
        "kind: [PolicyTest\n",
        "portvakt.dev/v1",
    ] {
        let read = read_text(text);
        assert_eq!((read.cases, read.findings), (vec![], vec![]), "{text}");
    }
}

#[test]
fn the_documentation_has_a_row_for_every_key_and_an_example_that_is_read() {
    let documentation = include_str!("../../../docs/rehearsing.md");
    for key in [TOP, CASE, CALLER, USER].concat() {
        let row = format!("| `{key}` | ");
        assert!(documentation.lines().any(|line| line.starts_with(&row)), "{row}");
    }
    let example = documentation.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next());
    let read = read_text(example.unwrap());
    assert_eq!((read.cases.len(), read.findings), (4, vec![]));
}
