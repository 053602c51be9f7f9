//! What documents state and nobody used.

use std::sync::Arc;

use super::{Export, Exported, ExportedApplication, SECONDS_PER_DAY};
use crate::{
    applications::{Application, Consumer},
    finding::Place,
    identifiers::{ApplicationId, GroupId},
};

/// Something that documents state and that nobody used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unused {
    pub application: ApplicationId,
    pub what: What,
    /// Where it is stated.
    pub place: Place,
    pub count: Exported,
}

/// What is not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// All of it: it let nobody in by a token.
    Application,
    Rule(ApplicationId),
    Group(GroupId),
    /// `allowAllUsers`.
    Everyone,
}

/// What was found, and how much could not be told.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Review {
    /// In the order of the applications' names, and of the documents.
    pub unused: Vec<Unused>,
    /// Rules, groups and applications that were not counted for so long, or not at all.
    pub uncounted: usize,
    /// How many were.
    pub counted: usize,
}

impl Review {
    /// Holds what the documents of applications state against what was counted, for so many days.
    pub fn of(applications: &[Arc<Application>], export: &Export, days: u64) -> Self {
        let mut review = Self::default();
        for application in applications {
            let known = export.applications.get(&application.id);
            Reviewing { application, known, export, days, review: &mut review }.all();
        }
        review
    }
}

struct Reviewing<'a> {
    application: &'a Application,
    known: Option<&'a ExportedApplication>,
    export: &'a Export,
    days: u64,
    review: &'a mut Review,
}

impl Reviewing<'_> {
    fn all(&mut self) {
        let (stated, known) = (&self.application.stated, self.known);
        if stated.rules.is_empty() && stated.groups.is_empty() && stated.everyone.is_none() {
            return;
        }
        self.one(What::Application, &stated.place, known.map(|known| known.count));
        for rule in &stated.rules {
            if let Consumer::Application(id) = &rule.consumer {
                let count = known.and_then(|known| known.rules.get(id));
                self.one(What::Rule(id.clone()), &rule.place, count.copied());
            }
        }
        if let Some(place) = &stated.everyone {
            self.one(What::Everyone, place, known.and_then(|known| known.everyone));
        }
        for group in &stated.groups {
            let count = known.and_then(|known| known.groups.get(&group.value));
            self.one(What::Group(group.value), &group.place, count.copied());
        }
    }

    fn one(&mut self, what: What, place: &Place, count: Option<Exported>) {
        let (at, seconds) = (self.export.at, self.days.saturating_mul(SECONDS_PER_DAY));
        let Some(count) = count.filter(|count| count.is_counted(at, seconds)) else {
            self.review.uncounted += 1;
            return;
        };
        self.review.counted += 1;
        if count.is_unused(at, seconds) {
            let (application, place) = (self.application.id.clone(), place.clone());
            self.review.unused.push(Unused { application, what, place, count });
        }
    }
}
