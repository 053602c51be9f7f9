use super::*;
use crate::{
    applications::{
        DisabledBecause::{EntraNotEnabled, NoClientId},
        Protection, Tenants,
        shelf::Text,
    },
    config::Namespaces,
    identifiers::Guid,
    policy::AccessPolicy,
};

mod changes;

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/examples/applications")
}

fn context() -> Context {
    Context::new("demo", Tenants::Unspecified)
}

#[test]
fn the_samples_are_without_fault_and_grant_what_they_say() {
    let sources =
        ApplicationSources { paths: vec![samples().into()], ..ApplicationSources::default() };
    let mut loader = Loader::with(sources, context());
    assert!(loader.refresh().changed);
    let resolved = loader.resolve();
    assert!(resolved.new.is_empty(), "{:?}", resolved.new);
    assert_eq!((resolved.counts.rules.resolved, resolved.counts.rules.unresolved), (2, 0));
    let applications = resolved.index.applications();
    let names: Vec<_> = applications.iter().map(|a| a.id.as_str()).collect();
    assert_eq!(
        names,
        ["demo:team-insight:newsletter", "demo:team-orders:orders-api", "demo:team-orders:webshop"]
    );
    let Protection::Enforced { access, .. } = &applications[1].protection else {
        panic!("{:?}", applications[1])
    };
    let reports: Guid = "c9d1e7b5-4a63-4e2f-8b17-6d0c5f9a2e83".parse().unwrap();
    assert_eq!(access.consumers[&reports].as_str(), "demo:team-insight:reports");
    assert_eq!(access.users.groups.len(), 1);
    assert_eq!(applications[1].open_paths.len(), 2);
}

#[test]
fn a_file_cut_short_anywhere_lets_nobody_in_that_the_whole_one_does_not() {
    let whole = std::fs::read_to_string(samples().join("orders-api.yaml")).unwrap();
    let granted = |text: &str| {
        let (source, namespaces) = (&"f.yaml".into(), &Namespaces::Any);
        let file = Manifests::read(Text { source, namespaces, text }, None, "demo");
        let mut resolver = Resolver::new(context().into(), None);
        resolver.say(Origin::File(Path::new("f.yaml").into()), &file.documents, Vec::new());
        resolver.resolve();
        let applications = resolver.index().applications();
        let access = applications.iter().map(|found| match &found.protection {
            Protection::Enforced { access, .. } => access.clone(),
            Protection::Disabled(_) => AccessPolicy::default(),
        });
        access.collect::<Vec<_>>()
    };
    let [all] = &granted(&whole)[..] else { panic!("one application") };
    assert_eq!((all.consumers.len(), all.users.groups.len()), (2, 1));
    for end in (0..whole.len()).filter(|end| whole.is_char_boundary(*end)) {
        for access in granted(&whole[..end]) {
            assert!(access.consumers.keys().all(|id| all.consumers.contains_key(id)), "{end}");
            assert!(access.users.groups.is_subset(&all.users.groups), "{end}");
            assert!(!access.users.everyone, "{end}");
        }
    }
}

#[test]
fn a_team_speaks_for_its_own_namespace_alone_where_that_is_stated() {
    let folder = tempfile::tempdir().unwrap();
    let document = |namespace: &str, enabled: bool| {
        format!(
            "apiVersion: nais.io/v1alpha1\nkind: Application\n\
             metadata: {{name: api, namespace: {namespace}}}\n\
             spec: {{azure: {{application: {{enabled: {enabled}}}}}}}\n"
        )
    };
    let root = |team: &str, text: String| {
        let path = folder.path().join(team);
        std::fs::create_dir(&path).unwrap();
        std::fs::write(path.join("api.yaml"), text).unwrap();
        DocumentPath { path, namespaces: Namespaces::Only([team.to_owned()].into()) }
    };
    let evil = document("evil", false) + "---\n" + &document("good", false);
    let paths = vec![root("evil", evil), root("good", document("good", true))];
    let mut loader = Loader::with(ApplicationSources { paths, ..Default::default() }, context());
    loader.refresh();
    let resolved = loader.resolve();
    let codes: Vec<_> = resolved.new.iter().map(|found| found.code.as_str()).collect();
    assert_eq!(codes, ["foreign_namespace", "no_client_id"]);
    let applications = resolved.index.applications();
    let disabled: Vec<_> = applications.iter().map(|a| &a.protection).collect();
    let because = |because| Protection::Disabled(because);
    assert_eq!(disabled, [&because(EntraNotEnabled), &because(NoClientId)]);
}

#[test]
fn lint_finds_what_is_wrong_in_files_and_between_them_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let documents = "kind: Application\napiVersion: nais.io/v1alpha1\n\
                     metadata: {name: api, namespace: team}\n\
                     spec: {azure: {application: {enabled: true}}, \
                     accessPolicy: {inbound: {rules: [{application: a, app: b}]}}}\n\
                     ---\nkind: [\n";
    std::fs::write(path("a.yaml"), documents).unwrap();
    std::fs::write(path("apps.json"), "{}").unwrap();
    let found: Vec<_> = read_once(
        vec![path("a.yaml").into(), path("gone").into()],
        vec![path("apps.json")],
        context(),
    )
    .findings
    .into_iter()
    .map(|finding| finding.code.as_str())
    .collect();
    assert_eq!(
        found,
        [
            "no_client_id",
            "unresolved_rule",
            "unknown_key",
            "yaml_syntax",
            "wrong_type",
            "file_unreadable"
        ]
    );
}
