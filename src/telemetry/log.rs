//! Log lines, to standard error: JSON for machines, text on a terminal.

use std::{
    io::{self, IsTerminal},
    sync::LazyLock,
    time::Duration,
};

use prometheus::IntCounter;
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use super::writer::{Flush, Lines, Waiting};
use crate::config::{Log, LogFormat};

/// The lines of this process that were dropped because nobody took them: there is one log, whoever
/// counts.
#[expect(clippy::expect_used, reason = "the name is a constant; each start and each test shows it")]
pub static DROPPED_LINES: LazyLock<IntCounter> = LazyLock::new(|| {
    IntCounter::new(
        "portvakt_log_lines_dropped_total",
        "Log lines that were dropped because standard error was not read in time.",
    )
    .expect("the metric's name is a valid constant")
});

/// What these libraries meet is told once, by who asked them, and not at each attempt. A filter that
/// names them hears them all the same.
const TOLD_BY_US: &str = "kube_client=off,kube_runtime=off";

/// How its lines wait.
const WAITING: Waiting =
    Waiting { thread: "log", max_bytes: 4 << 20, gather: Duration::from_millis(5) };

/// Why the log cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("log.filter: \"{filter}\" is no filter: {error}")]
    Filter { filter: String, error: tracing_subscriber::filter::ParseError },
    #[error("the log's thread cannot be started: {0}")]
    Thread(#[from] io::Error),
}

/// Starts logging for the whole process, until what is returned ends. A second call changes
/// nothing.
///
/// # Errors
/// See [`LogError`].
pub fn init(settings: &Log) -> Result<Flush, LogError> {
    let filter = EnvFilter::builder()
        .parse(format!("{TOLD_BY_US},{}", settings.filter))
        .map_err(|error| LogError::Filter { filter: settings.filter.clone(), error })?;
    let is_text = match settings.format {
        LogFormat::Auto => io::stderr().is_terminal(),
        LogFormat::Json => false,
        LogFormat::Text => true,
    };
    let (lines, flush) = Lines::to(io::stderr(), WAITING, DROPPED_LINES.clone())?;
    let (text, json) = match is_text {
        true => (Some(fmt::layer().with_writer(lines).with_target(false)), None),
        false => {
            let layer = fmt::layer().json().flatten_event(true).with_writer(lines);
            (None, Some(layer.with_current_span(false).with_span_list(false).with_target(false)))
        }
    };
    // Fails only where logging was started before.
    let _ = tracing_subscriber::registry().with(filter).with(text).with(json).try_init();
    Ok(flush)
}
