//! The configuration file with what the environment overrides, as one tree.

use std::{path::Path, sync::Arc};

use super::{
    Environment,
    keys::{KEYS, Key, Kind},
};
use crate::{
    file::{self, MOST_OF_A_TEXT},
    finding::{Code, Place},
    suggest,
    yaml::{self, Entry, Node, Reader, Value},
};

const PREFIX: &str = "PORTVAKT_";

/// Names the file of the configuration; no key.
const FILE_VARIABLE: &str = "PORTVAKT_CONFIG";

/// The tree.
#[derive(Debug)]
pub(super) struct Document {
    root: Node,
}

impl Document {
    /// Reads the file, if there is one, and puts the environment's overrides in. `None` where
    /// there is a file that is no YAML: what follows from that would hide the fault.
    ///
    /// Keys that the configuration does not have are errors, wherever they stand.
    pub(super) fn read(
        file: Option<&Path>,
        environment: &Environment,
        reader: &mut Reader,
    ) -> Option<Self> {
        let root = match file {
            Some(file) => read_file(file, reader)?,
            None => empty("the configuration"),
        };
        check_keys(&root, "", reader);
        let mut document = Self { root };
        document.override_by(environment, reader);
        Some(document)
    }

    /// The value of a key, given by its path. Null counts as absent.
    pub(super) fn get(&self, path: &str) -> Option<&Node> {
        debug_assert!(KEYS.iter().any(|key| key.path.starts_with(path)), "{path} is no key");
        path.split('.').try_fold(&self.root, member)
    }

    /// The whole of it.
    pub(super) fn place(&self) -> &Place {
        &self.root.place
    }

    fn override_by(&mut self, environment: &Environment, reader: &mut Reader) {
        for (name, value) in environment.beginning_with(PREFIX) {
            if name == FILE_VARIABLE || is_of_kubernetes(name) {
                continue;
            }
            let place = Place::whole(format!("environment variable {name}"));
            match KEYS.iter().find(|key| key.variable().as_deref() == Some(name)) {
                Some(key) => {
                    if let Some(node) = value_of(key, value, place, reader) {
                        put(&mut self.root, key.path, node);
                    }
                }
                None => unknown_variable(name, &place, reader),
            }
        }
    }
}

/// The variables that Kubernetes makes for Services named `portvakt` or `portvakt-mesh`:
/// `PORTVAKT_SERVICE_HOST`, `PORTVAKT_MESH_PORT_9001_TCP` and their like.
fn is_of_kubernetes(name: &str) -> bool {
    let is_nested = name.contains("__");
    !is_nested && ["_SERVICE_HOST", "_SERVICE_PORT", "_PORT"].iter().any(|part| name.contains(part))
}

fn unknown_variable(name: &str, place: &Place, reader: &mut Reader) {
    let variables: Vec<_> = KEYS.iter().filter_map(Key::variable).collect();
    let ending = suggest::ending(name, variables.iter().map(String::as_str));
    reader.error(place, Code::UnknownKey, format!("No key has this variable{ending}"));
}

fn value_of(key: &Key, value: &str, place: Place, reader: &mut Reader) -> Option<Node> {
    match key.kind {
        Kind::Text => Some(Node { place, value: Value::Text(value.to_owned()) }),
        Kind::Yaml => match yaml::fragment(&place.source, value) {
            Ok(node) => node,
            Err(finding) => {
                reader.add(finding);
                None
            }
        },
    }
}

fn read_file(path: &Path, reader: &mut Reader) -> Option<Node> {
    let source: Arc<str> = path.display().to_string().into();
    let text = match file::text(path, MOST_OF_A_TEXT) {
        Ok(text) => text,
        Err(error) => {
            let message = format!("The configuration cannot be read: {error}.");
            reader.error(&Place::whole(source), Code::FileUnreadable, message);
            return None;
        }
    };
    let mut documents = yaml::documents(&source, &text).into_iter();
    let Some(first) = documents.next() else { return Some(empty(&source)) };
    if let Some(second) = documents.next() {
        let message = "The configuration is one document; what follows here is another.";
        reader.error(&second.place, Code::InvalidValue, message);
    }
    match first.content {
        Ok(root) => Some(root.unwrap_or_else(|| empty(&source))),
        Err(finding) => {
            reader.add(finding);
            None
        }
    }
}

fn empty(source: &str) -> Node {
    Node { place: Place::whole(source), value: Value::Mapping(Vec::new()) }
}

/// Finds every member of a list's element that the table does not have.
pub(super) fn check_members(node: &Node, list: &str, reader: &mut Reader) {
    check_keys(node, list, reader);
}

/// Finds every key that the table does not have, below `parent`.
fn check_keys(node: &Node, parent: &str, reader: &mut Reader) {
    let what = if parent.is_empty() { "The configuration" } else { parent };
    let Some(mapping) = reader.mapping(node, what) else { return };
    for Entry { place, key, node } in mapping.entries() {
        let path = if parent.is_empty() { key.clone() } else { format!("{parent}.{key}") };
        if is_leaf(&path) {
            continue;
        }
        let begins = format!("{path}.");
        if !KEYS.iter().any(|key| key.path.starts_with(&begins)) {
            let ending = suggest::ending(key, members_of(parent));
            reader.error(place, Code::UnknownKey, format!("There is no key {path}{ending}"));
        } else if node.value != Value::Null {
            check_keys(node, &path, reader);
        }
    }
}

fn is_leaf(path: &str) -> bool {
    let is = |key: &Key| key.path == path || key.path.strip_suffix(".*") == Some(path);
    KEYS.iter().any(is)
}

/// The names that may stand below a key.
fn members_of(parent: &str) -> impl Iterator<Item = &'static str> {
    let prefix = if parent.is_empty() { String::new() } else { format!("{parent}.") };
    KEYS.iter()
        .filter_map(move |key| key.path.strip_prefix(prefix.as_str()))
        .map(|rest| rest.split(['.', '[']).next().unwrap_or(rest))
}

fn member<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    let Value::Mapping(entries) = &node.value else { return None };
    let entry = entries.iter().find(|entry| entry.key == name)?;
    (entry.node.value != Value::Null).then_some(&entry.node)
}

/// Puts a value at a path, in place of whatever stood there.
fn put(node: &mut Node, path: &str, value: Node) {
    if !matches!(node.value, Value::Mapping(_)) {
        node.value = Value::Mapping(Vec::new());
    }
    let Value::Mapping(entries) = &mut node.value else { return };
    let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
    let index = entries.iter().position(|entry| entry.key == name).unwrap_or_else(|| {
        let node = Node { place: value.place.clone(), value: Value::Null };
        entries.push(Entry { place: value.place.clone(), key: name.to_owned(), node });
        entries.len() - 1
    });
    match rest {
        Some(rest) => put(&mut entries[index].node, rest, value),
        None => entries[index].node = value,
    }
}
