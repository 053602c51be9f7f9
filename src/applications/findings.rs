//! No more findings than anybody reads.

use std::{collections::BTreeMap, sync::Arc};

use crate::finding::{Code, Finding, Place, Severity};

/// As many are kept of one file.
pub const MOST_FINDINGS: usize = 1_000;

/// Collects findings, of each source no more than [`MOST_FINDINGS`].
#[derive(Debug, Default)]
pub struct Capped {
    kept: Vec<Finding>,
    sources: BTreeMap<Arc<str>, Count>,
}

#[derive(Debug, Default)]
struct Count {
    kept: usize,
    /// The worst that was left out.
    left_out: Option<Severity>,
}

impl Capped {
    /// What was kept, and a finding for each source of which some were left out: as severe as
    /// the worst of those.
    pub fn into_findings(mut self) -> Vec<Finding> {
        let left_out = self.sources.into_iter().filter_map(|(source, count)| {
            Some(Finding {
                place: Place::whole(source),
                severity: count.left_out?,
                code: Code::TooMany,
                message: format!(
                    "There are more than {MOST_FINDINGS} findings; the others are left out."
                ),
            })
        });
        self.kept.extend(left_out);
        self.kept
    }
}

impl Extend<Finding> for Capped {
    fn extend<I: IntoIterator<Item = Finding>>(&mut self, findings: I) {
        for finding in findings {
            let count = self.sources.entry(Arc::clone(&finding.place.source)).or_default();
            if count.kept < MOST_FINDINGS {
                count.kept += 1;
                self.kept.push(finding);
            } else {
                let worst = count.left_out.unwrap_or(finding.severity);
                count.left_out = Some(worst.min(finding.severity));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_of_a_source_is_told_once_and_as_the_worst_of_it() {
        let finding = |source: &str, severity| Finding {
            place: Place::whole(source),
            severity,
            code: Code::UnknownKey,
            message: String::new(),
        };
        let mut capped = Capped::default();
        capped.extend((0..MOST_FINDINGS + 2).map(|_| finding("a", Severity::Warning)));
        capped.extend([finding("a", Severity::Error), finding("a", Severity::Warning)]);
        capped.extend((0..MOST_FINDINGS).map(|_| finding("b", Severity::Error)));
        let findings = capped.into_findings();
        assert_eq!(findings.len(), 2 * MOST_FINDINGS + 1);
        let last = findings.last().unwrap().to_string();
        assert_eq!(
            last,
            "a: error: too_many: There are more than 1000 findings; the others are left out."
        );
    }
}
