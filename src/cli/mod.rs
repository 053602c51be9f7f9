//! The command line.

mod completions;
mod demo;
mod diff;
mod explain;
mod git;
mod given;
mod graph;
mod input;
mod keys;
mod lint;
mod options;
mod serve;
mod side;
mod test;
mod usage;
mod watching;

use std::{
    fmt,
    io::{self, Write as _},
    process::ExitCode,
};

use clap::{Parser, Subcommand};

use crate::printable::Printable;

/// Envoy external authorization for APIs secured with Entra ID, by the NAIS access policy.
#[derive(Debug, Parser)]
#[command(name = "portvakt", version, max_term_width = 100, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    Lint(lint::Lint),
    Explain(Box<explain::Explain>),
    Test(test::Test),
    Diff(diff::Diff),
    Graph(graph::DrawGraph),
    Usage(usage::Usage),
    Demo(demo::Demo),
    Keys(keys::Keys),
    Completions(completions::Completions),
}

/// Runs the command that the process was started with.
pub fn run() -> ExitCode {
    match Arguments::parse().command {
        Command::Serve(command) => command.run(),
        Command::Lint(command) => command.run(),
        Command::Explain(command) => command.run(),
        Command::Test(command) => command.run(),
        Command::Diff(command) => command.run(),
        Command::Graph(command) => command.run(),
        Command::Usage(command) => command.run(),
        Command::Demo(command) => command.run(),
        Command::Keys(command) => command.run(),
        Command::Completions(command) => command.run(),
    }
}

/// The answer cannot be printed whole.
#[derive(Debug, thiserror::Error)]
#[error("standard output cannot be written, and what is there is not the whole answer: {0}")]
struct Unprinted(io::Error);

/// Prints an answer to standard output, and ends the command with the exit code that belongs to it.
/// A reader that went away, as `head` does, is no failure; a full disk is, whatever the answer.
fn print(text: &str, code: u8) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => wrong_usage(&Unprinted(error)),
        _ => ExitCode::from(code),
    }
}

/// Says something on standard error. Whether anybody reads it changes nothing, which is why
/// `eprint!` does not do: it panics where nobody does.
fn say(text: impl fmt::Display) {
    // There is nowhere left to say that.
    let _ = write!(io::stderr(), "{text}");
}

/// Something went wrong.
const FAILURE: u8 = 1;

/// As clap has it.
const WRONG_USAGE: u8 = 2;

/// Says what is wrong with the way a command was called, and ends it.
fn wrong_usage(error: &dyn std::error::Error) -> ExitCode {
    fail(error);
    ExitCode::from(WRONG_USAGE)
}

/// Says why a command ends, and ends it.
fn fail(error: &dyn std::error::Error) -> ExitCode {
    say(format_args!("portvakt: {}\n", shown(error)));
    let mut source = error.source();
    while let Some(cause) = source {
        say(format_args!("  because: {}\n", shown(cause)));
        source = cause.source();
    }
    ExitCode::from(FAILURE)
}

/// An error on a terminal: names of files, and what they hold, are whatever somebody wrote.
fn shown(error: &dyn std::error::Error) -> String {
    let error = error.to_string();
    error.lines().map(|line| Printable(line).to_string()).collect::<Vec<_>>().join("\n")
}
