//! From files and environment to the applications of one time.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
    mem,
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::sync::Notify;
use tracing::{error, warn};

use super::{
    Application,
    consumers::FurtherConsumers,
    context::Context,
    findings::Capped,
    kubernetes::Objects,
    manifests::Manifests,
    resolve::{Resolved, Resolver},
    shelf::{Refreshed, Shelf},
};
use crate::{
    config::{ApplicationSources, Config, DocumentPath},
    finding::{Finding, Severity},
    target::Index,
    usage::Ledger,
};

/// Reads documents, and remembers the last good version of each.
#[derive(Debug)]
pub struct Loader {
    resolver: Resolver,
    manifests: Shelf<Manifests>,
    further_consumers: Shelf<FurtherConsumers>,
    /// Of a cluster, where one is asked.
    objects: Option<Arc<Objects>>,
    /// Told of what may be different from the last refresh.
    changed: Arc<Notify>,
    /// Hashes of the findings that were logged and still stand.
    logged: HashSet<u64>,
}

impl Loader {
    /// A loader of what the configuration names, whose uses are counted in `usage`. Nothing is
    /// read yet.
    pub fn new(config: &Config, usage: Ledger) -> Self {
        Self::with(config.applications.clone(), Context { usage, ..Context::of(config) })
    }

    /// A loader of these sources.
    pub fn with(sources: ApplicationSources, context: Context) -> Self {
        let pre_authorized = sources.pre_authorized.into_iter().map(DocumentPath::from).collect();
        let changed = Arc::<Notify>::default();
        let objects = sources
            .kubernetes
            .map(|_| Arc::new(Objects::new(context.cluster.clone(), Arc::clone(&changed))));
        Self {
            resolver: Resolver::new(context, sources.environment),
            manifests: Shelf::new(sources.paths, "applications.paths"),
            further_consumers: Shelf::new(pre_authorized, "applications.pre_authorized"),
            objects,
            changed,
            logged: HashSet::new(),
        }
    }

    /// Where the objects of a cluster go, if one is asked.
    pub fn objects(&self) -> Option<Arc<Objects>> {
        self.objects.clone()
    }

    /// What is told where something may be different from the last refresh.
    pub(super) fn changed(&self) -> Arc<Notify> {
        Arc::clone(&self.changed)
    }

    /// Reads the files that changed.
    pub(super) fn refresh(&mut self) -> Refreshed {
        let cluster = self.resolver.cluster();
        let manifests =
            self.manifests.refresh(|text, earlier| Manifests::read(text, earlier, cluster));
        let further = self.further_consumers.refresh(FurtherConsumers::read);
        let objects = self.objects.as_ref().is_some_and(|objects| objects.take_changed());
        Refreshed {
            changed: manifests.changed || further.changed || objects,
            settled: manifests.settled && further.settled,
        }
    }

    /// Whether every path that the configuration names could be read once, and every list of a
    /// cluster.
    pub(super) fn is_complete(&self) -> bool {
        self.manifests.is_complete()
            && self.further_consumers.is_complete()
            && self.objects.as_ref().is_none_or(|objects| objects.are_complete())
    }

    /// Has every file read at the next refresh, however it looks.
    pub(super) fn distrust(&mut self) {
        self.manifests.distrust();
        self.further_consumers.distrust();
    }

    /// Folders in which every change of the files shows.
    pub(super) fn folders(&self) -> impl Iterator<Item = &Path> {
        self.manifests.folders().chain(self.further_consumers.folders())
    }

    /// The applications by what was read last, with the findings: errors first, and of each file
    /// no more than anybody reads.
    pub(super) fn resolve(&mut self) -> Resolved {
        let objects = self.objects.as_ref().map(|objects| objects.lock());
        let objects = || objects.iter().flat_map(|objects| objects.contents());
        let manifests = || self.manifests.contents().chain(objects());
        let documents = manifests().flat_map(|file| &file.documents);
        let further = self.further_consumers.contents().flat_map(|file| &file.entries);
        let mut resolved = self.resolver.resolve(documents, further);
        let in_files = self.manifests.findings().chain(self.further_consumers.findings());
        let in_documents = manifests().flat_map(|file| &file.findings);
        let in_entries = self.further_consumers.contents().flat_map(|file| &file.findings);
        let mut findings = mem::take(&mut resolved.findings);
        findings.extend(in_files.chain(in_documents).chain(in_entries).cloned());
        findings.sort_by_key(|finding| finding.severity);
        let mut capped = Capped::default();
        capped.extend(findings);
        resolved.findings = capped.into_findings();
        resolved
    }

    /// Logs the findings that did not stand before.
    pub(super) fn log(&mut self, findings: &[Finding]) {
        let mut standing = HashSet::with_capacity(findings.len());
        for finding in findings {
            let mut hasher = DefaultHasher::new();
            finding.to_string().hash(&mut hasher);
            let hash = hasher.finish();
            if standing.insert(hash) && !self.logged.contains(&hash) {
                log(finding);
            }
        }
        self.logged = standing;
    }
}

fn log(Finding { place, severity, code, message }: &Finding) {
    let code = code.as_str();
    match severity {
        Severity::Error => error!(%place, code, "{message}"),
        Severity::Warning => warn!(%place, code, "{message}"),
    }
}

/// What documents come to at one time, for those who look once.
#[derive(Debug)]
pub struct Snapshot {
    /// In the order of their names.
    pub applications: Vec<Arc<Application>>,
    pub index: Index,
    /// Everything that is wrong, of each file and of all together, in the order of the places.
    pub findings: Vec<Finding>,
}

/// Reads documents and files of further consumers once.
///
/// `manifests` and `further_consumers` are files or folders, as in the configuration's
/// `applications.paths` and `applications.pre_authorized`.
pub fn read_once(
    manifests: Vec<DocumentPath>,
    further_consumers: Vec<PathBuf>,
    context: Context,
) -> Snapshot {
    let sources = ApplicationSources {
        paths: manifests,
        pre_authorized: further_consumers,
        kubernetes: None,
        environment: None,
    };
    let mut loader = Loader::with(sources, context);
    loader.refresh();
    let Resolved { applications, hosts, mut findings, .. } = loader.resolve();
    findings.sort_by(|one, other| one.place.cmp(&other.place));
    Snapshot { index: Index::new(&applications, hosts), applications, findings }
}

/// What a text comes to as the only file, `f.yaml`, of the cluster `dev`.
#[cfg(test)]
pub fn snapshot_for_tests(text: &str) -> Snapshot {
    let manifests = super::manifests::read_for_tests(text, None);
    let context = Context::new("dev", super::Tenants::Unspecified);
    let mut resolver = Resolver::new(context, None);
    let mut resolved = resolver.resolve(manifests.documents.iter(), std::iter::empty());
    resolved.findings.extend(manifests.findings);
    let Resolved { applications, hosts, findings, .. } = resolved;
    Snapshot { index: Index::new(&applications, hosts), applications, findings }
}

#[cfg(test)]
mod tests {
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
        assert!(resolved.findings.is_empty(), "{:?}", resolved.findings);
        assert_eq!((resolved.rules.resolved, resolved.rules.unresolved), (2, 0));
        let names: Vec<_> = resolved.applications.iter().map(|a| a.id.as_str()).collect();
        assert_eq!(
            names,
            [
                "demo:team-insight:newsletter",
                "demo:team-orders:orders-api",
                "demo:team-orders:webshop"
            ]
        );
        let Protection::Enforced { access, .. } = &resolved.applications[1].protection else {
            panic!("{:?}", resolved.applications[1])
        };
        let reports: Guid = "c9d1e7b5-4a63-4e2f-8b17-6d0c5f9a2e83".parse().unwrap();
        assert_eq!(access.consumers[&reports].as_str(), "demo:team-insight:reports");
        assert_eq!(access.users.groups.len(), 1);
        assert_eq!(resolved.applications[1].open_paths.len(), 2);
    }

    #[test]
    fn a_file_cut_short_anywhere_lets_nobody_in_that_the_whole_one_does_not() {
        let whole = std::fs::read_to_string(samples().join("orders-api.yaml")).unwrap();
        let granted = |text: &str| {
            let (source, namespaces) = (&"f.yaml".into(), &Namespaces::Any);
            let file = Manifests::read(Text { source, namespaces, text }, None, "demo");
            let further = std::iter::empty();
            let resolved = Resolver::new(context(), None).resolve(file.documents.iter(), further);
            let access = resolved.applications.iter().map(|found| match &found.protection {
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
        let mut loader =
            Loader::with(ApplicationSources { paths, ..Default::default() }, context());
        loader.refresh();
        let resolved = loader.resolve();
        let codes: Vec<_> = resolved.findings.iter().map(|found| found.code.as_str()).collect();
        assert_eq!(codes, ["foreign_namespace", "no_client_id"]);
        let disabled: Vec<_> = resolved.applications.iter().map(|a| &a.protection).collect();
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
}
