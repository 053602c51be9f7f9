//! A file of lines that is begun anew when it is full: the full one is kept under a number.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions, Permissions},
    io::{self, Write},
    os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tracing::warn;

use crate::{config::LogFile, file};

/// Nobody but the owner reads it, unless somebody gave it to a group: it tells who called what.
const MODE: u32 = 0o600;
/// The rights that a file may have. What is beyond them is everybody's.
const OWNERS_AND_GROUPS: u32 = 0o770;

/// The file. What is written to it must be whole lines.
#[derive(Debug)]
pub struct RotatingFile {
    settings: LogFile,
    /// `None` where it could not be opened anew.
    open: Option<Open>,
    reopen: Reopen,
}

#[derive(Debug)]
struct Open {
    file: File,
    /// In bytes.
    length: u64,
}

/// Asks for the file to be opened anew by its name, for those who move it away themselves.
#[derive(Debug, Clone, Default)]
pub struct Reopen(Arc<AtomicBool>);

impl Reopen {
    /// Before anything else is written.
    pub fn ask(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// The file cannot be written.
#[derive(Debug, thiserror::Error)]
#[error(
    "decision_log.to: {} cannot be written: {error}; it must be a file in a folder that is there \
     and lets files be made and renamed", path.display()
)]
pub struct FileError {
    path: PathBuf,
    error: io::Error,
}

impl RotatingFile {
    /// Opens the file, or makes it, and tries whether its folder lets it be renamed.
    ///
    /// # Errors
    /// See [`FileError`].
    pub fn open(settings: LogFile) -> Result<(Self, Reopen), FileError> {
        let path = settings.path.clone();
        let open = try_folder(&path).and_then(|()| Open::at(&path));
        let open = open.map_err(|error| FileError { path, error })?;
        let reopen = Reopen::default();
        Ok((Self { settings, open: Some(open), reopen: reopen.clone() }, reopen))
    }

    /// The open file with room for a line of so many bytes.
    fn with_room(&mut self, line: usize) -> io::Result<&mut Open> {
        if self.reopen.0.swap(false, Ordering::Acquire) {
            self.open = None;
        }
        let open = match self.open.take() {
            Some(open) => open,
            None => Open::at(&self.settings.path)?,
        };
        let is_full =
            open.length > 0 && open.length.saturating_add(size(line)) > self.settings.max_bytes;
        let open = match is_full {
            true => self.begin_anew(open)?,
            false => open,
        };
        Ok(self.open.insert(open))
    }

    /// Whoever may read the full file may read the next one.
    fn begin_anew(&self, full: Open) -> io::Result<Open> {
        let mode = full.file.metadata()?.permissions().mode();
        drop(full);
        self.renumber()?;
        let next = Open::at(&self.settings.path)?;
        // Where file systems know no modes. It is its owner's alone then, where they do.
        let _ = next.file.set_permissions(Permissions::from_mode(mode & OWNERS_AND_GROUPS));
        Ok(next)
    }

    /// Gives each full file the next number, and the one that was written the first; the oldest
    /// goes. Only up to the first number that is free: what failed halfway shifts nothing twice.
    fn renumber(&self) -> io::Result<()> {
        let LogFile { path, files, .. } = &self.settings;
        let free = (1..*files).find(|number| !numbered(path, *number).exists()).unwrap_or(*files);
        for number in (1..free).rev() {
            fs::rename(numbered(path, number), numbered(path, number + 1))?;
        }
        fs::rename(path, numbered(path, 1))
    }
}

impl Open {
    /// At its end, on a line of its own: a process that was killed may have left half of one.
    fn at(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let file = file::open(path, options.read(true).append(true).create(true).mode(MODE))?;
        let metadata = file.metadata()?;
        shut(&file, metadata.permissions().mode(), path);
        let mut open = Self { length: metadata.len(), file };
        let mut last = [b'\n'];
        if let Some(end) = open.length.checked_sub(1) {
            open.file.read_exact_at(&mut last, end)?;
        }
        if last != [b'\n'] {
            open.append(b"\n")?;
        }
        Ok(open)
    }

    /// All of it or nothing: a disk that is full leaves no half of a line.
    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        let written = self.file.write_all(lines);
        match written {
            Ok(()) => self.length = self.length.saturating_add(size(lines.len())),
            // Where this fails too, opening the file anew mends it.
            Err(_) => self.file.set_len(self.length)?,
        }
        written
    }
}

impl Write for RotatingFile {
    /// Writes as many whole lines as there is room for, one at least.
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        let first = end_of_line(lines);
        let max_bytes = self.settings.max_bytes;
        let open = self.with_room(first)?;
        let room = usize::try_from(max_bytes.saturating_sub(open.length)).unwrap_or(usize::MAX);
        let fitting = lines.get(..room).and_then(|fit| fit.iter().rposition(|byte| *byte == b'\n'));
        let end = match (room >= lines.len(), fitting) {
            (true, _) => lines.len(),
            (false, Some(last)) => last + 1,
            (false, None) => first,
        };
        let written = open.append(&lines[..end]);
        if written.is_err() {
            self.open = None;
        }
        written.map(|()| end)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Takes away what everybody may do with a file that was there.
fn shut(file: &File, mode: u32, path: &Path) {
    let rights = mode & 0o777;
    if rights & !OWNERS_AND_GROUPS == 0 {
        return;
    }
    let shut = file.set_permissions(Permissions::from_mode(rights & OWNERS_AND_GROUPS));
    let (file, mode) = (path.display(), format!("{rights:04o}"));
    match shut {
        Ok(()) => warn!(%file, mode, "everybody might open the decision log; nobody else may now"),
        Err(error) => warn!(%file, mode, %error, "everybody may open the decision log"),
    }
}

fn end_of_line(lines: &[u8]) -> usize {
    lines.iter().position(|byte| *byte == b'\n').map_or(lines.len(), |last| last + 1)
}

fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(format!(".{number}"));
    name.into()
}

/// Whether files can be made and removed beside this one, which renaming takes.
fn try_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    tempfile::tempfile_in(folder.unwrap_or(Path::new("."))).map(drop)?;
    Ok(())
}

fn size(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    struct Scene {
        folder: tempfile::TempDir,
        log: RotatingFile,
        reopen: Reopen,
    }

    fn settings(folder: &Path, max_bytes: u64, files: u32) -> LogFile {
        LogFile { path: folder.join("log"), max_bytes, files }
    }

    impl Scene {
        fn new(max_bytes: u64, files: u32) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let (log, reopen) =
                RotatingFile::open(settings(folder.path(), max_bytes, files)).unwrap();
            Self { folder, log, reopen }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        /// Every file with what it holds.
        fn files(&self) -> Vec<(String, String)> {
            let entries = fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap());
            let mut files: Vec<_> = entries
                .map(|entry| {
                    let text = fs::read_to_string(entry.path()).unwrap_or("a folder".into());
                    (entry.file_name().into_string().unwrap(), text)
                })
                .collect();
            files.sort();
            files
        }

        fn assert_files(&self, expected: &[(&str, &str)]) {
            let expected: Vec<_> =
                expected.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect();
            assert_eq!(self.files(), expected);
        }
    }

    #[test]
    fn full_files_are_numbered_and_the_oldest_goes() {
        let mut scene = Scene::new(6, 2);
        for line in ["1\n", "22\n", "333\n", "4\n", "5\n", "66666666\n", "7\n"] {
            scene.log.write_all(line.as_bytes()).unwrap();
        }
        scene.assert_files(&[("log", "7\n"), ("log.1", "66666666\n"), ("log.2", "5\n")]);
    }

    #[test]
    fn a_buffer_is_divided_between_lines_alone() {
        let mut scene = Scene::new(6, 5);
        scene.log.write_all(b"1\n22\n333\n4\n5\n66666666\n7\n").unwrap();
        scene.assert_files(&[
            ("log", "7\n"),
            ("log.1", "66666666\n"),
            ("log.2", "5\n"),
            ("log.3", "333\n4\n"),
            ("log.4", "1\n22\n"),
        ]);
    }

    #[test]
    fn only_its_owner_reads_it() {
        let mut scene = Scene::new(6, 2);
        scene.log.write_all(b"1111\n2222\n").unwrap();
        for name in ["log", "log.1"] {
            let mode = fs::metadata(scene.path(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn what_is_there_is_shut_to_everybody_and_stays_open_to_its_group() {
        for (before, after) in [
            (0o644, 0o640),
            (0o666, 0o660),
            (0o604, 0o600),
            (0o640, 0o640),
            (0o660, 0o660),
            (0o600, 0o600),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("log");
            fs::write(&path, "old\n").unwrap();
            let give = || fs::set_permissions(&path, Permissions::from_mode(before)).unwrap();
            give();
            let (mut log, reopen) = RotatingFile::open(settings(folder.path(), 6, 2)).unwrap();
            let mode = |name: &str| {
                fs::metadata(folder.path().join(name)).unwrap().permissions().mode() & 0o777
            };
            assert_eq!(mode("log"), after, "opened with {before:o}");
            log.write_all(b"22222\n33333\n").unwrap();
            for name in ["log", "log.1", "log.2"] {
                assert_eq!(mode(name), after, "{name} after {before:o}");
            }
            give();
            log.write_all(b"44444\n").unwrap();
            assert_eq!(mode("log"), after, "what is opened meanwhile is not handed on");
            give();
            reopen.ask();
            log.write_all(b"5\n").unwrap();
            assert_eq!(mode("log"), after, "opened again with {before:o}");
        }
    }

    #[test]
    fn what_is_there_is_kept_and_half_a_line_is_ended() {
        for (before, after) in [("", "new\n"), ("old\n", "old\nnew\n"), ("hal", "hal\nnew\n")] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("log");
            fs::write(&path, before).unwrap();
            let (mut log, _) = RotatingFile::open(settings(folder.path(), 100, 1)).unwrap();
            log.write_all(b"new\n").unwrap();
            assert_eq!(fs::read_to_string(path).unwrap(), after);
        }
    }

    #[test]
    fn it_is_found_by_its_name_again_where_that_is_asked_for() {
        let mut scene = Scene::new(100, 1);
        scene.log.write_all(b"one\n").unwrap();
        fs::rename(scene.path("log"), scene.path("moved")).unwrap();
        scene.log.write_all(b"two\n").unwrap();
        scene.reopen.ask();
        scene.log.write_all(b"three\n").unwrap();
        scene.assert_files(&[("log", "three\n"), ("moved", "one\ntwo\n")]);
    }

    #[test]
    fn a_pipe_that_takes_its_name_is_not_written_to() {
        let mut scene = Scene::new(100, 1);
        scene.log.write_all(b"one\n").unwrap();
        fs::remove_file(scene.path("log")).unwrap();
        let made = std::process::Command::new("mkfifo").arg(scene.path("log")).status().unwrap();
        assert!(made.success());
        scene.reopen.ask();
        let error = scene.log.write(b"two\n").unwrap_err();
        assert_eq!(error.to_string(), "it is no ordinary file");
    }

    #[test]
    fn a_name_that_is_taken_by_a_folder_loses_no_full_file() {
        let mut scene = Scene::new(4, 3);
        scene.log.write_all(b"one\ntwo\n").unwrap();
        fs::create_dir_all(scene.path("log.2/inside")).unwrap();
        fs::create_dir_all(scene.path("log.3/inside")).unwrap();
        for _ in 0..3 {
            assert!(scene.log.write(b"new\n").is_err());
        }
        let before =
            [("log", "two\n"), ("log.1", "one\n"), ("log.2", "a folder"), ("log.3", "a folder")];
        scene.assert_files(&before);
        fs::remove_dir_all(scene.path("log.2")).unwrap();
        scene.log.write_all(b"new\n").unwrap();
        scene.assert_files(&[
            ("log", "new\n"),
            ("log.1", "two\n"),
            ("log.2", "one\n"),
            ("log.3", "a folder"),
        ]);
    }

    #[test]
    fn what_cannot_be_written_is_told_at_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |path: PathBuf| {
            let settings = LogFile { path, max_bytes: 100, files: 1 };
            RotatingFile::open(settings).unwrap_err().to_string()
        };
        assert!(
            refused(folder.path().to_owned())
                .contains(" cannot be written: it is no ordinary file; ")
        );
        assert!(
            refused("/dev/null".into())
                .contains("/dev/null cannot be written: it is no ordinary file; ")
        );
        assert!(refused(folder.path().join("none/log")).contains("cannot be written: "));
        assert!(refused("/proc/log".into()).contains("/proc/log cannot be written: "));
    }
}
