//! `portvakt explain`.

mod asked;
mod documents;
mod live;
mod recorded;
mod token;

use std::{error::Error, mem, process::ExitCode};

use clap::Args;

use self::{asked::Asked, documents::Documents, live::Live, recorded::Log, token::TokenOption};
use super::{
    FAILURE, WRONG_USAGE,
    given::not_whole,
    options::{Format, Paths},
    print, say, wrong_usage,
};
use crate::{explain::Explanation, finding::Finding};

/// What was asked for cannot be told from what was given.
const CANNOT_SAY: u8 = 3;

/// Explain one request's decision, step by step, by the same code that serves checks.
///
/// The request is one that you describe, with a token or without, or one of a decision log. The
/// documents are those that you give: configuration, application documents and lists of further
/// consumers, files or folders.
///
/// A token is read from a file or from standard input, never from the command line. It is not
/// printed, and sent nowhere. Its keys come from its issuer, as in the service, or from --jwks.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portvakt explain --token token.txt --host orders.example.com portvakt.yaml applications/
  pbpaste | portvakt explain --token - --application prod-gcp:team-orders:orders-api \\
    --path /orders portvakt.yaml applications/
  portvakt explain --application prod-gcp:team-orders:orders-api --path /internal/alive \\
    --cluster prod-gcp applications/
  portvakt explain --decisions decisions.jsonl --id 5b0c1f0e9d3f4c21a8e67f0000000001 \\
    portvakt.yaml applications/

Exit codes: 0 allowed, 1 denied, 2 wrong usage, or something cannot be read (what is printed then
may not be what the service answers), 3 it cannot be said from what was given.")]
pub struct Explain {
    #[command(flatten)]
    given: Paths,
    /// How the explanation is printed: in eighty columns, or as one JSON object.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    token: TokenOption,
    // Before those that have a heading, for clap hands that on to what comes behind.
    #[command(flatten)]
    live: Live,
    #[command(flatten)]
    asked: Asked,
    #[command(flatten)]
    log: Log,
}

impl Explain {
    pub fn run(self) -> ExitCode {
        match self.explained() {
            Ok((explanation, errors)) => self.print(&explanation, &errors),
            Err(error) => wrong_usage(&*error),
        }
    }

    /// The explanation, and what is wrong with what was given.
    fn explained(&self) -> Result<(Explanation, Vec<Finding>), Box<dyn Error>> {
        self.token.refuse_as_argument(&self.given.paths)?;
        let mut documents = Documents::read(&self.given.paths, &self.given.cluster.name)?;
        let errors = mem::take(&mut documents.errors);
        let has_configuration = documents.has_configuration;
        let explanation = match self.log.record()? {
            Some(record) => recorded::explain(&record, documents),
            None => self.live.explain(&self.asked, self.token.read()?, documents)?,
        };
        let explanation = match has_configuration {
            true => explanation,
            false => explanation.noting(
                "No configuration was given: the defaults of everything it states are assumed.",
            ),
        };
        Ok((explanation, errors))
    }

    fn print(&self, explanation: &Explanation, errors: &[Finding]) -> ExitCode {
        let text = match self.format {
            Format::Text => explanation.to_string(),
            Format::Json => match serde_json::to_string_pretty(explanation) {
                Ok(text) => text + "\n",
                Err(error) => return wrong_usage(&error),
            },
        };
        let code = match (errors.is_empty(), explanation.certain, explanation.is_allowed()) {
            (false, ..) => WRONG_USAGE,
            (true, false, _) => CANNOT_SAY,
            (true, true, true) => 0,
            (true, true, false) => FAILURE,
        };
        let ended = print(&text, code);
        say(not_whole(&errors.iter().collect::<Vec<_>>()));
        ended
    }
}
