//! Which files there are, and where a change would show.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    ffi::OsStr,
    fs::{self, Metadata},
    io::{self, ErrorKind},
    os::unix::fs::MetadataExt,
    path::{Component, Path, PathBuf},
};

use crate::finding::{Code, Finding, Place, Severity};

/// How a file looked from outside. A file that is written anew looks different, unless that
/// happens within the resolution of its file system's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    file: (u64, u64),
    length: u64,
    /// Seconds and nanoseconds since 1970.
    modified: (i64, i64),
    changed: (i64, i64),
}

/// The files below some paths at one time.
#[derive(Debug, Default)]
pub struct Walk {
    pub files: BTreeMap<PathBuf, Stamp>,
    /// Folders and files that exist and whose contents could not be listed.
    pub unlisted: Vec<PathBuf>,
    /// Existing folders in which every change of the files, or of what leads to them, shows.
    pub folders: BTreeSet<PathBuf>,
    pub findings: Vec<Finding>,
    seen: HashSet<(u64, u64)>,
}

impl Stamp {
    pub fn of(metadata: &Metadata) -> Self {
        Self {
            file: (metadata.dev(), metadata.ino()),
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// In bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// When it changed last, its name and owner included; in seconds since 1970.
    pub fn changed_at(&self) -> i64 {
        self.changed.0
    }
}

impl Walk {
    /// Looks at files and, below folders, at every file with the ending of YAML or JSON.
    ///
    /// Names that begin with a dot are passed over: editors and ConfigMaps keep their own things
    /// under such names. Links are followed, also into them. What is reached twice counts once.
    pub fn new(roots: &[PathBuf]) -> Self {
        let mut walk = Self::default();
        for root in roots {
            walk.watch_way_to(root);
            match fs::metadata(root) {
                Ok(metadata) => walk.visit(root, &metadata),
                Err(error) => walk.fault(root, &error),
            }
        }
        walk
    }

    fn visit(&mut self, path: &Path, metadata: &Metadata) {
        if !self.seen.insert((metadata.dev(), metadata.ino())) {
            return;
        }
        if metadata.is_dir() {
            self.folders.insert(path.to_owned());
            if let Err(error) = self.visit_entries(path) {
                self.fault(path, &error);
            }
        } else if metadata.is_file() {
            self.files.insert(path.to_owned(), Stamp::of(metadata));
        } else {
            self.fault(path, &io::Error::other("it is neither a file nor a folder"));
        }
    }

    fn visit_entries(&mut self, folder: &Path) -> io::Result<()> {
        let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries.iter().filter(|entry| !is_hidden(&entry.file_name())) {
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_symlink()) {
                self.watch_way_to(&path);
            }
            match fs::metadata(&path) {
                Ok(metadata) if metadata.is_dir() || is_document(&path) => {
                    self.visit(&path, &metadata);
                }
                // A link that leads nowhere is a fault only where a document is expected.
                Err(error) if is_document(&path) || error.kind() != ErrorKind::NotFound => {
                    self.fault(&path, &error);
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn fault(&mut self, path: &Path, error: &io::Error) {
        if error.kind() != ErrorKind::NotFound {
            self.unlisted.push(path.to_owned());
        }
        self.findings.push(unreadable(&path.display().to_string(), error));
    }

    /// Notes every folder in which a change could make `path` lead elsewhere.
    fn watch_way_to(&mut self, path: &Path) {
        /// As many links as Linux follows.
        const MOST_LINKS: usize = 40;
        let mut place = path.to_owned();
        for _ in 0..MOST_LINKS {
            let Some(link) = first_link(&place) else { break };
            let Ok(target) = fs::read_link(&link) else { break };
            let folder = parent(&link);
            let rest = place.strip_prefix(&link).unwrap_or(Path::new("")).to_owned();
            self.folders.insert(folder.clone());
            place = folder.join(target).join(rest);
        }
        let nearest = place.ancestors().skip(1).map(or_here).find(|folder| folder.is_dir());
        self.folders.extend(nearest.map(Path::to_owned));
    }
}

/// The files below some paths, each once, and what cannot be looked at.
pub fn files_below(paths: &[PathBuf]) -> (Vec<PathBuf>, Vec<Finding>) {
    let walk = Walk::new(paths);
    (walk.files.into_keys().collect(), walk.findings)
}

/// What cannot be read, and why.
pub fn unreadable(source: &str, reason: &dyn std::fmt::Display) -> Finding {
    Finding {
        place: Place::whole(source),
        severity: Severity::Error,
        code: Code::FileUnreadable,
        message: format!("It cannot be read: {reason}."),
    }
}

/// The first part of a path that is a symbolic link.
fn first_link(path: &Path) -> Option<PathBuf> {
    let mut prefix = PathBuf::new();
    for component in path.components() {
        prefix.push(component);
        if matches!(component, Component::Normal(_)) && prefix.is_symlink() {
            return Some(prefix);
        }
    }
    None
}

fn parent(path: &Path) -> PathBuf {
    path.parent().map(or_here).unwrap_or(Path::new(".")).to_owned()
}

/// The working folder is the empty path's.
fn or_here(path: &Path) -> &Path {
    if path.as_os_str().is_empty() { Path::new(".") } else { path }
}

fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

fn is_document(path: &Path) -> bool {
    let ending = path.extension().map(OsStr::to_ascii_lowercase);
    ending.is_some_and(|ending| ["yaml", "yml", "json"].iter().any(|known| ending == *known))
}
