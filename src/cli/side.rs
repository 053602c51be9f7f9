//! One of two states of documents that are compared: what lies in files, or in a revision of git.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    git::{GitError, Revision, is_revision},
    given::{Given, GivenRead, NothingGiven},
};
use crate::{applications::Application, finding::Place};

/// Where the documents of one side are.
#[derive(Debug)]
pub enum Side {
    Files(Vec<PathBuf>),
    /// A revision, with the name that it was given.
    Revision(String, Revision),
}

/// A side cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SideError {
    #[error("{name}: there is no such file or folder, and no such revision: {error}")]
    Neither { name: String, error: GitError },
    #[error("{0}: there is such a file or folder, and such a revision; write ./{0}, or git:{0}")]
    Both(String),
    #[error(transparent)]
    Git(#[from] GitError),
    #[error(transparent)]
    Nothing(#[from] NothingGiven),
}

const GIT: &str = "git:";

impl Side {
    /// What a word of the command line names: a path; or `git:REV`, `git:REV:PATH`, or such a
    /// revision without `git:` where no path is called that. `below` are paths within it.
    ///
    /// # Errors
    /// [`SideError`] where there is neither, or both: whoever adds a folder that is called as the
    /// branch that a change is held against would be compared with what is in the folder.
    pub fn named(name: &str, below: &[PathBuf]) -> Result<Self, SideError> {
        if let Some(revision) = name.strip_prefix(GIT) {
            return Ok(Self::of_revision(revision, below)?);
        }
        let path = Path::new(name);
        if path.exists() && is_revision(name.split(':').next().unwrap_or_default()) {
            return Err(SideError::Both(name.to_owned()));
        }
        match (path.exists(), below) {
            (true, []) => Ok(Self::Files(vec![path.to_owned()])),
            (true, _) => Ok(Self::Files(below.iter().map(|below| path.join(below)).collect())),
            (false, _) => Self::of_revision(name, below)
                .map_err(|error| SideError::Neither { name: name.to_owned(), error }),
        }
    }

    fn of_revision(name: &str, below: &[PathBuf]) -> Result<Self, GitError> {
        let (name, base) = match name.split_once(':') {
            Some((name, base)) => (name, Some(Path::new(base))),
            None => (name, None),
        };
        Ok(Self::Revision(name.to_owned(), Revision::read(name, base, below)?))
    }

    /// Reads it. `cluster` is that of the documents where no configuration is among the files. A
    /// revision from before there were any documents has none.
    ///
    /// # Errors
    /// [`NothingGiven`] of files.
    pub fn read(&self, cluster: &str) -> Result<GivenRead, NothingGiven> {
        match self {
            Self::Files(paths) => Ok(Given::below(paths)?.read(cluster)),
            Self::Revision(name, revision) => {
                let there = revision.paths().iter().filter(|path| path.exists()).cloned();
                let given = Given::below(&there.collect::<Vec<_>>()).unwrap_or_default();
                let mut read = given.read(cluster);
                rename(&mut read, revision.root(), name);
                Ok(read)
            }
        }
    }
}

/// Has places say where in the revision they are, as `git show` takes it.
fn rename(read: &mut GivenRead, root: &Path, name: &str) {
    let (aside, shown) = (format!("{}/", root.display()), format!("{name}:"));
    let rename = |place: &mut Place| place.source = place.source.replace(&aside, &shown).into();
    for finding in &mut read.snapshot.findings {
        rename(&mut finding.place);
        finding.message = finding.message.replace(&aside, &shown);
    }
    for application in &mut read.snapshot.applications {
        rename_stated(Arc::make_mut(application), &rename);
    }
}

fn rename_stated(application: &mut Application, rename: &impl Fn(&mut Place)) {
    let stated = &mut application.stated;
    rename(&mut stated.place);
    stated.rules.iter_mut().for_each(|rule| rename(&mut rule.place));
    stated.groups.iter_mut().for_each(|group| rename(&mut group.place));
    stated.everyone.iter_mut().for_each(rename);
}
