use super::*;
use crate::{
    applications::{
        Application, DisabledBecause, Protection,
        consumers::FurtherConsumers,
        context::{KnownTenant, Tenants},
        manifests::read_for_tests,
        shelf::Text,
    },
    config::Namespaces,
    finding::{Code, Severity},
    identifiers::ClientId,
    policy::{AccessPolicy, Mode, UserAccess},
};

mod contested;
mod renewed;

/// The first configured tenant, and the one called `other.example`.
const TENANT: &str = "00000000-0000-0000-0000-00000000000a";
const OTHER_TENANT: &str = "00000000-0000-0000-0000-00000000000b";

fn guid(number: u8) -> ClientId {
    format!("00000000-0000-0000-0000-0000000000{number:02}").parse().unwrap()
}

/// All that comes of documents.
#[derive(Debug, PartialEq)]
struct Resolved {
    index: Index,
    /// In the order of their names.
    applications: Vec<Arc<Application>>,
    findings: Vec<Finding>,
    is_clean: bool,
    rules: Rules,
}

impl Resolved {
    fn by(resolver: &mut Resolver) -> Self {
        resolver.resolve();
        let (index, rules) = (resolver.index().clone(), resolver.counts().rules);
        let applications = index.applications().into_iter().cloned().collect();
        let standing = resolver.standing();
        let (findings, is_clean) = (standing.all(), standing.is_clean());
        Self { index, applications, findings, is_clean, rules }
    }
}

/// A file of documents, by its number.
fn file(number: usize) -> Origin {
    Origin::File(Path::new(&format!("{number}.yaml")).into())
}

/// Documents and consumers that are resolved together.
#[derive(Default)]
struct Known {
    documents: String,
    further: Option<String>,
    environment: Option<EnvironmentApplication>,
    mode: Mode,
}

impl Known {
    fn of(documents: impl IntoIterator<Item = String>) -> Self {
        Self { documents: documents.into_iter().collect(), ..Self::default() }
    }

    fn resolve(&self) -> Resolved {
        let tenant = |id: &str, name: Option<&str>| KnownTenant {
            id: id.parse().unwrap(),
            name: name.map(ToOwned::to_owned),
        };
        let tenants = vec![tenant(TENANT, None), tenant(OTHER_TENANT, Some("other.example"))];
        self.resolve_in(Tenants::Configured(tenants))
    }

    fn resolve_in(&self, tenants: Tenants) -> Resolved {
        let documents = read_for_tests(&self.documents, None);
        let (source, namespaces) = (&"apps.json".into(), &Namespaces::Any);
        let text = self.further.as_deref().unwrap_or("[]");
        let further = FurtherConsumers::read(Text { source, namespaces, text }, None);
        let context = Context { mode: self.mode, ..Context::new("dev", tenants) }.into();
        let environment = self.environment.clone().map(Arc::new);
        let mut resolver = Resolver::new(context, environment.as_ref());
        resolver.say(file(0), &documents.documents, Vec::new());
        resolver.say_further(further.entries.iter());
        Resolved::by(&mut resolver)
    }
}

/// An `Application` of the namespace `team`.
fn manifest(name: &str, spec: &str) -> String {
    format!(
        "---\napiVersion: nais.io/v1alpha1\nkind: Application\n\
             metadata: {{name: {name}, namespace: team}}\nspec: {spec}\n"
    )
}

fn annotated(name: &str, client_id: u8, spec: &str) -> String {
    let annotations =
        format!("annotations: {{portvakt.dev/client-id: {}}}, namespace", guid(client_id));
    manifest(name, spec).replace("namespace", &annotations)
}

/// An `AzureAdApplication` of the namespace `team`.
fn registration(name: &str, client_id: u8, more: &str) -> String {
    format!(
        "---\napiVersion: nais.io/v1\nkind: AzureAdApplication\n\
             metadata: {{name: {name}, namespace: team}}\n\
             status: {{clientId: {}{more}}}\n",
        guid(client_id)
    )
}

fn rules(rules: &str) -> String {
    format!(
        "{{azure: {{application: {{enabled: true}}}}, accessPolicy: {{inbound: {{rules: [{rules}]}}}}}}"
    )
}

fn assigned(consumer: &str, client_id: u8) -> String {
    format!(
        ", preAuthorizedApps: {{assigned: [{{accessPolicyRule: {{application: {consumer}}}, \
             clientId: {}}}]}}",
        guid(client_id)
    )
}

fn environment(consumers: &[(&str, u8)]) -> EnvironmentApplication {
    EnvironmentApplication {
        id: "dev:team:api".parse().unwrap(),
        client_id: guid(1),
        tenant: TENANT.parse().unwrap(),
        consumers: consumers
            .iter()
            .map(|(id, client_id)| PreAuthorized {
                id: id.parse().unwrap(),
                client_id: guid(*client_id),
            })
            .collect(),
    }
}

fn find<'r>(resolved: &'r Resolved, id: &str) -> &'r Protection {
    let found = resolved.applications.iter().find(|application| application.id.as_str() == id);
    &found.unwrap_or_else(|| panic!("no {id}")).protection
}

/// The consumers of `dev:team:api`, as `name=last digits of its client id`.
fn consumers(resolved: &Resolved) -> Vec<String> {
    let Protection::Enforced { access, .. } = find(resolved, "dev:team:api") else {
        panic!("not enforced: {:?}", resolved.applications)
    };
    let mut consumers: Vec<_> = access
        .consumers
        .iter()
        .map(|(client_id, name)| format!("{name}={}", &client_id.to_string()[34..]))
        .collect();
    consumers.sort();
    consumers
}

/// Lines and codes of what was found, errors first.
fn codes(resolved: &Resolved) -> Vec<(u64, &'static str)> {
    resolved.findings.iter().map(|found| (found.place.line, found.code.as_str())).collect()
}

#[test]
fn whether_an_application_is_enabled_is_stated_or_follows_from_its_registration() {
    use DisabledBecause::{EntraNotEnabled, NoClientId};
    let stated = |enabled: bool| format!("{{azure: {{application: {{enabled: {enabled}}}}}}}");
    for (documents, disabled) in [
        (vec![manifest("api", "{}")], Some(EntraNotEnabled)),
        (vec![manifest("api", &stated(false))], Some(EntraNotEnabled)),
        (vec![manifest("api", &stated(true))], Some(NoClientId)),
        (vec![manifest("api", "{}"), registration("api", 1, "")], None),
        (vec![manifest("api", &stated(false)), registration("api", 1, "")], Some(EntraNotEnabled)),
        (vec![annotated("api", 1, "{}")], None),
        (vec![annotated("api", 1, &stated(false))], Some(EntraNotEnabled)),
        (vec![registration("api", 1, "")], None),
        (vec![registration("api", 1, "").replace("clientId", "objectId")], Some(NoClientId)),
    ] {
        let resolved = Known::of(documents.clone()).resolve();
        let found = match find(&resolved, "dev:team:api") {
            Protection::Enforced { .. } => None,
            Protection::Disabled(because) => Some(*because),
        };
        assert_eq!(found, disabled, "{documents:?}");
        let is_reported = codes(&resolved).iter().any(|(_, code)| *code == "no_client_id");
        assert_eq!(is_reported, disabled == Some(NoClientId), "{documents:?}");
    }
}

#[test]
fn the_client_id_is_that_of_the_registration_then_the_environment_then_the_annotation() {
    let enforced = |known: Known| match find(&known.resolve(), "dev:team:api") {
        Protection::Enforced { client_id, .. } => *client_id,
        Protection::Disabled(because) => panic!("{because:?}"),
    };
    let annotated = annotated("api", 3, "{}");
    let environment = Some(environment(&[]));
    let all = Known {
        environment: environment.clone(),
        ..Known::of([annotated.clone(), registration("api", 2, "")])
    };
    assert_eq!(enforced(all), guid(2));
    assert_eq!(enforced(Known { environment, ..Known::of([annotated.clone()]) }), guid(1));
    assert_eq!(enforced(Known::of([annotated])), guid(3));
}

#[test]
fn the_tenant_is_the_first_stated_and_must_be_configured() {
    let spec = |tenant: &str| format!("{{azure: {{application: {{tenant: {tenant}}}}}}}");
    let synchronised = |tenant: &str| {
        registration("api", 1, &format!(", synchronizationTenant: {tenant}"))
            + "spec: {tenant: other.example}\n"
    };
    let named = registration("api", 1, ", synchronizationTenantName: other.example");
    let asked = registration("api", 1, "") + "spec: {tenant: other.example}\n";
    let unknown = "00000000-0000-0000-0000-00000000000c";
    for (documents, tenant) in [
        (vec![registration("api", 1, "")], Ok(TENANT)),
        (vec![annotated("api", 1, &spec("other.example"))], Ok(OTHER_TENANT)),
        (vec![annotated("api", 1, &spec(OTHER_TENANT))], Ok(OTHER_TENANT)),
        (vec![annotated("api", 1, &spec("Other.example"))], Err(5)),
        (vec![annotated("api", 1, &spec(unknown))], Err(5)),
        (vec![synchronised(TENANT)], Ok(TENANT)),
        (vec![synchronised(unknown)], Err(5)),
        (vec![named], Ok(OTHER_TENANT)),
        (vec![asked.clone()], Ok(OTHER_TENANT)),
        (vec![asked, manifest("api", &spec(unknown))], Ok(OTHER_TENANT)),
        (vec![registration("api", 1, ""), manifest("api", &spec(unknown))], Err(10)),
    ] {
        let resolved = Known::of(documents.clone()).resolve();
        match (find(&resolved, "dev:team:api"), tenant) {
            (Protection::Enforced { tenant: found, .. }, Ok(tenant)) => {
                assert_eq!(found.to_string(), tenant, "{documents:?}");
                assert!(codes(&resolved).is_empty());
            }
            (Protection::Disabled(DisabledBecause::UnknownTenant), Err(line)) => {
                assert_eq!(codes(&resolved), [(line, "unknown_tenant")], "{documents:?}");
            }
            (found, _) => panic!("{found:?} of {documents:?}"),
        }
    }
}

#[test]
fn without_a_configuration_no_tenant_is_found_fault_with() {
    let spec = "{azure: {application: {tenant: any.example}}}";
    let resolved = Known::of([annotated("api", 1, spec)]).resolve_in(Tenants::Unspecified);
    assert!(resolved.findings.is_empty(), "{:?}", resolved.findings);
}

#[test]
fn a_rule_takes_the_namespace_and_cluster_of_the_application_it_protects() {
    let further = |name: &str| format!(r#"[{{"name": "{name}", "clientId": "{}"}}]"#, guid(2));
    for (rule, consumer) in [
        ("{application: a}", "dev:team:a"),
        ("{application: a, namespace: ''}", "dev:team:a"),
        ("{application: a, namespace: other}", "dev:other:a"),
        ("{application: a, cluster: prod}", "prod:team:a"),
        ("{application: a, namespace: other, cluster: prod}", "prod:other:a"),
    ] {
        let documents = [manifest("api", &rules(rule)), registration("api", 1, "")];
        let known = Known { further: Some(further(consumer)), ..Known::of(documents) };
        let resolved = known.resolve();
        assert_eq!(consumers(&resolved), [format!("{consumer}=02")], "{rule}");
        assert_eq!(resolved.rules, Rules { resolved: 1, unresolved: 0 });
    }
}

#[test]
fn a_consumer_is_looked_up_in_the_own_list_then_the_documents_then_the_further_consumers() {
    let api = manifest("api", &rules("{application: a}"));
    let own = registration("api", 1, &assigned("a", 2));
    let bare = registration("api", 1, "");
    let other = registration("a", 4, "");
    let further = format!(r#"[{{"name": "dev:team:a", "clientId": "{}"}}]"#, guid(5));
    let environment = environment(&[("dev:team:a", 3)]);
    for (documents, environment, expected) in [
        (vec![api.clone(), own, other.clone()], Some(environment.clone()), "02"),
        (vec![api.clone(), bare.clone(), other.clone()], Some(environment), "03"),
        (vec![api.clone(), bare.clone(), other], None, "04"),
        (vec![api, bare], None, "05"),
    ] {
        let known = Known { environment, further: Some(further.clone()), ..Known::of(documents) };
        assert_eq!(consumers(&known.resolve()), [format!("dev:team:a={expected}")]);
    }
}

#[test]
fn a_rule_that_names_nobody_known_grants_nothing_and_is_reported_at_its_place() {
    for (rule, code, unresolved) in [
        ("{application: a}", Some("unresolved_rule"), 1),
        ("{application: '*'}", Some("wildcard_rule"), 0),
        ("{application: a, namespace: '*'}", Some("wildcard_rule"), 0),
        ("{application: api}", None, 0),
    ] {
        let documents = [manifest("api", &rules(rule)), registration("api", 1, "")];
        let resolved = Known::of(documents).resolve();
        assert!(consumers(&resolved).is_empty(), "{rule}");
        assert_eq!(resolved.rules.unresolved, unresolved, "{rule}");
        let expected: Vec<_> = code.map(|code| (5, code)).into_iter().collect();
        assert_eq!(codes(&resolved), expected, "{rule}");
    }
}

#[test]
fn rules_of_an_application_without_entra_concern_no_token() {
    let spec = "{accessPolicy: {inbound: {rules: [{application: '*'}, {application: a}]}}}";
    let resolved = Known::of([manifest("api", spec)]).resolve();
    assert!(resolved.findings.is_empty(), "{:?}", resolved.findings);
    assert_eq!(resolved.rules, Rules::default());
}

#[test]
fn an_application_document_alone_says_who_gets_in() {
    let registration = registration("api", 1, &assigned("a", 2))
        + "spec: {allowAllUsers: true, preAuthorizedApplications: [{application: b}]}\n";
    let environment = Some(environment(&[("dev:team:c", 3)]));
    let known = Known {
        environment: environment.clone(),
        ..Known::of([manifest("api", "{}"), registration.clone()])
    };
    let resolved = known.resolve();
    assert!(consumers(&resolved).is_empty());
    let Protection::Enforced { access, .. } = find(&resolved, "dev:team:api") else { panic!() };
    assert_eq!(*access, AccessPolicy::default());

    let documents = [registration, self::registration("b", 4, "")];
    let resolved = Known::of(documents).resolve();
    assert_eq!(consumers(&resolved), ["dev:team:a=02", "dev:team:b=04"]);
    let Protection::Enforced { access, .. } = find(&resolved, "dev:team:api") else { panic!() };
    assert!(access.users.everyone);

    let resolved = Known { environment, ..Known::default() }.resolve();
    assert_eq!(consumers(&resolved), ["dev:team:c=03"]);
    let Protection::Enforced { access, .. } = find(&resolved, "dev:team:api") else { panic!() };
    assert_eq!(access.users, UserAccess::default());
}

#[test]
fn what_a_document_says_of_v1_tokens_is_in_force_with_it() {
    let asking = "annotations: {portvakt.dev/accept-v1-tokens: 'true', portvakt.dev/app-id-uris: 'api://a'}, namespace";
    let asking = manifest("api", "{}").replace("namespace", asking);
    for (document, expected) in [(asking, true), (manifest("api", "{}"), false)] {
        let resolved = Known::of([document, registration("api", 1, "")]).resolve();
        let Protection::Enforced { v1, .. } = find(&resolved, "dev:team:api") else { panic!() };
        assert_eq!((v1.accepted, v1.app_id_uris.len()), (expected, usize::from(expected)));
    }
}

#[test]
fn shadow_is_what_usable_documents_or_else_the_operator_say() {
    let stating = |mode: &str, spec: &str| {
        let annotation = format!("annotations: {{portvakt.dev/mode: {mode}}}, namespace");
        manifest("api", spec).replace("namespace", &annotation)
    };
    let broken = "{azure: {application: {enabled: 7}}}";
    let [enforce, shadow] = [Mode::Enforce, Mode::Shadow];
    for (documents, default, expected) in [
        (vec![manifest("api", "{}")], enforce, enforce),
        (vec![manifest("api", "{}")], shadow, shadow),
        (vec![stating("shadow", "{}")], enforce, shadow),
        (vec![stating("enforce", "{}")], shadow, enforce),
        (vec![registration("api", 1, "")], shadow, shadow),
        // Nobody opens another's application by a document that contradicts or cannot be read.
        (vec![stating("shadow", "{}"), manifest("api", "{}")], enforce, enforce),
        (vec![stating("shadow", "{}"), manifest("api", &rules(""))], enforce, enforce),
        (vec![stating("shadow", broken)], enforce, enforce),
        // Not even where all is open that does not say otherwise.
        (vec![stating("enforce", "{}"), manifest("api", &rules(""))], shadow, enforce),
        (vec![manifest("api", "{}"), stating("enforce", "{}")], shadow, enforce),
        (vec![stating("enforce", "{}"), stating("shadow", "{}")], shadow, enforce),
        (vec![stating("enforce", broken)], shadow, enforce),
        (
            vec![stating("enforce", "{}"), registration("api", 1, ""), registration("api", 2, "")],
            shadow,
            enforce,
        ),
        (vec![manifest("api", broken)], shadow, shadow),
    ] {
        let resolved = Known { mode: default, ..Known::of(documents.clone()) }.resolve();
        assert_eq!(resolved.applications[0].mode, expected, "{documents:?}");
    }
}
