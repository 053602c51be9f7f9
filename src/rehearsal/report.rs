//! What a run of cases came to.

use std::sync::Arc;

use super::{coverage::Coverage, read::CasesRead, stage::Rehearsed, stage::Stage};
use crate::{applications::Application, finding::Finding};

/// Whether statements that no case exercises make a run fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Required {
    /// They are told and no more.
    No,
    Coverage,
}

/// All that a run came to.
#[derive(Debug)]
pub struct Report {
    pub rehearsed: Vec<Rehearsed>,
    /// What could not be read: documents, and cases. With any, the others are not the whole answer.
    pub errors: Vec<Finding>,
    pub coverage: Coverage,
    pub required: Required,
}

impl Report {
    /// Runs the cases that could be read. `errors` are those of the documents.
    pub fn run(
        cases: CasesRead,
        errors: Vec<Finding>,
        stage: &Stage<'_>,
        applications: &[Arc<Application>],
        required: Required,
    ) -> Self {
        let mut report = Self {
            rehearsed: Vec::with_capacity(cases.cases.len()),
            errors,
            coverage: Coverage::default(),
            required,
        };
        report.errors.extend(cases.findings);
        for case in cases.cases {
            match stage.rehearse(case) {
                Ok(rehearsed) => report.rehearsed.push(rehearsed),
                Err(finding) => report.errors.push(finding),
            }
        }
        report.errors.sort_by(|one, other| one.place.cmp(&other.place));
        // What is wrong with a target that many cases share is wrong once.
        report.errors.dedup();
        report.coverage = Coverage::of(applications, &report.rehearsed);
        report
    }

    /// How many cases did not come out as expected.
    pub fn failed(&self) -> usize {
        self.rehearsed.iter().filter(|case| !case.is_passed()).count()
    }

    /// Whether coverage is asked for and not there.
    pub fn lacks_coverage(&self) -> bool {
        self.required == Required::Coverage && !self.coverage.missing.is_empty()
    }

    /// Whether there is nothing to find fault with.
    pub fn is_passed(&self) -> bool {
        self.errors.is_empty() && self.failed() == 0 && !self.lacks_coverage()
    }

    /// What is missing, as one line a statement.
    pub fn missing(&self) -> String {
        self.coverage.missing.iter().map(|missing| format!("{missing}\n")).collect()
    }
}
