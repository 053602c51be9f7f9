//! `headers`.

use super::{super::Headers, values::Values};
use crate::{
    finding::Code,
    policy::Fact,
    suggest,
    yaml::{Entry, Reader, Value},
};

/// Headers that mean something to others, so that they must never count as ours.
const NEVER_OURS: [&str; 8] = [
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "host",
    "te",
    "transfer-encoding",
    "x-request-id",
];
/// Beginnings of such headers.
const BEGINNINGS_NEVER_OURS: [&str; 3] = ["x-envoy-", "x-forwarded-", "x-b3-"];

pub fn read(values: &mut Values<'_>) -> Headers {
    Headers {
        prefix: prefix(values).unwrap_or_else(|| "x-caller-".to_owned()),
        names: names(values),
        strip_authorization: values.boolean("headers.strip_authorization", false),
    }
}

/// Every header that begins with the prefix is removed unless Portvakt sets it.
fn prefix(values: &mut Values<'_>) -> Option<String> {
    const PATH: &str = "headers.prefix";
    let prefix = values.text(PATH)?;
    if !is_name(prefix) || !prefix.ends_with('-') {
        values.invalid(PATH, "must be lower-case letters, digits and -, with - at its end");
        return None;
    }
    let takes_too_much = NEVER_OURS
        .iter()
        .chain(&BEGINNINGS_NEVER_OURS)
        .any(|name| name.starts_with(prefix) || prefix.starts_with(name));
    if takes_too_much {
        values
            .invalid(PATH, "would also take headers that are not Portvakt's, such as x-request-id");
        return None;
    }
    Some(prefix.to_owned())
}

fn names(values: &mut Values<'_>) -> Vec<(Fact, Option<String>)> {
    const PATH: &str = "headers.names";
    let Some(node) = values.node(PATH) else { return Vec::new() };
    let Some(members) = values.reader.mapping(node, PATH) else { return Vec::new() };
    let mut names: Vec<(Fact, Option<String>)> = Vec::new();
    for entry in members.entries() {
        let Some((fact, name)) = renamed(entry, values.reader) else { continue };
        if name.is_some() && names.iter().any(|(_, other)| *other == name) {
            let message = format!("{PATH} gives two facts the same name.");
            values.reader.error(&entry.node.place, Code::InvalidValue, message);
        }
        names.push((fact, name));
    }
    names
}

fn renamed(entry: &Entry, reader: &mut Reader) -> Option<(Fact, Option<String>)> {
    let Entry { place, key, node } = entry;
    let what = format!("headers.names.{key}");
    let Some(fact) = Fact::ALL.into_iter().find(|fact| fact.name() == key) else {
        let ending = suggest::ending(key, Fact::ALL.iter().map(|fact| fact.name()));
        reader.error(place, Code::UnknownKey, format!("There is no fact {key}{ending}"));
        return None;
    };
    if node.value == Value::Null {
        return Some((fact, None));
    }
    let name = reader.text(node, &what)?;
    let is_taken = NEVER_OURS.contains(&name)
        || BEGINNINGS_NEVER_OURS.iter().any(|beginning| name.starts_with(beginning));
    if !is_name(name) || is_taken {
        let message = format!(
            "{what} must be a name in lower-case letters, digits and - that means nothing to others."
        );
        reader.error(&node.place, Code::InvalidValue, message);
        return None;
    }
    Some((fact, Some(name.to_owned())))
}

fn is_name(text: &str) -> bool {
    let is_letter = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(is_letter)
}
