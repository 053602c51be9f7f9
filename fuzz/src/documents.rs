//! Files of NAIS documents, and of further consumers.

use std::{fs, path::PathBuf, sync::LazyLock};

use portvakt::applications::{Context, Tenants, read_once};
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());

/// A file of documents: reading it ends, and says the same of it each time, with places that are
/// in the file.
pub fn documents(text: &[u8]) {
    let file = FOLDER.path().join(format!("{:?}.yaml", std::thread::current().id()));
    fs::write(&file, text).unwrap();
    for (documents, further) in [(vec![file.clone()], vec![]), (vec![], vec![file.clone()])] {
        let findings = all(documents.clone(), further.clone());
        assert_eq!(findings, all(documents, further));
        let breaks = text.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count();
        for (line, finding) in findings {
            assert!(line <= breaks + 2, "{finding} with {breaks} line breaks");
        }
    }
}

/// The findings and their lines.
fn all(documents: Vec<PathBuf>, further: Vec<PathBuf>) -> Vec<(usize, String)> {
    let context = Context::new("fuzz", Tenants::Unspecified);
    let documents = documents.into_iter().map(Into::into).collect();
    let findings = read_once(documents, further, context).findings.into_iter();
    let line = |line| usize::try_from(line).unwrap_or(usize::MAX);
    findings.map(|finding| (line(finding.place.line), finding.to_string())).collect()
}
