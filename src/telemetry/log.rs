//! Log lines, to standard error: JSON for machines, text on a terminal.

use std::io::{self, IsTerminal};

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::{Log, LogFormat};

/// The log's filter cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("log.filter: \"{filter}\" is no filter: {error}")]
pub struct InvalidFilter {
    filter: String,
    error: tracing_subscriber::filter::ParseError,
}

/// Starts logging for the whole process. A second call changes nothing.
///
/// # Errors
/// [`InvalidFilter`].
pub fn init(settings: &Log) -> Result<(), InvalidFilter> {
    let filter = EnvFilter::builder()
        .parse(&settings.filter)
        .map_err(|error| InvalidFilter { filter: settings.filter.clone(), error })?;
    let is_text = match settings.format {
        LogFormat::Auto => io::stderr().is_terminal(),
        LogFormat::Json => false,
        LogFormat::Text => true,
    };
    let (text, json) = match is_text {
        true => (Some(fmt::layer().with_writer(io::stderr).with_target(false)), None),
        false => {
            let layer = fmt::layer().json().flatten_event(true).with_writer(io::stderr);
            (None, Some(layer.with_current_span(false).with_span_list(false).with_target(false)))
        }
    };
    // Fails only where logging was started before.
    let _ = tracing_subscriber::registry().with(filter).with(text).with(json).try_init();
    Ok(())
}
