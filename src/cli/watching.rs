//! Commands that look again whenever files change.

use std::{future::pending, io, path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::Notify,
    time::sleep,
};

use super::{print, say};
use crate::applications::{Watches, Watching, folders_of};

/// Between the first sign of a change and looking: who writes one file often writes several.
const GATHER: Duration = Duration::from_millis(100);
/// Between looks where changes may go unannounced.
const POLL: Duration = Duration::from_secs(1);

/// What one look came to.
#[derive(Debug, PartialEq, Eq)]
pub struct Look {
    /// For standard output.
    pub text: String,
    /// For standard error.
    pub said: String,
    /// The exit code.
    pub code: u8,
}

impl Look {
    /// There is nothing but a fault to tell of.
    pub fn failed(code: u8, fault: &str) -> Self {
        Self { text: String::new(), said: format!("portvakt: {fault}\n"), code }
    }

    /// Prints it.
    pub fn show(&self) -> ExitCode {
        let ended = print(&self.text, self.code);
        say(&self.said);
        ended
    }
}

/// Looks now and after every change below `paths`, until SIGINT or SIGTERM; returns what the last
/// look came to.
///
/// # Errors
/// Where the process cannot be told of signals.
pub fn keep_looking(paths: &[PathBuf], look: impl Fn() -> Look) -> io::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (mut interrupt, mut terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let changed = Arc::<Notify>::default();
        let mut watches = Watches::new(Arc::clone(&changed));
        let mut last = None;
        loop {
            // Before looking: a change from here on is announced.
            let folders = folders_of(paths);
            let watching = watches.follow(folders.iter().map(PathBuf::as_path));
            let found = look();
            // Looking may have been for nothing where changes are not announced.
            if last.as_ref() != Some(&found) {
                found.show();
                say("portvakt: looking again after every change; Ctrl-C ends\n");
            }
            let code = found.code;
            last = Some(found);
            tokio::select! {
                () = changed.notified() => {
                    sleep(GATHER).await;
                    last = None;
                }
                () = poll(watching) => {}
                _ = interrupt.recv() => return Ok(ExitCode::from(code)),
                _ = terminate.recv() => return Ok(ExitCode::from(code)),
            }
        }
    })
}

async fn poll(watching: Watching) {
    match watching {
        Watching::NotAll => sleep(POLL).await,
        Watching::All | Watching::More => pending().await,
    }
}
