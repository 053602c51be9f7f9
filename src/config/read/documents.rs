//! `applications.paths` and `applications.kubernetes`.

use std::collections::BTreeSet;

use super::{
    super::{DocumentPath, Namespaces, document::check_members},
    values::Values,
};
use crate::{
    finding::Code,
    identifiers::ApplicationId,
    yaml::{Node, Reader, Value},
};

const PATHS: &str = "applications.paths";
const PATH: &str = "applications.paths[].path";
const NAMESPACES: &str = "applications.paths[].namespaces";
const OF_CLUSTER: &str = "applications.kubernetes.namespaces";

/// The files and folders. One that stands there twice would leave open what holds for it.
pub fn paths(values: &mut Values<'_>) -> Vec<DocumentPath> {
    let mut paths: Vec<DocumentPath> = Vec::new();
    for node in values.elements(PATHS) {
        match path(node, values) {
            Some(path) if paths.iter().any(|other| other.path == path.path) => {
                let message = format!("{PATHS} has {} twice.", path.path.display());
                values.reader.error(&node.place, Code::InvalidValue, message);
            }
            path => paths.extend(path),
        }
    }
    paths
}

fn path(node: &Node, values: &mut Values<'_>) -> Option<DocumentPath> {
    if !matches!(node.value, Value::Mapping(_)) {
        let text = values.reader.text(node, PATHS)?;
        return Some(values.resolve(text, &node.place).into());
    }
    let reader = &mut *values.reader;
    check_members(node, "applications.paths[]", reader);
    let members = reader.mapping(node, "applications.paths[]")?;
    let namespaces = match members.get("namespaces") {
        Some(node) => namespaces(node, reader),
        None => Some(Namespaces::Any),
    };
    let Some(stated) = members.get("path") else {
        reader.error(&node.place, Code::Missing, format!("{PATH} is missing."));
        return None;
    };
    let text = reader.text(stated, PATH)?;
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

fn namespaces(node: &Node, reader: &mut Reader) -> Option<Namespaces> {
    let namespaces = names(node, NAMESPACES, reader)?;
    if namespaces.is_empty() {
        let message = format!("{NAMESPACES} must name one at least, or be left out for all.");
        reader.error(&node.place, Code::InvalidValue, message);
    }
    Some(Namespaces::Only(namespaces))
}
