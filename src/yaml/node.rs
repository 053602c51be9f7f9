//! Trees of nodes with places.

use crate::finding::Place;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub place: Place,
    pub value: Value,
}

/// What a node holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    Boolean(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    Sequence(Vec<Node>),
    Mapping(Vec<Entry>),
}

/// A member of a mapping.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Where the key stands.
    pub place: Place,
    pub key: String,
    pub node: Node,
}

impl Value {
    /// What people call such a value.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Boolean(_) => "a boolean",
            Self::Integer(_) | Self::Float(_) => "a number",
            Self::Text(_) => "a text",
            Self::Sequence(_) => "a list",
            Self::Mapping(_) => "a mapping",
        }
    }
}

impl Node {
    /// A tree that was JSON, all of it at one place: JSON that machines write has no lines.
    pub fn of_json(place: &Place, json: serde_json::Value) -> Self {
        use serde_json::Value as Json;
        let node = |json| Self::of_json(place, json);
        let value = match json {
            Json::Null => Value::Null,
            Json::Bool(value) => Value::Boolean(value),
            Json::Number(number) => match number.as_i64() {
                Some(integer) => Value::Integer(integer),
                None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            Json::String(text) => Value::Text(text),
            Json::Array(items) => Value::Sequence(items.into_iter().map(node).collect()),
            Json::Object(members) => {
                let entry = |(key, json)| Entry { place: place.clone(), key, node: node(json) };
                Value::Mapping(members.into_iter().map(entry).collect())
            }
        };
        Self { place: place.clone(), value }
    }

    /// Visits the places of all nodes and keys of the tree.
    pub(super) fn visit_places(&mut self, visit: &impl Fn(&mut Place)) {
        visit(&mut self.place);
        match &mut self.value {
            Value::Sequence(nodes) => nodes.iter_mut().for_each(|node| node.visit_places(visit)),
            Value::Mapping(entries) => {
                for entry in entries {
                    visit(&mut entry.place);
                    entry.node.visit_places(visit);
                }
            }
            _ => {}
        }
    }
}
