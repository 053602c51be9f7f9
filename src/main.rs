//! Starts the command that was asked for.

use std::process::ExitCode;

/// Answers are small and many: the system's allocator takes a fifth of a check's time.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    portvakt::cli::run()
}
