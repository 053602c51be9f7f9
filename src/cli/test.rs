//! `portvakt test`.

use std::{error::Error, process::ExitCode};

use clap::{Args, ValueEnum};

use super::{
    FAILURE, WRONG_USAGE, fail,
    given::{Given, all_there, errors, not_whole},
    options::Paths,
    watching::{Look, keep_looking},
    wrong_usage,
};
use crate::{
    file::{self, MOST_OF_A_TEXT},
    rehearsal::{self, CasesRead, Report, Required, Stage},
};

/// Test a policy: decide the cases beside the documents as `serve` would.
///
/// Cases are YAML documents of the kind PolicyTest, several cases to each, among the files that are
/// given. Nothing is asked of anybody: no token is needed, no key, no network.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portvakt test portvakt.yaml applications/ tests/
  portvakt test --cluster prod-gcp --format junit --require-coverage .nais/ >policy.xml
  portvakt test --format json .nais/ | jq '.cases[] | select(.passed | not)'
  portvakt test --watch .nais/

A file of cases:
  apiVersion: portvakt.dev/v1
  kind: PolicyTest
  target: team-orders:orders-api
  cases:
    - {caller: webshop, expect: application_granted}
    - {caller: 'team-insight:newsletter', expect: consumer_not_granted}
    - {caller: {user: {groups: [], through: webshop}}, expect: user_not_granted}

docs/rehearsing.md has every key.
Exit codes: 0 all cases passed, 1 one failed, or coverage is required and missing, 2 wrong usage,
no case, or something cannot be read.")]
#[command(mut_arg("paths", |paths| paths.help("Files and folders: documents, cases, and a \
    configuration, if there is one")))]
pub struct Test {
    #[command(flatten)]
    given: Paths,
    /// How results are printed.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Fail where a rule, a group or allowAllUsers is exercised by no case.
    #[arg(long)]
    require_coverage: bool,
    /// Run again after every change, until Ctrl-C.
    #[arg(long)]
    watch: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// A line for each case, and more where one fails.
    Human,
    /// Test Anything Protocol, version 14.
    Tap,
    /// JUnit XML.
    Junit,
    /// One JSON object.
    Json,
}

impl Test {
    pub fn run(self) -> ExitCode {
        if !self.watch {
            return self.look().show();
        }
        // What vanishes later may come back; what was never there is a slip of the pen.
        if let Err(missing) = all_there(&self.given.paths) {
            return wrong_usage(&missing);
        }
        match keep_looking(&self.given.paths, || self.look()) {
            Ok(code) => code,
            Err(error) => fail(&error),
        }
    }

    fn look(&self) -> Look {
        match self.rehearse() {
            Ok(report) => self.shown(&report),
            Err(error) => Look::failed(WRONG_USAGE, &error.to_string()),
        }
    }

    /// Reads and decides everything once.
    fn rehearse(&self) -> Result<Report, Box<dyn Error>> {
        let Paths { paths, cluster } = &self.given;
        let given = Given::below(paths)?;
        let files = given.documents().to_vec();
        let read = given.read(&cluster.name)?;
        let config = read.config_or_defaults(&cluster.name)?;
        let errors: Vec<_> = errors(&read.snapshot.findings).cloned().collect();
        let mut cases = CasesRead::default();
        for path in files {
            // What cannot be read is among the findings of the documents.
            let text = file::text(&path, MOST_OF_A_TEXT).unwrap_or_default();
            rehearsal::read(&path.display().to_string().into(), &text, &config.cluster, &mut cases);
        }
        if cases.cases.is_empty() && cases.findings.is_empty() && errors.is_empty() {
            return Err("there is no case (kind: PolicyTest) in what was given".into());
        }
        let required = if self.require_coverage { Required::Coverage } else { Required::No };
        let stage = Stage::new(&config, &read.snapshot);
        Ok(Report::run(cases, errors, &stage, &read.snapshot.applications, required))
    }

    fn shown(&self, report: &Report) -> Look {
        let text = match self.format {
            Format::Human => rehearsal::as_lines(report),
            Format::Tap => rehearsal::as_tap(report),
            Format::Junit => rehearsal::as_junit(report),
            Format::Json => format!("{:#}\n", rehearsal::as_json(report)),
        };
        let mut said = not_whole(&report.errors.iter().collect::<Vec<_>>());
        if report.lacks_coverage() {
            let count = report.coverage.missing.len();
            said += &format!("portvakt: rules, groups and allowAllUsers without a case: {count}\n");
        }
        let code = match (report.errors.is_empty(), report.is_passed()) {
            (false, _) => WRONG_USAGE,
            (true, false) => FAILURE,
            (true, true) => 0,
        };
        Look { text, said, code }
    }
}
