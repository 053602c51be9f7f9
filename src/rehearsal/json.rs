//! A report as one JSON object, for scripts.

use serde_json::{Value, json};

use super::{
    case::{ALLOW, DENY, Expected},
    coverage::{Missing, Statement},
    report::{Report, Required},
    stage::Rehearsed,
};
use crate::{decision::Decision, policy::Mode};

/// All of it: cases, coverage, what could not be read, and how many there are of each.
pub fn as_json(report: &Report) -> Value {
    let (cases, failed) = (report.rehearsed.len(), report.failed());
    let coverage = &report.coverage;
    json!({
        "passed": report.is_passed(),
        "totals": {
            "cases": cases,
            "passed": cases - failed,
            "failed": failed,
            "findings": report.errors.len(),
        },
        "cases": report.rehearsed.iter().map(of_case).collect::<Value>(),
        "coverage": {
            "required": report.required == Required::Coverage,
            "stated": coverage.stated,
            "exercised": coverage.stated - coverage.missing.len(),
            "missing": coverage.missing.iter().map(of_missing).collect::<Value>(),
        },
        "findings": report.errors,
    })
}

fn of_case(rehearsed: &Rehearsed) -> Value {
    let (written, decision) = (&rehearsed.case, &rehearsed.outcome.decision);
    let Expected { allow, reason } = written.expected;
    let mode = matches!(decision, Decision::Shadow(_)).then_some(Mode::Shadow.as_str());
    json!({
        "name": written.name,
        "place": written.place,
        "target": written.target,
        "passed": rehearsed.is_passed(),
        "expected": {
            "decision": allow.map(|allow| if allow { ALLOW } else { DENY }),
            "reason": reason,
        },
        "got": {
            "decision": decision.verdict(),
            "reason": decision.code(),
            "mode": mode,
            "because": rehearsed.because(),
        },
    })
}

fn of_missing(missing: &Missing) -> Value {
    let Missing { place, application, statement } = missing;
    let (kind, name) = match statement {
        Statement::Rule(consumer) => ("rule", Some(consumer.to_string())),
        Statement::Group(group) => ("group", Some(group.to_string())),
        Statement::AllUsers => ("allow_all_users", None),
    };
    json!({"place": place, "application": application, "kind": kind, "name": name})
}
