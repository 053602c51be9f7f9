//! `portvakt lint`.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::{
    FAILURE,
    given::Given,
    options::{Format, Paths},
    print, say, wrong_usage,
};
use crate::finding::{Finding, Severity};

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
    #[command(flatten)]
    given: Paths,
    /// How findings are printed: a line for each, or one JSON array.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

impl Lint {
    pub fn run(self) -> ExitCode {
        let given = match Given::below(&self.given.paths) {
            Ok(given) => given,
            Err(error) => return wrong_usage(&error),
        };
        let files = given.count();
        let findings = given.findings(&self.given.cluster.name);
        let errors = count(&findings, Severity::Error);
        let warnings = count(&findings, Severity::Warning);
        let text = match self.format {
            Format::Text => as_text(&findings),
            Format::Json => format!("{:#}\n", json!(findings)),
        };
        let ended = print(&text, if errors == 0 { 0 } else { FAILURE });
        say(format_args!("files: {files}, errors: {errors}, warnings: {warnings}\n"));
        ended
    }
}

fn as_text(findings: &[Finding]) -> String {
    findings.iter().map(|finding| format!("{finding}\n")).collect()
}

fn count(findings: &[Finding], severity: Severity) -> usize {
    findings.iter().filter(|finding| finding.severity == severity).count()
}
