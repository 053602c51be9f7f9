//! `portvakt keys`.

use std::process::ExitCode;

use clap::Args;

use super::print;
use crate::config::KEYS;

/// List the keys of the configuration, with their variables, defaults and purposes.
///
/// The list is Markdown, as in docs/configuration.md.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  portvakt keys | grep LIMITS

Exit codes: 0 all is printed, 2 wrong usage, or it cannot be.")]
pub struct Keys {}

impl Keys {
    pub fn run(self) -> ExitCode {
        let rows: String = KEYS.iter().map(|key| key.row() + "\n").collect();
        let head = "| key | variable | default | purpose |\n| --- | --- | --- | --- |\n";
        print(&(head.to_owned() + &rows), 0)
    }
}
