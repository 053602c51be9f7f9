use super::*;
use crate::{
    applications::{
        access::MOST_ELEMENTS,
        document::{Consumer, Manifest, Registration},
        findings::MOST_FINDINGS,
    },
    finding::Severity,
    policy::Mode,
};

const CLIENT_ID: &str = "381ce452-1d49-49df-9e7e-990ef0328d6c";
const HEAD: &str = "apiVersion: nais.io/v1alpha1\nkind: Application\n";

/// Reads a text as the file `f.yaml` of the cluster `dev`.
pub fn read(text: &str, earlier: Option<&Manifests>) -> Manifests {
    read_for(&Namespaces::Any, text, earlier)
}

fn read_for(namespaces: &Namespaces, text: &str, earlier: Option<&Manifests>) -> Manifests {
    let source = &"f.yaml".into();
    Manifests::read(Text { source, namespaces, text }, earlier, "dev")
}

fn findings(manifests: &Manifests) -> Vec<String> {
    let short = |finding: &Finding| {
        let Finding { place, severity, code, .. } = finding;
        format!("{}:{} {} {}", place.line, place.column, severity.as_str(), code.as_str())
    };
    manifests.findings.iter().map(short).collect()
}

/// An `Application` document whose `spec` begins on line 4.
fn application(name: &str, spec: &str) -> String {
    format!("{HEAD}metadata: {{name: {name}, namespace: team}}\n{spec}\n")
}

fn manifest(text: &str) -> (Manifest, Vec<String>) {
    let read = read(text, None);
    let findings = findings(&read);
    match &read.documents[..] {
        [Document::Manifest(document), ..] => (document.content.clone().unwrap(), findings),
        other => panic!("{other:?} {findings:?}"),
    }
}

fn registration(text: &str) -> (Registration, Vec<String>) {
    let head = "apiVersion: nais.io/v1\nkind: AzureAdApplication\n\
                    metadata: {name: api, namespace: team}\n";
    let read = read(&format!("{head}{text}"), None);
    let findings = findings(&read);
    match &read.documents[..] {
        [Document::Registration(document), ..] => (document.content.clone().unwrap(), findings),
        other => panic!("{other:?} {findings:?}"),
    }
}

#[test]
fn an_application_is_read_whole() {
    let spec = format!(
        "
spec:
  image: x
  ingresses: [https://API.example.com/path, 'https://two.example:8443']
  liveness: {{path: internal/alive, initialDelay: 5}}
  readiness: {{path: /internal/ready}}
  startup: {{path: ''}}
  prometheus: {{enabled: true}}
  azure:
    application:
      enabled: true
      tenant: other.example
      allowAllUsers: true
      claims: {{groups: [{{id: {CLIENT_ID}}}]}}
  accessPolicy:
    inbound:
      rules:
        - application: a
        - {{application: b, namespace: x, cluster: y, permissions: {{roles: [z]}}}}
        - application: '*'
    outbound: {{external: [{{host: elsewhere.example}}]}}"
    );
    let (manifest, findings) = manifest(&application("api", &spec));
    assert!(findings.is_empty(), "{findings:?}");
    assert_eq!(manifest.enabled, Some(true));
    assert_eq!(manifest.tenant.unwrap().value, "other.example");
    assert!(manifest.users.everyone.is_some());
    assert_eq!(manifest.users.groups.len(), 1);
    let hosts: Vec<_> = manifest.hosts.iter().map(|host| host.value.as_str()).collect();
    assert_eq!(hosts, ["api.example.com", "two.example"]);
    let paths: Vec<_> = manifest.open_paths.iter().map(ToString::to_string).collect();
    assert_eq!(paths, ["/internal/alive", "/internal/ready", "/metrics"]);
    let consumers: Vec<_> = manifest
        .rules
        .iter()
        .map(|rule| match &rule.value {
            Consumer::Application(id) => id.as_str(),
            Consumer::Anyone => "*",
        })
        .collect();
    assert_eq!(consumers, ["dev:team:a", "y:x:b", "*"]);
}

#[test]
fn a_registration_is_read_whole() {
    let (registration, findings) = registration(&format!(
        "
spec: {{secretName: s, tenant: asked.example, preAuthorizedApplications: [{{application: a}}]}}
status:
  clientId: {CLIENT_ID}
  synchronizationTenant: {CLIENT_ID}
  synchronizationTenantName: named.example
  preAuthorizedApps:
    assigned: [{{accessPolicyRule: {{application: a}}, clientId: {CLIENT_ID}}}]
    unassigned: [{{accessPolicyRule: {{application: b}}, reason: no such}}]"
    ));
    assert!(findings.is_empty(), "{findings:?}");
    assert_eq!(registration.client_id.unwrap().value.to_string(), CLIENT_ID);
    assert_eq!(registration.tenant.unwrap().value, CLIENT_ID);
    assert_eq!(registration.rules.len(), 1);
    assert_eq!(registration.assigned.len(), 1);
    assert_eq!(registration.assigned[0].id.as_str(), "dev:team:a");
}

#[test]
fn a_registration_without_a_status_yet_is_no_error() {
    for text in ["spec: {secretName: s}", "status: {clientId: ''}", "status: {}"] {
        let (registration, findings) = registration(text);
        assert_eq!(registration.client_id, None, "{text}");
        assert!(findings.is_empty(), "{findings:?}");
    }
}

#[test]
fn documents_of_other_kinds_are_passed_over() {
    for text in [
        "apiVersion: v1\nkind: Service\nmetadata: {}\n",
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec: 7\n",
        "apiVersion: nais.io/v1\nkind: Naisjob\n",
        "resources: [app.yaml]\n",
    ] {
        let manifests = read(text, None);
        assert!(manifests.documents.is_empty() && manifests.findings.is_empty(), "{text}");
    }
}

#[test]
fn what_does_not_tell_its_application_is_an_error() {
    for (text, expected) in [
        ("text", "1:1 error wrong_type"),
        ("[1]", "1:1 error wrong_type"),
        ("apiVersion: nais.io/v1", "1:1 error missing"),
        ("kind: 7", "1:7 error wrong_type"),
        ("kind: Application", "1:1 error missing"),
        ("apiVersion: nais.io/v1\nkind: Application\nmetadata: {}", "1:13 error invalid_value"),
        (&format!("{HEAD}spec: {{}}"), "1:1 error missing"),
        (&format!("{HEAD}metadata: 7"), "3:11 error wrong_type"),
        (&format!("{HEAD}metadata: {{name: a}}"), "3:11 error missing"),
        (&format!("{HEAD}metadata: {{name: a, namespace: 1}}"), "3:32 error wrong_type"),
        (&format!("{HEAD}metadata: {{name: 'a b', namespace: c}}"), "3:18 error invalid_value"),
    ] {
        let manifests = read(text, None);
        assert!(manifests.documents.is_empty(), "{text}");
        assert_eq!(findings(&manifests).first().map(String::as_str), Some(expected), "{text}");
    }
}

#[test]
fn a_wrong_value_breaks_the_document_and_is_found_at_its_place() {
    for (spec, expected) in [
        ("spec: 7", "4:7 error wrong_type"),
        ("spec: {azure: 7}", "4:15 error wrong_type"),
        ("spec: {azure: {application: {enabled: yes}}}", "4:39 error wrong_type"),
        ("spec: {azure: {application: {tenant: [a]}}}", "4:38 error wrong_type"),
        ("spec: {azure: {application: {allowAllUsers: 'true'}}}", "4:45 error wrong_type"),
        ("spec: {azure: {application: {claims: []}}}", "4:38 error wrong_type"),
        ("spec: {azure: {application: {claims: {groups: {}}}}}", "4:47 error wrong_type"),
        ("spec: {azure: {application: {claims: {groups: [{}]}}}}", "4:48 error missing"),
        ("spec: {accessPolicy: []}", "4:22 error wrong_type"),
        ("spec: {accessPolicy: {inbound: []}}", "4:32 error wrong_type"),
        ("spec: {accessPolicy: {inbound: {rules: {}}}}", "4:40 error wrong_type"),
        ("spec: {accessPolicy: {inbound: {rules: [a]}}}", "4:41 error wrong_type"),
        ("spec: {accessPolicy: {inbound: {rules: [{namespace: a}]}}}", "4:41 error missing"),
        (
            "spec: {accessPolicy: {inbound: {rules: [{application: 'a:b'}]}}}",
            "4:55 error invalid_value",
        ),
        ("spec: {ingresses: https://a.example}", "4:19 error wrong_type"),
        ("spec: {ingresses: [7]}", "4:20 error wrong_type"),
        ("spec: {liveness: /alive}", "4:18 error wrong_type"),
        ("spec: {prometheus: {enabled: 1}}", "4:30 error wrong_type"),
    ] {
        let manifests = read(&application("api", spec), None);
        assert_eq!(findings(&manifests), [expected], "{spec}");
        let [document @ Document::Manifest(_)] = &manifests.documents[..] else {
            panic!("{spec}: {:?}", manifests.documents)
        };
        assert!(document.is_broken(), "{spec}");
        assert_eq!(document.id().as_str(), "dev:team:api");
    }
}

#[test]
fn annotations_ask_for_v1_tokens() {
    let annotated = |annotations: &str| {
        let annotations = format!("annotations: {{{annotations}}}, namespace");
        application("api", "").replace("namespace", &annotations)
    };
    let accept = "portvakt.dev/accept-v1-tokens";
    let uris = "portvakt.dev/app-id-uris";
    for (annotations, accepted, expected) in [
        (String::new(), false, vec![]),
        (format!("{accept}: 'true'"), true, vec![]),
        (format!("{accept}: 'false'"), false, vec![]),
        (format!("{uris}: 'api://prod.team.api'"), false, vec!["api://prod.team.api"]),
        (
            format!("{accept}: 'true', {uris}: 'api://a, https://b.example c'"),
            true,
            vec!["api://a", "https://b.example"],
        ),
    ] {
        let (manifest, findings) = manifest(&annotated(&annotations));
        assert_eq!(manifest.v1.accepted, accepted, "{annotations}");
        assert_eq!(manifest.v1.app_id_uris, expected, "{annotations}");
        assert_eq!(findings.len(), usize::from(annotations.contains(" c'")), "{findings:?}");
    }
    let broken = read(&annotated(&format!("{accept}: 'yes'")), None);
    assert_eq!(findings(&broken).len(), 1, "{broken:?}");
    assert!(broken.documents[0].is_broken());
}

#[test]
fn an_annotation_asks_for_shadow_and_one_that_is_misspelt_for_nothing() {
    let annotated = |annotation: &str| {
        let annotation = format!("annotations: {{{annotation}}}, namespace");
        application("api", "").replace("namespace", &annotation)
    };
    for (annotation, expected, found) in [
        ("portvakt.dev/mode: shadow", Some(Mode::Shadow), 0),
        ("portvakt.dev/mode: enforce", Some(Mode::Enforce), 0),
        ("portvakt.dev/mod: shadow", None, 1),
        ("other.example/mode: shadow", None, 0),
    ] {
        let (manifest, findings) = manifest(&annotated(annotation));
        assert_eq!((manifest.mode, findings.len()), (expected, found), "{annotation} {findings:?}");
    }
    for broken in ["Shadow", "off", "true"] {
        let broken = read(&annotated(&format!("portvakt.dev/mode: {broken}")), None);
        assert!(broken.documents[0].is_broken(), "{broken:?}");
    }
}

#[test]
fn what_probably_is_a_slip_is_a_warning() {
    for (spec, expected) in [
        ("spec: {accesPolicy: {}}", "4:8 warning unknown_key"),
        ("spec: {ingress: []}", "4:8 warning unknown_key"),
        ("spec: {accessPolicy: {inbund: {}}}", "4:23 warning unknown_key"),
        ("spec: {accessPolicy: {inbound: {rule: []}}}", "4:33 warning unknown_key"),
        (
            "spec: {accessPolicy: {inbound: {rules: [{application: a, team: b}]}}}",
            "4:58 warning unknown_key",
        ),
        ("spec: {azure: {application: {enable: true}}}", "4:30 warning unknown_key"),
        ("spec: {azure: {application: {claims: {group: []}}}}", "4:39 warning unknown_key"),
        (
            "spec: {azure: {application: {claims: {groups: [{id: not-a-guid}]}}}}",
            "4:53 warning invalid_group",
        ),
        ("spec: {ingresses: [api.example.com]}", "4:20 warning invalid_value"),
        ("spec: {ingresses: ['https://*.example.com']}", "4:20 warning invalid_value"),
        ("spec: {liveness: {path: '/alive?x'}}", "4:25 warning invalid_value"),
    ] {
        let (_, findings) = manifest(&application("api", spec));
        assert_eq!(findings, [expected], "{spec}");
    }
    let (_, findings) = manifest(&application("api", "spec: {replicas: {}, azur: {}}"));
    assert_eq!(findings, ["4:22 warning unknown_key"]);
}

#[test]
fn a_group_that_is_no_guid_leaves_the_others_in_force() {
    let groups = format!("[{{id: x}}, {{id: {CLIENT_ID}}}, {{id: ''}}]");
    let spec = format!("spec: {{azure: {{application: {{claims: {{groups: {groups}}}}}}}}}");
    let (manifest, findings) = manifest(&application("api", &spec));
    assert_eq!(manifest.users.groups.len(), 1);
    assert_eq!(findings.len(), 2, "{findings:?}");
}

/// `name: enabled` of every document, where it is not broken.
fn in_force(manifests: &Manifests) -> Vec<String> {
    let told = |document: &Document| match document {
        Document::Manifest(document) => {
            let Named { id, content, .. } = &**document;
            let enabled = content.as_ref().ok().map(|manifest| manifest.enabled == Some(true));
            format!("{} {enabled:?}", id.name())
        }
        Document::Registration(_) => panic!("none was written"),
    };
    manifests.documents.iter().map(told).collect()
}

#[test]
fn a_document_with_an_error_stays_as_it_was_and_hurts_no_other() {
    let enabled = |name: &str| application(name, "spec: {azure: {application: {enabled: true}}}");
    let disabled = |name: &str| application(name, "");
    let broken = |name: &str| application(name, "spec: 7");
    let both = |one: String, other: String| format!("{one}---\n{other}");
    let earlier = read(&both(enabled("a"), enabled("b")), None);
    for (text, expected) in [
        (both(disabled("a"), broken("b")), vec!["a Some(false)", "b Some(true)"]),
        (both(broken("b"), disabled("a")), vec!["b Some(true)", "a Some(false)"]),
        (both(disabled("a"), broken("c")), vec!["a Some(false)", "c None"]),
        (both(disabled("a"), "spec: [".into()), vec!["a Some(false)", "b Some(true)"]),
        (both(disabled("a"), HEAD.into()), vec!["a Some(false)", "b Some(true)"]),
        ("{".into(), vec!["a Some(true)", "b Some(true)"]),
        (disabled("a"), vec!["a Some(false)"]),
        (String::new(), vec![]),
    ] {
        assert_eq!(in_force(&read(&text, Some(&earlier))), expected, "{text}");
    }
    let twice = read(&broken("a"), Some(&read(&broken("a"), Some(&earlier))));
    assert_eq!(in_force(&twice), ["a Some(true)"]);
    assert_eq!(findings(&twice), ["4:7 error wrong_type"]);
}

#[test]
fn a_list_holds_documents_as_a_file_does() {
    let item = |name: &str| {
        format!(
            "- {{apiVersion: nais.io/v1alpha1, kind: Application, metadata: {{name: {name}, namespace: team}}}}\n"
        )
    };
    let text =
        format!("apiVersion: v1\nkind: List\nitems:\n{}{}- {{kind: Pod}}\n", item("a"), item("b"));
    let read = read(&text, None);
    assert_eq!(read.documents.len(), 2);
    assert!(read.findings.is_empty(), "{:?}", read.findings);
}

#[test]
fn a_document_of_a_foreign_namespace_is_an_error_and_ignored() {
    let only = |names: &[&str]| Namespaces::Only(names.iter().map(ToString::to_string).collect());
    let mine = application("mine", "");
    let foreign = mine.replace("namespace: team", "namespace: other").replace("mine", "foreign");
    let text = format!("{mine}---\n{foreign}spec: {{ingresses: ['https://taken.example']}}\n");
    let read = read_for(&only(&["team"]), &text, None);
    assert_eq!(in_force(&read), ["mine Some(false)"]);
    assert_eq!(findings(&read), ["8:18 error foreign_namespace"]);
    let message = &read.findings[0].message;
    assert!(message.contains("dev:other:foreign") && message.contains("applications.paths"));
    assert_eq!(in_force(&read_for(&only(&["team", "other"]), &text, None)).len(), 2);

    // What was its own before, and is no more, is not kept.
    let read = read_for(&only(&["other"]), &mine, Some(&read));
    assert!(read.documents.is_empty());
}

#[test]
fn a_file_that_stays_broken_holds_no_more_than_its_last_whole_version_and_what_is_good_now() {
    let both = |one: String, other: &str| format!("{one}---\n{other}");
    let enabled = |name: &str| application(name, "spec: {azure: {application: {enabled: true}}}");
    let mut read_so_far = read(&both(enabled("a"), &application("b", "")), None);
    for version in 0..50 {
        let passing = application(&format!("passing-{version}"), "");
        let text = format!("{passing}---\n{}", "spec: [");
        read_so_far = read(&text, Some(&read_so_far));
        let passing = format!("passing-{version} Some(false)");
        assert_eq!(in_force(&read_so_far), [passing.as_str(), "a Some(true)", "b Some(false)"]);
    }
    // The newest good version of each stays, not that of the whole file.
    read_so_far = read(&both(application("a", ""), "spec: ["), Some(&read_so_far));
    read_so_far = read("spec: [", Some(&read_so_far));
    assert_eq!(in_force(&read_so_far), ["a Some(false)", "b Some(false)"]);
    read_so_far = read(&application("b", ""), Some(&read_so_far));
    assert_eq!(in_force(&read_so_far), ["b Some(false)"]);

    // One that was never whole keeps nothing that it does not have now.
    let never_whole = read(&both(application("c", ""), "spec: ["), None);
    assert_eq!(in_force(&read("spec: [", Some(&never_whole))), Vec::<String>::new());
}

#[test]
fn of_two_earlier_documents_that_differed_neither_is_the_good_one() {
    let one = application("a", "");
    let other = application("a", "spec: {azure: {application: {enabled: true}}}");
    let twice = read(&format!("{one}---\n{other}"), None);
    let broken = read(&application("a", "spec: 7"), Some(&twice));
    assert_eq!(in_force(&broken), ["a None"]);
}

#[test]
fn a_broken_document_tells_the_hosts_that_can_be_read_in_it() {
    let spec = "spec: {accessPolicy: 7, ingresses: [8, 'https://a.example', 'https://b.example']}";
    let read = read(&application("a", spec), None);
    let [Document::Manifest(document)] = &read.documents[..] else { panic!("{read:?}") };
    let partial = document.content.as_ref().unwrap_err();
    let hosts: Vec<_> = partial.hosts.iter().map(|host| host.value.as_str()).collect();
    assert_eq!(hosts, ["a.example", "b.example"]);
}

#[test]
fn ten_thousand_applications_in_one_file_of_eleven_megabytes_are_read() {
    let padding = "x".repeat(1_100);
    let text: String = (0..10_000)
        .map(|number| format!("---\n{}# {padding}\n", application(&format!("a{number}"), "")))
        .collect();
    assert!(text.len() > 11_000_000);
    let read = read(&text, None);
    assert_eq!(read.documents.len(), 10_000);
    assert!(read.findings.is_empty());
}

#[test]
fn more_documents_than_a_file_may_have_are_left_out_and_what_was_there_stays() {
    let many = "---\nkind: Pod\n".repeat(MOST_DOCUMENTS);
    let earlier = read(&application("a", ""), None);
    let text = format!("{many}---\n{}---\n{}", application("a", ""), application("b", ""));
    let read = read(&text, Some(&earlier));
    assert_eq!(in_force(&read), ["a Some(false)"]);
    assert_eq!(findings(&read), ["100002:1 error too_many"]);
}

#[test]
fn a_document_with_a_list_that_is_too_long_stays_as_it_was() {
    let rule = "{application: a}, ";
    let group = "{id: 3f1c7a52-8b0d-4e96-a5d3-2c9e4f7b6018}, ";
    for (list, element) in [
        ("spec: {accessPolicy: {inbound: {rules: [{}]}}}", rule),
        ("spec: {azure: {application: {claims: {groups: [{}]}}}}", group),
        ("spec: {ingresses: [{}]}", "'https://a.test', "),
    ] {
        let with = |count| application("a", &list.replace("{}", &element.repeat(count)));
        let longest = read(&with(MOST_ELEMENTS), None);
        assert!(!longest.documents[0].is_broken(), "{:?}", longest.findings);
        let longer = read(&with(MOST_ELEMENTS + 1), Some(&longest));
        assert_eq!(longer.documents, longest.documents);
        assert_eq!(longer.findings.len(), 1, "{:?}", longer.findings);
        assert_eq!(longer.findings[0].code, Code::TooMany);
        assert!(read(&with(MOST_ELEMENTS + 1), None).documents[0].is_broken());
    }
}

#[test]
fn more_findings_than_anybody_reads_are_left_out() {
    let unknown = |count: usize| {
        let rules: String =
            (0..count).map(|key| format!("{{application: a, k{key}: 1}}, ")).collect();
        application("a", &format!("spec: {{accessPolicy: {{inbound: {{rules: [{rules}]}}}}}}"))
    };
    assert_eq!(read(&unknown(MOST_FINDINGS), None).findings.len(), MOST_FINDINGS);
    let read = read(&(unknown(MOST_FINDINGS + 1) + "---\nspec: [\n"), None);
    assert_eq!(read.findings.len(), MOST_FINDINGS + 1);
    let last = &read.findings[MOST_FINDINGS];
    assert_eq!((last.severity, last.code), (Severity::Error, Code::TooMany));
}
