//! Starts the command that was asked for.

use std::process::ExitCode;

/// Answers are small and many, and tasks are aligned: the system's allocator is slow at both.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    portvakt::cli::run()
}
