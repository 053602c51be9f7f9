//! One document changes among many, while checks go on.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::time;

use crate::{
    Failure, documents,
    latency::{self, Latency},
    process::Server,
};

/// Between two changes.
const PERIOD: Duration = Duration::from_millis(500);

/// What one round showed.
#[derive(Debug)]
pub struct Reloads {
    /// While nothing changes.
    pub quiet: Latency,
    /// While a document changes twice a second.
    pub busy: Latency,
    /// How long each reload took, in milliseconds, as the service logs it.
    pub milliseconds: Vec<f64>,
}

/// Steady checks without changes, and with some.
pub async fn round(server: &Server, folder: &Path, body: &Path) -> Result<Reloads, Failure> {
    let quiet = latency::steady(server, body).await?;
    server.reloads.try_iter().for_each(drop);
    let editor = tokio::spawn(edit(documents::sample(folder)));
    let busy = latency::steady(server, body).await;
    editor.abort();
    let milliseconds: Vec<_> = server.reloads.try_iter().collect();
    if milliseconds.is_empty() {
        return Err("no document was reloaded".into());
    }
    Ok(Reloads { quiet, busy: busy?, milliseconds })
}

/// Changes the sample's document, but nothing that it says, for as long as it is let.
async fn edit(file: PathBuf) {
    let mut rhythm = time::interval(PERIOD);
    for number in 0_u64.. {
        rhythm.tick().await;
        // Where it fails no reload is told of, which fails the round.
        let _ = fs::write(&file, format!("{}# change {number}\n", documents::SAMPLE));
    }
}
