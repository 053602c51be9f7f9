//! Documents as they were at a revision of git.

use std::{
    ffi::OsStr,
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::ffi::OsStrExt,
    path::{Component, Path, PathBuf},
    process::{Command, Stdio},
    thread,
};

use tempfile::TempDir;

use crate::file::MOST_OF_A_TEXT;

/// Files of a revision, in a folder that ends with this value.
#[derive(Debug)]
pub struct Revision {
    folder: TempDir,
    /// What was asked for, in that folder.
    paths: Vec<PathBuf>,
}

/// A revision cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    #[error("git cannot be started: {0}")]
    Start(io::Error),
    #[error("git knows no revision \"{revision}\": {said}")]
    NoRevision { revision: String, said: String },
    #[error("git fails: {0}")]
    Failed(String),
    #[error(
        "{revision} has no file or folder {}; paths begin at the repository's root, or with ./ at the working folder",
        path.display()
    )]
    NoPath { revision: String, path: PathBuf },
    #[error("the revision holds a path that no file has: {}", .0.display())]
    Path(PathBuf),
    #[error("the revision's files cannot be written aside: {0}")]
    Aside(io::Error),
}

impl Revision {
    /// Reads the YAML and JSON files of a revision, which is whatever names a commit, that lie
    /// below some paths. As git has it, `base` is a path in the repository, or one from the working
    /// folder where it begins with a dot; without one, it is the working folder.
    ///
    /// # Errors
    /// [`GitError`].
    pub fn read(revision: &str, base: Option<&Path>, below: &[PathBuf]) -> Result<Self, GitError> {
        let commit = commit(revision)?;
        let root = match base {
            Some(base) if !is_from_here(base) => base.to_owned(),
            _ => here()?.join(base.unwrap_or(Path::new(""))),
        };
        let wanted: Vec<_> = match below {
            [] => vec![plain(&root)],
            _ => below.iter().map(|path| plain(&root.join(path))).collect(),
        };
        let listed = run(git().args(["ls-tree", "-r", "-z", "--full-tree", &commit]))?;
        if let Some(base) = base.filter(|_| !is_listed(&listed, &plain(&root))) {
            return Err(GitError::NoPath { revision: revision.to_owned(), path: base.to_owned() });
        }
        let folder = tempfile::tempdir().map_err(GitError::Aside)?;
        let mut files = Vec::new();
        let listed = listed.split(|byte| *byte == 0).filter_map(document);
        for (id, path) in listed.filter(|(_, path)| wanted.iter().any(|w| path.starts_with(w))) {
            if plain(path) != path {
                return Err(GitError::Path(path.to_owned()));
            }
            files.push((id.to_owned(), folder.path().join(path)));
        }
        write_aside(&files)?;
        let paths = wanted.iter().map(|path| folder.path().join(path)).collect();
        Ok(Self { folder, paths })
    }

    /// The folder that stands for the repository's.
    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    /// What was asked for, whether it is there or not.
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }
}

/// The working folder, as a path in the repository.
fn here() -> Result<PathBuf, GitError> {
    let prefix = run(git().args(["rev-parse", "--show-prefix"]))?;
    Ok(PathBuf::from(OsStr::from_bytes(prefix.trim_ascii_end())))
}

/// Whether a path is one from the working folder.
fn is_from_here(path: &Path) -> bool {
    let first = path.as_os_str().as_bytes().split(|byte| *byte == b'/').next();
    matches!(first, Some(b"." | b".."))
}

/// Whether a tree's list of files has one that is, or lies below, this path.
fn is_listed(listed: &[u8], path: &Path) -> bool {
    let paths = listed.split(|byte| *byte == 0).filter_map(|entry| {
        let tab = entry.iter().position(|byte| *byte == b'\t')?;
        Some(Path::new(OsStr::from_bytes(&entry[tab + 1..])))
    });
    path.as_os_str().is_empty() || paths.into_iter().any(|listed| listed.starts_with(path))
}

/// A path in the repository, without what leads out of it or nowhere.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(part) => plain.push(part),
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    plain
}

/// Whether a name is that of a commit. It is not where git is not.
pub fn is_revision(name: &str) -> bool {
    commit(name).is_ok()
}

/// Asks nobody, neither for a password nor for objects that are not there.
fn git() -> Command {
    let mut command = Command::new("git");
    command.env("GIT_TERMINAL_PROMPT", "0").env("GIT_NO_LAZY_FETCH", "1").stdin(Stdio::null());
    command
}

/// The id of a commit, which cannot be taken for an option.
fn commit(revision: &str) -> Result<String, GitError> {
    let wanted = format!("{revision}^{{commit}}");
    let found = run(git().args(["rev-parse", "--verify", "--end-of-options", &wanted]));
    let id = match found {
        Ok(id) => String::from_utf8_lossy(id.trim_ascii_end()).into_owned(),
        Err(GitError::Failed(said)) => {
            return Err(GitError::NoRevision { revision: revision.to_owned(), said });
        }
        Err(error) => return Err(error),
    };
    match !id.is_empty() && id.bytes().all(|c| c.is_ascii_hexdigit()) {
        true => Ok(id),
        false => Err(GitError::NoRevision { revision: revision.to_owned(), said: id }),
    }
}

fn run(command: &mut Command) -> Result<Vec<u8>, GitError> {
    let output = command.output().map_err(GitError::Start)?;
    match output.status.success() {
        true => Ok(output.stdout),
        false => Err(GitError::Failed(last_line(&output.stderr))),
    }
}

fn last_line(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    said.lines().last().unwrap_or("it does not say why").trim_start_matches("fatal: ").to_owned()
}

/// The id and the path of a file that may hold documents, of a line `mode type id TAB path`. Links
/// are none: what they lead to is listed itself.
fn document(entry: &[u8]) -> Option<(&str, &Path)> {
    let tab = entry.iter().position(|byte| *byte == b'\t')?;
    let mut words = std::str::from_utf8(&entry[..tab]).ok()?.split(' ');
    let (mode, kind, id) = (words.next()?, words.next()?, words.next()?);
    let path = Path::new(OsStr::from_bytes(&entry[tab + 1..]));
    let ending = path.extension().map(OsStr::to_ascii_lowercase)?;
    let is_document = ["yaml", "yml", "json"].iter().any(|known| ending == *known);
    (kind == "blob" && mode.starts_with("100") && is_document).then_some((id, path))
}

/// Writes blobs to files, by one process of git.
fn write_aside(files: &[(String, PathBuf)]) -> Result<(), GitError> {
    let mut child = git()
        .args(["cat-file", "--batch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(GitError::Start)?;
    let (asked, answers) = (child.stdin.take(), child.stdout.take());
    let written = thread::scope(|scope| {
        let (Some(mut asked), Some(answers)) = (asked, answers) else { return Ok(()) };
        // On a thread of its own: git answers before it has read everything.
        scope.spawn(move || files.iter().try_for_each(|(id, _)| writeln!(asked, "{id}")));
        let mut answers = BufReader::new(answers);
        files.iter().try_for_each(|(_, path)| write_blob(&mut answers, path))
    });
    // Where it still writes, nobody reads any more.
    let _ = child.wait();
    written.map_err(GitError::Aside)
}

/// Copies one answer: `id type size`, a line's end, the content, a line's end. Of a file that is
/// larger than any that is read, only as much as tells that: a revision is small, and what unpacks
/// from it need not be.
fn write_blob(answers: &mut impl BufRead, path: &Path) -> io::Result<()> {
    let mut header = String::new();
    answers.read_line(&mut header)?;
    let size = header.trim_end().rsplit(' ').next().and_then(|size| size.parse::<u64>().ok());
    let size =
        size.ok_or_else(|| io::Error::other(format!("git answers \"{}\"", header.trim())))?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut content = answers.take(size);
    let kept =
        io::copy(&mut (&mut content).take(MOST_OF_A_TEXT + 1), &mut fs::File::create(path)?)?;
    let passed_over = io::copy(&mut content, &mut io::sink())?;
    if kept + passed_over < size {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    answers.read_exact(&mut [0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_plain_files_with_the_ending_of_yaml_or_json() {
        for (entry, expected) in [
            ("100644 blob 0a\ta/b.yaml", Some(("0a", "a/b.yaml"))),
            ("100755 blob 0a\tb.YML", Some(("0a", "b.YML"))),
            ("100644 blob 0a\ta\tb.json", Some(("0a", "a\tb.json"))),
            ("120000 blob 0a\tlink.yaml", None),
            ("160000 commit 0a\tmodule.yaml", None),
            ("100644 blob 0a\tREADME.md", None),
            ("100644 blob 0a", None),
            ("", None),
        ] {
            let found = document(entry.as_bytes());
            assert_eq!(found, expected.map(|(id, path)| (id, Path::new(path))), "{entry:?}");
        }
    }

    #[test]
    fn no_path_leads_out_of_the_repository() {
        for (path, expected) in [
            ("a/b", "a/b"),
            ("./a/./b", "a/b"),
            ("a/../b", "b"),
            ("../../etc", "etc"),
            ("/etc", "etc"),
            (".", ""),
        ] {
            assert_eq!(plain(Path::new(path)), Path::new(expected), "{path}");
        }
    }

    #[test]
    fn an_answer_of_git_is_copied_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b.yaml");
        let mut answers = &b"0a blob 5\nkind\n\n0b blob 3\nab"[..];
        write_blob(&mut answers, &path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"kind\n");
        assert!(write_blob(&mut answers, &path).is_err(), "cut short");
        assert!(write_blob(&mut &b"0a missing\n"[..], &path).is_err());

        let size = MOST_OF_A_TEXT * 2;
        let header = format!("0a blob {size}\n");
        let mut answers =
            header.as_bytes().chain(io::repeat(b' ').take(size)).chain(&b"\nrest"[..]);
        write_blob(&mut BufReader::new(&mut answers), &path).unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().len(),
            MOST_OF_A_TEXT + 1,
            "as large as is too large"
        );
    }
}
