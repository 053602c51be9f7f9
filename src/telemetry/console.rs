//! The metrics of the console.

use prometheus::{IntCounterVec, Opts, Registry};

use super::metrics::register;

/// Why the console turned a request away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsoleRefusal {
    /// It is not called by the name in `Host`.
    Host,
    /// A page of somebody else asked.
    Origin,
    /// A question that is no `application/json`.
    ContentType,
    /// A question that says something else than a question does.
    Unreadable,
    /// A head or a body.
    TooLarge,
    /// A head or a body.
    TooSlow,
    /// As many questions are being answered as may be.
    Full,
}

impl ConsoleRefusal {
    const ALL: [Self; 7] = [
        Self::Host,
        Self::Origin,
        Self::ContentType,
        Self::Unreadable,
        Self::TooLarge,
        Self::TooSlow,
        Self::Full,
    ];

    fn label(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Origin => "origin",
            Self::ContentType => "content_type",
            Self::Unreadable => "unreadable",
            Self::TooLarge => "too_large",
            Self::TooSlow => "too_slow",
            Self::Full => "full",
        }
    }
}

/// What became of requests to the console.
#[derive(Debug)]
pub struct ConsoleMetrics(IntCounterVec);

impl ConsoleMetrics {
    pub(super) fn new(registry: &Registry) -> Self {
        let opts = Opts::new(
            "portvakt_console_refused_total",
            "Requests that the console turned away, by the reason.",
        );
        let metrics = Self(register(registry, IntCounterVec::new(opts, &["reason"])));
        for refusal in ConsoleRefusal::ALL {
            metrics.0.with_label_values(&[refusal.label()]).inc_by(0);
        }
        metrics
    }

    /// A request was turned away.
    pub fn refused(&self, refusal: ConsoleRefusal) {
        self.0.with_label_values(&[refusal.label()]).inc();
    }

    /// How many were turned away for this reason.
    #[cfg(test)]
    pub fn refusals(&self, refusal: ConsoleRefusal) -> u64 {
        self.0.with_label_values(&[refusal.label()]).get()
    }
}
