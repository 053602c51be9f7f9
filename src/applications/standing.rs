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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        applications::findings::MOST_FINDINGS,
        finding::{Code, Place},
    };

    fn finding(source: &str, severity: Severity, number: usize) -> Finding {
        let place = Place { source: source.into(), line: 1, column: 1 };
        Finding { place, severity, code: Code::UnknownKey, message: number.to_string() }
    }

    fn warnings(source: &str, count: usize) -> Vec<Finding> {
        (0..count).map(|number| finding(source, Severity::Warning, number)).collect()
    }

    fn topic(name: &str) -> Topic {
        Topic::Application(format!("dev:team:{name}").parse().unwrap())
    }

    #[test]
    fn what_is_new_is_told_once_and_again_when_it_comes_back() {
        let mut standing = Standing::default();
        let error = || vec![finding("b", Severity::Error, 0)];
        for (name, findings, new, is_clean) in [
            ("a", warnings("a", 2), 2, true),
            ("a", warnings("a", 3), 1, true),
            ("a", warnings("a", 3), 0, true),
            ("b", error(), 1, false),
            ("c", error(), 0, false),
            ("b", vec![], 0, false),
            ("c", vec![], 0, true),
            ("b", error(), 1, false),
            ("a", vec![], 0, false),
            ("a", [warnings("a", 1), warnings("b", 1)].concat(), 2, false),
        ] {
            standing.replace(topic(name), findings);
            assert_eq!(standing.take_new().len(), new);
            assert_eq!(standing.is_clean(), is_clean);
        }
        assert_eq!(standing.all().len(), 3);
    }

    #[test]
    fn errors_are_told_first_and_of_a_source_no_more_than_anybody_reads() {
        let mut standing = Standing::default();
        standing.replace(topic("a"), warnings("a", MOST_FINDINGS + 5));
        standing.replace(topic("b"), vec![finding("b", Severity::Error, 0)]);
        let new = standing.take_new();
        assert_eq!(new.len(), MOST_FINDINGS + 2);
        assert_eq!((&*new[0].place.source, new[0].severity), ("b", Severity::Error));
        assert!(new.iter().any(|finding| finding.code == Code::TooMany));
        assert_eq!(standing.all().len(), new.len());
    }
}
