//! One change, and what it means.

use std::fmt;

use serde::Serialize;

use crate::{
    finding::Place,
    identifiers::{ApplicationId, ClientId, GroupId},
    printable::Printable,
};

/// What a change does to those who call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Somebody gets in who did not.
    Gain,
    /// Somebody does not get in any more.
    Loss,
    /// It depends.
    Other,
}

/// Something that is different.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub effect: Effect,
    pub subject: Subject,
    /// Which application it is about; `None` for all of them, or where none is found.
    pub application: Option<ApplicationId>,
    /// Of a gain, where the new documents state it; of a loss, where the old ones did.
    pub place: Option<Place>,
}

/// Who gains or loses, or what else is different.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    Consumer {
        name: ApplicationId,
        client_id: ClientId,
    },
    Group(GroupId),
    /// `allowAllUsers`.
    AllUsers,
    /// Whoever calls this path.
    OpenPath(String),
    /// Whoever calls, since the application is in shadow; without an application, where none is found.
    Anybody,
    /// In words.
    Other(String),
}

impl Subject {
    /// Its kind, for machines.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Consumer { .. } => "application",
            Self::Group(_) => "group",
            Self::AllUsers => "all_users",
            Self::OpenPath(_) => "unauthenticated_path",
            Self::Anybody => "anybody",
            Self::Other(_) => "other",
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Consumer { name, client_id } => write!(f, "{name} ({client_id})"),
            Self::Group(group) => write!(f, "group {group}"),
            Self::AllUsers => f.write_str("all users"),
            Self::OpenPath(path) => write!(f, "anybody, without a token, at {}", Printable(path)),
            Self::Anybody => f.write_str("anybody (shadow)"),
            Self::Other(text) => write!(f, "{}", Printable(text)),
        }
    }
}

impl fmt::Display for Change {
    /// `+ who → what  where`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { effect, subject, application, place } = self;
        let application = match (application, subject) {
            (Some(application), _) => application.as_str(),
            (None, Subject::Anybody) => "no known application",
            (None, _) => "all applications",
        };
        match effect {
            Effect::Gain => write!(f, "+ {subject} → {application}")?,
            Effect::Loss => write!(f, "- {subject} → {application}")?,
            Effect::Other => write!(f, "~ {application}: {subject}")?,
        }
        match place {
            Some(place) => write!(f, "  {place}"),
            None => Ok(()),
        }
    }
}
