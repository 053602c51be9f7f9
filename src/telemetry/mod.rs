//! What Portvakt tells of itself: metrics and logs.

mod answered;
mod console;
mod decision;
mod documents;
mod graph;
mod log;
mod metrics;
mod usage;
mod writer;

pub use answered::Answered;
pub use console::{ConsoleMetrics, ConsoleRefusal};
pub use decision::log_decision;
pub use documents::{DocumentMetrics, LastReload};
pub use graph::{GraphMetrics, GraphOutcome, GroupLookup};
pub use log::{LogError, init as init_log};
pub use metrics::{Dropped, Metrics};
pub use writer::{Flush, Lines, Waiting};
