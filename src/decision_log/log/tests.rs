use std::{fs, num::NonZeroU64};

use super::*;
use crate::{
    config::LogFile,
    decision_log::sample::{answered, application, outcome, request, stranger, user},
    policy::Mode,
};

const MANY: NonZeroU64 = NonZeroU64::MAX;

fn settings(path: std::path::PathBuf, decisions: Decisions) -> config::DecisionLog {
    let to = Some(Destination::File(LogFile { path, max_bytes: 1 << 20, files: 1 }));
    config::DecisionLog { to, decisions, ..config::DecisionLog::default() }
}

#[test]
fn decisions_are_written_as_far_as_they_are_wanted_and_all_are_remembered() {
    let request = request("/");
    let outcomes = [
        outcome(&request, &user(), Mode::Enforce),
        outcome(&request, &stranger(), Mode::Enforce),
        outcome(&request, &application(), Mode::Enforce),
        outcome(&request, &stranger(), Mode::Shadow),
    ];
    for (decisions, expected) in [
        (Decisions::All, &[0, 1, 2, 3][..]),
        (Decisions::Denials, &[1, 3]),
        (Decisions::Sampled { one_in: NonZeroU64::MIN }, &[0, 1, 2, 3]),
        (Decisions::Sampled { one_in: MANY }, &[1, 3]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("decisions");
        let metrics = Metrics::new();
        let (log, flush) =
            DecisionLog::start(&settings(path.clone(), decisions), &metrics).unwrap();
        let recent = Arc::new(Recent::new(std::num::NonZeroUsize::new(10).unwrap()));
        let log = log.with_recent(Some(Arc::clone(&recent)));
        for outcome in &outcomes {
            log.record(&answered(outcome, &request));
        }
        drop(flush);
        let text = fs::read_to_string(path).unwrap();
        let ids: Vec<_> = expected.iter().map(|index| outcomes[*index].id.to_string()).collect();
        let written: Vec<_> = text.lines().map(|line| id_of(line).unwrap()).collect();
        assert_eq!(written, ids, "{decisions:?}");
        let remembered = recent.after(0, 10);
        assert_eq!(remembered.len(), 4);
        for (entry, outcome) in remembered.iter().zip(&outcomes) {
            assert_eq!(entry.record().unwrap().decision_id, outcome.id.to_string());
        }
    }
}

fn id_of(line: &str) -> Option<String> {
    let record: super::super::Record<'_> = serde_json::from_str(line).ok()?;
    Some(record.decision_id.into_owned())
}

#[test]
fn lines_for_which_there_is_no_room_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let metrics = Metrics::new();
    let full = metrics.decision_log_dropped(Dropped::QueueFull);
    let settings = settings(folder.path().join("decisions"), Decisions::All);
    let (log, flush) = DecisionLog::start(&settings, &metrics).unwrap();
    let too_long = vec![b'x'; WAITING.max_bytes + 1];
    log.file.as_ref().unwrap().lines.take(&too_long);
    assert_eq!(full.get(), 1);
    drop(flush);
}

#[test]
fn a_log_that_cannot_be_kept_is_an_error_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let start = |settings: &config::DecisionLog| {
        DecisionLog::start(settings, &Metrics::new()).unwrap_err().to_string()
    };
    let nowhere = settings(folder.path().join("none/decisions"), Decisions::All);
    assert!(start(&nowhere).starts_with("decision_log.to: "));
    let key_file = Some(folder.path().join("none"));
    let personal_data = config::PersonalData::Hashed { key_file };
    let no_key = config::DecisionLog { personal_data, ..config::DecisionLog::default() };
    assert!(start(&no_key).starts_with("decision_log.key_file: "));
}
