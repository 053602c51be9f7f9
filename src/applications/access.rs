//! What both kinds of documents say in the same words: rules of consumers, and users.

use super::{
    document::{Consumer, Located, Rule, Users},
    keys::warn_of_unknown,
};
use crate::{
    finding::Code,
    identifiers::{ApplicationId, GroupId},
    yaml::{Mapping, Node, Reader},
};

/// As many rules, groups or ingresses may a document have. A rule takes up to a kilobyte.
pub const MOST_ELEMENTS: usize = 2_000;

const RULE: &[&str] = &["application", "namespace", "cluster", "permissions"];
const CLAIMS: &[&str] = &["groups", "extra"];
const GROUP: &[&str] = &["id"];

/// Reads a list of rules. What a rule leaves out is that of the application it protects.
pub fn read_rules(
    node: &Node,
    what: &str,
    protected: &ApplicationId,
    reader: &mut Reader,
) -> Vec<Rule> {
    let rules = read_list(node, what, reader);
    rules.iter().filter_map(|rule| read_rule(rule, protected, reader)).collect()
}

/// The elements of a list that is in force as long as its document is: none where it is so long
/// that a few of its kind would take the memory of all.
pub fn read_list<'n>(node: &'n Node, what: &str, reader: &mut Reader) -> &'n [Node] {
    let elements = reader.sequence(node, what).unwrap_or_default();
    if elements.len() <= MOST_ELEMENTS {
        return elements;
    }
    let message = format!(
        "{what} has {} elements, and may have {MOST_ELEMENTS}. Divide the application.",
        elements.len()
    );
    reader.error(&node.place, Code::TooMany, message);
    &[]
}

fn read_rule(node: &Node, protected: &ApplicationId, reader: &mut Reader) -> Option<Rule> {
    let rule = reader.mapping(node, "A rule")?;
    warn_of_unknown(rule, "A rule", RULE, reader);
    let consumer = read_consumer(rule, protected, reader)?;
    Some(Rule { place: node.place.clone(), value: consumer })
}

/// Reads whom a rule names, its `application`, `namespace` and `cluster`.
pub fn read_consumer(
    rule: Mapping<'_>,
    protected: &ApplicationId,
    reader: &mut Reader,
) -> Option<Consumer> {
    const ANY: &str = "*";
    let Some(application) = rule.get("application") else {
        reader.error(rule.place, Code::Missing, "A rule must name an application.");
        return None;
    };
    let name = reader.text(application, "application");
    let namespace = part(rule, "namespace", protected.namespace(), reader);
    let cluster = part(rule, "cluster", protected.cluster(), reader);
    let (name, namespace, cluster) = (name?, namespace?, cluster?);
    if [name, namespace, cluster].contains(&ANY) {
        return Some(Consumer::Anyone);
    }
    let consumer = ApplicationId::new(cluster, namespace, name);
    if consumer.is_err() {
        let message = format!(
            "\"{cluster}:{namespace}:{name}\" cannot be an application: its parts consist of \
             letters, digits, -, . and _."
        );
        reader.error(&application.place, Code::InvalidValue, message);
    }
    consumer.ok().map(Consumer::Application)
}

/// A part of a consumer's name; an empty one counts as left out, as in NAIS.
fn part<'n>(
    rule: Mapping<'n>,
    key: &str,
    default: &'n str,
    reader: &mut Reader,
) -> Option<&'n str> {
    match rule.get(key) {
        None => Some(default),
        Some(node) => match reader.text(node, key)? {
            "" => Some(default),
            text => Some(text),
        },
    }
}

/// Reads `allowAllUsers` and `claims.groups`, members of `owner`.
pub fn read_users(owner: Mapping<'_>, reader: &mut Reader) -> Users {
    let everyone = owner.get("allowAllUsers").and_then(|node| {
        let everyone = reader.boolean(node, "allowAllUsers")?;
        everyone.then(|| Located { place: node.place.clone(), value: () })
    });
    let groups = owner.get("claims").map(|node| read_claims(node, reader)).unwrap_or_default();
    Users { everyone, groups }
}

fn read_claims(node: &Node, reader: &mut Reader) -> Vec<Located<GroupId>> {
    let Some(claims) = reader.mapping(node, "claims") else { return Vec::new() };
    warn_of_unknown(claims, "claims", CLAIMS, reader);
    let groups = claims.get("groups").map(|node| read_list(node, "claims.groups", reader));
    groups.unwrap_or_default().iter().filter_map(|node| read_group(node, reader)).collect()
}

/// A group, or `None` with a finding. One that is no GUID leaves the others in force.
fn read_group(node: &Node, reader: &mut Reader) -> Option<Located<GroupId>> {
    let group = reader.mapping(node, "A group")?;
    warn_of_unknown(group, "A group", GROUP, reader);
    let Some(id) = group.get("id") else {
        reader.error(group.place, Code::Missing, "A group must have an id.");
        return None;
    };
    let text = reader.text(id, "A group's id")?;
    let guid = text.parse();
    if let Err(error) = guid {
        let message = format!("\"{text}\" {error}: the group grants nothing. State its object id.");
        reader.warning(&id.place, Code::InvalidGroup, message);
    }
    Some(Located { place: id.place.clone(), value: guid.ok()? })
}
