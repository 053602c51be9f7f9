//! Files of cases.
//!
//! A document of the kind `PolicyTest` stands beside those of NAIS, in a file of its own or in one
//! of theirs; whoever serves or checks documents passes it over. Nothing in it is passed over here:
//! what is misspelt would be a test that tests nothing.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    case::{Caller, Case, Expected},
    names,
};
use crate::{
    finding::{Code, Finding, Place},
    identifiers::{ApplicationId, GroupId},
    suggest,
    yaml::{self, Entry, Mapping, Node, Reader, Value},
};

const API_VERSION: &str = "portvakt.dev/v1";
const KIND: &str = "PolicyTest";
const TOP: &[&str] = &["apiVersion", "kind", "target", "groups", "cases"];
const CASE: &[&str] =
    &["name", "caller", "target", "method", "path", "presented_by", "preflight", "expect"];
const CALLER: &[&str] = &["application", "roles", "user"];
const USER: &[&str] = &["groups", "groups_overage", "through", "scopes"];

/// What the files of cases hold.
#[derive(Debug, Default)]
pub struct CasesRead {
    pub cases: Vec<Case>,
    /// Each of them an error: a case that is not understood is none.
    pub findings: Vec<Finding>,
}

/// Reads the cases of a file. Documents of other kinds, and what is no YAML, are others' to read.
pub fn read(source: &Arc<str>, text: &str, cluster: &str, into: &mut CasesRead) {
    // Most files hold none, and need not be read a second time.
    if !text.contains(KIND) && !text.contains("portvakt.dev/v") {
        return;
    }
    let mut reader = Reader::default();
    for document in yaml::stream(source, text) {
        if let Ok(Some(node)) = document.content
            && let Some(document) = of_our_kind(&node, &mut reader)
        {
            read_document(document, cluster, &mut reader, &mut into.cases);
        }
    }
    into.findings.extend(reader.into_findings());
}

/// A document that is meant to be ours, its `apiVersion` and `kind` found fault with.
fn of_our_kind<'n>(node: &'n Node, reader: &mut Reader) -> Option<Mapping<'n>> {
    let Value::Mapping(entries) = &node.value else { return None };
    let entry = |key: &str| entries.iter().find(|entry| entry.key == key);
    let text = |entry: Option<&Entry>| match entry.map(|entry| &entry.node.value) {
        Some(Value::Text(text)) => text.clone(),
        _ => String::new(),
    };
    let (version, kind) = (text(entry("apiVersion")), text(entry("kind")));
    if kind != KIND && !version.starts_with("portvakt.dev/") {
        return None;
    }
    let mut check = |key: &str, found: &str, wanted: &str| {
        let place = entry(key).map_or(&node.place, |entry| &entry.node.place);
        if found != wanted {
            let message = format!("{key} of a policy test must be {wanted}, not \"{found}\".");
            reader.error(place, Code::InvalidValue, message);
        }
    };
    check("apiVersion", &version, API_VERSION);
    check("kind", &kind, KIND);
    reader.mapping(node, "A document")
}

/// What a file states for all of its cases.
struct Common<'a> {
    cluster: &'a str,
    target: Option<(ApplicationId, Place)>,
    groups: BTreeMap<String, GroupId>,
}

fn read_document(top: Mapping<'_>, cluster: &str, reader: &mut Reader, into: &mut Vec<Case>) {
    names::refuse_unknown(top, "A policy test", TOP, reader);
    let mark = reader.mark();
    let target = top.get("target").and_then(|node| read_target(node, cluster, reader));
    if reader.has_errors_since(mark) {
        return;
    }
    let groups = top.get("groups").map(|node| names::named_groups(node, reader));
    let common = Common { cluster, target, groups: groups.unwrap_or_default() };
    let Some(cases) = top.get("cases") else {
        reader.error(top.place, Code::Missing, "A policy test must have cases.");
        return;
    };
    let place = &cases.place;
    let Some(cases) = reader.sequence(cases, "cases") else { return };
    if cases.is_empty() {
        reader.error(place, Code::Missing, "A policy test must have cases: there is none.");
    }
    into.extend(cases.iter().filter_map(|node| read_case(node, &common, reader)));
}

fn read_target(node: &Node, cluster: &str, reader: &mut Reader) -> Option<(ApplicationId, Place)> {
    let id = names::application(node, "target", (cluster, None), reader)?;
    Some((id, node.place.clone()))
}

fn read_case(node: &Node, common: &Common<'_>, reader: &mut Reader) -> Option<Case> {
    let mark = reader.mark();
    let case = reader.mapping(node, "A case")?;
    names::refuse_unknown(case, "A case", CASE, reader);
    let own = case.get("target").map(|node| read_target(node, common.cluster, reader));
    let Some((target, target_place)) = own.unwrap_or_else(|| common.target.clone()) else {
        if case.get("target").is_none() {
            let message = "A case must have a target, of its own or of the whole document.";
            reader.error(case.place, Code::Missing, message);
        }
        return None;
    };
    let mut text = |key: &str| case.get(key).and_then(|node| reader.text(node, key));
    let (name, method, path) = (text("name"), text("method"), text("path"));
    let presented_by =
        case.get("presented_by").and_then(|node| names::presenter(node, &target, reader));
    let preflight = case.get("preflight").and_then(|node| reader.boolean(node, "preflight"));
    let caller = read_caller(case, &target, &common.groups, reader);
    let expected = read_expected(case, reader);
    let (caller, expected) = (caller?, expected?);
    // What was found fault with must not run as if it had not been written.
    (!reader.has_errors_since(mark)).then(|| Case {
        place: node.place.clone(),
        name: name.map_or_else(
            || format!("{target}: {expected}"),
            |name| name.replace(char::is_control, " "),
        ),
        caller,
        target,
        target_place,
        method: method.unwrap_or("GET").to_owned(),
        path: path.unwrap_or("/").to_owned(),
        presented_by,
        preflight: preflight.unwrap_or_default(),
        expected,
    })
}

fn read_caller(
    case: Mapping<'_>,
    target: &ApplicationId,
    groups: &BTreeMap<String, GroupId>,
    reader: &mut Reader,
) -> Option<Caller> {
    const MISSING: &str = "A case must have a caller: an application, {user: …}, or anonymous.";
    let node = needed(case, "caller", MISSING, reader)?;
    match &node.value {
        Value::Text(text) if text == "anonymous" => return Some(Caller::Anonymous),
        Value::Text(_) => {
            let who = names::who(node, "caller", target, reader)?;
            return Some(Caller::Application { who, roles: None });
        }
        _ => {}
    }
    let caller = reader.mapping(node, "caller")?;
    names::refuse_unknown(caller, "caller", CALLER, reader);
    match (caller.get("application"), caller.get("user")) {
        (Some(application), None) => {
            let roles = caller.get("roles").map(|node| texts(node, "roles", reader));
            let who = names::who(application, "application", target, reader)?;
            Some(Caller::Application { who, roles })
        }
        (None, Some(user)) => {
            if let Some(roles) = caller.entry("roles") {
                let message = "roles are an application's: a user's stand for nothing.";
                reader.error(&roles.place, Code::InvalidValue, message);
            }
            read_user(user, target, groups, reader)
        }
        _ => {
            let message = "caller must have application or user, and not both. A user of no group \
                           is user: {}.";
            reader.error(caller.place, Code::InvalidValue, message);
            None
        }
    }
}

fn read_user(
    node: &Node,
    target: &ApplicationId,
    named: &BTreeMap<String, GroupId>,
    reader: &mut Reader,
) -> Option<Caller> {
    let user = reader.mapping(node, "user")?;
    names::refuse_unknown(user, "user", USER, reader);
    let groups = user.get("groups").and_then(|node| reader.sequence(node, "groups"));
    let groups = groups.unwrap_or_default().iter();
    let groups = groups.filter_map(|node| names::group(node, named, reader)).collect::<Vec<_>>();
    let overage =
        user.get("groups_overage").and_then(|node| reader.boolean(node, "groups_overage"));
    let overage = overage.unwrap_or_default();
    if overage && !groups.is_empty() {
        let message = "A token with groups_overage lists no groups: state one of the two.";
        reader.error(user.place, Code::InvalidValue, message);
    }
    let through = user.get("through").map(|node| names::who(node, "through", target, reader));
    let scopes = user.get("scopes").map(|node| (node, texts(node, "scopes", reader)));
    if let Some((node, scopes)) = &scopes
        && scopes.is_empty()
    {
        let message = "A user's token carries a scope, or it is none: state another one.";
        reader.error(&node.place, Code::InvalidValue, message);
    }
    let through = match through {
        Some(read) => Some(read?),
        None => None,
    };
    Some(Caller::User { through, scopes: scopes.map(|(_, scopes)| scopes), groups, overage })
}

/// A member that every case has. One that is misspelt is told of as an unknown key.
fn needed<'n>(
    case: Mapping<'n>,
    key: &str,
    missing: &str,
    reader: &mut Reader,
) -> Option<&'n Node> {
    let node = case.get(key);
    let mut keys = case.entries().map(|entry| entry.key.as_str());
    if node.is_none() && keys.all(|other| suggest::closest(other, [key]).is_none()) {
        reader.error(case.place, Code::Missing, missing);
    }
    node
}

fn texts(node: &Node, what: &str, reader: &mut Reader) -> Vec<String> {
    let nodes = reader.sequence(node, what).unwrap_or_default();
    nodes.iter().filter_map(|node| reader.text(node, what)).map(ToOwned::to_owned).collect()
}

fn read_expected(case: Mapping<'_>, reader: &mut Reader) -> Option<Expected> {
    const MISSING: &str = "A case must say what to expect: allow, deny, or a reason.";
    let node = needed(case, "expect", MISSING, reader)?;
    match &node.value {
        Value::Mapping(_) => names::expected_both(reader.mapping(node, "expect")?, reader),
        _ => names::expected_word(node, reader),
    }
}

#[cfg(test)]
mod tests;
