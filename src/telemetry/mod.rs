//! What Portvakt tells of itself: metrics and logs.

mod log;
mod metrics;

pub use log::init as init_log;
pub use metrics::Metrics;
