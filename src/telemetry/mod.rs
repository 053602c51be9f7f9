//! What Portvakt tells of itself: metrics and logs.

mod answered;
mod decision;
mod graph;
mod log;
mod metrics;
mod usage;
mod writer;

pub use answered::Answered;
pub use decision::log_decision;
pub use graph::{GraphMetrics, GraphOutcome, GroupLookup};
pub use log::{LogError, init as init_log};
pub use metrics::{Dropped, LastReload, Metrics};
pub use writer::{Flush, Lines, Waiting};
