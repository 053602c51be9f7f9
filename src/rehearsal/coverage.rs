//! Which rules, groups and `allowAllUsers` no case exercises.

use std::{collections::HashSet, fmt, sync::Arc};

use super::stage::Rehearsed;
use crate::{
    applications::{Application, Consumer, Protection},
    decision::Step,
    finding::Place,
    identifiers::{ApplicationId, GroupId},
};

/// Something in a document that lets somebody in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Statement {
    Rule(ApplicationId),
    Group(GroupId),
    AllUsers,
}

/// What is stated, and which of it was exercised.
#[derive(Debug, Default)]
pub struct Coverage {
    pub stated: usize,
    /// In the order of the applications, then of their documents.
    pub missing: Vec<Missing>,
}

/// A statement that no case exercises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    pub place: Place,
    pub application: ApplicationId,
    pub statement: Statement,
}

impl Coverage {
    /// What the cases left out. What grants nothing cannot be exercised and is not asked for: it is
    /// for `portvakt lint` to tell.
    pub fn of(applications: &[Arc<Application>], rehearsed: &[Rehearsed]) -> Self {
        let mut exercised = HashSet::new();
        rehearsed.iter().for_each(|case| exercise(case, &mut exercised));
        let mut coverage = Self::default();
        for application in applications {
            for (place, statement) in statements(application) {
                coverage.stated += 1;
                let application = application.id.clone();
                if !exercised.contains(&(application.clone(), statement.clone())) {
                    coverage.missing.push(Missing { place, application, statement });
                }
            }
        }
        coverage
    }
}

/// A rule is exercised by whoever is let past it, whatever a later step says.
fn exercise(case: &Rehearsed, exercised: &mut HashSet<(ApplicationId, Statement)>) {
    let outcome = &case.outcome;
    let (Some(application), Some(caller)) = (&outcome.application, &outcome.caller) else { return };
    let mut add = |statement| {
        exercised.insert((application.id.clone(), statement));
    };
    if let Some(consumer) = &outcome.consumer
        && case.has_passed(Step::Consumer)
    {
        add(Statement::Rule(consumer.clone()));
    }
    if case.has_passed(Step::User) {
        add(Statement::AllUsers);
        caller.groups().iter().for_each(|group| add(Statement::Group(*group)));
    }
}

fn statements(application: &Application) -> Vec<(Place, Statement)> {
    let Application { id, stated, protection, .. } = application;
    if matches!(protection, Protection::Disabled(_)) {
        return Vec::new();
    }
    let rules = stated.rules.iter().filter_map(|rule| match &rule.consumer {
        Consumer::Application(consumer) if consumer != id && rule.client_id.is_some() => {
            Some((rule.place.clone(), Statement::Rule(consumer.clone())))
        }
        _ => None,
    });
    let groups =
        stated.groups.iter().map(|group| (group.place.clone(), Statement::Group(group.value)));
    let everyone = stated.everyone.iter().map(|place| (place.clone(), Statement::AllUsers));
    rules.chain(everyone).chain(groups).collect()
}

impl fmt::Display for Missing {
    /// `file:line:column: what of which application`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, application, statement } = self;
        match statement {
            Statement::Rule(consumer) => write!(f, "{place}: {consumer} may call {application}"),
            Statement::Group(group) => write!(f, "{place}: the group {group} of {application}"),
            Statement::AllUsers => write!(f, "{place}: allowAllUsers of {application}"),
        }
    }
}
