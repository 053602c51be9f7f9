//! From files and environment to the applications of one time.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
};

use tracing::{error, warn};

use super::{
    consumers::FurtherConsumers,
    context::Context,
    manifests::Manifests,
    resolve::{Resolved, resolve},
    shelf::{Refreshed, Shelf},
};
use crate::{
    config::{ApplicationSources, Config, EnvironmentApplication},
    finding::{Finding, Severity},
};

/// Reads documents, and remembers the last good version of each.
#[derive(Debug)]
pub struct Loader {
    context: Context,
    environment: Option<EnvironmentApplication>,
    manifests: Shelf<Manifests>,
    further_consumers: Shelf<FurtherConsumers>,
    /// Hashes of the findings that were logged and still stand.
    logged: HashSet<u64>,
}

impl Loader {
    /// A loader of what the configuration names. Nothing is read yet.
    pub fn new(config: &Config) -> Self {
        Self::with(config.applications.clone(), Context::of(config))
    }

    /// A loader of these sources.
    pub fn with(sources: ApplicationSources, context: Context) -> Self {
        Self {
            context,
            environment: sources.environment,
            manifests: Shelf::new(sources.paths),
            further_consumers: Shelf::new(sources.pre_authorized),
            logged: HashSet::new(),
        }
    }

    /// The cluster whose documents these are.
    pub(super) fn cluster(&self) -> &str {
        &self.context.cluster
    }

    /// Reads the files that changed.
    pub(super) fn refresh(&mut self) -> Refreshed {
        let cluster = self.context.cluster.as_str();
        let manifests = self
            .manifests
            .refresh(|source, text, earlier| Manifests::read(source, text, earlier, cluster));
        let further = self.further_consumers.refresh(FurtherConsumers::read);
        Refreshed {
            changed: manifests.changed || further.changed,
            settled: manifests.settled && further.settled,
        }
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

    /// The applications by what was read last, with all findings.
    pub(super) fn resolve(&self) -> Resolved {
        let documents = self.manifests.contents().flat_map(|file| &file.documents);
        let further = self.further_consumers.contents().flat_map(|file| &file.entries);
        let mut resolved = resolve(documents, self.environment.as_ref(), further, &self.context);
        let in_files = self.manifests.findings().chain(self.further_consumers.findings());
        let in_documents = self.manifests.contents().flat_map(|file| &file.findings);
        let in_entries = self.further_consumers.contents().flat_map(|file| &file.findings);
        resolved.findings.extend(in_files.chain(in_documents).chain(in_entries).cloned());
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

/// Everything that is wrong with documents and files of further consumers, alone and together,
/// in the order of their places.
///
/// `manifests` and `further_consumers` are files or folders, as in the configuration's
/// `applications.paths` and `applications.pre_authorized`.
pub fn lint(
    manifests: Vec<PathBuf>,
    further_consumers: Vec<PathBuf>,
    context: Context,
) -> Vec<Finding> {
    let sources = ApplicationSources {
        paths: manifests,
        pre_authorized: further_consumers,
        environment: None,
    };
    let mut loader = Loader::with(sources, context);
    loader.refresh();
    let mut findings = loader.resolve().findings;
    findings.sort_by(|one, other| one.place.cmp(&other.place));
    findings
}
