//! A decision log, decided anew by old documents and by new ones.

use std::{
    collections::BTreeMap,
    io::{self, BufRead},
};

use serde::Serialize;

use super::change::Effect;
use crate::{
    authorizer::{Presumed, Settings, rehearse},
    config::Config,
    decision::DenyReason,
    decision_log::{LogReader, Record, Rehearsal},
    target::Index,
};

/// What one side decides by.
#[derive(Debug)]
pub struct Side<'a> {
    settings: Settings,
    index: &'a Index,
}

/// What a log came to. Of its records, nothing is kept but counts for each caller and target.
#[derive(Debug, Default)]
pub struct Replay {
    /// Lines that are records.
    pub records: u64,
    /// Records that were decided by both sides.
    pub rehearsed: u64,
    /// Records that a side cannot decide: it looks for a token where none was looked for before,
    /// and whether there was one, the log does not tell.
    pub untold: u64,
    /// Records of users, or of requests without a caller, of which what decided is left out.
    pub withheld: u64,
    /// Records that the old documents decide otherwise than is recorded.
    pub unlike_recorded: u64,
    pub foreign: Foreign,
    flips: BTreeMap<FlipKey, Seen>,
}

/// Lines that are no records.
#[derive(Debug, Default, Serialize)]
pub struct Foreign {
    pub count: u64,
    /// The numbers of the first ones.
    pub lines: Vec<u64>,
}

/// A caller whose answer is another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Flip {
    pub effect: Effect,
    pub caller: String,
    pub kind: String,
    pub application: String,
    /// The reasons' words.
    pub old: &'static str,
    pub new: &'static str,
    pub count: u64,
    pub first: String,
    pub last: String,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct FlipKey {
    effect: Effect,
    application: String,
    caller: String,
    kind: String,
    old: &'static str,
    new: &'static str,
}

#[derive(Debug)]
struct Seen {
    count: u64,
    first: String,
    last: String,
}

/// A decision, in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Answer {
    verdict: &'static str,
    reason: &'static str,
}

/// As many numbers of foreign lines are kept.
const FOREIGN_LINES: usize = 5;

impl<'a> Side<'a> {
    /// What a configuration and its documents decide by.
    pub fn new(config: &Config, index: &'a Index) -> Self {
        Self { settings: Settings::of(config).with_named_targets(), index }
    }

    /// `None` where the log does not tell enough of the request.
    fn decide(&self, record: &Record<'_>) -> Option<Answer> {
        let rehearsal = Rehearsal::of(record);
        let presumed = Presumed(rehearsal.claims());
        let (outcome, steps) = rehearse(&self.settings, self.index, &record.request(), &presumed);
        let decision = outcome.decision;
        let answer = Answer { verdict: decision.verdict(), reason: decision.code() };
        (!rehearsal.is_at_a_loss(&steps)).then_some(answer)
    }
}

impl Replay {
    /// Reads a log to its end, line by line.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn of(log: impl BufRead, old: &Side<'_>, new: &Side<'_>) -> io::Result<Self> {
        let mut replay = Self::default();
        let mut lines = LogReader::new(log);
        while let Some((number, line)) = lines.next_line()? {
            match serde_json::from_slice(line) {
                Ok(record) => replay.take(&record, old, new),
                Err(_) if line.trim_ascii().is_empty() => {}
                Err(_) => replay.foreign.add(number),
            }
        }
        Ok(replay)
    }

    /// The callers whose answer is another one: gains first, each with the target.
    pub fn flips(&self) -> impl Iterator<Item = Flip> {
        self.flips.iter().map(|(key, seen)| Flip {
            effect: key.effect,
            caller: key.caller.clone(),
            kind: key.kind.clone(),
            application: key.application.clone(),
            old: key.old,
            new: key.new,
            count: seen.count,
            first: seen.first.clone(),
            last: seen.last.clone(),
        })
    }

    fn take(&mut self, record: &Record<'_>, old: &Side<'_>, new: &Side<'_>) {
        self.records += 1;
        if record.is_withheld() {
            self.withheld += 1;
            return;
        }
        let (Some(was), Some(is)) = (old.decide(record), new.decide(record)) else {
            self.untold += 1;
            return;
        };
        self.rehearsed += 1;
        if (was.verdict, was.reason) != (&*record.decision, &*record.reason) {
            self.unlike_recorded += 1;
        }
        if was.verdict != is.verdict {
            self.flipped(record, was, is);
        }
    }

    fn flipped(&mut self, record: &Record<'_>, was: Answer, is: Answer) {
        let caller = record.caller.as_ref();
        let name = caller.map(|caller| match &caller.application {
            Some(name) => name.clone().into_owned(),
            None => caller.client_id.to_string(),
        });
        let key = FlipKey {
            effect: if is.verdict == "allow" { Effect::Gain } else { Effect::Loss },
            application: record.application.as_deref().unwrap_or_default().to_owned(),
            caller: name.unwrap_or_else(|| nobody(record).to_owned()),
            kind: caller.map_or(nobody(record), |caller| &caller.kind).to_owned(),
            old: was.reason,
            new: is.reason,
        };
        let time = &*record.time;
        let first = || Seen { count: 0, first: time.to_owned(), last: time.to_owned() };
        let seen = self.flips.entry(key).or_insert_with(first);
        seen.count += 1;
        // Of one form, so that their order is that of the times.
        if time < seen.first.as_str() {
            time.clone_into(&mut seen.first);
        }
        if time > seen.last.as_str() {
            time.clone_into(&mut seen.last);
        }
    }
}

impl Foreign {
    fn add(&mut self, number: u64) {
        self.count += 1;
        if self.lines.len() < FOREIGN_LINES {
            self.lines.push(number);
        }
    }
}

/// What to call a caller that the log does not name.
fn nobody(record: &Record<'_>) -> &'static str {
    match record.reason == DenyReason::TokenMissing.code() {
        true => "anonymous",
        false => "unknown",
    }
}

#[cfg(test)]
mod tests;
