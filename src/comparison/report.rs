//! Changes and flips, for people and for machines.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{
    change::{Change, Effect},
    replay::{Flip, Replay},
};
use crate::printable::Printable;

/// Gains, losses and other changes, a line each, and the callers of a log whose answer is another.
pub fn as_lines(changes: &[Change], replay: Option<&Replay>) -> String {
    // Writing to a String cannot fail.
    let mut text = String::new();
    for (effect, title) in
        [(Effect::Gain, "gains"), (Effect::Loss, "losses"), (Effect::Other, "other changes")]
    {
        let mut changes = changes.iter().filter(|change| change.effect == effect).peekable();
        if changes.peek().is_some() {
            let _ = writeln!(text, "{title}:");
        }
        for change in changes {
            let _ = writeln!(text, "  {change}");
        }
    }
    let count = |effect| changes.iter().filter(|change| change.effect == effect).count();
    let (gains, losses) = (count(Effect::Gain), count(Effect::Loss));
    let _ = writeln!(text, "gains: {gains}, losses: {losses}, other: {}", count(Effect::Other));
    if let Some(replay) = replay {
        let _ = write!(text, "\n{}", log_as_lines(replay));
    }
    text
}

fn log_as_lines(replay: &Replay) -> String {
    let mut text = String::new();
    let flips: Vec<_> = replay.flips().collect();
    if !flips.is_empty() {
        text.push_str("callers of the log whose answer is another one:\n");
    }
    for flip in &flips {
        let Flip { effect, caller, kind, application, old, new, count, first, last } = flip;
        let sign = if *effect == Effect::Gain { '+' } else { '-' };
        // Whoever wrote the log may not write lines of this text.
        let [caller, kind, application, first, last] =
            [caller, kind, application, first, last].map(|text| Printable(text));
        let _ = writeln!(
            text,
            "  {sign} {kind} {caller} → {application}: {old} becomes {new}, {count} × from {first} \
             to {last}"
        );
    }
    let Replay { records, rehearsed, untold, withheld, unlike_recorded, foreign, .. } = replay;
    let _ = writeln!(
        text,
        "records: {records}, rehearsed: {rehearsed}, of which the log does not tell enough: {untold}; \
         callers whose answer is another one: {}",
        flips.len()
    );
    if *withheld > 0 {
        let _ = writeln!(
            text,
            "records that cannot be decided, for user or path are left out in them \
             (decision_log.personal_data): {withheld}"
        );
    }
    if *unlike_recorded > 0 {
        let _ = writeln!(
            text,
            "records that OLD decides otherwise than is recorded: {unlike_recorded}"
        );
    }
    if foreign.count > 0 {
        let lines: Vec<_> = foreign.lines.iter().map(u64::to_string).collect();
        let more = if foreign.count > lines.len() as u64 { ", …" } else { "" };
        let _ = writeln!(
            text,
            "lines that are no record: {} (line {}{more})",
            foreign.count,
            lines.join(", ")
        );
    }
    text
}

/// The same as one JSON object.
pub fn as_json(changes: &[Change], replay: Option<&Replay>) -> Value {
    let of = |effect| -> Value {
        changes.iter().filter(|change| change.effect == effect).map(change_as_json).collect()
    };
    json!({
        "gains": of(Effect::Gain),
        "losses": of(Effect::Loss),
        "other": of(Effect::Other),
        "decisions": replay.map(|replay| json!({
            "records": replay.records,
            "rehearsed": replay.rehearsed,
            "untold": replay.untold,
            "withheld": replay.withheld,
            "unlike_recorded": replay.unlike_recorded,
            "foreign": replay.foreign,
            "flips": replay.flips().collect::<Vec<_>>(),
        })),
    })
}

fn change_as_json(change: &Change) -> Value {
    use super::Subject;
    let mut json = json!({
        "kind": change.subject.kind(),
        "application": change.application.as_ref().map(ToString::to_string),
        "place": change.place,
    });
    match &change.subject {
        Subject::Consumer { name, client_id } => {
            json["consumer"] = json!(name.as_str());
            json["client_id"] = json!(client_id);
        }
        Subject::Group(group) => json["group"] = json!(group),
        Subject::OpenPath(path) => json["path"] = json!(path),
        Subject::Other(text) => json["message"] = json!(text),
        Subject::AllUsers | Subject::Anybody => {}
    }
    json
}
