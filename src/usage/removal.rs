//! Taking rules and groups out of the text of documents, without touching anything else.
//!
//! Lines are taken out by how they look, and the result is believed only when it reads as the same
//! documents without what was to go. Whatever is not plain block style is left to people.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    finding::Place,
    yaml::{self, Entry, Node, Value},
};

/// What is to be taken out of a file, by where it stands: the item of a list that is this value or
/// has it as a member, or a value that becomes `false`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cut {
    Item(Place),
    Falsify(Place),
}

/// The text of a file without what could be taken out.
#[derive(Debug, PartialEq, Eq)]
pub struct Remaining {
    pub text: String,
    /// What was left, because it takes a person.
    pub by_hand: BTreeSet<Cut>,
}

/// Takes all of these out of a text.
pub fn without(source: &Arc<str>, text: &str, cuts: &BTreeSet<Cut>) -> Remaining {
    let Some(trees) = trees(source, text) else {
        return Remaining { text: text.to_owned(), by_hand: cuts.clone() };
    };
    let file = File { source, lines: text.split_inclusive('\n').collect(), trees };
    let is_possible = |cuts: &BTreeSet<Cut>| file.cut(cuts);
    let alone = |cut: &&Cut| is_possible(&[(*cut).clone()].into()).is_some();
    let mut done = cuts.clone();
    let remaining = is_possible(&done).or_else(|| {
        done = cuts.iter().filter(alone).cloned().collect();
        is_possible(&done)
    });
    match remaining {
        Some(text) => Remaining { text, by_hand: cuts - &done },
        None => Remaining { text: text.to_owned(), by_hand: cuts.clone() },
    }
}

/// The documents; `None` where one of them is no YAML.
fn trees(source: &Arc<str>, text: &str) -> Option<Vec<Node>> {
    let documents = yaml::documents(source, text).into_iter();
    documents.map(|document| document.content.ok().flatten()).collect()
}

struct File<'a> {
    source: &'a Arc<str>,
    lines: Vec<&'a str>,
    trees: Vec<Node>,
}

/// A list, and which of its items go.
struct Shortened<'a> {
    key: &'a Entry,
    items: &'a [Node],
    gone: BTreeSet<usize>,
}

/// Lines by their index, each with what stands there instead; nothing for one that goes.
type Changes = BTreeMap<usize, String>;

impl File<'_> {
    /// The text without these, if that is certain to be what it says.
    fn cut(&self, cuts: &BTreeSet<Cut>) -> Option<String> {
        let mut changes = Changes::new();
        let mut lists: BTreeMap<Place, Shortened<'_>> = BTreeMap::new();
        let mut gone = BTreeSet::new();
        for cut in cuts {
            match cut {
                Cut::Falsify(place) => self.falsify(place, &mut changes)?,
                Cut::Item(place) => {
                    let (key, items, index) =
                        self.trees.iter().find_map(|tree| item(tree, place))?;
                    gone.insert(items[index].place.clone());
                    let new = || Shortened { key, items, gone: BTreeSet::new() };
                    lists.entry(key.place.clone()).or_insert_with(new).gone.insert(index);
                }
            }
        }
        for list in lists.values() {
            self.shorten(list, &mut changes)?;
        }
        let text = self.changed(&changes);
        let after = trees(self.source, &text)?;
        let is_alike = self.trees.len() == after.len()
            && self.trees.iter().zip(&after).all(|(one, other)| is_alike(one, other, cuts, &gone));
        is_alike.then_some(text)
    }

    fn shorten(&self, list: &Shortened<'_>, changes: &mut Changes) -> Option<()> {
        for index in &list.gone {
            for line in self.lines_of(&list.items[*index].place)? {
                changes.insert(line, String::new());
            }
        }
        if list.gone.len() == list.items.len() {
            let (line, before, rest) = self.divided(&list.key.place)?;
            let rest = rest.strip_prefix(&list.key.key)?.strip_prefix(':')?;
            let is_bare = rest.trim().is_empty() || rest.trim_start().starts_with('#');
            let emptied = format!("{before}{}: []{rest}", list.key.key);
            changes.insert(line, is_bare.then_some(emptied)?);
        }
        Some(())
    }

    /// The lines of an item of a list in block style: that of its dash, and those that are indented
    /// more.
    fn lines_of(&self, place: &Place) -> Option<std::ops::Range<usize>> {
        let (first, before, _) = self.divided(place)?;
        let dash = before.trim_end().strip_suffix('-')?;
        if !dash.trim().is_empty() {
            return None;
        }
        let mut end = first + 1;
        for (index, line) in self.lines.iter().enumerate().skip(end) {
            let content = line.trim_start();
            match line.len() - content.len() > dash.len() {
                _ if content.is_empty() || content.starts_with('#') => {}
                true => end = index + 1,
                false => break,
            }
        }
        Some(first..end)
    }

    fn falsify(&self, place: &Place, changes: &mut Changes) -> Option<()> {
        let (line, before, rest) = self.divided(place)?;
        let rest = rest.strip_prefix("true")?;
        changes.insert(line, format!("{before}false{rest}"));
        Some(())
    }

    /// The line of a place by its index, and what stands before and after.
    fn divided(&self, place: &Place) -> Option<(usize, &str, &str)> {
        let index = usize::try_from(place.line.checked_sub(1)?).ok()?;
        let line = self.lines.get(index)?;
        let column = usize::try_from(place.column.checked_sub(1)?).ok()?;
        let (byte, _) = line.char_indices().nth(column)?;
        Some((index, &line[..byte], &line[byte..]))
    }

    fn changed(&self, changes: &Changes) -> String {
        let lines = self.lines.iter().enumerate();
        lines.map(|(index, line)| changes.get(&index).map_or(*line, String::as_str)).collect()
    }
}

/// The list that has an item at a place, or one whose member stands there; its key, and which.
fn item<'n>(node: &'n Node, place: &Place) -> Option<(&'n Entry, &'n [Node], usize)> {
    match &node.value {
        Value::Mapping(entries) => entries.iter().find_map(|entry| match &entry.node.value {
            Value::Sequence(items) => {
                let index = items.iter().position(|item| is_at(item, place));
                match index {
                    Some(index) => Some((entry, &items[..], index)),
                    None => items.iter().find_map(|item| self::item(item, place)),
                }
            }
            _ => item(&entry.node, place),
        }),
        Value::Sequence(items) => items.iter().find_map(|item| self::item(item, place)),
        _ => None,
    }
}

fn is_at(item: &Node, place: &Place) -> bool {
    let is_member = match &item.value {
        Value::Mapping(members) => members.iter().any(|member| member.node.place == *place),
        _ => false,
    };
    item.place == *place || is_member
}

/// Whether a tree is what the other one was, without what is gone.
fn is_alike(before: &Node, after: &Node, cuts: &BTreeSet<Cut>, gone: &BTreeSet<Place>) -> bool {
    let all = |one: &Node, other: &Node| is_alike(one, other, cuts, gone);
    match (&before.value, &after.value) {
        (Value::Sequence(before), Value::Sequence(after)) => {
            let left: Vec<_> = before.iter().filter(|item| !gone.contains(&item.place)).collect();
            left.len() == after.len() && left.iter().zip(after).all(|(one, other)| all(one, other))
        }
        (Value::Mapping(before), Value::Mapping(after)) => {
            before.len() == after.len()
                && before
                    .iter()
                    .zip(after)
                    .all(|(one, other)| one.key == other.key && all(&one.node, &other.node))
        }
        (Value::Boolean(true), Value::Boolean(is_true)) => {
            *is_true != cuts.contains(&Cut::Falsify(before.place.clone()))
        }
        (one, other) => one == other,
    }
}

#[cfg(test)]
mod tests;
