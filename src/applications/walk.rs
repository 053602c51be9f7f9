//! Which files there are, and where a change would show.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    ffi::OsStr,
    fmt,
    fs::{self, Metadata},
    io::{self, ErrorKind},
    os::unix::fs::MetadataExt,
    path::{Component, Path, PathBuf},
};

use crate::{
    config::DocumentPath,
    finding::{Code, Finding, Place, Severity},
};

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

/// A file and the root that it was found below, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    pub stamp: Stamp,
    pub root: usize,
}

/// The files below some roots at one time.
#[derive(Debug, Default)]
pub struct Walk {
    pub files: BTreeMap<PathBuf, Found>,
    /// Roots that are not there, and folders and files that exist and could not be looked into.
    pub unlisted: Vec<PathBuf>,
    /// Existing folders in which every change of the files, or of what leads to them, shows.
    pub folders: BTreeSet<PathBuf>,
    pub findings: Vec<Finding>,
}

/// Which file or folder it is, whatever it is called: device and inode.
type Identity = (u64, u64);

/// A walk under way.
struct Walker<'r> {
    roots: &'r [DocumentPath],
    /// The roots that exist, by what they are; the first of those that are the same.
    numbers: HashMap<Identity, usize>,
    /// All roots, by how they are spelt.
    spellings: HashMap<&'r Path, usize>,
    /// What was visited, with the number of the first root of the same trust.
    seen: HashSet<(Identity, usize)>,
    walk: Walk,
    key: &'static str,
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
    /// under such names. Links are followed, also into them. What is reached twice counts once,
    /// unless it is trusted with other namespaces there. `key` is the key of the configuration that
    /// names the roots.
    pub fn new(roots: &[DocumentPath], key: &'static str) -> Self {
        let looks: Vec<_> = roots.iter().map(|root| fs::metadata(&root.path)).collect();
        let (mut numbers, mut spellings) = (HashMap::new(), HashMap::new());
        for (number, (root, look)) in roots.iter().zip(&looks).enumerate() {
            spellings.entry(root.path.as_path()).or_insert(number);
            if let Ok(metadata) = look {
                numbers.entry(identity(metadata)).or_insert(number);
            }
        }
        let (seen, walk) = (HashSet::new(), Self::default());
        let mut walker = Walker { roots, numbers, spellings, seen, walk, key };
        for (number, (root, look)) in roots.iter().zip(looks).enumerate() {
            walker.watch_way_to(&root.path);
            match look {
                Ok(metadata) => walker.visit(&root.path, &metadata, number),
                Err(error) => walker.fault(&root.path, &error),
            }
        }
        walker.walk
    }
}

impl Walker<'_> {
    fn visit(&mut self, path: &Path, metadata: &Metadata, root: usize) {
        let identity = identity(metadata);
        if self.belongs_elsewhere(path, identity, root)
            || !self.seen.insert((identity, self.trust_of(root)))
        {
            return;
        }
        if metadata.is_dir() {
            self.walk.folders.insert(path.to_owned());
            if let Err(error) = self.visit_entries(path, root) {
                self.fault(path, &error);
            }
        } else if metadata.is_file() {
            let stamp = Stamp::of(metadata);
            self.walk.files.insert(path.to_owned(), Found { stamp, root });
        } else {
            self.fault(path, &io::Error::other("it is neither a file nor a folder"));
        }
    }

    /// Whether it is a root itself, so that what holds for another root does not hold for it.
    fn belongs_elsewhere(&self, path: &Path, identity: Identity, root: usize) -> bool {
        // Of one that came into being meanwhile, only the spelling is known.
        let owner = self.numbers.get(&identity).or_else(|| self.spellings.get(path));
        owner.is_some_and(|owner| *owner != root)
    }

    /// The first root that is trusted with the same namespaces.
    fn trust_of(&self, root: usize) -> usize {
        let namespaces = &self.roots[root].namespaces;
        self.roots.iter().position(|other| other.namespaces == *namespaces).unwrap_or(root)
    }

    fn visit_entries(&mut self, folder: &Path, root: usize) -> io::Result<()> {
        let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries.iter().filter(|entry| !is_hidden(&entry.file_name())) {
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_symlink()) {
                self.watch_way_to(&path);
            }
            match fs::metadata(&path) {
                Ok(metadata) if metadata.is_dir() || is_document(&path) => {
                    self.visit(&path, &metadata, root);
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
        let is_root = self.spellings.contains_key(path);
        if is_root || error.kind() != ErrorKind::NotFound {
            self.walk.unlisted.push(path.to_owned());
        }
        self.walk.findings.push(unreadable(&path.display().to_string(), error, self.key));
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
            self.walk.folders.insert(folder.clone());
            place = folder.join(target).join(rest);
        }
        let nearest = place.ancestors().skip(1).map(or_here).find(|folder| folder.is_dir());
        self.walk.folders.extend(nearest.map(Path::to_owned));
    }
}

fn identity(metadata: &Metadata) -> Identity {
    (metadata.dev(), metadata.ino())
}

/// The files below some paths, each once, and what cannot be looked at.
pub fn files_below(paths: &[PathBuf]) -> (Vec<PathBuf>, Vec<Finding>) {
    let roots: Vec<_> = paths.iter().cloned().map(DocumentPath::from).collect();
    let walk = Walk::new(&roots, "applications.paths");
    (walk.files.into_keys().collect(), walk.findings)
}

/// Existing folders in which every change of the files below some paths shows.
pub fn folders_of(paths: &[PathBuf]) -> BTreeSet<PathBuf> {
    let roots: Vec<_> = paths.iter().cloned().map(DocumentPath::from).collect();
    Walk::new(&roots, "applications.paths").folders
}

/// What cannot be read, why, and what to do. `key` is the key that names it or a folder above it.
pub fn unreadable(source: &str, reason: &dyn fmt::Display, key: &str) -> Finding {
    Finding {
        place: Place::whole(source),
        severity: Severity::Error,
        code: Code::FileUnreadable,
        message: format!(
            "{source} cannot be read: {reason}. Make it readable, or name another path in {key}."
        ),
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
