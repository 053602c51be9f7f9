use crate::{
    config::{
        DecisionLog, Decisions, Destination, LogFile, PersonalData,
        read::tests::{LEAST, read_text},
    },
    finding::Code,
};

#[test]
fn the_decision_log_is_off_unless_it_goes_somewhere() {
    let read = |settings: &str| {
        let read = read_text(&format!("{LEAST}decision_log: {{{settings}}}\n"), &[]).unwrap();
        assert!(read.warnings.is_empty(), "{settings}: {:?}", read.warnings);
        read.config.decision_log
    };
    for nothing in ["", "to: off", "personal_data: hashed"] {
        assert_eq!(read(nothing), DecisionLog::default(), "{nothing}");
    }
    let log = read("to: stdout, decisions: denials, personal_data: omitted");
    assert_eq!(
        (log.to, log.decisions, log.personal_data),
        (Some(Destination::Stdout), Decisions::Denials, PersonalData::Omitted)
    );
    let log = read("to: /logs/a, decisions: sampled, key_file: /key, max_bytes: 65536, files: 9");
    let path = "/logs/a".into();
    assert_eq!(log.to, Some(Destination::File(LogFile { path, max_bytes: 65536, files: 9 })));
    assert_eq!(log.decisions, Decisions::Sampled { one_in: 100.try_into().unwrap() });
    assert_eq!(log.personal_data, PersonalData::Hashed { key_file: Some("/key".into()) });
    let Some(Destination::File(LogFile { path, .. })) = read("to: a.jsonl").to else { panic!() };
    assert!(path.is_absolute() && path.ends_with("a.jsonl"), "from the file's folder");
}

#[test]
fn settings_of_the_decision_log_that_do_nothing_are_told_of() {
    for (settings, said) in [
        ("decisions: denials", "decision_log.decisions has no effect: decision_log.to is off."),
        (
            "to: stdout, one_in: 7",
            "decision_log.one_in has no effect: decision_log.decisions is not sampled.",
        ),
        ("to: stdout, files: 7", "decision_log.files has no effect: decision_log.to is no file."),
        (
            "to: stdout, max_bytes: 65536",
            "decision_log.max_bytes has no effect: decision_log.to is no file.",
        ),
        (
            "personal_data: plain, key_file: k",
            "decision_log.key_file has no effect: decision_log.personal_data is not hashed.",
        ),
    ] {
        let read = read_text(&format!("{LEAST}decision_log: {{{settings}}}\n"), &[]).unwrap();
        let [warning] = &read.warnings[..] else { panic!("{settings}: {:?}", read.warnings) };
        assert_eq!((warning.code, &*warning.message), (Code::RiskySetting, said));
    }
}

#[test]
fn settings_of_the_decision_log_that_cannot_be_are_errors() {
    for (settings, said) in [
        ("to: ''", "decision_log.to is empty"),
        ("to: true", "decision_log.to"),
        ("to: a, decisions: some", "decision_log.decisions must be one of all, denials, sampled"),
        ("to: a, decisions: sampled, one_in: 0", "decision_log.one_in must be from 1 to "),
        ("to: a, max_bytes: 1", "decision_log.max_bytes must be from 65536 to "),
        ("to: a, files: 0", "decision_log.files must be from 1 to 1000"),
        ("personal_data: none", "decision_log.personal_data must be one of plain, hashed, omitted"),
        ("personal: plain", "There is no key decision_log.personal"),
    ] {
        let errors = read_text(&format!("{LEAST}decision_log: {{{settings}}}\n"), &[]).unwrap_err();
        assert!(errors.len() == 1 && errors[0].contains(said), "{settings}: {errors:?}");
    }
}
