//! `/api/decisions`: what was decided last, as far as it is remembered.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Query, State},
};
use serde::{Deserialize, Serialize};

use super::Console;
use crate::decision_log::{Entry, Recent, Record};

/// The most that one answer lists.
const MOST: usize = 200;

/// Which decisions are looked for; what is empty does not matter.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Filter {
    /// A part of the name of the application that was called.
    application: String,
    /// A part of the name of the calling application, or of its client id.
    caller: String,
    /// `allow`, `deny`, `shadow`, or `refused` for the latter two.
    decision: String,
    /// A part of the reason.
    reason: String,
    /// Only what came after the decision of this number.
    after: u64,
}

/// The decisions that fit, the newest first.
#[derive(Debug, Default, Serialize)]
pub struct Decisions {
    /// The number of the last decision of all, whether it fits or not.
    latest: u64,
    decisions: Vec<serde_json::Value>,
}

/// Tells of the newest decisions.
pub async fn recent(
    State(console): State<Arc<Console>>,
    Query(filter): Query<Filter>,
) -> Json<Decisions> {
    let recent = Arc::clone(&console.sources.recent);
    let found = console.readings.read(move || find(&recent, &filter)).await;
    Json(found.unwrap_or_default())
}

fn find(recent: &Recent, filter: &Filter) -> Decisions {
    let entries = recent.after(filter.after, usize::MAX);
    let latest = entries.last().map_or_else(|| newest(recent, filter.after), number);
    let newest_first = entries.iter().rev();
    let decisions = newest_first.filter_map(|entry| fitting(entry, filter)).take(MOST).collect();
    Decisions { latest, decisions }
}

fn number(entry: &Entry) -> u64 {
    entry.number
}

/// Where nothing came after a number: that number, or less where the program started anew since.
fn newest(recent: &Recent, after: u64) -> u64 {
    recent.after(0, 1).last().map_or(0, number).min(after)
}

fn fitting(entry: &Entry, filter: &Filter) -> Option<serde_json::Value> {
    let record = entry.record().ok()?;
    if !filter.fits(&record) {
        return None;
    }
    let mut listed = serde_json::to_value(record).ok()?;
    listed["number"] = entry.number.into();
    Some(listed)
}

impl Filter {
    fn fits(&self, record: &Record<'_>) -> bool {
        let caller = record.caller.as_ref();
        let has = |text: Option<&str>, part: &str| {
            let part = part.trim().to_lowercase();
            part.is_empty() || text.is_some_and(|text| text.to_lowercase().contains(&part))
        };
        has(record.application.as_deref(), &self.application)
            && (has(caller.and_then(|caller| caller.application.as_deref()), &self.caller)
                || has(caller.map(|caller| caller.client_id.to_string()).as_deref(), &self.caller))
            && self.is_decided_so(record)
            && has(Some(&record.reason), &self.reason)
    }

    fn is_decided_so(&self, record: &Record<'_>) -> bool {
        let is_shadow = record.mode.as_deref() == Some("shadow");
        match &*self.decision {
            "" => true,
            "shadow" => is_shadow,
            "refused" => is_shadow || record.decision == "deny",
            decision => !is_shadow && record.decision == decision,
        }
    }
}
