//! What an explanation says beyond the steps.

use serde::Serialize;

use crate::finding::Place;

/// What decided, and what would have to change.
#[derive(Debug, Default)]
pub struct Why {
    pub grounds: Vec<Ground>,
    /// Each brings the opposite outcome about by itself, as far as the step that decided goes.
    pub remedies: Vec<Remedy>,
}

/// Something that decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ground {
    pub what: String,
    /// Where it is written; where something is missing, where it would go.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub at: Vec<Place>,
}

/// Something that would bring the opposite outcome about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remedy {
    pub by: By,
    pub what: String,
    /// Where it has to be done.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub at: Vec<Place>,
    /// What to write there, to be copied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// Whose it is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// Whoever sends the request.
    Caller,
    /// The team of the application that is asked for.
    Team,
    /// Whoever runs Portvakt, the cluster or the tenant.
    Operator,
}

impl Ground {
    /// One that is written nowhere in particular.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), at: Vec::new() }
    }

    /// One that is written there.
    pub fn at(what: impl Into<String>, place: &Place) -> Self {
        Self { what: what.into(), at: vec![place.clone()] }
    }
}

impl Remedy {
    /// Something to do, by somebody.
    pub fn new(by: By, what: impl Into<String>) -> Self {
        Self { by, what: what.into(), at: Vec::new(), text: None }
    }

    /// In these places.
    pub fn at<'p>(mut self, places: impl IntoIterator<Item = &'p Place>) -> Self {
        self.at.extend(places.into_iter().cloned());
        self
    }

    /// By writing this.
    pub fn text(self, text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), ..self }
    }
}

impl From<Vec<Remedy>> for Why {
    /// The step that refused is all that decided.
    fn from(remedies: Vec<Remedy>) -> Self {
        Self { grounds: Vec::new(), remedies }
    }
}
