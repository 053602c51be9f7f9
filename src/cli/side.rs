//! One of two states of documents that are compared: what lies in files, or in a revision of git.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    git::{GitError, Revision, is_revision},
    given::{Given, GivenRead, Unusable},
};
use crate::{
    applications::Application,
    finding::{Finding, Place},
};

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
    Unusable(#[from] Unusable),
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
    /// [`Unusable`].
    pub fn read(&self, cluster: &str) -> Result<GivenRead, Unusable> {
        match self {
            Self::Files(paths) => Given::below(paths)?.read(cluster),
            Self::Revision(name, revision) => {
                let there = revision.paths().iter().filter(|path| path.exists()).cloned();
                let given = Given::below(&there.collect::<Vec<_>>()).unwrap_or_default();
                let names = Renaming::of(revision.root(), name);
                match given.read(cluster) {
                    Ok(mut read) => {
                        names.all_of(&mut read);
                        Ok(read)
                    }
                    Err(Unusable::Configuration(mut findings)) => {
                        findings.iter_mut().for_each(|finding| names.finding(finding));
                        Err(Unusable::Configuration(findings))
                    }
                    Err(error) => Err(error),
                }
            }
        }
    }
}

/// Has places say where in the revision they are, as `git show` takes it.
struct Renaming {
    aside: String,
    shown: String,
}

impl Renaming {
    fn of(root: &Path, name: &str) -> Self {
        Self { aside: format!("{}/", root.display()), shown: format!("{name}:") }
    }

    fn all_of(&self, read: &mut GivenRead) {
        read.snapshot.findings.iter_mut().for_each(|finding| self.finding(finding));
        for application in &mut read.snapshot.applications {
            self.application(Arc::make_mut(application));
        }
    }

    fn finding(&self, finding: &mut Finding) {
        self.place(&mut finding.place);
        finding.message = finding.message.replace(&self.aside, &self.shown);
    }

    fn application(&self, application: &mut Application) {
        let stated = &mut application.stated;
        self.place(&mut stated.place);
        stated.rules.iter_mut().for_each(|rule| self.place(&mut rule.place));
        stated.groups.iter_mut().for_each(|group| self.place(&mut group.place));
        stated.everyone.iter_mut().for_each(|place| self.place(place));
    }

    fn place(&self, place: &mut Place) {
        place.source = place.source.replace(&self.aside, &self.shown).into();
    }
}
