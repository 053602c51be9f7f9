//! What two documents claim, or one that does not count: nobody gets it from another.

use super::*;

#[test]
fn a_client_id_that_two_applications_claim_lets_nobody_in_and_resolves_no_rule() {
    let resolved = Known::of([
        manifest("api", &rules("{application: a}")),
        registration("api", 1, ""),
        registration("a", 2, ""),
        registration("b", 2, ""),
    ])
    .resolve();
    assert!(consumers(&resolved).is_empty());
    for id in ["dev:team:a", "dev:team:b"] {
        let claimed = Protection::Disabled(DisabledBecause::ClientIdClaimedTwice);
        assert_eq!(*find(&resolved, id), claimed);
    }
    let expected =
        [(15, "client_id_claimed_twice"), (20, "client_id_claimed_twice"), (5, "unresolved_rule")];
    assert_eq!(codes(&resolved), expected);
}

#[test]
fn a_host_that_two_applications_claim_is_reported_at_each() {
    let ingress = |host: &str| format!("{{ingresses: ['https://{host}', 'https://{host}/x']}}");
    for (one, other, lines) in [
        ("a.example", "b.example", vec![]),
        ("a.example", "A.example.", vec![5, 5, 10, 10]),
        ("api.team", "b.example", vec![]),
        ("b.team.svc.cluster.local", "b.example", vec![5, 5]),
        ("b.team.svc.cluster.local", "b.team.svc.cluster.local", vec![5, 5]),
    ] {
        let documents = [manifest("api", &ingress(one)), manifest("b", &ingress(other))];
        let resolved = Known::of(documents).resolve();
        let expected: Vec<_> = lines.into_iter().map(|line| (line, "host_claimed_twice")).collect();
        assert_eq!(codes(&resolved), expected, "{one} {other}");
    }
}

#[test]
fn two_documents_of_one_identity_that_differ_let_nobody_in_and_are_reported_at_both() {
    let duplicate = Protection::Disabled(DisabledBecause::DuplicateDocument);
    let broken = manifest("api", "{accessPolicy: 7}");
    for (documents, lines) in [
        (vec![registration("api", 1, ""), registration("api", 2, "")], vec![4, 9]),
        (vec![registration("api", 1, ""), registration("api", 1, &assigned("a", 2))], vec![4, 9]),
        (
            vec![registration("api", 1, ""), manifest("api", "{}"), annotated("api", 1, "{}")],
            vec![9, 14],
        ),
        (vec![registration("api", 1, ""), manifest("api", "{}"), broken], vec![9, 14]),
        (
            vec![manifest("api", "{}"), manifest("api", "{}"), annotated("api", 1, "{}")],
            vec![4, 9, 14],
        ),
    ] {
        let resolved = Known::of(documents.clone()).resolve();
        assert_eq!(*find(&resolved, "dev:team:api"), duplicate, "{documents:?}");
        let expected: Vec<_> = lines.into_iter().map(|line| (line, "duplicate_document")).collect();
        assert_eq!(codes(&resolved), expected, "{documents:?}");
        assert!(resolved.findings.iter().all(|found| found.severity == Severity::Error));
    }
}

#[test]
fn two_documents_that_say_the_same_count_as_one_with_a_warning() {
    let api = || annotated("api", 1, &rules("{application: a}, {application: b}"));
    let resolved =
        Known::of([api(), registration("a", 2, ""), registration("b", 3, ""), api()]).resolve();
    assert_eq!(consumers(&resolved), ["dev:team:a=02", "dev:team:b=03"]);
    assert_eq!(codes(&resolved), [(19, "duplicate_document")]);
    assert_eq!(resolved.findings[0].severity, Severity::Warning);
}

#[test]
fn a_rule_that_names_an_application_with_two_registrations_grants_nothing() {
    let api = annotated("api", 1, &rules("{application: a}"));
    let (one, other) = (registration("a", 2, ""), registration("a", 3, ""));
    let resolved = Known::of([api, one, other, annotated("a", 4, "{}")]).resolve();
    assert!(consumers(&resolved).is_empty());
    assert_eq!(resolved.rules.unresolved, 1);
}

#[test]
fn an_annotation_takes_no_client_id_from_one_who_was_registered_with_it() {
    let claimed = Protection::Disabled(DisabledBecause::ClientIdClaimedTwice);
    let api = manifest("api", &rules("{application: a}"));
    let thief = annotated("thief", 1, "{}");
    let of_a = registration("a", 2, "");
    let second = annotated("other", 2, "{}");
    let documents = [api, registration("api", 1, ""), thief, of_a, second];
    let resolved = Known::of(documents).resolve();
    assert_eq!(consumers(&resolved), ["dev:team:a=02"]);
    assert_eq!(*find(&resolved, "dev:team:thief"), claimed);
    assert_eq!(*find(&resolved, "dev:team:other"), claimed);
    assert_eq!(
        codes(&resolved),
        [(24, "client_id_claimed_twice"), (14, "client_id_claimed_twice")]
    );

    let environment = Some(environment(&[]));
    let resolved = Known { environment, ..Known::of([annotated("thief", 1, "{}")]) }.resolve();
    assert!(consumers(&resolved).is_empty());
    assert_eq!(*find(&resolved, "dev:team:thief"), claimed);

    let resolved = Known::of([annotated("api", 1, "{}"), annotated("thief", 1, "{}")]).resolve();
    assert_eq!(*find(&resolved, "dev:team:api"), claimed, "equals");
    assert_eq!(*find(&resolved, "dev:team:thief"), claimed, "equals");
}

#[test]
fn a_client_id_of_documents_that_do_not_count_is_not_free_for_others() {
    let broken = registration("api", 1, ", preAuthorizedApps: 1");
    for documents in [vec![registration("api", 1, ""), registration("api", 2, "")], vec![broken]] {
        let documents = documents.into_iter().chain([annotated("thief", 1, "{}")]);
        let claimed = Protection::Disabled(DisabledBecause::ClientIdClaimedTwice);
        assert_eq!(*find(&Known::of(documents).resolve(), "dev:team:thief"), claimed);
    }
}

#[test]
fn the_client_id_that_an_application_goes_by_while_its_registration_is_broken_is_not_free() {
    let broken = registration("api", 2, ", preAuthorizedApps: 1");
    let claimed = Protection::Disabled(DisabledBecause::ClientIdClaimedTwice);
    for (api, environment) in
        [(annotated("api", 1, "{}"), None), (String::new(), Some(environment(&[])))]
    {
        let documents = [api, broken.clone(), annotated("thief", 1, "{}")];
        let resolved = Known { environment, ..Known::of(documents) }.resolve();
        assert_eq!(*find(&resolved, "dev:team:thief"), claimed);
    }
}

#[test]
fn a_further_consumer_with_two_client_ids_is_reported_and_granted_by_neither() {
    let entry = |name: &str, client_id| {
        format!(r#"{{"name": "dev:team:{name}", "clientId": "{}"}}"#, guid(client_id))
    };
    let further = |entries: &[String]| Some(format!("[{}]", entries.join(",\n")));
    let known = |entries: &[String], more: String| Known {
        further: further(entries),
        ..Known::of([annotated("api", 1, &rules("{application: a}")), more])
    };
    let entries = [entry("a", 2), entry("b", 3), entry("a", 4), entry("b", 3)];
    let resolved = known(&entries, String::new()).resolve();
    assert!(consumers(&resolved).is_empty());
    assert_eq!(codes(&resolved), [(3, "duplicate_consumer"), (5, "unresolved_rule")]);
    assert_eq!(resolved.rules.unresolved, 1);

    let resolved = known(&entries, registration("a", 5, "")).resolve();
    assert_eq!(consumers(&resolved), ["dev:team:a=05"], "documents tell");
}

#[test]
fn an_ingress_with_anothers_service_name_is_no_claim_and_is_reported_there_alone() {
    let ingress = |host: &str| format!("{{ingresses: ['https://{host}']}}");
    for (host, lines) in [
        ("api.team", vec![10]),
        ("api.team.svc", vec![10]),
        ("API.team.svc.cluster.local", vec![10]),
        ("gone.team.svc", vec![10]),
        ("gone.team.svc.cluster.local", vec![10]),
        ("gone.team", vec![]),
        ("b.team.svc", vec![]),
    ] {
        let documents = [manifest("api", "{}"), manifest("b", &ingress(host))];
        let resolved = Known::of(documents).resolve();
        let expected: Vec<_> = lines.into_iter().map(|line| (line, "host_claimed_twice")).collect();
        assert_eq!(codes(&resolved), expected, "{host}");
        let owner =
            resolved.index.by_host(&host.to_lowercase()).map(|found| found.id.name().to_owned());
        let expected = match host.split_once('.') {
            Some(("gone", rest)) if rest != "team" => None,
            Some(("gone" | "b", _)) => Some("b".to_owned()),
            _ => Some("api".to_owned()),
        };
        assert_eq!(owner, expected, "{host}");
    }
}

#[test]
fn documents_that_do_not_count_keep_their_hosts_from_others() {
    let spec = |more: &str| format!("{{ingresses: ['https://api.example']{more}}}");
    for documents in [
        vec![manifest("api", &spec(", accessPolicy: 7"))],
        vec![manifest("api", "{}"), manifest("api", &spec(""))],
    ] {
        let thief = manifest("thief", &spec(""));
        let resolved = Known::of(documents.into_iter().chain([thief])).resolve();
        let reported = resolved.findings.iter().filter(|f| f.code == Code::HostClaimedTwice);
        assert_eq!(reported.count(), 2);
        assert!(resolved.index.by_host("api.example").is_none());
    }
}

#[test]
fn an_application_with_a_broken_document_lets_nobody_in() {
    let broken = Protection::Disabled(DisabledBecause::BrokenDocument);
    for documents in [
        vec![manifest("api", "[]")],
        vec![manifest("api", "[]"), registration("api", 1, "")],
        vec![annotated("api", 1, "{}"), registration("api", 1, ", preAuthorizedApps: 1")],
    ] {
        let resolved = Known::of(documents.clone()).resolve();
        assert_eq!(*find(&resolved, "dev:team:api"), broken, "{documents:?}");
    }
}
