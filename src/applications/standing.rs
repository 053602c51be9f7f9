//! The findings that stand, and which of them are new.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
    mem,
    path::Path,
    sync::Arc,
};

use super::{findings::Capped, origin::Origin};
use crate::{
    finding::{Finding, Severity},
    identifiers::ApplicationId,
};

/// What findings are about, in the order in which they are told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// Several documents of one kind about an application.
    Duplicates(ApplicationId),
    /// All further consumers together.
    Consumers,
    /// The hosts of an application.
    Hosts(ApplicationId),
    /// Everything else about an application.
    Application(ApplicationId),
    /// The paths that a key of the configuration names.
    Paths(&'static str),
    /// A file of documents, or an object, taken alone.
    Documents(Origin),
    /// A file of further consumers, taken alone.
    ConsumersOf(Arc<Path>),
}

/// All findings that stand.
#[derive(Debug, Default)]
pub struct Standing {
    by_topic: BTreeMap<Topic, Vec<Finding>>,
    /// The topics of the findings in each source; of none where there were some.
    topics: HashMap<Arc<str>, BTreeSet<Topic>>,
    errors: usize,
    /// Sources in which something else may stand than what was told of them.
    changed: BTreeSet<Arc<str>>,
    /// Hashes of the findings that were told and still stand, by their sources.
    told: HashMap<Arc<str>, HashSet<u64>>,
}

impl Standing {
    /// Has these findings stand of a topic, and no others.
    pub fn replace(&mut self, topic: Topic, findings: Vec<Finding>) {
        let earlier = self.by_topic.get(&topic).map_or(&[][..], Vec::as_slice);
        if earlier == findings {
            return;
        }
        for Finding { place, severity, .. } in self.by_topic.remove(&topic).unwrap_or_default() {
            self.errors -= usize::from(severity == Severity::Error);
            if let Some(topics) = self.topics.get_mut(&place.source) {
                topics.remove(&topic);
            }
            self.changed.insert(place.source);
        }
        for Finding { place, severity, .. } in &findings {
            self.errors += usize::from(*severity == Severity::Error);
            self.topics.entry(Arc::clone(&place.source)).or_default().insert(topic.clone());
            self.changed.insert(Arc::clone(&place.source));
        }
        if !findings.is_empty() {
            self.by_topic.insert(topic, findings);
        }
    }

    /// Whether none of them is an error.
    pub fn is_clean(&self) -> bool {
        self.errors == 0
    }

    /// All of them: errors first, and of each source no more than anybody reads.
    pub fn all(&self) -> Vec<Finding> {
        told_of(self.by_topic.values().flatten())
    }

    /// Those that did not stand when this was asked last, likewise.
    pub fn take_new(&mut self) -> Vec<Finding> {
        let mut new = Vec::new();
        for source in mem::take(&mut self.changed) {
            let told = self.told.remove(&source).unwrap_or_default();
            let mut standing = HashSet::new();
            for finding in self.of(&source) {
                let hash = hash(&finding);
                if standing.insert(hash) && !told.contains(&hash) {
                    new.push(finding);
                }
            }
            if standing.is_empty() {
                self.topics.remove(&source);
            } else {
                self.told.insert(source, standing);
            }
        }
        new.sort_by_key(|finding| finding.severity);
        new
    }

    fn of(&self, source: &Arc<str>) -> Vec<Finding> {
        let topics = self.topics.get(source).into_iter().flatten();
        let findings = topics.filter_map(|topic| self.by_topic.get(topic)).flatten();
        told_of(findings.filter(|finding| finding.place.source == *source))
    }
}

/// What is told of findings: errors first, and of each source no more than anybody reads.
fn told_of<'a>(findings: impl Iterator<Item = &'a Finding>) -> Vec<Finding> {
    let mut findings: Vec<_> = findings.collect();
    findings.sort_by_key(|finding| finding.severity);
    let mut capped = Capped::default();
    capped.extend(findings.into_iter().cloned());
    capped.into_findings()
}

fn hash(finding: &Finding) -> u64 {
    let mut hasher = DefaultHasher::new();
    finding.to_string().hash(&mut hasher);
    hasher.finish()
}
