//! `decision_log`.

use std::num::NonZeroU64;

use super::{
    super::{DecisionLog, Decisions, Destination, LogFile, PersonalData},
    values::Values,
};
use crate::finding::Code;

const TO: &str = "decision_log.to";
const DECISIONS: &str = "decision_log.decisions";
const ONE_IN: &str = "decision_log.one_in";
const MAX_BYTES: &str = "decision_log.max_bytes";
const FILES: &str = "decision_log.files";
const PERSONAL_DATA: &str = "decision_log.personal_data";
const KEY_FILE: &str = "decision_log.key_file";

/// A word of the configuration, before what belongs to it is known.
#[derive(Clone, Copy, Default, PartialEq)]
enum Which {
    #[default]
    All,
    Denials,
    Sampled,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Persons {
    Plain,
    #[default]
    Hashed,
    Omitted,
}

pub fn read(values: &mut Values<'_>) -> DecisionLog {
    let which = values.choice(
        DECISIONS,
        &[("all", Which::All), ("denials", Which::Denials), ("sampled", Which::Sampled)],
    );
    let persons = values.choice(
        PERSONAL_DATA,
        &[("plain", Persons::Plain), ("hashed", Persons::Hashed), ("omitted", Persons::Omitted)],
    );
    let one_in = values.number(ONE_IN, 1..=1_000_000_000, NonZeroU64::MIN.saturating_add(99));
    let to = destination(values);
    let key_file = values.path(KEY_FILE);
    let is_file = matches!(to, Some(Destination::File(_)));
    for (path, is_used, instead) in [
        (DECISIONS, to.is_some(), "decision_log.to is off"),
        (ONE_IN, which == Which::Sampled, "decision_log.decisions is not sampled"),
        (MAX_BYTES, is_file, "decision_log.to is no file"),
        (FILES, is_file, "decision_log.to is no file"),
        (KEY_FILE, persons == Persons::Hashed, "decision_log.personal_data is not hashed"),
    ] {
        warn_of_unused(values, path, is_used, instead);
    }
    DecisionLog {
        to,
        decisions: match which {
            Which::All => Decisions::All,
            Which::Denials => Decisions::Denials,
            Which::Sampled => Decisions::Sampled { one_in },
        },
        personal_data: match persons {
            Persons::Plain => PersonalData::Plain,
            Persons::Hashed => PersonalData::Hashed { key_file },
            Persons::Omitted => PersonalData::Omitted,
        },
    }
}

fn destination(values: &mut Values<'_>) -> Option<Destination> {
    let max_bytes = values.number(MAX_BYTES, 1 << 16..=1 << 40, 100 << 20);
    let files = values.number(FILES, 1..=1000, 5);
    match values.text(TO)? {
        "off" => None,
        "stdout" => Some(Destination::Stdout),
        _ => {
            let path = values.path(TO)?;
            Some(Destination::File(LogFile { path, max_bytes, files }))
        }
    }
}

fn warn_of_unused(values: &mut Values<'_>, path: &str, is_used: bool, because: &str) {
    if let Some(node) = values.node(path)
        && !is_used
    {
        let message = format!("{path} has no effect: {because}.");
        values.reader.warning(&node.place, Code::RiskySetting, message);
    }
}

#[cfg(test)]
mod tests;
