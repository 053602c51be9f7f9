//! Files of NAIS documents: each document read on its own, with its last good version kept.

use std::{collections::HashMap, slice, sync::Arc};

use super::{
    document::{Document, Kind, Named},
    manifest::read_manifest,
    registration::read_registration,
};
use crate::{
    finding::{Code, Finding},
    identifiers::ApplicationId,
    yaml::{self, Mapping, Node, Reader, Value},
};

/// What a file of documents says.
#[derive(Debug, Default)]
pub struct Manifests {
    /// Documents of our kinds, in the order of the file.
    pub documents: Vec<Document>,
    pub findings: Vec<Finding>,
}

impl Manifests {
    /// Reads a file. A document with an error stays as it was before; where one cannot even be
    /// told by name, every earlier document that is not found again stays too.
    pub fn read(source: &Arc<str>, text: &str, earlier: Option<Self>, cluster: &str) -> Self {
        let mut reader = Reader::default();
        let mut documents = Vec::new();
        let mut is_any_nameless = false;
        for part in yaml::stream(source, text) {
            match part.content {
                Ok(None) => {}
                Ok(Some(node)) => {
                    for item in items(&node) {
                        match read_document(item, cluster, &mut reader) {
                            Ok(document) => documents.extend(document),
                            Err(Nameless) => is_any_nameless = true,
                        }
                    }
                }
                Err(finding) => {
                    reader.add(finding);
                    is_any_nameless = true;
                }
            }
        }
        if let Some(earlier) = earlier {
            keep_last_good(&mut documents, earlier.documents, is_any_nameless);
        }
        Self { documents, findings: reader.into_findings() }
    }
}

/// Puts earlier versions where documents are broken, or may be because one has no name.
fn keep_last_good(documents: &mut Vec<Document>, earlier: Vec<Document>, is_any_nameless: bool) {
    let mut found = HashMap::new();
    for (index, document) in documents.iter().enumerate() {
        found.entry(document.identity()).or_insert(index);
    }
    for earlier in earlier {
        match found.get(&earlier.identity()) {
            Some(&index) if documents[index].is_broken() => documents[index] = earlier,
            Some(_) => {}
            None if is_any_nameless => documents.push(earlier),
            None => {}
        }
    }
}

/// No YAML, or a document that may be ours and does not tell which application it describes.
struct Nameless;

/// The documents of a `List`, as `kubectl get` prints them, or the one document that it is.
fn items(node: &Node) -> &[Node] {
    let Value::Mapping(entries) = &node.value else { return slice::from_ref(node) };
    let member = |name: &str| entries.iter().find(|entry| entry.key == name).map(|e| &e.node.value);
    match (member("kind"), member("items")) {
        (Some(Value::Text(kind)), Some(Value::Sequence(items))) if kind == "List" => items,
        _ => slice::from_ref(node),
    }
}

/// A document of ours, whether broken or not; `None` for one of another kind.
fn read_document(
    node: &Node,
    cluster: &str,
    reader: &mut Reader,
) -> Result<Option<Document>, Nameless> {
    let mark = reader.mark();
    let document = reader.mapping(node, "A document").ok_or(Nameless)?;
    let Some(kind) = read_kind(document, reader)? else { return Ok(None) };
    let (id, name) = read_name(document, cluster, reader).ok_or(Nameless)?;
    let place = name.place.clone();
    Ok(Some(match kind {
        Kind::Manifest => {
            let content = read_manifest(document, &id, reader);
            let content = (!reader.has_errors_since(mark)).then_some(content);
            Document::Manifest(Named { id, place, content })
        }
        Kind::Registration => {
            let content = read_registration(document, &id, reader);
            let content = (!reader.has_errors_since(mark)).then_some(content);
            Document::Registration(Named { id, place, content })
        }
    }))
}

/// Which of our kinds a document is of; `None` for those of others, which are many.
fn read_kind(document: Mapping<'_>, reader: &mut Reader) -> Result<Option<Kind>, Nameless> {
    let api_version = document.get("apiVersion");
    let version = match api_version {
        Some(node) => Some(reader.text(node, "apiVersion").ok_or(Nameless)?),
        None => None,
    };
    let is_nais = version.is_none_or(|version| version.starts_with("nais.io/"));
    let kind = match document.get("kind") {
        Some(node) => reader.text(node, "kind").ok_or(Nameless)?,
        None if version.is_some() && is_nais => {
            reader.error(document.place, Code::Missing, "The document has no kind.");
            return Err(Nameless);
        }
        None => return Ok(None),
    };
    let kind = match kind {
        "Application" if is_nais => Kind::Manifest,
        "AzureAdApplication" if is_nais => Kind::Registration,
        _ => return Ok(None),
    };
    let wanted = kind.api_version();
    match api_version {
        Some(_) if version == Some(wanted) => {}
        Some(node) => reader.error(
            &node.place,
            Code::InvalidValue,
            format!("apiVersion of this kind must be {wanted}."),
        ),
        None => reader.error(
            document.place,
            Code::Missing,
            format!("apiVersion is missing; of this kind it is {wanted}."),
        ),
    }
    Ok(Some(kind))
}

/// Which application a document describes, and the node that names it.
fn read_name<'n>(
    document: Mapping<'n>,
    cluster: &str,
    reader: &mut Reader,
) -> Option<(ApplicationId, &'n Node)> {
    let Some(metadata) = document.get("metadata") else {
        reader.error(document.place, Code::Missing, "metadata with name and namespace is missing.");
        return None;
    };
    let metadata = reader.mapping(metadata, "metadata")?;
    let mut part = |key| {
        let Some(node) = metadata.get(key) else {
            reader.error(metadata.place, Code::Missing, format!("metadata.{key} is missing."));
            return None;
        };
        Some((node, reader.text(node, &format!("metadata.{key}"))?))
    };
    let (name, namespace) = (part("name"), part("namespace"));
    let ((node, name), (_, namespace)) = (name?, namespace?);
    let id = ApplicationId::new(cluster, namespace, name);
    if let Err(error) = &id {
        let message = format!(
            "The application \"{cluster}:{namespace}:{name}\" {error}, with parts of letters, \
             digits, -, . and _."
        );
        reader.error(&node.place, Code::InvalidValue, message);
    }
    Some((id.ok()?, node))
}

#[cfg(test)]
mod tests;
