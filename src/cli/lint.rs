//! `portvakt lint`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, ValueEnum};
use serde_json::json;

use super::{FAILURE, fail, print};
use crate::{
    applications::{self, Context, Tenants},
    config::{self, DocumentPath, Environment},
    finding::{Finding, Severity},
    yaml::{self, Value},
};

/// Check configuration and application documents without starting anything.
///
/// Folders are searched for YAML and JSON. A mapping without `kind` is a configuration, one with
/// `kind` a document, a list further consumers. Everything given is checked together: a rule
/// whose consumer stands in another file is resolved.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portvakt lint portvakt.yaml applications/
  portvakt lint --cluster prod-gcp --format json .nais/

A finding is file:line:column: severity: code: message.
Exit codes: 0 clean or warnings only, 1 errors, 2 wrong usage or nothing to check.")]
pub struct Lint {
    /// Files and folders.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// How findings are printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// The documents' cluster, where no configuration is among the files.
    #[arg(long, default_value = "cluster")]
    cluster: String,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// A line for each.
    Text,
    /// One JSON array.
    Json,
}

/// The files, by what they hold.
#[derive(Debug, Default)]
struct Sorted {
    configurations: Vec<PathBuf>,
    documents: Vec<PathBuf>,
    further_consumers: Vec<PathBuf>,
    /// Files and folders that cannot be looked at.
    findings: Vec<Finding>,
}

impl Lint {
    pub fn run(self) -> ExitCode {
        if let Some(missing) = self.paths.iter().find(|path| !path.exists()) {
            eprintln!("portvakt: {}: there is no such file or folder", missing.display());
            return ExitCode::from(WRONG_USAGE);
        }
        let sorted = Sorted::of(&self.paths);
        let files = sorted.count();
        if files == 0 && sorted.findings.is_empty() {
            eprintln!("portvakt: there is no YAML or JSON file in what was given");
            return ExitCode::from(WRONG_USAGE);
        }
        let findings = check(sorted, self.cluster);
        let printed = match self.format {
            Format::Text => print(&as_text(&findings)),
            Format::Json => match serde_json::to_string_pretty(&as_json(&findings)) {
                Ok(text) => print(&(text + "\n")),
                Err(error) => fail(&error),
            },
        };
        let errors = count(&findings, Severity::Error);
        let warnings = count(&findings, Severity::Warning);
        eprintln!("files: {files}, errors: {errors}, warnings: {warnings}");
        match errors {
            0 => printed,
            _ => ExitCode::from(FAILURE),
        }
    }
}

/// As clap has it.
const WRONG_USAGE: u8 = 2;

impl Sorted {
    fn of(paths: &[PathBuf]) -> Self {
        let (files, findings) = applications::files_below(paths);
        let mut sorted = Self { findings, ..Self::default() };
        for file in files {
            let is_named = paths.contains(&file);
            let kind = match holds(&file, is_named) {
                Holds::Configuration => &mut sorted.configurations,
                Holds::Documents => &mut sorted.documents,
                Holds::FurtherConsumers => &mut sorted.further_consumers,
            };
            kind.push(file);
        }
        sorted
    }

    fn count(&self) -> usize {
        self.configurations.len() + self.documents.len() + self.further_consumers.len()
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
fn holds(file: &Path, is_named: bool) -> Holds {
    let text = fs::read_to_string(file).unwrap_or_default();
    let source = file.display().to_string().into();
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

/// The findings of all files together, in the order of their places.
fn check(sorted: Sorted, cluster: String) -> Vec<Finding> {
    let mut findings = sorted.findings;
    let mut context = Context { cluster, tenants: Tenants::Unspecified };
    let mut configured = Vec::new();
    for file in &sorted.configurations {
        findings.extend(match config::read(Some(file), &Environment::of_process()) {
            Ok(read) => {
                context = Context::of(&read.config);
                configured.extend(read.config.applications.paths);
                read.warnings
            }
            Err(findings) => findings,
        });
    }
    let documents = sorted.documents.into_iter().map(|file| placed(file, &configured)).collect();
    findings.extend(applications::lint(documents, sorted.further_consumers, context));
    findings.sort_by(|one, other| one.place.cmp(&other.place));
    findings
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

fn as_text(findings: &[Finding]) -> String {
    findings.iter().map(|finding| format!("{finding}\n")).collect()
}

fn as_json(findings: &[Finding]) -> serde_json::Value {
    let finding = |finding: &Finding| {
        json!({
            "file": &*finding.place.source,
            "line": finding.place.line,
            "column": finding.place.column,
            "severity": finding.severity.as_str(),
            "code": finding.code.as_str(),
            "message": finding.message,
        })
    };
    findings.iter().map(finding).collect()
}

fn count(findings: &[Finding], severity: Severity) -> usize {
    findings.iter().filter(|finding| finding.severity == severity).count()
}
