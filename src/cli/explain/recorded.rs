//! A request of a decision log, decided anew by the documents that are given.

use std::{io::BufRead, path::PathBuf};

use clap::Args;

use super::documents::Documents;
use crate::{
    authorizer::{Presumed, Settings, rehearse},
    cli::input::{Input, Unreadable},
    decision_log::{LogReader, Record, Rehearsal},
    explain::Explanation,
};

#[derive(Debug, Args)]
#[command(next_help_heading = "Decision log")]
pub struct Log {
    /// A decision log, or - for standard input: explain one of its decisions by the documents given.
    #[arg(long, value_name = "FILE", requires = "id")]
    decisions: Option<PathBuf>,
    /// The id of that decision, as in the answer's body and in the log.
    #[arg(long, value_name = "DECISION_ID", requires = "decisions")]
    id: Option<String>,
}

/// The decision cannot be found.
#[derive(Debug, thiserror::Error)]
pub enum NoRecord {
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error(
        "{file}:{line}: this line names decision {id}, but neither it nor any other line is a whole record of it"
    )]
    Foreign { file: String, line: u64, id: String },
    #[error("{file}: no decision {id} is among its {lines} lines")]
    Absent { file: String, id: String, lines: u64 },
}

impl Log {
    /// The record that is asked for, if one is.
    ///
    /// # Errors
    /// See [`NoRecord`].
    pub fn record(&self) -> Result<Option<Record<'static>>, NoRecord> {
        let (Some(path), Some(id)) = (&self.decisions, &self.id) else { return Ok(None) };
        let Input { name, reader } = Input::open(path)?;
        find(reader, &name, id).map(Some)
    }
}

/// The first record of that id, among whatever else was collected with it: the log for people names
/// the ids of denials, too. Lines that do not name it are not looked into.
fn find(reader: impl BufRead, file: &str, id: &str) -> Result<Record<'static>, NoRecord> {
    let file = || file.to_owned();
    let (mut lines, mut foreign) = (LogReader::new(reader), None);
    let unreadable = |error| Unreadable { name: file(), error };
    while let Some((line, text)) = lines.next_line().map_err(unreadable)? {
        if !String::from_utf8_lossy(text).contains(id) {
            continue;
        }
        match serde_json::from_slice::<Record<'static>>(text) {
            Ok(record) if record.decision_id == id => return Ok(record),
            Ok(_) => {}
            Err(_) => foreign = foreign.or(Some(line)),
        }
    }
    let id = id.to_owned();
    Err(match foreign {
        Some(line) => NoRecord::Foreign { file: file(), line, id },
        None => NoRecord::Absent { file: file(), id, lines: lines.count() },
    })
}

/// Explains what would become of the request now.
pub fn explain(record: &Record<'_>, documents: Documents) -> Explanation {
    let Documents { config, index, .. } = documents;
    let settings = Settings::of(&config).with_named_targets();
    let rehearsal = Rehearsal::of(record);
    let request = record.request();
    let presumed = Presumed(rehearsal.claims());
    let (outcome, steps) = rehearse(&settings, &index, &request, &presumed);
    let explanation = Explanation::of(&outcome, &steps, &request, &settings)
        .beside(record)
        .noting("The steps before the caller are as the log tells; those after it are decided by what was given.");
    match (rehearsal.is_at_a_loss(&steps), record.is_withheld()) {
        (true, _) => {
            explanation.uncertain("the log does not tell whether there was a token, nor whose")
        }
        (false, true) => explanation.uncertain(
            "the log leaves out user and path (decision_log.personal_data), which it may depend on",
        ),
        (false, false) => explanation,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str =
        r#"{"time":"t","decision_id":"aa","decision":"deny","reason":"token_missing"}"#;

    fn found(log: &str, id: &str) -> Result<String, String> {
        let record = find(log.as_bytes(), "d.log", id);
        record.map(|record| record.reason.into_owned()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_decision_is_found_among_other_lines_or_the_place_is_told() {
        let log = format!("starting\n{{}}\n{RECORD}\nbb\n");
        assert_eq!(found(&log, "aa").as_deref(), Ok("token_missing"));
        let foreign = found(&log, "bb").unwrap_err();
        assert!(foreign.starts_with("d.log:4: this line names decision bb, but"), "{foreign}");
        assert_eq!(found(&log, "cc").unwrap_err(), "d.log: no decision cc is among its 4 lines");
        // An id that only stands in another member is not the decision's.
        assert!(found(RECORD, "token_missing").unwrap_err().contains("no decision token_missing"));
        assert!(found(RECORD, "").unwrap_err().contains("no decision"));
    }

    #[test]
    fn a_record_is_found_behind_whatever_a_collector_put_before_it() {
        let people = r#"{"message":"denied","caller":"c:n:a","decision_id":"aa"}"#;
        let cut = &RECORD[..50];
        for before in [people, cut, "aa", "aa \u{fffd}"] {
            let log = format!("{before}\n{RECORD}\r\n");
            assert_eq!(found(&log, "aa").as_deref(), Ok("token_missing"), "{before}");
        }
        let log = [b"\xff\xfe aa\n", RECORD.as_bytes()].concat();
        assert!(find(&log[..], "d.log", "aa").is_ok(), "not all of it is text");
    }
}
