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
/// How long the document stays as it is, or changes, before it is the other's turn.
const TURN: Duration = Duration::from_secs(1);
/// Turns of each in one round.
const TURNS: usize = 4;

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

/// Steady checks without changes, and with some, in turn.
pub async fn round(server: &Server, folder: &Path, body: &Path) -> Result<Reloads, Failure> {
    let (mut quiet, mut busy, mut milliseconds) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TURNS {
        quiet.extend(latency::steady(server, body, TURN).await?);
        server.reloads.try_iter().for_each(drop);
        let editor = tokio::spawn(edit(documents::sample(folder)));
        let turn = latency::steady(server, body, TURN).await;
        editor.abort();
        busy.extend(turn?);
        milliseconds.extend(server.reloads.try_iter());
    }
    if milliseconds.is_empty() {
        return Err("no document was reloaded".into());
    }
    Ok(Reloads { quiet: Latency::of(quiet)?, busy: Latency::of(busy)?, milliseconds })
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
