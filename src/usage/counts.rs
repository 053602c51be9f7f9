//! How often something was used, and when last: atomics that a check touches in passing.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use super::export::{Exported, ExportedApplication};
use crate::{
    applications::{Consumer, Stated},
    clock::UnixSeconds,
    decision::Decision,
    identifiers::{ApplicationId, GroupId},
    policy::Caller,
};

/// The uses of one thing.
#[derive(Debug)]
pub struct Count {
    /// Since when they are counted.
    since: UnixSeconds,
    /// When the last one was; 0 before the first.
    last: AtomicU64,
    times: AtomicU64,
}

impl Count {
    pub(super) fn since(since: UnixSeconds) -> Arc<Self> {
        Self::of(Exported { since, last: None, times: 0 })
    }

    pub(super) fn of(exported: Exported) -> Arc<Self> {
        let Exported { since, last, times } = exported;
        Arc::new(Self { since, last: last.unwrap_or(0).into(), times: times.into() })
    }

    pub(super) fn export(&self) -> Exported {
        let last = self.last.load(Relaxed);
        Exported {
            since: self.since,
            last: (last > 0).then_some(last),
            times: self.times.load(Relaxed),
        }
    }

    fn used(&self, at: UnixSeconds) {
        self.times.fetch_add(1, Relaxed);
        // Once a second; otherwise all threads would write where all of them read.
        if self.last.load(Relaxed) < at {
            self.last.fetch_max(at, Relaxed);
        }
    }
}

/// The uses of one application and of what its documents state. Two are always equal: an
/// application is what its documents say, and not how often it is called.
///
/// The default counts nothing.
#[derive(Debug, Clone, Default)]
pub struct Usage(Option<Arc<Counts>>);

impl PartialEq for Usage {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Usage {}

/// What of an application is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Used<'a> {
    Application,
    /// By the consumer that the rule names.
    Rule(&'a ApplicationId),
    Group(GroupId),
    /// `allowAllUsers`.
    Everyone,
}

/// Each list in the order of its names.
#[derive(Debug)]
pub struct Counts {
    application: Arc<Count>,
    rules: Box<[(ApplicationId, Arc<Count>)]>,
    groups: Box<[(GroupId, Arc<Count>)]>,
    everyone: Option<Arc<Count>>,
}

impl Usage {
    /// What of an application is used where a check comes to this decision: whoever is let in by a
    /// token uses the application, the rule of its own application, and those of its groups that
    /// the application lists, or else `allowAllUsers`.
    pub fn decided(&self, decision: &Decision, at: UnixSeconds) {
        let (Some(counts), Decision::Allow(permit)) = (&self.0, decision) else { return };
        if let Some(caller) = permit.caller() {
            counts.used(caller, at);
        }
    }

    /// Each count, with what it is of. An application whose documents let nobody in is not among
    /// them: that nobody calls it is as it should be.
    pub fn for_each(&self, mut each: impl FnMut(Used<'_>, Exported)) {
        let Some(counts) = &self.0 else { return };
        if counts.rules.len() + counts.groups.len() > 0 || counts.everyone.is_some() {
            each(Used::Application, counts.application.export());
        }
        counts.rules.iter().for_each(|(id, count)| each(Used::Rule(id), count.export()));
        counts.groups.iter().for_each(|(id, count)| each(Used::Group(*id), count.export()));
        counts.everyone.iter().for_each(|count| each(Used::Everyone, count.export()));
    }

    pub(super) fn of(counts: Arc<Counts>) -> Self {
        Self(Some(counts))
    }
}

impl Counts {
    /// Counts for what is stated: those that were there before, and new ones for the rest.
    pub(super) fn new(stated: &Stated, earlier: Option<&Self>, now: UnixSeconds) -> Self {
        let count =
            |known: Option<&Arc<Count>>| known.map_or_else(|| Count::since(now), Arc::clone);
        let mut consumers: Vec<_> = stated
            .rules
            .iter()
            .filter_map(|rule| match &rule.consumer {
                Consumer::Application(id) => Some(id),
                Consumer::Anyone => None,
            })
            .collect();
        consumers.sort_unstable();
        consumers.dedup();
        let mut groups: Vec<_> = stated.groups.iter().map(|group| group.value).collect();
        groups.sort_unstable();
        groups.dedup();
        let rule = |id: &ApplicationId| count(earlier.and_then(|earlier| find(&earlier.rules, id)));
        let group = |id: &GroupId| count(earlier.and_then(|earlier| find(&earlier.groups, id)));
        let everyone = stated.everyone.as_ref();
        Self {
            application: count(earlier.map(|earlier| &earlier.application)),
            rules: consumers.into_iter().map(|id| (id.clone(), rule(id))).collect(),
            groups: groups.into_iter().map(|id| (id, group(&id))).collect(),
            everyone: everyone
                .map(|_| count(earlier.and_then(|earlier| earlier.everyone.as_ref()))),
        }
    }

    fn used(&self, caller: &Caller, at: UnixSeconds) {
        self.application.used(at);
        if let Some(rule) = caller.application().and_then(|id| find(&self.rules, id)) {
            rule.used(at);
        }
        if caller.is_application() {
            return;
        }
        match caller.listed_groups() {
            [] => self.everyone.iter().for_each(|everyone| everyone.used(at)),
            groups => {
                groups
                    .iter()
                    .filter_map(|id| find(&self.groups, id))
                    .for_each(|group| group.used(at));
            }
        }
    }

    pub(super) fn export(&self) -> ExportedApplication {
        ExportedApplication {
            count: self.application.export(),
            rules: self.rules.iter().map(|(id, count)| (id.clone(), count.export())).collect(),
            groups: self.groups.iter().map(|(id, count)| (*id, count.export())).collect(),
            everyone: self.everyone.as_ref().map(|count| count.export()),
        }
    }

    /// Counts that go on from what was exported.
    pub(super) fn go_on_from(exported: ExportedApplication) -> Self {
        let ExportedApplication { count, rules, groups, everyone } = exported;
        Self {
            application: Count::of(count),
            rules: rules.into_iter().map(|(id, count)| (id, Count::of(count))).collect(),
            groups: groups.into_iter().map(|(id, count)| (id, Count::of(count))).collect(),
            everyone: everyone.map(Count::of),
        }
    }
}

fn find<'c, K: Ord>(counts: &'c [(K, Arc<Count>)], id: &K) -> Option<&'c Arc<Count>> {
    let index = counts.binary_search_by(|(known, _)| known.cmp(id)).ok()?;
    Some(&counts[index].1)
}
