//! What applications, groups and reasons are called in cases.

use std::collections::BTreeMap;

use super::case::{ALLOW, DENY, Expected, Name, Presenter, Who, allow_reasons, reasons};
use crate::{
    finding::Code,
    identifiers::{ApplicationId, GroupId},
    suggest,
    yaml::{Mapping, Node, Reader},
};

/// Finds fault with every key that a mapping does not have.
pub fn refuse_unknown(mapping: Mapping<'_>, what: &str, known: &[&str], reader: &mut Reader) {
    for entry in mapping.entries().filter(|entry| !known.contains(&entry.key.as_str())) {
        let meant = suggest::ending(&entry.key, known.iter().copied());
        let message = format!("{what} has no key \"{}\"{meant}", entry.key);
        reader.error(&entry.place, Code::UnknownKey, message);
    }
}

/// `cluster:namespace:application`, or its last one or two parts; the others are those of
/// `context`.
pub fn application(
    node: &Node,
    what: &str,
    context: (&str, Option<&str>),
    reader: &mut Reader,
) -> Option<ApplicationId> {
    let text = reader.text(node, what)?;
    let (cluster, namespace) = context;
    let parts: Vec<_> = text.split(':').collect();
    let whole = match (&parts[..], namespace) {
        ([cluster, namespace, name], _) => Some((*cluster, *namespace, *name)),
        ([namespace, name], _) => Some((cluster, *namespace, *name)),
        ([name], Some(namespace)) => Some((cluster, namespace, *name)),
        _ => None,
    };
    let id = whole
        .and_then(|(cluster, namespace, name)| ApplicationId::new(cluster, namespace, name).ok());
    if id.is_none() {
        let short = if namespace.is_some() { ", or application" } else { "" };
        let message = format!(
            "{what}: \"{text}\" is not of the form cluster:namespace:application, or \
             namespace:application{short}."
        );
        reader.error(&node.place, Code::InvalidValue, message);
    }
    id
}

/// An application that calls: by its name, in the target's namespace unless it says otherwise, or
/// by its client id.
pub fn who(node: &Node, what: &str, target: &ApplicationId, reader: &mut Reader) -> Option<Who> {
    let place = node.place.clone();
    if let Ok(client_id) = reader.text(node, what)?.parse() {
        return Some(Who { place, name: Name::ClientId(client_id) });
    }
    let id = application(node, what, beside(target), reader)?;
    Some(Who { place, name: Name::Application(id) })
}

/// A workload: a SPIFFE id, or the application that runs there.
pub fn presenter(node: &Node, target: &ApplicationId, reader: &mut Reader) -> Option<Presenter> {
    const WHAT: &str = "presented_by";
    match reader.text(node, WHAT)? {
        principal if principal.starts_with("spiffe://") => {
            Some(Presenter::Principal(principal.to_owned()))
        }
        _ => application(node, WHAT, beside(target), reader).map(Presenter::WorkloadOf),
    }
}

fn beside(target: &ApplicationId) -> (&str, Option<&str>) {
    (target.cluster(), Some(target.namespace()))
}

/// The groups that a file gives names to.
pub fn named_groups(node: &Node, reader: &mut Reader) -> BTreeMap<String, GroupId> {
    let Some(groups) = reader.mapping(node, "groups") else { return BTreeMap::new() };
    let mut named = BTreeMap::new();
    for entry in groups.entries() {
        let id = reader.parsed(&entry.node, &format!("The group {}", entry.key));
        named.extend(id.map(|id| (entry.key.clone(), id)));
    }
    named
}

/// A group by the name that the file gives it, or by its object id.
pub fn group(
    node: &Node,
    named: &BTreeMap<String, GroupId>,
    reader: &mut Reader,
) -> Option<GroupId> {
    let text = reader.text(node, "A group")?;
    let found = named.get(text).copied().or_else(|| text.parse().ok());
    if found.is_none() {
        let meant = suggest::ending(text, named.keys().map(String::as_str));
        let message = format!(
            "\"{text}\" is neither a GUID (8-4-4-4-12 hexadecimal digits) nor one of the names \
             under groups{meant}"
        );
        reader.error(&node.place, Code::InvalidValue, message);
    }
    found
}

/// `allow`, `deny`, or the word of a reason.
pub fn expected_word(node: &Node, reader: &mut Reader) -> Option<Expected> {
    let text = reader.text(node, "expect")?;
    let nothing = Expected { allow: None, reason: None };
    match (text, reasons().find(|reason| *reason == text)) {
        (ALLOW, _) => Some(Expected { allow: Some(true), ..nothing }),
        (DENY, _) => Some(Expected { allow: Some(false), ..nothing }),
        (_, Some(reason)) => Some(Expected { reason: Some(reason), ..nothing }),
        (_, None) => {
            let meant = suggest::ending(text, reasons().chain([ALLOW, DENY]));
            let message = format!("expect: \"{text}\" is neither allow, deny nor a reason{meant}");
            reader.error(&node.place, Code::InvalidValue, message);
            None
        }
    }
}

/// `decision` and `reason`.
pub fn expected_both(mapping: Mapping<'_>, reader: &mut Reader) -> Option<Expected> {
    const KEYS: &[&str] = &["decision", "reason"];
    refuse_unknown(mapping, "expect", KEYS, reader);
    let mut word = |key| match mapping.get(key) {
        Some(node) => expected_word(node, reader).map(Some),
        None => Some(None),
    };
    let (decision, reason) = (word("decision")?, word("reason")?);
    let fault = match (decision, reason) {
        (None, None) => "expect must state a decision, a reason, or both.",
        (Some(Expected { allow: None, .. }), _) => "expect: decision must be allow or deny.",
        (_, Some(Expected { reason: None, .. })) => "expect: reason must be the word of a reason.",
        // The other way round there is a case: in shadow, what is refused is let through.
        (Some(Expected { allow: Some(false), .. }), Some(Expected { reason: Some(word), .. }))
            if allow_reasons().any(|reason| reason == word) =>
        {
            "expect: nothing is denied for that reason."
        }
        (decision, reason) => {
            let allow = decision.and_then(|decision| decision.allow);
            return Some(Expected { allow, reason: reason.and_then(|reason| reason.reason) });
        }
    };
    reader.error(mapping.place, Code::InvalidValue, fault);
    None
}
