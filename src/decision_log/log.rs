//! The decision log as checks see it: a line is made, handed over, and nobody waits.

use std::{cell::RefCell, io, sync::Arc, time::Duration};

use super::{
    PersonalData, Recent,
    file::{FileError, Reopen, RotatingFile},
    output::Output,
    personal::KeyError,
    writing::write_line,
};
use crate::{
    authorizer::Outcome,
    config::{self, Decisions, Destination},
    telemetry::{Answered, Dropped, Flush, Lines, Metrics, Waiting},
};

/// How its lines wait. A disk may take its time for a moment; a buffer of some hundred kilobytes is
/// still in a processor's cache when it is written.
const WAITING: Waiting =
    Waiting { thread: "decisions", max_bytes: 8 << 20, gather: Duration::from_millis(10) };

/// Takes every decision, and keeps those that are wanted.
#[derive(Debug)]
pub struct DecisionLog {
    personal_data: PersonalData,
    file: Option<Kept>,
    recent: Option<Arc<Recent>>,
}

/// Lines that go somewhere.
#[derive(Debug)]
struct Kept {
    decisions: Decisions,
    lines: Lines,
    reopen: Reopen,
}

/// The decision log cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum DecisionLogError {
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    File(#[from] FileError),
    #[error("the decision log's thread cannot be started: {0}")]
    Thread(#[from] io::Error),
}

impl DecisionLog {
    /// Starts it as configured. What is returned beside it waits at its end for the last lines.
    ///
    /// # Errors
    /// See [`DecisionLogError`].
    pub fn start(
        settings: &config::DecisionLog,
        metrics: &Metrics,
    ) -> Result<(Self, Option<Flush>), DecisionLogError> {
        let personal_data = PersonalData::of(&settings.personal_data)?;
        let lost = metrics.decision_log_dropped(Dropped::WriteFailed);
        let full = metrics.decision_log_dropped(Dropped::QueueFull);
        let (started, reopen) = match &settings.to {
            None => return Ok((Self { personal_data, file: None, recent: None }, None)),
            Some(Destination::Stdout) => {
                (Lines::to(Output::to(io::stdout(), lost), WAITING, full)?, Reopen::default())
            }
            Some(Destination::File(file)) => {
                let (file, reopen) = RotatingFile::open(file.clone())?;
                (Lines::to(Output::to(file, lost), WAITING, full)?, reopen)
            }
        };
        let (lines, flush) = started;
        let file = Some(Kept { decisions: settings.decisions, lines, reopen });
        Ok((Self { personal_data, file, recent: None }, Some(flush)))
    }

    /// The same, with the last decisions kept in memory too.
    pub fn with_recent(self, recent: Option<Arc<Recent>>) -> Self {
        Self { recent, ..self }
    }

    /// Takes a decision.
    pub fn record(&self, answered: &Answered<'_>) {
        thread_local! {
            static LINE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
        }
        let file = self.file.as_ref().filter(|kept| wants(kept.decisions, answered.outcome));
        if file.is_none() && self.recent.is_none() {
            return;
        }
        LINE.with_borrow_mut(|line| {
            line.clear();
            write_line(answered, &self.personal_data, line);
            if let Some(kept) = file {
                kept.lines.take(line);
            }
            if let Some(recent) = &self.recent {
                recent.keep(line, answered.outcome.decision.refusal().is_some());
            }
        });
    }

    /// Has the file opened anew by its name.
    pub fn reopen(&self) {
        if let Some(kept) = &self.file {
            kept.reopen.ask();
        }
    }
}

/// What is refused in shadow counts as what it would be.
fn wants(decisions: Decisions, outcome: &Outcome) -> bool {
    let is_refused = outcome.decision.refusal().is_some();
    match decisions {
        Decisions::All => true,
        Decisions::Denials => is_refused,
        Decisions::Sampled { one_in } => is_refused || outcome.id.is_one_in(one_in),
    }
}

#[cfg(test)]
mod tests;
