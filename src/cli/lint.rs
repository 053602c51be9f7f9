//! stub
use clap::Args;
use std::process::ExitCode;
#[derive(Debug, Args)]
pub struct Lint {}
impl Lint {
    pub fn run(self) -> ExitCode {
        ExitCode::SUCCESS
    }
}
