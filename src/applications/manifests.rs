//! Files of NAIS documents: each document read on its own, with its last good version kept.

use std::{
    collections::{HashMap, HashSet},
    slice,
    sync::Arc,
};

use super::{
    document::{Document, Identity, Kind, Named},
    findings::Capped,
    manifest::read_manifest,
    registration::read_registration,
    shelf::Text,
};
use crate::{
    config::Namespaces,
    finding::{Code, Finding},
    identifiers::ApplicationId,
    yaml::{self, Mapping, Node, Reader, Value},
};

/// As many documents, of whatever kinds, are read of one file.
pub const MOST_DOCUMENTS: usize = 50_000;

/// What a file of documents says.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Manifests {
    /// Documents of our kinds, in the order of the file, then earlier ones that stay in force.
    pub documents: Vec<Document>,
    pub findings: Vec<Finding>,
    /// What the last version of the file held in which every document could be told by name.
    /// `None` where that is this version.
    whole: Option<HashSet<Identity>>,
}

/// Whose documents are read.
#[derive(Debug, Clone, Copy)]
struct Scope<'a> {
    cluster: &'a str,
    namespaces: &'a Namespaces,
}

/// A file that is being read.
struct Reading<'a> {
    scope: Scope<'a>,
    documents: Vec<Document>,
    findings: Capped,
    /// Whether every document so far can be told by name.
    is_whole: bool,
    /// How many were read, of whatever kinds.
    count: usize,
}

impl Manifests {
    /// Reads a file. A document with an error stays as it was before; where one cannot even be
    /// told by name, what the last whole version of the file held and this one does not stays too.
    pub fn read(text: Text<'_>, earlier: Option<&Self>, cluster: &str) -> Self {
        let mut reading = Reading::of(Scope { cluster, namespaces: text.namespaces });
        for part in yaml::stream(text.source, text.text) {
            if reading.count > MOST_DOCUMENTS {
                break;
            }
            reading.take(part.content);
        }
        reading.end(earlier)
    }

    /// Reads one document that stands for itself. With an error, it stays as it was before.
    pub fn of_object(node: &Node, earlier: Option<&Self>, cluster: &str) -> Self {
        let mut reading = Reading::of(Scope { cluster, namespaces: &Namespaces::Any });
        reading.take_document(node);
        reading.end(earlier)
    }

    /// A document of which no more can be read than what it is and whose, if that. It stays as it
    /// was before.
    pub fn of_unreadable(
        document: Option<Document>,
        finding: Finding,
        earlier: Option<&Self>,
    ) -> Self {
        let is_whole = document.is_some();
        Self::after(earlier, document.into_iter().collect(), vec![finding], is_whole)
    }

    /// What was read, and what stays of an earlier version.
    fn after(
        earlier: Option<&Self>,
        mut documents: Vec<Document>,
        findings: Vec<Finding>,
        is_whole: bool,
    ) -> Self {
        let held = || earlier.map(Self::held_when_whole).unwrap_or_default();
        let whole = (!is_whole).then(held);
        if let Some(earlier) = earlier {
            keep_last_good(&mut documents, &earlier.documents, whole.as_ref());
        }
        Self { documents, findings, whole }
    }

    fn held_when_whole(&self) -> HashSet<Identity> {
        let held = || self.documents.iter().map(Document::identity).collect();
        self.whole.clone().unwrap_or_else(held)
    }
}

impl<'a> Reading<'a> {
    fn of(scope: Scope<'a>) -> Self {
        let findings = Capped::default();
        Self { scope, documents: Vec::new(), findings, is_whole: true, count: 0 }
    }

    fn end(self, earlier: Option<&Manifests>) -> Manifests {
        let findings = self.findings.into_findings();
        Manifests::after(earlier, self.documents, findings, self.is_whole)
    }

    fn take(&mut self, content: Result<Option<Node>, Finding>) {
        match content {
            Ok(None) => {}
            Ok(Some(node)) => items(&node).iter().for_each(|item| self.take_document(item)),
            Err(finding) => {
                self.count += 1;
                self.is_whole = false;
                self.findings.extend([finding]);
            }
        }
    }

    fn take_document(&mut self, node: &Node) {
        self.count += 1;
        let mut reader = Reader::default();
        if self.count <= MOST_DOCUMENTS {
            match read_document(node, self.scope, &mut reader) {
                Ok(document) => self.documents.extend(document),
                Err(Nameless) => self.is_whole = false,
            }
        } else if self.count == MOST_DOCUMENTS + 1 {
            self.is_whole = false;
            let message = format!(
                "The file has more than {MOST_DOCUMENTS} documents: from here on none is read. \
                 Divide it."
            );
            reader.error(&node.place, Code::TooMany, message);
        }
        self.findings.extend(reader.into_findings());
    }
}

/// Puts earlier versions where documents are broken, and those of `missing`, which may be there
/// and cannot be told by name.
fn keep_last_good(
    documents: &mut Vec<Document>,
    earlier: &[Document],
    missing: Option<&HashSet<Identity>>,
) {
    let mut found = HashMap::new();
    for (index, document) in documents.iter().enumerate() {
        found.entry(document.identity()).or_insert(index);
    }
    let mut times = HashMap::<_, usize>::new();
    for earlier in earlier {
        *times.entry(earlier.identity()).or_default() += 1;
    }
    for earlier in earlier {
        let identity = earlier.identity();
        match found.get(&identity) {
            // Of two that contradicted each other, neither is the good one.
            Some(&index) if documents[index].is_broken() && times[&identity] == 1 => {
                documents[index] = earlier.clone();
            }
            Some(_) => {}
            None if missing.is_some_and(|missing| missing.contains(&identity)) => {
                documents.push(earlier.clone());
            }
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

/// A document of ours, whether broken or not; `None` for one of another kind, or that its file may
/// not hold.
fn read_document(
    node: &Node,
    scope: Scope<'_>,
    reader: &mut Reader,
) -> Result<Option<Document>, Nameless> {
    let mark = reader.mark();
    let document = reader.mapping(node, "A document").ok_or(Nameless)?;
    let Some(kind) = read_kind(document, reader)? else { return Ok(None) };
    let (id, name) = read_name(document, scope.cluster, reader).ok_or(Nameless)?;
    let place = name.place.clone();
    if !scope.namespaces.allow(id.namespace()) {
        let message = format!(
            "This {} of {id} is ignored: applications.paths does not name the namespace {} for \
             this place.",
            kind.as_str(),
            id.namespace()
        );
        reader.error(&place, Code::ForeignNamespace, message);
        return Ok(None);
    }
    Ok(Some(match kind {
        Kind::Manifest => {
            let content = read_manifest(document, &id, reader);
            let content = if reader.has_errors_since(mark) { Err(content) } else { Ok(content) };
            Document::Manifest(Arc::new(Named { id, place, content }))
        }
        Kind::Registration => {
            let content = read_registration(document, &id, reader);
            let content = if reader.has_errors_since(mark) { Err(content) } else { Ok(content) };
            Document::Registration(Arc::new(Named { id, place, content }))
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
pub use tests::read as read_for_tests;

#[cfg(test)]
mod tests;
