//! The files and folders that a command was given, sorted by what they hold and read once.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    applications::{Context, Snapshot, Tenants, files_below, read_once},
    config::{self, Config, DocumentPath, Environment},
    file::{self, MOST_OF_A_TEXT},
    finding::{Finding, Severity},
    yaml::{self, Value},
};

/// The files, by what they hold.
#[derive(Debug, Default)]
pub struct Given {
    configurations: Vec<PathBuf>,
    documents: Vec<PathBuf>,
    further_consumers: Vec<PathBuf>,
    /// Files and folders that cannot be looked at.
    findings: Vec<Finding>,
}

/// Nothing can be answered by what was given.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    #[error("{}: there is no such file or folder", .0.display())]
    Missing(PathBuf),
    #[error("there is no YAML or JSON file in what was given")]
    Empty,
    #[error(
        "no application is described in what was given; give the documents, for instance the folders of applications.paths, beside the configuration"
    )]
    NoApplication,
    /// What documents come to under another one, nobody asked.
    #[error("the configuration cannot be used:\n{}", lines(.0))]
    Configuration(Vec<Finding>),
}

/// What was given, read.
#[derive(Debug)]
pub struct GivenRead {
    /// What the configuration among the files states; the last one, where there are several.
    pub config: Option<Config>,
    /// The documents, with the findings of all files in the order of their places.
    pub snapshot: Snapshot,
}

impl Given {
    /// Sorts files and what is below folders.
    ///
    /// # Errors
    /// [`Unusable`] where a path does not exist, or none holds anything that could be read.
    pub fn below(paths: &[PathBuf]) -> Result<Self, Unusable> {
        all_there(paths)?;
        let (files, findings) = files_below(paths);
        let mut given = Self { findings, ..Self::default() };
        for file in files {
            let is_named = paths.contains(&file);
            let kind = match holds(&file, is_named) {
                Holds::Configuration => &mut given.configurations,
                Holds::Documents => &mut given.documents,
                Holds::FurtherConsumers => &mut given.further_consumers,
            };
            kind.push(file);
        }
        match given.count() == 0 && given.findings.is_empty() {
            true => Err(Unusable::Empty),
            false => Ok(given),
        }
    }

    /// How many files there are.
    pub fn count(&self) -> usize {
        self.configurations.len() + self.documents.len() + self.further_consumers.len()
    }

    /// The files of documents, of whatever kinds.
    pub fn documents(&self) -> &[PathBuf] {
        &self.documents
    }

    /// Reads all of them together: a rule whose consumer stands in another file is resolved.
    /// `cluster` is that of the documents where no configuration is among the files.
    ///
    /// # Errors
    /// [`Unusable::Configuration`] where one is, and has an error.
    pub fn read(self, cluster: &str) -> Result<GivenRead, Unusable> {
        let (config, findings) = self.read_configurations();
        let errors: Vec<_> = errors(&findings).cloned().collect();
        match errors.is_empty() {
            true => Ok(self.read_documents(cluster, config, findings)),
            false => Err(Unusable::Configuration(errors)),
        }
    }

    /// Everything there is to find fault with, of the documents even where the configuration has an
    /// error.
    pub fn findings(self, cluster: &str) -> Vec<Finding> {
        let (config, findings) = self.read_configurations();
        self.read_documents(cluster, config, findings).snapshot.findings
    }

    fn read_configurations(&self) -> (Option<Config>, Vec<Finding>) {
        let (mut config, mut findings) = (None, Vec::new());
        for file in &self.configurations {
            match config::read(Some(file), &Environment::of_process()) {
                Ok(read) => {
                    findings.extend(read.warnings);
                    config = Some(read.config);
                }
                Err(errors) => findings.extend(errors),
            }
        }
        (config, findings)
    }

    fn read_documents(
        self,
        cluster: &str,
        config: Option<Config>,
        findings: Vec<Finding>,
    ) -> GivenRead {
        let unspecified = || Context::new(cluster, Tenants::Unspecified);
        let context = config.as_ref().map_or_else(unspecified, Context::of);
        let configured = config.as_ref().map_or(&[][..], |config| &config.applications.paths);
        let documents = self.documents.into_iter().map(|file| placed(file, configured)).collect();
        let mut snapshot = read_once(documents, self.further_consumers, context);
        snapshot.findings.extend(self.findings.into_iter().chain(findings));
        snapshot.findings.sort_by(|one, other| one.place.cmp(&other.place));
        GivenRead { config, snapshot }
    }
}

impl GivenRead {
    /// The same, where an application is described, or an error tells why none is.
    ///
    /// # Errors
    /// [`Unusable::NoApplication`].
    pub fn with_applications(self) -> Result<Self, Unusable> {
        let is_clean = errors(&self.snapshot.findings).next().is_none();
        match self.snapshot.applications.is_empty() && is_clean {
            true => Err(Unusable::NoApplication),
            false => Ok(self),
        }
    }

    /// What the configuration among the files states, or the defaults.
    ///
    /// # Errors
    /// [`Unusable::Configuration`] where `cluster` is no cluster's name.
    pub fn config_or_defaults(&self, cluster: &str) -> Result<Config, Unusable> {
        match &self.config {
            Some(config) => Ok(config.clone()),
            None => config::defaults(cluster).map_err(Unusable::Configuration),
        }
    }
}

/// Whether every path exists.
///
/// # Errors
/// [`Unusable::Missing`] with the first that does not.
pub fn all_there(paths: &[PathBuf]) -> Result<(), Unusable> {
    match paths.iter().find(|path| !path.exists()) {
        Some(missing) => Err(Unusable::Missing(missing.clone())),
        None => Ok(()),
    }
}

fn lines(findings: &[Finding]) -> String {
    findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Those findings that make what was read a part of what was given.
pub fn errors(findings: &[Finding]) -> impl Iterator<Item = &Finding> {
    findings.iter().filter(|finding| finding.severity == Severity::Error)
}

/// What to say of them; nothing where there are none.
pub fn not_whole(errors: &[&Finding]) -> String {
    match errors.len() {
        0 => String::new(),
        count => {
            let lines: String = errors.iter().map(|error| format!("{error}\n")).collect();
            lines
                + &format!(
                    "portvakt: errors in what was given, without which the answer may be another: {count}\n"
                )
        }
    }
}

enum Holds {
    Configuration,
    /// Or something that is nobody's, or not readable: the reader of documents tells.
    Documents,
    FurtherConsumers,
}

/// A mapping without `kind` is a configuration if the file was named, or has a key of one: other
/// tools' files may lie in the same folder.
fn holds(path: &Path, is_named: bool) -> Holds {
    // What cannot be read, the reader of documents tells.
    let text = file::text(path, MOST_OF_A_TEXT).unwrap_or_default();
    let source = path.display().to_string().into();
    let first = yaml::stream(&source, &text).next().and_then(|first| first.content.ok().flatten());
    match first.map(|node| node.value) {
        Some(Value::Sequence(_)) => Holds::FurtherConsumers,
        Some(Value::Mapping(entries)) => {
            let has = |name: &str| entries.iter().any(|entry| entry.key == name);
            let is_configuration = is_named || config::top_level_keys().any(has);
            match !has("kind") && is_configuration {
                true => Holds::Configuration,
                false => Holds::Documents,
            }
        }
        _ => Holds::Documents,
    }
}

/// A file of documents with the namespaces that the configuration states for its place.
fn placed(file: PathBuf, configured: &[DocumentPath]) -> DocumentPath {
    let resolved = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let place = resolved(&file);
    let nearest = configured
        .iter()
        .filter(|root| place.starts_with(resolved(&root.path)))
        .max_by_key(|root| resolved(&root.path).components().count());
    let namespaces = nearest.map(|root| root.namespaces.clone()).unwrap_or_default();
    DocumentPath { path: file, namespaces }
}
