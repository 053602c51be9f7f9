//! `applications`: where documents come from, and what holds where they say nothing.

use std::collections::BTreeSet;

use super::{
    super::{DocumentPath, Namespaces, document::check_members},
    values::Values,
};
use crate::{
    finding::Code,
    identifiers::ApplicationId,
    policy::Mode,
    yaml::{Node, Reader, Value},
};

const ACTIVE: &str = "applications.paths";
const CANDIDATE: &str = "applications.candidate_paths";
const OF_CLUSTER: &str = "applications.kubernetes.namespaces";

/// The files and folders of the documents in force.
pub fn paths(values: &mut Values<'_>) -> Vec<DocumentPath> {
    read_paths(ACTIVE, values)
}

/// Those of the documents that are tried beside them.
pub fn candidate_paths(values: &mut Values<'_>) -> Vec<DocumentPath> {
    read_paths(CANDIDATE, values)
}

/// One that stands there twice would leave open what holds for it.
fn read_paths(key: &'static str, values: &mut Values<'_>) -> Vec<DocumentPath> {
    let mut paths: Vec<DocumentPath> = Vec::new();
    for node in values.elements(key) {
        match path(key, node, values) {
            Some(path) if paths.iter().any(|other| other.path == path.path) => {
                let message = format!("{key} has {} twice.", path.path.display());
                values.reader.error(&node.place, Code::InvalidValue, message);
            }
            path => paths.extend(path),
        }
    }
    paths
}

fn path(key: &'static str, node: &Node, values: &mut Values<'_>) -> Option<DocumentPath> {
    if !matches!(node.value, Value::Mapping(_)) {
        let text = values.reader.text(node, key)?;
        return Some(values.resolve(text, &node.place).into());
    }
    let reader = &mut *values.reader;
    let element = format!("{key}[]");
    check_members(node, &element, reader);
    let members = reader.mapping(node, &element)?;
    let namespaces = match members.get("namespaces") {
        Some(node) => namespaces(node, &format!("{element}.namespaces"), reader),
        None => Some(Namespaces::Any),
    };
    let what = format!("{element}.path");
    let Some(stated) = members.get("path") else {
        reader.error(&node.place, Code::Missing, format!("{what} is missing."));
        return None;
    };
    let text = reader.text(stated, &what)?;
    Some(DocumentPath { path: values.resolve(text, &stated.place), namespaces: namespaces? })
}

/// The namespaces of the cluster; none stated are all.
pub fn kubernetes(values: &mut Values<'_>) -> Option<Namespaces> {
    let is_enabled = values.boolean("applications.kubernetes.enabled", false);
    let namespaces = match values.node(OF_CLUSTER) {
        Some(node) => names(node, OF_CLUSTER, values.reader)?,
        None => BTreeSet::new(),
    };
    match (is_enabled, namespaces.is_empty()) {
        (false, _) => None,
        (true, true) => Some(Namespaces::Any),
        (true, false) => Some(Namespaces::Only(namespaces)),
    }
}

/// What becomes of refused requests where no document says so.
pub fn default_mode(values: &mut Values<'_>) -> Mode {
    let choices = Mode::ALL.map(|mode| (mode.as_str(), mode));
    values.choice("applications.default_mode", &choices)
}

fn names(node: &Node, what: &str, reader: &mut Reader) -> Option<BTreeSet<String>> {
    let mut namespaces = BTreeSet::new();
    for node in reader.sequence(node, what)? {
        let name = reader.text(node, what)?;
        if ApplicationId::new("c", name, "a").is_err() {
            let message = format!("{what}: \"{name}\" cannot be a namespace.");
            reader.error(&node.place, Code::InvalidValue, message);
        }
        namespaces.insert(name.to_owned());
    }
    Some(namespaces)
}

fn namespaces(node: &Node, what: &str, reader: &mut Reader) -> Option<Namespaces> {
    let namespaces = names(node, what, reader)?;
    if namespaces.is_empty() {
        let message = format!("{what} must name one at least, or be left out for all.");
        reader.error(&node.place, Code::InvalidValue, message);
    }
    Some(Namespaces::Only(namespaces))
}
