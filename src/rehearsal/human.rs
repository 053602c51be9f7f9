//! A report for people.

use std::fmt::Write as _;

use super::{report::Report, stage::Rehearsed};
use crate::printable::Printable;

/// A line for each case, with what went wrong; what no case exercises; and the count.
pub fn as_lines(report: &Report) -> String {
    let mut text: String = report.rehearsed.iter().map(of_case).collect();
    let missing = &report.coverage.missing;
    // Writing to a String cannot fail.
    if !missing.is_empty() {
        let _ = write!(text, "exercised by no case:\n{}", indented(&report.missing()));
    }
    let (count, failed) = (report.rehearsed.len(), report.failed());
    let stated = report.coverage.stated;
    let _ = writeln!(
        text,
        "cases: {count}, passed: {}, failed: {failed}; rules, groups and allowAllUsers exercised: \
         {} of {stated}",
        count - failed,
        stated - missing.len(),
    );
    text
}

fn of_case(case: &Rehearsed) -> String {
    let name = Printable(&case.case.name);
    match case.is_passed() {
        true => format!("ok    {name}\n"),
        false => format!(
            "FAIL  {name}\n      {}: expected {}, got {}\n",
            case.case.place,
            case.case.expected,
            Printable(&case.got())
        ),
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("      {line}\n")).collect()
}
