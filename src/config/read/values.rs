//! Taking single values out of the configuration by their keys' paths.

use std::{
    fmt::Display,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use url::Url;

use super::super::{document::Document, is_secure};
use crate::{
    finding::{Code, Place},
    identifiers::{NotAName, is_name},
    suggest,
    yaml::{Node, Reader, Value},
};

/// The configuration's values and the faults among them.
pub struct Values<'d> {
    document: &'d Document,
    /// Relative paths in the file start from here.
    folder: PathBuf,
    pub reader: &'d mut Reader,
}

impl<'d> Values<'d> {
    pub fn new(document: &'d Document, file: Option<&Path>, reader: &'d mut Reader) -> Self {
        let folder = file.and_then(Path::parent).unwrap_or(Path::new("")).to_owned();
        Self { document, folder, reader }
    }

    /// A key's value, unread.
    pub fn node(&self, path: &str) -> Option<&'d Node> {
        self.document.get(path)
    }

    /// Something that has no default is not there.
    pub fn missing(&mut self, path: &str, why: &str) {
        let message = format!("{path} is missing. {why}");
        let parent = path.rsplit_once('.').and_then(|(parent, _)| self.node(parent));
        let place = parent.map_or(self.document.place(), |parent| &parent.place);
        self.reader.error(place, Code::Missing, message);
    }

    pub fn text(&mut self, path: &str) -> Option<&'d str> {
        let text = self.reader.text(self.node(path)?, path)?;
        if text.trim().is_empty() || text.trim() != text {
            self.invalid(path, "is empty, or begins or ends with a blank");
            return None;
        }
        Some(text)
    }

    /// A part of an application's name: a cluster.
    pub fn name(&mut self, path: &str) -> Option<String> {
        let text = self.text(path)?;
        match is_name(text) {
            true => Some(text.to_owned()),
            false => {
                self.invalid(path, &NotAName.to_string());
                None
            }
        }
    }

    pub fn parsed<T>(&mut self, path: &str) -> Option<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        self.reader.parsed(self.node(path)?, path)
    }

    pub fn boolean(&mut self, path: &str, default: bool) -> bool {
        self.node(path).and_then(|node| self.reader.boolean(node, path)).unwrap_or(default)
    }

    pub fn number<T>(&mut self, path: &str, range: RangeInclusive<u64>, default: T) -> T
    where
        T: TryFrom<u64>,
    {
        let Some(node) = self.node(path) else { return default };
        let Some(number) = self.reader.integer(node, path) else { return default };
        match T::try_from(number) {
            Ok(value) if range.contains(&number) => value,
            _ => {
                self.invalid(path, &format!("must be from {} to {}", range.start(), range.end()));
                default
            }
        }
    }

    /// A duration such as `150ms`, `5s` or `1h`; bounds and default in the same form.
    pub fn duration(&mut self, path: &str, least: &str, most: &str, default: &str) -> Duration {
        let constant = |text: &str| humantime::parse_duration(text).unwrap_or_default();
        let stated = self.text(path).map(humantime::parse_duration);
        match stated {
            None => constant(default),
            Some(Ok(value)) if (constant(least)..=constant(most)).contains(&value) => value,
            Some(_) => {
                let message =
                    format!("must be a duration from {least} to {most}, for instance {default}");
                self.invalid(path, &message);
                constant(default)
            }
        }
    }

    /// One word of a closed set; the type's default where the key is absent.
    pub fn choice<T: Copy + Default>(&mut self, path: &str, choices: &[(&str, T)]) -> T {
        self.node(path)
            .and_then(|node| choose(node, path, choices, self.reader))
            .unwrap_or_default()
    }

    /// A list of texts, each parsed; a bare text is a list of one.
    pub fn list<T>(&mut self, path: &str) -> Vec<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        self.elements(path).iter().filter_map(|node| self.reader.parsed(node, path)).collect()
    }

    /// The elements of a list; anything but a list is a list of one.
    pub fn elements(&self, path: &str) -> &'d [Node] {
        match self.node(path) {
            None => &[],
            Some(Node { value: Value::Sequence(elements), .. }) => elements,
            Some(node) => std::slice::from_ref(node),
        }
    }

    /// A list of paths of files and folders.
    pub fn paths(&mut self, path: &str) -> Vec<PathBuf> {
        let elements = self.elements(path);
        elements
            .iter()
            .filter_map(|node| {
                let text = self.reader.text(node, path)?;
                Some(self.resolve(text, &node.place))
            })
            .collect()
    }

    /// The path of one file.
    pub fn path(&mut self, path: &str) -> Option<PathBuf> {
        let text = self.text(path)?;
        Some(self.resolve(text, &self.node(path)?.place))
    }

    /// Paths of the file start from its folder; those of variables from where the process runs.
    pub fn resolve(&self, path: &str, place: &Place) -> PathBuf {
        match place.line {
            0 => path.into(),
            _ => self.folder.join(path),
        }
    }

    /// A URL that may be asked.
    pub fn secure_url(&mut self, path: &str) -> Option<Url> {
        secure_url(self.node(path)?, path, self.reader)
    }

    /// A finding at a key's value.
    pub fn invalid(&mut self, path: &str, what: &str) {
        let place = self.node(path).map_or(self.document.place(), |node| &node.place);
        self.reader.error(place, Code::InvalidValue, format!("{path} {what}."));
    }
}

/// The node as one word of a closed set.
pub fn choose<T: Copy>(
    node: &Node,
    what: &str,
    choices: &[(&str, T)],
    reader: &mut Reader,
) -> Option<T> {
    let word = reader.text(node, what)?;
    if let Some((_, value)) = choices.iter().find(|(choice, _)| *choice == word) {
        return Some(*value);
    }
    let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
    let ending = suggest::ending(word, words.iter().copied());
    let message = format!("{what} must be one of {}, not \"{word}\"{ending}", words.join(", "));
    reader.error(&node.place, Code::InvalidValue, message);
    None
}

/// The node as a URL with TLS, or to this machine. Never printed: it may hold a password.
pub fn secure_url(node: &Node, what: &str, reader: &mut Reader) -> Option<Url> {
    let text = reader.text(node, what)?;
    let mut fault = |code, message: &str| {
        reader.error(&node.place, code, format!("{what} {message}"));
        None
    };
    let Ok(url) = Url::parse(text) else {
        return fault(Code::InvalidValue, "is no URL.");
    };
    if !url.username().is_empty() || url.password().is_some() {
        return fault(Code::InvalidValue, "holds a user name or a password, which it must not.");
    }
    match is_secure(&url) {
        true => Some(url),
        false => fault(
            Code::InsecureUrl,
            "must begin with https://; http:// is for loopback addresses alone.",
        ),
    }
}
