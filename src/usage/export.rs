//! The counts as they leave the service, and as they come together again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    clock::UnixSeconds,
    identifiers::{ApplicationId, GroupId},
};

/// What `/usage` answers and what is kept over restarts. Times are seconds since 1970; members may
/// be added, never changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Export {
    /// When it was written.
    pub at: UnixSeconds,
    /// By name.
    pub applications: BTreeMap<ApplicationId, ExportedApplication>,
}

/// The uses of one application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportedApplication {
    /// Requests that it let in by their token.
    #[serde(flatten)]
    pub count: Exported,
    /// By the consumer that the rule names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rules: BTreeMap<ApplicationId, Exported>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<GroupId, Exported>,
    /// `allowAllUsers`: users that are in none of the groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub everyone: Option<Exported>,
}

/// The uses of one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exported {
    /// Since when they are counted.
    pub since: UnixSeconds,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<UnixSeconds>,
    pub times: u64,
}

/// Whether something was used over some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usedness {
    Used,
    Unused,
    /// It was not, and was not counted for so long that this would tell something.
    Uncounted,
}

impl Export {
    /// When counting began with the first of them.
    pub fn since(&self) -> Option<UnixSeconds> {
        self.applications.values().map(|known| known.count.since).min()
    }

    /// Both together, as of instances that stand beside each other. What both tell was counted as
    /// long as the younger of them counts; what happened before at an instance that is gone, nobody
    /// knows.
    pub fn merge(mut self, other: Self) -> Self {
        self.at = self.at.min(other.at);
        for (id, theirs) in other.applications {
            match self.applications.get_mut(&id) {
                Some(ours) => ours.merge(theirs),
                None => {
                    self.applications.insert(id, theirs);
                }
            }
        }
        self
    }
}

impl ExportedApplication {
    fn merge(&mut self, other: Self) {
        self.count.merge(other.count);
        merge_all(&mut self.rules, other.rules);
        merge_all(&mut self.groups, other.groups);
        match (&mut self.everyone, other.everyone) {
            (Some(ours), Some(theirs)) => ours.merge(theirs),
            (ours, theirs) => *ours = ours.or(theirs),
        }
    }
}

fn merge_all<K: Ord>(ours: &mut BTreeMap<K, Exported>, theirs: BTreeMap<K, Exported>) {
    for (id, count) in theirs {
        ours.entry(id).and_modify(|ours| ours.merge(count)).or_insert(count);
    }
}

impl Exported {
    fn merge(&mut self, other: Self) {
        self.since = self.since.max(other.since);
        self.last = self.last.max(other.last);
        self.times = self.times.saturating_add(other.times);
    }

    /// What is known of its uses over the seconds before.
    pub fn over(&self, at: UnixSeconds, seconds: u64) -> Usedness {
        match self.last {
            Some(last) if at.saturating_sub(last) < seconds => Usedness::Used,
            _ if self.is_counted(at, seconds) => Usedness::Unused,
            _ => Usedness::Uncounted,
        }
    }

    /// Whether it was counted for so long, and not used.
    pub fn is_unused(&self, at: UnixSeconds, seconds: u64) -> bool {
        self.over(at, seconds) == Usedness::Unused
    }

    /// Whether it was counted for so long that its not being used would tell something.
    pub fn is_counted(&self, at: UnixSeconds, seconds: u64) -> bool {
        at.saturating_sub(self.since) >= seconds
    }
}
