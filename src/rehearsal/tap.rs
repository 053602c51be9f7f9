//! A report as TAP 14, the Test Anything Protocol.

use std::fmt::Write as _;

use super::{report::Report, stage::Rehearsed};
use crate::finding::Finding;

/// Every case is a test point; so is everything that could not be read, and coverage where it is
/// asked for: no consumer takes a part for the whole.
pub fn as_tap(report: &Report) -> String {
    let mut points: Vec<_> = report.rehearsed.iter().map(of_case).collect();
    points.extend(report.errors.iter().map(of_error));
    if report.lacks_coverage() {
        let missing = report.missing();
        points.push((
            false,
            "every rule, group and allowAllUsers is exercised".to_owned(),
            diagnostics(&[("message", &missing)]),
        ));
    }
    let mut text = format!("TAP version 14\n1..{}\n", points.len());
    for ((is_ok, name, diagnostics), number) in points.iter().zip(1..) {
        let not = if *is_ok { "" } else { "not " };
        // Writing to a String cannot fail.
        let _ = write!(text, "{not}ok {number} - {}\n{diagnostics}", escaped(name));
    }
    text
}

fn of_case(case: &Rehearsed) -> (bool, String, String) {
    let name = case.case.name.clone();
    if case.is_passed() {
        return (true, name, String::new());
    }
    let (at, expected) = (case.case.place.to_string(), case.case.expected.to_string());
    let entries = [("at", at.as_str()), ("expected", &expected), ("got", &case.got())];
    (false, name, diagnostics(&entries))
}

fn of_error(finding: &Finding) -> (bool, String, String) {
    (false, format!("{} can be read", finding.place), diagnostics(&[("message", &finding.message)]))
}

/// A YAML block. Texts in JSON are texts in YAML.
fn diagnostics(entries: &[(&str, &str)]) -> String {
    let entry = |(key, value): &(&str, &str)| format!("  {key}: {}\n", serde_json::json!(value));
    format!("  ---\n{}  ...\n", entries.iter().map(entry).collect::<String>())
}

/// A description: `#` begins a directive, and a line's end ends it.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('#', "\\#");
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_ends_a_test_point_or_begins_a_directive() {
        for (name, expected) in [
            ("a case # TODO", "a case \\# TODO"),
            ("two\nnot ok 2", "two not ok 2"),
            (r"a\#b", r"a\\\#b"),
        ] {
            assert_eq!(escaped(name), expected);
        }
        assert_eq!(diagnostics(&[("at", "a\n...")]), "  ---\n  at: \"a\\n...\"\n  ...\n");
    }
}
