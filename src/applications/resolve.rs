//! From documents to applications, time and again.

use std::{collections::BTreeMap, iter::Peekable, mem, sync::Arc, vec};

use super::{
    Application,
    context::Context,
    directory::{Answers, Directory, Further, unambiguous},
    document::{Document, Located},
    gather::{Sources, gather},
    hosts::report_lost,
    merge::{Merged, merge},
};
use crate::{
    config::{EnvironmentApplication, PreAuthorized},
    finding::Finding,
    identifiers::ApplicationId,
    target::Hosts,
    yaml::Reader,
};

/// All applications, and what is wrong with them taken together.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Resolved {
    /// In the order of their names.
    pub applications: Vec<Arc<Application>>,
    pub hosts: Arc<Hosts>,
    pub findings: Vec<Finding>,
    pub rules: Rules,
}

/// How many rules name a consumer, by whether its client id is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rules {
    pub resolved: usize,
    pub unresolved: usize,
}

/// Resolves everything that is known at one time, and remembers it for the next: what depends on
/// nothing that is different is taken as it was.
#[derive(Debug)]
pub struct Resolver {
    context: Context,
    environment: Option<Arc<EnvironmentApplication>>,
    last: Known,
}

/// What was known at one time.
#[derive(Debug, Default)]
struct Known {
    directory: Directory,
    hosts: Arc<Hosts>,
    /// In the order of their names.
    applications: Vec<KnownApplication>,
}

/// An application, and all that it was merged from.
#[derive(Debug)]
struct KnownApplication {
    sources: Sources,
    answers: Answers,
    merged: Merged,
}

impl Resolver {
    /// A resolver for documents that are read against `context`, beside what the `environment`
    /// says.
    pub fn new(context: Context, environment: Option<EnvironmentApplication>) -> Self {
        Self { context, environment: environment.map(Arc::new), last: Known::default() }
    }

    /// The cluster whose documents are resolved.
    pub fn cluster(&self) -> &str {
        &self.context.cluster
    }

    /// Resolves these documents and further consumers.
    pub fn resolve<'a>(
        &mut self,
        documents: impl Iterator<Item = &'a Document>,
        further: impl Iterator<Item = &'a Located<PreAuthorized>>,
    ) -> Resolved {
        let mut reader = Reader::default();
        let sources = gather(documents, self.environment.as_ref(), &mut reader);
        let further = unambiguous(further, &mut reader);
        // Whatever cuts this short leaves nothing behind that could be taken for known.
        let earlier = mem::take(&mut self.last);
        self.last = self.renew(earlier, sources, further);
        self.last.report_lost_hosts(&mut reader);
        self.last.resolved(reader.into_findings())
    }

    /// What is known by these sources and further consumers.
    fn renew(
        &self,
        earlier: Known,
        sources: BTreeMap<ApplicationId, Sources>,
        further: Further,
    ) -> Known {
        let is_directory_same = *earlier.directory.further() == further
            && earlier.is_of(&sources, Sources::claims_client_ids_of);
        let are_hosts_same = earlier.is_of(&sources, Sources::claims_hosts_of);
        let directory = match is_directory_same {
            true => earlier.directory,
            false => Directory::new(&sources, further),
        };
        let mut known = earlier.applications.into_iter().peekable();
        let applications = sources.into_iter().map(|(id, sources)| {
            match take(&mut known, &id).filter(|known| known.sources.is(&sources)) {
                Some(known) if is_directory_same => known,
                known => self.merge(&id, sources, &directory, known),
            }
        });
        let applications: Vec<_> = applications.collect();
        let hosts = match are_hosts_same {
            true => earlier.hosts,
            false => {
                let applications = applications.iter().map(|known| &*known.merged.application);
                Arc::new(Hosts::new(applications, self.cluster()))
            }
        };
        Known { directory, hosts, applications }
    }

    /// Merges an application, unless it is `known` of the same sources by the same answers.
    fn merge(
        &self,
        id: &ApplicationId,
        sources: Sources,
        directory: &Directory,
        known: Option<KnownApplication>,
    ) -> KnownApplication {
        let answers = directory.answers(id, &sources);
        known.filter(|known| known.answers == answers).unwrap_or_else(|| {
            let merged = merge(id, &sources, &answers, &self.context);
            KnownApplication { sources, answers, merged }
        })
    }
}

impl Known {
    /// Whether these are sources of the same applications, each the very same or alike.
    fn is_of(
        &self,
        sources: &BTreeMap<ApplicationId, Sources>,
        are_alike: impl Fn(&Sources, &Sources) -> bool,
    ) -> bool {
        let is_of = |(known, (id, sources)): (&KnownApplication, (_, &Sources))| {
            known.id() == id && (known.sources.is(sources) || are_alike(&known.sources, sources))
        };
        self.applications.len() == sources.len() && self.applications.iter().zip(sources).all(is_of)
    }

    fn report_lost_hosts(&self, reader: &mut Reader) {
        if self.hosts.lost_count() > 0 {
            for known in &self.applications {
                report_lost(known.id(), &known.sources, &self.hosts, reader);
            }
        }
    }

    /// All of it, with the findings that concern more than one application.
    fn resolved(&self, findings: Vec<Finding>) -> Resolved {
        let (hosts, rules) = (Arc::clone(&self.hosts), Rules::default());
        let applications = Vec::with_capacity(self.applications.len());
        let mut resolved = Resolved { applications, hosts, findings, rules };
        for Merged { application, findings, rules } in self.applications.iter().map(|k| &k.merged) {
            resolved.applications.push(Arc::clone(application));
            resolved.findings.extend_from_slice(findings);
            resolved.rules.resolved += rules.resolved;
            resolved.rules.unresolved += rules.unresolved;
        }
        resolved
    }
}

impl KnownApplication {
    fn id(&self) -> &ApplicationId {
        &self.merged.application.id
    }
}

/// The application `id`, if it comes in a sequence in the order of names: those before it go.
fn take(
    sequence: &mut Peekable<vec::IntoIter<KnownApplication>>,
    id: &ApplicationId,
) -> Option<KnownApplication> {
    while sequence.next_if(|known| known.id() < id).is_some() {}
    sequence.next_if(|known| known.id() == id)
}

#[cfg(test)]
mod tests;
