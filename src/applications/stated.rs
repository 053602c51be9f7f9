//! What the documents of one application state, and where: for people who ask why.

use super::document::{Consumer, Kind, Located};
use crate::{
    finding::Place,
    identifiers::{ApplicationId, ClientId, GroupId},
};

/// Who may call one application, as it is written. Decisions never depend on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stated {
    /// Where the application gets its name, or what else is known of it stands.
    pub place: Place,
    /// The kind of the document that states who gets in; `None` where no document does.
    pub kind: Option<Kind>,
    /// In the documents' order, those that grant nothing included. Every granted consumer has one,
    /// but for the application itself.
    pub rules: Vec<StatedRule>,
    /// Where `allowAllUsers` is true.
    pub everyone: Option<Place>,
    pub groups: Vec<Located<GroupId>>,
}

/// One rule of an access policy, as it is written and as it is understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatedRule {
    /// Where it stands; the document as a whole for a consumer that NAIS assigned without a rule.
    pub place: Place,
    pub consumer: Consumer,
    /// `None` where the rule grants nothing, since no client id is known for the consumer.
    pub client_id: Option<ClientId>,
}

impl Stated {
    /// Nothing but where the application is described.
    pub fn at(place: Place) -> Self {
        Self { place, kind: None, rules: Vec::new(), everyone: None, groups: Vec::new() }
    }

    /// The first rule that names an application.
    pub fn rule(&self, consumer: &ApplicationId) -> Option<&StatedRule> {
        self.rules.iter().find(|rule| rule.consumer.is(consumer))
    }

    /// Where a group is listed first.
    pub fn group(&self, group: GroupId) -> Option<&Place> {
        self.groups.iter().find(|listed| listed.value == group).map(|listed| &listed.place)
    }
}
