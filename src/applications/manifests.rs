//! Files of NAIS documents: each document read on its own, with its last good version kept.

use std::{collections::HashMap, slice, sync::Arc};

use super::{
    document::{Document, Kind, Named},
    manifest::read_manifest,
    registration::read_registration,
};
use crate::{
    finding::{Code, Finding},
    identifiers::ApplicationId,
    yaml::{self, Mapping, Node, Reader, Value},
};

/// What a file of documents says.
#[derive(Debug, Default)]
pub struct Manifests {
    /// Documents of our kinds, in the order of the file.
    pub documents: Vec<Document>,
    pub findings: Vec<Finding>,
}

impl Manifests {
    /// Reads a file. A document with an error stays as it was before; where one cannot even be
    /// told by name, every earlier document that is not found again stays too.
    pub fn read(source: &Arc<str>, text: &str, earlier: Option<Self>, cluster: &str) -> Self {
        let mut reader = Reader::default();
        let mut documents = Vec::new();
        let mut is_any_nameless = false;
        for part in yaml::stream(source, text) {
            match part.content {
                Ok(None) => {}
                Ok(Some(node)) => {
                    for item in items(&node) {
                        match read_document(item, cluster, &mut reader) {
                            Ok(document) => documents.extend(document),
                            Err(Nameless) => is_any_nameless = true,
                        }
                    }
                }
                Err(finding) => {
                    reader.add(finding);
                    is_any_nameless = true;
                }
            }
        }
        if let Some(earlier) = earlier {
            keep_last_good(&mut documents, earlier.documents, is_any_nameless);
        }
        Self { documents, findings: reader.into_findings() }
    }
}

/// Puts earlier versions where documents are broken, or may be because one has no name.
fn keep_last_good(documents: &mut Vec<Document>, earlier: Vec<Document>, is_any_nameless: bool) {
    let mut found = HashMap::new();
    for (index, document) in documents.iter().enumerate() {
        found.entry(document.identity()).or_insert(index);
    }
    for earlier in earlier {
        match found.get(&earlier.identity()) {
            Some(&index) if documents[index].is_broken() => documents[index] = earlier,
            Some(_) => {}
            None if is_any_nameless => documents.push(earlier),
            None => {}
        }
    }
}

/// No YAML, or a document that may be ours and does not tell which application it describes.
struct Nameless;

/// The documents of a `List`, as `kubectl get` prints them, or the one document that it is.
fn items(node: &Node) -> &[Node] {
    let Value::Mapping(entries) = &node.value else { return slice::from_ref(node) };
    let member = |name: &str| entries.iter().find(|entry| entry.key == name).map(|e| &e.node.value);
    match (member("kind"), member("items")) {
        (Some(Value::Text(kind)), Some(Value::Sequence(items))) if kind == "List" => items,
        _ => slice::from_ref(node),
    }
}

/// A document of ours, whether broken or not; `None` for one of another kind.
fn read_document(
    node: &Node,
    cluster: &str,
    reader: &mut Reader,
) -> Result<Option<Document>, Nameless> {
    let mark = reader.mark();
    let document = reader.mapping(node, "A document").ok_or(Nameless)?;
    let Some(kind) = read_kind(document, reader)? else { return Ok(None) };
    let (id, name) = read_name(document, cluster, reader).ok_or(Nameless)?;
    let place = name.place.clone();
    Ok(Some(match kind {
        Kind::Manifest => {
            let content = read_manifest(document, &id, reader);
            let content = (!reader.has_errors_since(mark)).then_some(content);
            Document::Manifest(Named { id, place, content })
        }
        Kind::Registration => {
            let content = read_registration(document, &id, reader);
            let content = (!reader.has_errors_since(mark)).then_some(content);
            Document::Registration(Named { id, place, content })
        }
    }))
}

/// Which of our kinds a document is of; `None` for those of others, which are many.
fn read_kind(document: Mapping<'_>, reader: &mut Reader) -> Result<Option<Kind>, Nameless> {
    let api_version = document.get("apiVersion");
    let version = match api_version {
        Some(node) => Some(reader.text(node, "apiVersion").ok_or(Nameless)?),
        None => None,
    };
    let is_nais = version.is_none_or(|version| version.starts_with("nais.io/"));
    let kind = match document.get("kind") {
        Some(node) => reader.text(node, "kind").ok_or(Nameless)?,
        None if version.is_some() && is_nais => {
            reader.error(document.place, Code::Missing, "The document has no kind.");
            return Err(Nameless);
        }
        None => return Ok(None),
    };
    let kind = match kind {
        "Application" if is_nais => Kind::Manifest,
        "AzureAdApplication" if is_nais => Kind::Registration,
        _ => return Ok(None),
    };
    let wanted = kind.api_version();
    match api_version {
        Some(_) if version == Some(wanted) => {}
        Some(node) => reader.error(
            &node.place,
            Code::InvalidValue,
            format!("apiVersion of this kind must be {wanted}."),
        ),
        None => reader.error(
            document.place,
            Code::Missing,
            format!("apiVersion is missing; of this kind it is {wanted}."),
        ),
    }
    Ok(Some(kind))
}

/// Which application a document describes, and the node that names it.
fn read_name<'n>(
    document: Mapping<'n>,
    cluster: &str,
    reader: &mut Reader,
) -> Option<(ApplicationId, &'n Node)> {
    let Some(metadata) = document.get("metadata") else {
        reader.error(document.place, Code::Missing, "metadata with name and namespace is missing.");
        return None;
    };
    let metadata = reader.mapping(metadata, "metadata")?;
    let mut part = |key| {
        let Some(node) = metadata.get(key) else {
            reader.error(metadata.place, Code::Missing, format!("metadata.{key} is missing."));
            return None;
        };
        Some((node, reader.text(node, &format!("metadata.{key}"))?))
    };
    let (name, namespace) = (part("name"), part("namespace"));
    let ((node, name), (_, namespace)) = (name?, namespace?);
    let id = ApplicationId::new(cluster, namespace, name);
    if let Err(error) = &id {
        let message = format!(
            "The application \"{cluster}:{namespace}:{name}\" {error}, with parts of letters, \
             digits, -, . and _."
        );
        reader.error(&node.place, Code::InvalidValue, message);
    }
    Some((id.ok()?, node))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::applications::document::{Consumer, Manifest, Registration};

    const CLIENT_ID: &str = "381ce452-1d49-49df-9e7e-990ef0328d6c";
    const HEAD: &str = "apiVersion: nais.io/v1alpha1\nkind: Application\n";

    fn read(text: &str, earlier: Option<Manifests>) -> Manifests {
        Manifests::read(&"f.yaml".into(), text, earlier, "dev")
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
        match read.documents.into_iter().next() {
            Some(Document::Manifest(Named { content: Some(manifest), .. })) => (manifest, findings),
            other => panic!("{other:?} {findings:?}"),
        }
    }

    fn registration(text: &str) -> (Registration, Vec<String>) {
        let head = "apiVersion: nais.io/v1\nkind: AzureAdApplication\n\
                    metadata: {name: api, namespace: team}\n";
        let read = read(&format!("{head}{text}"), None);
        let findings = findings(&read);
        match read.documents.into_iter().next() {
            Some(Document::Registration(Named { content: Some(content), .. })) => {
                (content, findings)
            }
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
        assert!(manifest.users.everyone);
        assert_eq!(manifest.users.groups.len(), 1);
        let hosts: Vec<_> = manifest.hosts.iter().map(|host| host.value.as_str()).collect();
        assert_eq!(hosts, ["api.example.com", "two.example"]);
        let paths: Vec<_> = manifest.open_paths.iter().map(ToString::to_string).collect();
        assert_eq!(paths, ["/internal/alive", "/internal/ready", "/metrics"]);
        let consumers: Vec<_> = manifest
            .rules
            .iter()
            .map(|rule| match &rule.consumer {
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
            let [Document::Manifest(Named { content: None, id, .. })] = &manifests.documents[..]
            else {
                panic!("{spec}: {:?}", manifests.documents)
            };
            assert_eq!(id.as_str(), "dev:team:api");
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
            Document::Manifest(Named { id, content, .. }) => {
                let enabled = content.as_ref().map(|manifest| manifest.enabled == Some(true));
                format!("{} {enabled:?}", id.name())
            }
            Document::Registration(_) => panic!("none was written"),
        };
        manifests.documents.iter().map(told).collect()
    }

    #[test]
    fn a_document_with_an_error_stays_as_it_was_and_hurts_no_other() {
        let enabled =
            |name: &str| application(name, "spec: {azure: {application: {enabled: true}}}");
        let disabled = |name: &str| application(name, "");
        let broken = |name: &str| application(name, "spec: 7");
        let both = |one: String, other: String| format!("{one}---\n{other}");
        let earlier = || Some(read(&both(enabled("a"), enabled("b")), None));
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
            assert_eq!(in_force(&read(&text, earlier())), expected, "{text}");
        }
        let twice = read(&broken("a"), Some(read(&broken("a"), earlier())));
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
        let text = format!(
            "apiVersion: v1\nkind: List\nitems:\n{}{}- {{kind: Pod}}\n",
            item("a"),
            item("b")
        );
        let read = read(&text, None);
        assert_eq!(read.documents.len(), 2);
        assert!(read.findings.is_empty(), "{:?}", read.findings);
    }
}
