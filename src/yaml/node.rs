//! From text to trees of nodes with places.

use std::{fmt, sync::Arc};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_saphyr::{Location, Options, Spanned};

use crate::finding::{Code, Finding, Place, Severity};

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

/// One document of a stream.
#[derive(Debug)]
pub struct Document {
    /// The line on which it begins.
    pub place: Place,
    /// Its tree; `None` for an empty one.
    pub content: Result<Option<Node>, Finding>,
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

/// The documents of a text, each read on its own: one that is no YAML leaves the others alone.
pub fn documents(source: &Arc<str>, text: &str) -> Vec<Document> {
    stream(source, text).collect()
}

/// As [`documents`], one at a time: of a long text, only one tree is in memory at once.
pub fn stream<'t>(source: &'t Arc<str>, text: &'t str) -> impl Iterator<Item = Document> + 't {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    split(text)
        .into_iter()
        .map(|(first_line, text)| Document {
            place: Place { source: Arc::clone(source), line: first_line, column: 1 },
            content: parse(source, first_line - 1, text),
        })
        .filter(|document| !matches!(document.content, Ok(None)))
}

/// A value that stands alone, for instance in an environment variable. Its nodes have no lines.
///
/// # Errors
/// Where the text is no YAML.
pub fn fragment(source: &Arc<str>, text: &str) -> Result<Option<Node>, Finding> {
    let whole = |place: &mut Place| (place.line, place.column) = (0, 0);
    match parse(source, 0, text) {
        Ok(Some(mut node)) => {
            node.visit_places(&whole);
            Ok(Some(node))
        }
        Err(mut finding) => {
            whole(&mut finding.place);
            Err(finding)
        }
        nothing => nothing,
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

    fn visit_places(&mut self, visit: &impl Fn(&mut Place)) {
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

/// The texts between the lines that begin documents (YAML 1.2.2, section 9.1.2: `---` at the
/// start of a line does so wherever it stands), with the number of their first line.
fn split(text: &str) -> Vec<(u64, &str)> {
    let is_marker = |line: &str| {
        line.strip_prefix("---")
            .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
    };
    let mut parts = Vec::new();
    let (mut start, mut first_line, mut offset) = (0, 1, 0);
    for (line_number, line) in (1..).zip(text.split_inclusive('\n')) {
        if is_marker(line) && offset > 0 {
            parts.push((first_line, &text[start..offset]));
            (start, first_line) = (offset, line_number);
        }
        offset += line.len();
    }
    parts.push((first_line, &text[start..]));
    parts
}

fn parse(source: &Arc<str>, lines_before: u64, text: &str) -> Result<Option<Node>, Finding> {
    let place = |location: Location| Place {
        source: Arc::clone(source),
        line: location.line().max(1) + lines_before,
        column: location.column().max(1),
    };
    let spanned: Spanned<Raw> =
        serde_saphyr::from_str_with_options(text, options()).map_err(|error| {
            let error = error.without_snippet();
            let location = error.location().unwrap_or(Location::UNKNOWN);
            Finding {
                place: place(location),
                severity: Severity::Error,
                code: Code::YamlSyntax,
                message: describe(error),
            }
        })?;
    let node = spanned.value.into_node(place(spanned.referenced), &place);
    Ok((node.value != Value::Null).then_some(node))
}

/// The first line of an error, without the location that it repeats.
fn describe(error: &serde_saphyr::Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    let line = line.split(" at line ").next().unwrap_or(line);
    let line = line.trim_start_matches("error: ").trim_end_matches('.');
    if line.starts_with("budget breached") {
        return format!(
            "This is more than one document may hold: {MOST_LEVELS} levels, {MOST_VALUES} values, \
             or aliases that stand for as many. Divide it."
        );
    }
    format!("This is not YAML: {line}.")
}

/// How deep lists and mappings may lie in each other. Documents need ten or so. Reading recurses,
/// and a stack that overflows cannot be caught.
const MOST_LEVELS: usize = 32;

/// How many values, keys included, a document may have: reading takes some 200 bytes for each.
const MOST_VALUES: usize = 250_000;

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MOST_LEVELS,
            max_nodes: MOST_VALUES,
        },
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        with_snippet: false,
        // Nobody reads them, and keeping them takes a tenth of the time.
        emit_comments: false,
    }
}

/// A node before it knows which text it is from.
enum Raw {
    Leaf(Value),
    Sequence(Vec<Spanned<Raw>>),
    Mapping(Vec<(Spanned<String>, Spanned<Raw>)>),
}

impl Raw {
    fn into_node(self, at: Place, place: &impl Fn(Location) -> Place) -> Node {
        let child = |node: Spanned<Self>| node.value.into_node(place(node.referenced), place);
        let value = match self {
            Self::Leaf(value) => value,
            Self::Sequence(nodes) => Value::Sequence(nodes.into_iter().map(child).collect()),
            Self::Mapping(entries) => {
                let entry = |(key, node): (Spanned<String>, _)| Entry {
                    place: place(key.referenced),
                    key: key.value,
                    node: child(node),
                };
                Value::Mapping(entries.into_iter().map(entry).collect())
            }
        };
        Node { place: at, value }
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Leaf(Value::Boolean(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Leaf(Value::Integer(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        // Numbers beyond 64 bits with sign are of no use here; their exact value does not matter.
        Ok(Raw::Leaf(i64::try_from(value).map_or(Value::Float(f64::MAX), Value::Integer)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Leaf(Value::Float(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Leaf(Value::Text(value.to_owned())))
    }

    fn visit_string<E>(self, value: String) -> Result<Raw, E> {
        Ok(Raw::Leaf(Value::Text(value)))
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Leaf(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Leaf(Value::Null))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Raw, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = elements.next_element()? {
            nodes.push(node);
        }
        Ok(Raw::Sequence(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = members.next_entry()? {
            entries.push(entry);
        }
        Ok(Raw::Mapping(entries))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Vec<Document> {
        documents(&"f.yaml".into(), text)
    }

    fn member<'a>(node: &'a Node, key: &str) -> &'a Entry {
        let Value::Mapping(entries) = &node.value else { panic!("no mapping") };
        entries.iter().find(|entry| entry.key == key).unwrap()
    }

    #[test]
    fn every_node_knows_its_line_and_column() {
        let documents = read("# comment\na: 1\nb:\n  - x\n  - {c: true}\n---\nd: text\n");
        let [first, second] = &documents[..] else { panic!("two documents") };
        let first = first.content.as_ref().unwrap().as_ref().unwrap();
        assert_eq!(member(first, "a").place.to_string(), "f.yaml:2:1");
        assert_eq!(member(first, "a").node.place.to_string(), "f.yaml:2:4");
        let Value::Sequence(list) = &member(first, "b").node.value else { panic!("no list") };
        assert_eq!(list[0].place.to_string(), "f.yaml:4:5");
        assert_eq!(member(&list[1], "c").node.place.to_string(), "f.yaml:5:9");
        assert_eq!(second.place.to_string(), "f.yaml:6:1");
        let second = second.content.as_ref().unwrap().as_ref().unwrap();
        assert_eq!(member(second, "d").node.place.to_string(), "f.yaml:7:4");
    }

    #[test]
    fn one_document_that_is_no_yaml_leaves_the_others_alone() {
        let documents = read("a: 1\n---\nb: [1\nc: 2\n--- \nd: 3\n");
        assert_eq!(documents.len(), 3);
        assert!(documents[0].content.is_ok());
        let fault = documents[1].content.as_ref().unwrap_err();
        assert_eq!(fault.code, Code::YamlSyntax);
        assert!((3..=5).contains(&fault.place.line), "{fault}");
        let last = documents[2].content.as_ref().unwrap().as_ref().unwrap();
        assert_eq!(member(last, "d").node.value, Value::Integer(3));
    }

    #[test]
    fn a_key_that_stands_twice_is_a_fault() {
        let documents = read("a: 1\nb: 2\na: 3\n");
        let fault = documents[0].content.as_ref().unwrap_err();
        assert_eq!(fault.place.line, 3, "{fault}");
    }

    #[test]
    fn scalars_are_those_of_yaml_1_2() {
        for (text, value) in [
            ("true", Value::Boolean(true)),
            ("yes", Value::Text("yes".into())),
            ("0123", Value::Text("0123".into())),
            ("12", Value::Integer(12)),
            ("-1", Value::Integer(-1)),
            ("1.5", Value::Float(1.5)),
            ("'12'", Value::Text("12".into())),
            ("[]", Value::Sequence(Vec::new())),
        ] {
            let node = fragment(&"variable".into(), text).unwrap().unwrap();
            assert_eq!(node.value, value, "{text}");
            assert_eq!(node.place.to_string(), "variable");
        }
    }

    #[test]
    fn empty_documents_are_nothing() {
        for text in ["", "\n", "---\n", "# only a comment\n", "---\n---\n", "~"] {
            assert!(read(text).is_empty(), "{text:?}");
        }
    }

    #[test]
    fn aliases_cannot_grow_without_end() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
            text += &format!("a{level}: &a{level} [{aliases}]\n");
        }
        assert!(read(&text)[0].content.is_err());
    }

    /// On a stack as small as those of the threads that read documents, in debug builds too.
    #[test]
    fn what_lies_too_deep_is_a_fault_and_never_overflows_the_stack() {
        let repeat = |part: &str| part.repeat(64);
        let block: String = (0..64).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
        let mut aliased = "a0: &a0 [[[[[[[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]]]]]]\n".to_owned();
        for level in 1..4 {
            aliased += &format!("a{level}: &a{level} [[[[[[[[*a{}]]]]]]]]\n", level - 1);
        }
        let texts = [repeat("{a: "), repeat("["), repeat("- "), repeat("? "), block, aliased];
        let read_all = move || {
            for text in texts {
                let documents = read(&format!("{text}\n---\nb: 1\n"));
                let fault = documents[0].content.as_ref().unwrap_err();
                assert_eq!(fault.code, Code::YamlSyntax, "{text}");
                assert!(documents[1].content.is_ok(), "{text}");
            }
            let levels = |number| "{a: ".repeat(number) + "1" + &"}".repeat(number);
            assert!(read(&levels(MOST_LEVELS))[0].content.is_ok());
            let deeper = read(&levels(MOST_LEVELS + 1));
            let fault = deeper[0].content.as_ref().unwrap_err();
            assert!(fault.message.contains("32 levels"), "{fault}");
        };
        let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(read_all);
        thread.unwrap().join().unwrap();
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[a-z0-9:\\[\\]{}&*#|>'\"\n \t,-]{0,80}") {
            read(&text);
        }
    }
}
