//! From text to trees of nodes with places.

use std::sync::Arc;

use serde_saphyr::{Location, Options, Spanned};

use super::{
    node::{Node, Value},
    raw::Raw,
};
use crate::finding::{Code, Finding, Place, Severity};

/// One document of a stream.
#[derive(Debug)]
pub struct Document {
    /// The line on which it begins.
    pub place: Place,
    /// Its tree; `None` for an empty one.
    pub content: Result<Option<Node>, Finding>,
}

/// The documents of a text, each read on its own: one that is no YAML leaves the others alone.
pub fn documents(source: &Arc<str>, text: &str) -> Vec<Document> {
    stream(source, text).collect()
}

/// As [`documents`], one at a time: of a long text, only one tree is in memory at once.
pub fn stream<'t>(source: &'t Arc<str>, text: &'t str) -> impl Iterator<Item = Document> + 't {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    split(text)
        .into_iter()
        .map(|(first_line, text)| Document {
            place: Place { source: Arc::clone(source), line: first_line, column: 1 },
            content: parse(source, first_line - 1, text),
        })
        .filter(|document| !matches!(document.content, Ok(None)))
}

/// A value that stands alone, for instance in an environment variable. Its nodes have no lines.
///
/// # Errors
/// Where the text is no YAML.
pub fn fragment(source: &Arc<str>, text: &str) -> Result<Option<Node>, Finding> {
    let whole = |place: &mut Place| (place.line, place.column) = (0, 0);
    match parse(source, 0, text) {
        Ok(Some(mut node)) => {
            node.visit_places(&whole);
            Ok(Some(node))
        }
        Err(mut finding) => {
            whole(&mut finding.place);
            Err(finding)
        }
        nothing => nothing,
    }
}

/// The texts between the lines that begin documents (YAML 1.2.2, section 9.1.2: `---` at the
/// start of a line does so wherever it stands), with the number of their first line.
fn split(text: &str) -> Vec<(u64, &str)> {
    let is_marker = |line: &str| {
        line.strip_prefix("---")
            .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
    };
    let mut parts = Vec::new();
    let (mut start, mut first_line, mut offset) = (0, 1, 0);
    for (line_number, line) in (1..).zip(text.split_inclusive('\n')) {
        if is_marker(line) && offset > 0 {
            parts.push((first_line, &text[start..offset]));
            (start, first_line) = (offset, line_number);
        }
        offset += line.len();
    }
    parts.push((first_line, &text[start..]));
    parts
}

fn parse(source: &Arc<str>, lines_before: u64, text: &str) -> Result<Option<Node>, Finding> {
    let place = |location: Location| Place {
        source: Arc::clone(source),
        line: location.line().max(1) + lines_before,
        column: location.column().max(1),
    };
    let spanned: Spanned<Raw> =
        serde_saphyr::from_str_with_options(text, options()).map_err(|error| {
            let error = error.without_snippet();
            let location = error.location().unwrap_or(Location::UNKNOWN);
            Finding {
                place: place(location),
                severity: Severity::Error,
                code: Code::YamlSyntax,
                message: describe(error),
            }
        })?;
    let node = spanned.value.into_node(place(spanned.referenced), &place);
    Ok((node.value != Value::Null).then_some(node))
}

/// The first line of an error, without the location that it repeats.
fn describe(error: &serde_saphyr::Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    let line = line.split(" at line ").next().unwrap_or(line);
    let line = line.trim_start_matches("error: ").trim_end_matches('.');
    if line.starts_with("budget breached") {
        return format!(
            "This is more than one document may hold: {MOST_LEVELS} levels, {MOST_VALUES} values, \
             or aliases that stand for as many. Divide it."
        );
    }
    format!("This is not YAML: {line}.")
}

/// How deep lists and mappings may lie in each other. Documents need ten or so. Reading recurses,
/// and a stack that overflows cannot be caught.
const MOST_LEVELS: usize = 32;

/// How many values, keys included, a document may have: reading takes some 200 bytes for each.
const MOST_VALUES: usize = 250_000;

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MOST_LEVELS,
            max_nodes: MOST_VALUES,
        },
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        with_snippet: false,
        // Nobody reads them, and keeping them takes a tenth of the time.
        emit_comments: false,
    }
}

#[cfg(test)]
mod tests;
