//! `/api/decisions`: what was decided last, as far as it is remembered.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Serialize;

use super::{
    Console,
    asked::{Asked, Misstated, Parameters, Query},
};
use crate::decision_log::{Entry, Recent, Record};

/// The most that one answer lists.
const MOST: usize = 200;

/// Which decisions are looked for; what is empty does not matter.
#[derive(Debug)]
pub struct Filter {
    /// A part of the name of the application that was called.
    application: String,
    /// A part of the name of the calling application, or of its client id.
    caller: String,
    /// `allow`, `deny`, `shadow`, or `refused` for the latter two.
    decision: &'static str,
    /// A part of the reason.
    reason: String,
    /// `differs`: only what the candidate documents would have decided otherwise.
    candidate: &'static str,
    /// Only what came after the decision of this number.
    after: u64,
}

impl Asked for Filter {
    const NAMES: &'static [&'static str] =
        &["application", "caller", "decision", "reason", "candidate", "after"];

    fn read(parameters: &Parameters) -> Result<Self, Misstated> {
        Ok(Self {
            application: parameters.text("application"),
            caller: parameters.text("caller"),
            decision: parameters.word("decision", &["allow", "deny", "shadow", "refused"])?,
            reason: parameters.text("reason"),
            candidate: parameters.word("candidate", &["differs"])?,
            after: parameters.number("after", 0..=u64::MAX, 0)?,
        })
    }
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
            // A record tells of candidates only where they differ.
            && (self.candidate.is_empty() || record.candidate.is_some())
    }

    fn is_decided_so(&self, record: &Record<'_>) -> bool {
        let is_shadow = record.mode.as_deref() == Some("shadow");
        match self.decision {
            "" => true,
            "shadow" => is_shadow,
            "refused" => is_shadow || record.decision == "deny",
            decision => !is_shadow && record.decision == decision,
        }
    }
}
