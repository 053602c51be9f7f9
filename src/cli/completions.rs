//! `portvakt completions`.

use std::process::ExitCode;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Arguments, print};

/// Print a script that completes portvakt's commands in a shell.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  portvakt completions bash >/etc/bash_completion.d/portvakt

Exit codes: 0 all is printed, 2 wrong usage, or it cannot be.")]
pub struct Completions {
    /// The shell.
    shell: Shell,
}

impl Completions {
    pub fn run(self) -> ExitCode {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "portvakt", &mut script);
        print(&String::from_utf8_lossy(&script), 0)
    }
}
