use super::*;
use crate::{
    applications::snapshot_for_tests,
    config,
    rehearsal::{self, CasesRead, Coverage, Report, Required, as_junit, as_lines, as_tap},
};

const DOCUMENTS: &str = "\
apiVersion: nais.io/v1alpha1
kind: Application
metadata: {name: api, namespace: team, annotations: {portvakt.dev/client-id: 00000000-0000-0000-0000-000000000001}}
spec:
  liveness: {path: /alive}
  azure:
    application:
      enabled: true
      claims: {groups: [{id: 00000000-0000-0000-0000-0000000000aa}]}
  accessPolicy:
    inbound:
      rules:
        - {application: shop}
        - {application: nobody}
        - {application: api}
---
apiVersion: nais.io/v1alpha1
kind: Application
metadata: {name: shop, namespace: team, annotations: {portvakt.dev/client-id: 00000000-0000-0000-0000-000000000002}}
spec: {azure: {application: {enabled: true, allowAllUsers: true}}}
---
apiVersion: nais.io/v1alpha1
kind: Application
metadata: {name: off, namespace: team}
spec: {azure: {application: {enabled: true}}, accessPolicy: {inbound: {rules: [{application: shop}]}}}
";

fn report(cases: &str, required: Required) -> Report {
    let snapshot = snapshot_for_tests(DOCUMENTS);
    let config = config::defaults("dev").unwrap();
    let text = format!(
        "apiVersion: portvakt.dev/v1\nkind: PolicyTest\ntarget: team:api\n\
         groups: {{desk: 00000000-0000-0000-0000-0000000000aa}}\ncases:\n{cases}"
    );
    let mut read = CasesRead::default();
    rehearsal::read(&"t.yaml".into(), &text, "dev", &mut read);
    let stage = Stage::new(&config, &snapshot);
    Report::run(read, Vec::new(), &stage, &snapshot.applications, required)
}

/// What came of one case, or why it cannot be decided.
fn got(case: &str) -> String {
    let report = report(&format!("  - {{{case}, expect: deny}}\n"), Required::No);
    match (&report.rehearsed[..], &report.errors[..]) {
        ([case], []) => case.got(),
        ([], [finding]) => finding.to_string(),
        other => panic!("{case}: {other:?}"),
    }
}

#[test]
fn cases_are_decided_with_what_a_token_would_say() {
    for (case, expected) in [
        ("caller: shop", "allow application_granted: the rule at f.yaml:13:11"),
        ("caller: api", "allow application_granted: the rule at f.yaml:15:11"),
        ("caller: {application: shop, roles: [other]}", "deny role_missing: "),
        ("caller: off", "deny consumer_not_granted: "),
        // A rule names it, and no client id is known for it.
        ("caller: nobody", "deny consumer_not_granted: "),
        ("caller: 00000000-0000-0000-0000-000000000002", "allow application_granted: "),
        ("caller: 00000000-0000-0000-0000-000000000009", "deny consumer_not_granted: "),
        ("caller: anonymous", "deny token_missing: A bearer token is needed. "),
        ("caller: anonymous, path: /alive", "allow unauthenticated_path: "),
        ("caller: anonymous, path: '/alive/..'", "deny token_missing: "),
        (
            "caller: {user: {groups: [desk], through: shop}}",
            "allow user_granted: the rule at f.yaml:13:11, and the group at f.yaml:9:30",
        ),
        ("caller: {user: {groups: [desk]}}", "allow user_granted: the rule at f.yaml:15:11, and"),
        ("caller: {user: {through: shop}}", "deny user_not_granted: "),
        ("caller: {user: {groups_overage: true}}", "deny groups_overage: "),
        ("caller: {user: {groups: [desk], through: shop, scopes: [x]}}", "deny scope_missing: "),
        ("caller: {user: {groups: [desk], scopes: [x]}}", "allow user_granted: "),
        (
            "target: 'team:shop', caller: {user: {}}",
            "allow user_granted: the application itself, and allowAllUsers at f.yaml:20:60",
        ),
        ("target: 'team:off', caller: shop", "deny application_disabled: "),
    ] {
        assert!(got(case).starts_with(expected), "{case}: {}", got(case));
    }
}

#[test]
fn what_no_document_names_is_a_fault_and_no_denial() {
    for (case, expected) in [
        ("caller: shopp", "t.yaml:6:14: error: invalid_value: No document names dev:team:shopp"),
        ("caller: shopp", "did you mean \"dev:team:shop\"?"),
        ("target: 'team:apu', caller: shop", "t.yaml:6:14: error: invalid_value: No document desc"),
        ("caller: {user: {through: zzzzz}}", "No document names dev:team:zzzzz"),
    ] {
        assert!(got(case).contains(expected), "{case}: {}", got(case));
    }
    let unknown = "  - {target: 'team:gone', caller: shop, expect: application_unknown}\n";
    assert!(
        report(unknown, Required::No).is_passed(),
        "where that is what is expected, it is fine"
    );
}

#[test]
fn a_workload_that_is_not_the_tokens_application_is_told_apart_where_that_is_enforced() {
    let snapshot = snapshot_for_tests(DOCUMENTS);
    let mut config = config::defaults("dev").unwrap();
    config.mesh.bind_tokens = config::BindTokens::Enforce;
    let stage = Stage::new(&config, &snapshot);
    for (presented_by, expected) in [
        ("shop", "application_granted"),
        ("other", "workload_mismatch"),
        ("'spiffe://cluster.local/ns/team/sa/shop'", "application_granted"),
        ("'spiffe://cluster.local/ns/elsewhere/sa/shop'", "workload_mismatch"),
    ] {
        let text = format!(
            "apiVersion: portvakt.dev/v1\nkind: PolicyTest\ntarget: team:api\ncases:\n  \
             - {{caller: shop, presented_by: {presented_by}, expect: allow}}\n"
        );
        let mut read = CasesRead::default();
        rehearsal::read(&"t.yaml".into(), &text, "dev", &mut read);
        let rehearsed = stage.rehearse(read.cases.remove(0)).unwrap();
        assert_eq!(rehearsed.outcome.decision.code(), expected, "{presented_by}");
    }
}

#[test]
fn coverage_is_of_what_lets_somebody_in() {
    let missing = |cases: &str| {
        let Coverage { stated, missing } = report(cases, Required::No).coverage;
        assert_eq!(stated, 3, "the rule of shop, the group, and shop's users");
        missing.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let rule = "f.yaml:13:11: dev:team:shop may call dev:team:api";
    let group = "f.yaml:9:30: the group 00000000-0000-0000-0000-0000000000aa of dev:team:api";
    let users = "f.yaml:20:60: allowAllUsers of dev:team:shop";
    for (cases, expected) in [
        ("  - {caller: off, expect: deny}\n", &[rule, group, users][..]),
        ("  - {caller: shop, expect: allow}\n", &[group, users]),
        // Past the rule, though not past the role.
        ("  - {caller: {application: shop, roles: []}, expect: deny}\n", &[group, users]),
        ("  - {caller: {user: {through: shop}}, expect: deny}\n", &[group, users]),
        ("  - {caller: {user: {groups: [desk]}}, expect: allow}\n", &[rule, users]),
        ("  - {target: 'team:shop', caller: {user: {}}, expect: allow}\n", &[rule, group]),
        (
            "  - {caller: {user: {groups: [desk], through: shop}}, expect: allow}\n  \
             - {target: 'team:shop', caller: {user: {}}, expect: allow}\n",
            &[],
        ),
    ] {
        assert_eq!(missing(cases), expected, "{cases}");
    }
}

#[test]
fn a_report_says_the_same_in_each_form() {
    let cases = "  - {name: 'a & b #1', caller: shop, expect: allow}\n  \
                 - {name: denied, caller: shop, expect: role_missing}\n  \
                 - {caller: shopp, expect: deny}\n";
    let report = report(cases, Required::Coverage);
    assert!(!report.is_passed());
    assert_eq!((report.failed(), report.errors.len()), (1, 1));
    for (text, expected) in [
        (as_lines(&report), include_str!("samples/report.txt")),
        (as_tap(&report), include_str!("samples/report.tap")),
        (as_junit(&report), include_str!("samples/report.xml")),
    ] {
        assert_eq!(text, expected);
    }
}
