//! From files and environment to the applications of one time.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::sync::Notify;

use super::{
    Application, Role,
    consumers::FurtherConsumers,
    context::Context,
    document::Document,
    kubernetes::Objects,
    manifests::Manifests,
    origin::Origin,
    resolve::{Counts, Resolver},
    shelf::{Change, Refreshed, Shelf},
};
use crate::{
    config::{ApplicationSources, Config, DocumentPath, EnvironmentApplication},
    finding::Finding,
    target::Index,
    usage::Ledger,
};

/// Reads documents, and remembers the last good version of each.
#[derive(Debug)]
pub struct Loader {
    context: Arc<Context>,
    environment: Option<Arc<EnvironmentApplication>>,
    /// `None` where nothing was resolved yet, or that was cut short.
    resolver: Option<Resolver>,
    manifests: Shelf<Manifests>,
    further_consumers: Shelf<FurtherConsumers>,
    /// Of a cluster, where one is asked.
    objects: Option<Arc<Objects>>,
    /// Told of what may be different from the last refresh.
    changed: Arc<Notify>,
    role: Role,
}

/// The applications by what was read last.
#[derive(Debug)]
pub struct Resolved {
    pub index: Index,
    pub counts: Counts,
    /// Whether there is no error in the documents.
    pub is_clean: bool,
    /// The findings that did not stand before: errors first, and of each file no more than anybody
    /// reads.
    pub new: Vec<Finding>,
}

impl Loader {
    /// A loader of what the configuration names, whose uses are counted in `usage`. Nothing is
    /// read yet.
    pub fn new(config: &Config, usage: Ledger) -> Self {
        Self::with(config.applications.clone(), Context { usage, ..Context::of(config) })
    }

    /// A loader of the candidate documents, where the configuration names any. They take the place
    /// of all documents; further consumers and the environment are those of both.
    pub fn of_candidates(config: &Config) -> Option<Self> {
        let sources = config.applications.clone();
        let paths = sources.candidate_paths.clone();
        let is_any = !paths.is_empty();
        is_any.then(|| {
            let sources = ApplicationSources { paths, kubernetes: None, ..sources };
            let mut loader = Self::with(sources, Context::of(config));
            loader.role = Role::Candidate;
            loader
        })
    }

    /// What its documents are for.
    pub fn role(&self) -> Role {
        self.role
    }

    /// A loader of these sources.
    pub fn with(sources: ApplicationSources, context: Context) -> Self {
        let pre_authorized = sources.pre_authorized.into_iter().map(DocumentPath::from).collect();
        let changed = Arc::<Notify>::default();
        let objects = sources
            .kubernetes
            .map(|_| Arc::new(Objects::new(context.cluster.clone(), Arc::clone(&changed))));
        Self {
            context: Arc::new(context),
            environment: sources.environment.map(Arc::new),
            resolver: None,
            manifests: Shelf::new(sources.paths, "applications.paths"),
            further_consumers: Shelf::new(pre_authorized, "applications.pre_authorized"),
            objects,
            changed,
            role: Role::default(),
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
        let cluster = &self.context.cluster;
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

    /// The applications by what was read last. It costs what is different from the last time.
    pub(super) fn resolve(&mut self) -> Resolved {
        let resolver = self.renewed();
        Resolved {
            index: resolver.index().clone(),
            counts: resolver.counts(),
            is_clean: resolver.standing().is_clean(),
            new: resolver.standing().take_new(),
        }
    }

    /// The resolver, brought to what was read last.
    pub(super) fn renewed(&mut self) -> &mut Resolver {
        // Whatever cuts this short leaves nothing behind that could be taken for known. The next
        // resolver begins without, and is told everything.
        let mut resolver = match self.resolver.take() {
            Some(resolver) => resolver,
            None => self.begin_anew(),
        };
        self.tell_changes(&mut resolver);
        resolver.resolve();
        self.resolver.insert(resolver)
    }

    fn begin_anew(&mut self) -> Resolver {
        self.manifests.tell_all();
        self.further_consumers.tell_all();
        if let Some(objects) = &self.objects {
            objects.lock().tell_all();
        }
        Resolver::new(Arc::clone(&self.context), self.environment.as_ref())
    }

    fn tell_changes(&mut self, resolver: &mut Resolver) {
        for Change { path, content, unreadable } in self.manifests.take_changes() {
            let (documents, findings) = said(content);
            let findings = unreadable.into_iter().chain(findings).cloned().collect();
            resolver.say(Origin::File(path), documents, findings);
        }
        if let Some(objects) = &self.objects {
            for (origin, content) in objects.lock().take_changes() {
                let (documents, findings) = said(content);
                resolver.say(origin, documents, findings.to_vec());
            }
        }
        let mut is_further_changed = false;
        for Change { path, content, unreadable } in self.further_consumers.take_changes() {
            let findings = content.map(|content| content.findings.as_slice()).unwrap_or_default();
            let findings = unreadable.into_iter().chain(findings).cloned().collect();
            resolver.report_consumers_of(path, findings);
            is_further_changed = true;
        }
        if is_further_changed {
            let further = self.further_consumers.contents().flat_map(|file| &file.entries);
            resolver.say_further(further);
        }
        for (key, findings) in [self.manifests.unlisted(), self.further_consumers.unlisted()] {
            resolver.report_paths(key, findings.to_vec());
        }
    }
}

/// What a file or an object says, and what is wrong with it.
fn said(content: Option<&Manifests>) -> (&[Document], &[Finding]) {
    content.map(|content| (&*content.documents, &*content.findings)).unwrap_or_default()
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
        ..ApplicationSources::default()
    };
    let mut loader = Loader::with(sources, context);
    loader.refresh();
    Snapshot::of(loader.renewed())
}

impl Snapshot {
    fn of(resolver: &mut Resolver) -> Self {
        let mut findings = resolver.standing().all();
        findings.sort_by(|one, other| one.place.cmp(&other.place));
        let index = resolver.index().clone();
        let applications = index.applications().into_iter().cloned().collect();
        Self { applications, index, findings }
    }
}

/// What a text comes to as the only file, `f.yaml`, of the cluster `dev`.
#[cfg(test)]
pub fn snapshot_for_tests(text: &str) -> Snapshot {
    let manifests = super::manifests::read_for_tests(text, None);
    let context = Context::new("dev", super::Tenants::Unspecified);
    let mut resolver = Resolver::new(context.into(), None);
    let origin = Origin::File(Path::new("f.yaml").into());
    resolver.say(origin, &manifests.documents, manifests.findings);
    resolver.resolve();
    Snapshot::of(&mut resolver)
}

#[cfg(test)]
mod tests;
