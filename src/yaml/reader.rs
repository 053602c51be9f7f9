//! Taking values out of nodes, with a finding for each that is not what it should be.

use std::{fmt::Display, str::FromStr};

use super::{Entry, Node, Value};
use crate::finding::{Code, Finding, Place, Severity};

/// Collects findings while values are read.
#[derive(Debug, Default)]
pub struct Reader {
    findings: Vec<Finding>,
}

/// A mapping's members; null members count as absent.
#[derive(Debug, Clone, Copy)]
pub struct Mapping<'n> {
    pub place: &'n Place,
    entries: &'n [Entry],
}

impl<'n> Mapping<'n> {
    /// The value of a member.
    pub fn get(&self, key: &str) -> Option<&'n Node> {
        self.entry(key).map(|entry| &entry.node)
    }

    /// A member with the place of its key.
    pub fn entry(&self, key: &str) -> Option<&'n Entry> {
        self.entries.iter().find(|entry| entry.key == key && entry.node.value != Value::Null)
    }

    /// Every member, as it stands.
    pub fn entries(&self) -> impl Iterator<Item = &'n Entry> {
        self.entries.iter()
    }
}

impl Reader {
    /// What was found, in the order in which it was found.
    pub fn into_findings(self) -> Vec<Finding> {
        self.findings
    }

    /// Whether an error was found since `mark`, a former [`mark`](Self::mark).
    pub fn has_errors_since(&self, mark: usize) -> bool {
        self.findings[mark..].iter().any(|finding| finding.severity == Severity::Error)
    }

    /// A mark for [`has_errors_since`](Self::has_errors_since).
    pub fn mark(&self) -> usize {
        self.findings.len()
    }

    /// Takes over a finding that was made elsewhere.
    pub fn add(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// Something that cannot be used.
    pub fn error(&mut self, place: &Place, code: Code, message: impl Into<String>) {
        let place = place.clone();
        self.add(Finding { place, severity: Severity::Error, code, message: message.into() });
    }

    /// Something that most likely does not do what its author meant.
    pub fn warning(&mut self, place: &Place, code: Code, message: impl Into<String>) {
        let place = place.clone();
        self.add(Finding { place, severity: Severity::Warning, code, message: message.into() });
    }

    /// The node as a mapping.
    pub fn mapping<'n>(&mut self, node: &'n Node, what: &str) -> Option<Mapping<'n>> {
        match &node.value {
            Value::Mapping(entries) => Some(Mapping { place: &node.place, entries }),
            other => self.wrong_type(node, what, "a mapping", other),
        }
    }

    /// The node's elements.
    pub fn sequence<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n [Node]> {
        match &node.value {
            Value::Sequence(elements) => Some(elements),
            other => self.wrong_type(node, what, "a list", other),
        }
    }

    /// The node as a text. A number is not taken for one: `1e5` and `0x10` would lose their
    /// spelling.
    pub fn text<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n str> {
        match &node.value {
            Value::Text(text) => Some(text),
            other @ (Value::Integer(_) | Value::Float(_) | Value::Boolean(_)) => {
                self.wrong_type(node, what, "a text (put it in quotes)", other)
            }
            other => self.wrong_type(node, what, "a text", other),
        }
    }

    /// The node as `true` or `false`.
    pub fn boolean(&mut self, node: &Node, what: &str) -> Option<bool> {
        match &node.value {
            Value::Boolean(value) => Some(*value),
            other => self.wrong_type(node, what, "true or false", other),
        }
    }

    /// The node as a whole number that is not negative.
    pub fn integer(&mut self, node: &Node, what: &str) -> Option<u64> {
        match &node.value {
            Value::Integer(value) if *value >= 0 => u64::try_from(*value).ok(),
            other => self.wrong_type(node, what, "a whole number, not negative", other),
        }
    }

    /// The node's text, parsed.
    pub fn parsed<T>(&mut self, node: &Node, what: &str) -> Option<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        let text = self.text(node, what)?;
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.error(&node.place, Code::InvalidValue, format!("{what}: \"{text}\" {error}."));
                None
            }
        }
    }

    fn wrong_type<T>(&mut self, node: &Node, what: &str, wanted: &str, found: &Value) -> Option<T> {
        let message = format!("{what} must be {wanted}, not {}.", found.kind());
        self.error(&node.place, Code::WrongType, message);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::documents;

    #[test]
    fn every_value_of_another_type_is_found_at_its_place() {
        let text =
            "mapping: 1\nsequence: {}\ntext: 7\nboolean: 'true'\ninteger: -1\nguid: x\nabsent: ~\n";
        let documents = documents(&"f.yaml".into(), text);
        let node = documents[0].content.as_ref().unwrap().as_ref().unwrap();
        let mut reader = Reader::default();
        let members = reader.mapping(node, "the document").unwrap();
        let get = |key: &str| members.get(key).unwrap();
        assert!(members.get("absent").is_none());
        assert!(reader.mapping(get("mapping"), "mapping").is_none());
        assert!(reader.sequence(get("sequence"), "sequence").is_none());
        assert!(reader.text(get("text"), "text").is_none());
        assert!(reader.boolean(get("boolean"), "boolean").is_none());
        assert!(reader.integer(get("integer"), "integer").is_none());
        assert!(reader.parsed::<crate::identifiers::Guid>(get("guid"), "guid").is_none());
        let findings = reader.into_findings();
        let found: Vec<_> = findings.iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "f.yaml:1:10: error: wrong_type: mapping must be a mapping, not a number.",
                "f.yaml:2:11: error: wrong_type: sequence must be a list, not a mapping.",
                "f.yaml:3:7: error: wrong_type: text must be a text (put it in quotes), not a number.",
                "f.yaml:4:10: error: wrong_type: boolean must be true or false, not a text.",
                "f.yaml:5:10: error: wrong_type: integer must be a whole number, not negative, not a number.",
                "f.yaml:6:7: error: invalid_value: guid: \"x\" is not a GUID (8-4-4-4-12 hexadecimal digits).",
            ]
        );
    }
}
