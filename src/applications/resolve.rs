//! From documents to applications, change by change.

use std::{
    collections::{HashMap, HashSet},
    mem,
    ops::{AddAssign, SubAssign},
    path::Path,
    sync::Arc,
};

use super::{
    context::Context,
    directory::{Answers, Directory, unambiguous},
    document::{Document, Located},
    gather::Sources,
    hosts::report_lost,
    merge::{Merged, merge},
    origin::{Gathered, Origin},
    standing::{Standing, Topic},
};
use crate::{
    config::{EnvironmentApplication, PreAuthorized},
    finding::Finding,
    identifiers::ApplicationId,
    policy::Mode,
    target::Index,
    yaml::Reader,
};

/// What is counted of one application, or of all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub rules: Rules,
    pub hosts: FoundBy,
    /// Applications that let through whom they refuse.
    pub in_shadow: usize,
}

/// How many rules name a consumer, by whether its client id is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rules {
    pub resolved: usize,
    pub unresolved: usize,
}

/// How many hosts of ingresses there are, by whether their application is found by them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FoundBy {
    pub found: usize,
    pub lost: usize,
}

/// The applications, by all that was said so far.
///
/// What is said is taken in first, and then [resolved](Self::resolve) together: only what depends
/// on something that is different comes to be looked at again.
///
/// ```text
/// an application that something else is said of
///   ├─▶ those that claim a client id which it claims ──▶ those with a rule that names one of them
///   └─▶ those with an ingress that it claims, or by the name of its service
/// ```
#[derive(Debug)]
pub struct Resolver {
    context: Arc<Context>,
    gathered: Gathered,
    directory: Directory,
    known: HashMap<ApplicationId, Known>,
    index: Index,
    counts: Counts,
    standing: Standing,
    /// Applications of whose rules' consumers another client id may be known since.
    asking: HashSet<ApplicationId>,
}

/// What there is to know of an application beside what the index holds.
#[derive(Debug)]
struct Known {
    /// That it was merged by.
    answers: Answers,
    counts: Counts,
}

impl Resolver {
    /// A resolver to which nothing was said but by the `environment`.
    pub fn new(context: Arc<Context>, environment: Option<&Arc<EnvironmentApplication>>) -> Self {
        let mut gathered = Gathered::default();
        if let Some(environment) = environment {
            gathered.say_by_environment(environment);
        }
        Self {
            index: Index::new(&context.cluster),
            context,
            gathered,
            directory: Directory::default(),
            known: HashMap::new(),
            counts: Counts::default(),
            standing: Standing::default(),
            asking: HashSet::new(),
        }
    }

    /// Takes in what a file or an object says now, which is nothing where it is gone, and what is
    /// wrong with it alone.
    pub fn say(&mut self, origin: Origin, documents: &[Document], findings: Vec<Finding>) {
        self.gathered.say(&origin, documents);
        self.standing.replace(Topic::Documents(origin), findings);
    }

    /// Takes in what is wrong with a file of further consumers alone.
    pub fn report_consumers_of(&mut self, file: Arc<Path>, findings: Vec<Finding>) {
        self.standing.replace(Topic::ConsumersOf(file), findings);
    }

    /// Takes in which of the paths that `key` of the configuration names cannot be read.
    pub fn report_paths(&mut self, key: &'static str, findings: Vec<Finding>) {
        self.standing.replace(Topic::Paths(key), findings);
    }

    /// Takes in all further consumers.
    pub fn say_further<'a>(&mut self, further: impl Iterator<Item = &'a Located<PreAuthorized>>) {
        let mut reader = Reader::default();
        let further = unambiguous(further, &mut reader);
        self.standing.replace(Topic::Consumers, reader.into_findings());
        self.asking.extend(self.directory.set_further(further));
    }

    /// Brings applications and findings to what was said.
    pub fn resolve(&mut self) {
        let (changed, none) = (self.gathered.take_changed(), Sources::default());
        let mut concerned = HashSet::with_capacity(changed.len());
        for (id, earlier) in &changed {
            let now = self.gathered.get(id).unwrap_or(&none);
            concerned.extend(self.directory.replace(id, earlier, now));
        }
        let mut asking = mem::take(&mut self.asking);
        asking.extend(concerned.iter().cloned());
        for id in &concerned {
            for other in self.directory.settle(id, self.gathered.get(id).unwrap_or(&none)) {
                // As a rule it is there: at first everybody is, and named by many.
                // Looking costs less than a copy that is thrown away.
                if !asking.contains(other) {
                    asking.insert(other.clone());
                }
            }
        }
        let mut with_hosts = HashSet::with_capacity(changed.len());
        for id in asking {
            let is_changed = changed.contains_key(&id);
            with_hosts.extend(self.renew(&id, is_changed));
            if is_changed {
                self.report_duplicates(&id);
                with_hosts.insert(id);
            }
        }
        for id in with_hosts {
            self.report_lost_hosts(&id);
        }
    }

    /// Merges an application, unless it is known of the same sources by the same answers. Returns
    /// those of which it may make a difference to whether they are found by their ingresses.
    fn renew(&mut self, id: &ApplicationId, is_changed: bool) -> HashSet<ApplicationId> {
        let Some(sources) = self.gathered.get(id) else { return self.remove(id) };
        let answers = self.directory.answers(id, sources);
        let earlier = self.known.get(id);
        if !is_changed && earlier.is_some_and(|known| known.answers == answers) {
            return HashSet::new();
        }
        let Merged { application, findings, rules } = merge(id, sources, &answers, &self.context);
        let hosts = earlier.map(|known| known.counts.hosts).unwrap_or_default();
        let in_shadow = usize::from(application.mode == Mode::Shadow);
        let counts = Counts { rules, hosts, in_shadow };
        self.counts += counts;
        if let Some(earlier) = self.known.insert(id.clone(), Known { answers, counts }) {
            self.counts -= earlier.counts;
        }
        self.standing.replace(Topic::Application(id.clone()), findings);
        self.index.insert(application)
    }

    /// Removes an application of which nothing is said any more.
    fn remove(&mut self, id: &ApplicationId) -> HashSet<ApplicationId> {
        if let Some(earlier) = self.known.remove(id) {
            self.counts -= earlier.counts;
        }
        self.standing.replace(Topic::Application(id.clone()), Vec::new());
        self.index.remove(id)
    }

    fn report_duplicates(&mut self, id: &ApplicationId) {
        let mut reader = Reader::default();
        if let Some(sources) = self.gathered.get(id) {
            sources.report_duplicates(&mut reader);
        }
        self.standing.replace(Topic::Duplicates(id.clone()), reader.into_findings());
    }

    fn report_lost_hosts(&mut self, id: &ApplicationId) {
        let mut reader = Reader::default();
        if let (Some(sources), Some(known)) = (self.gathered.get(id), self.known.get_mut(id)) {
            report_lost(id, sources, self.index.hosts(), &mut reader);
            let (all, lost) = (sources.hosts().count(), reader.mark());
            self.counts -= known.counts;
            known.counts.hosts = FoundBy { found: all - lost, lost };
            self.counts += known.counts;
        }
        self.standing.replace(Topic::Hosts(id.clone()), reader.into_findings());
    }

    /// The applications when they were last resolved.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// Those of all applications.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The findings that stand.
    pub fn standing(&mut self) -> &mut Standing {
        &mut self.standing
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, Self { rules, hosts, in_shadow }: Self) {
        self.rules.resolved += rules.resolved;
        self.rules.unresolved += rules.unresolved;
        self.hosts.found += hosts.found;
        self.hosts.lost += hosts.lost;
        self.in_shadow += in_shadow;
    }
}

impl SubAssign for Counts {
    fn sub_assign(&mut self, Self { rules, hosts, in_shadow }: Self) {
        self.rules.resolved -= rules.resolved;
        self.rules.unresolved -= rules.unresolved;
        self.hosts.found -= hosts.found;
        self.hosts.lost -= hosts.lost;
        self.in_shadow -= in_shadow;
    }
}

#[cfg(test)]
mod tests;
