//! Files and what they last said.

use std::{
    collections::BTreeMap,
    fs::File,
    hash::{BuildHasher, RandomState},
    io::{self, Read},
    mem,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::walk::{Stamp, Walk, unreadable};
use crate::{clock::Clock, finding::Finding};

/// The largest file that is read: 16 MiB.
const MOST_BYTES: u64 = 16 << 20;

/// The files below some paths, each with what it says, of type `T`.
#[derive(Debug)]
pub struct Shelf<T> {
    roots: Vec<PathBuf>,
    files: BTreeMap<PathBuf, Held<T>>,
    walk: Walk,
    hasher: RandomState,
}

/// A file and what it said when it was last readable.
#[derive(Debug)]
struct Held<T> {
    source: Arc<str>,
    /// How it looked when it was read; `None` where it must be read again in any case.
    stamp: Option<Stamp>,
    /// Of the text that `content` was read from.
    hash: Option<u64>,
    content: Option<T>,
    /// Why `content` is not from the file as it is now.
    unreadable: Option<Finding>,
}

/// What looking at the files showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refreshed {
    /// Something is different from the time before.
    pub changed: bool,
    /// Another look will tell nothing new unless something is written.
    pub settled: bool,
}

impl<T> Shelf<T> {
    /// A shelf with nothing on it yet.
    pub fn new(roots: Vec<PathBuf>) -> Self {
        let (files, walk) = (BTreeMap::new(), Walk::default());
        Self { roots, files, walk, hasher: RandomState::new() }
    }

    /// What the files say, in the order of their paths.
    pub fn contents(&self) -> impl Iterator<Item = &T> {
        self.files.values().filter_map(|file| file.content.as_ref())
    }

    /// Which paths and files cannot be read.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        let files = self.files.values().filter_map(|file| file.unreadable.as_ref());
        self.walk.findings.iter().chain(files)
    }

    /// Folders in which every change of the files shows.
    pub fn folders(&self) -> impl Iterator<Item = &Path> {
        self.walk.folders.iter().map(PathBuf::as_path)
    }

    /// Has every file read at the next refresh, however it looks.
    pub fn distrust(&mut self) {
        self.files.values_mut().for_each(|file| file.stamp = None);
    }

    /// Reads the files that look different. `parse` gets a file's text and what it said before.
    ///
    /// A file that is gone says nothing any more; one that cannot be read still says what it said.
    pub fn refresh(&mut self, parse: impl Fn(&Arc<str>, &str, Option<T>) -> T) -> Refreshed {
        let walk = Walk::new(&self.roots);
        let mut refreshed =
            Refreshed { changed: walk.findings != self.walk.findings, settled: true };
        let mut earlier = mem::take(&mut self.files);
        for (path, stamp) in &walk.files {
            let mut file = earlier.remove(path).unwrap_or_else(|| {
                refreshed.changed = true;
                Held::new(path)
            });
            if file.stamp != Some(*stamp) {
                refreshed.changed |= file.read(path, &self.hasher, &parse);
            }
            refreshed.settled &= file.is_settled();
            self.files.insert(path.clone(), file);
        }
        for (path, file) in earlier {
            match walk.unlisted.iter().any(|unlisted| path.starts_with(unlisted)) {
                true => drop(self.files.insert(path, file)),
                false => refreshed.changed = true,
            }
        }
        self.walk = walk;
        refreshed
    }
}

impl<T> Held<T> {
    fn new(path: &Path) -> Self {
        let source = path.display().to_string().into();
        Self { source, stamp: None, hash: None, content: None, unreadable: None }
    }

    /// Reads the file anew and returns whether anything is different.
    fn read(
        &mut self,
        path: &Path,
        hasher: &RandomState,
        parse: &impl Fn(&Arc<str>, &str, Option<T>) -> T,
    ) -> bool {
        let earlier_fault = self.unreadable.take();
        self.stamp = None;
        let text = match read(path) {
            Ok(Seen::Whole { text, stamp }) => {
                self.stamp = stamp;
                text
            }
            Ok(Seen::BeingWritten) if self.content.is_some() => return earlier_fault.is_some(),
            Ok(Seen::BeingWritten) => String::new(),
            Err(error) => {
                self.unreadable = Some(unreadable(&self.source, &error));
                return self.unreadable != earlier_fault;
            }
        };
        let hash = Some(hasher.hash_one(&text));
        if self.hash == hash {
            return earlier_fault.is_some();
        }
        self.hash = hash;
        self.content = Some(parse(&self.source, &text, self.content.take()));
        true
    }

    /// Whether the file was seen as it is going to stay.
    fn is_settled(&self) -> bool {
        self.stamp.is_some() || self.unreadable.is_some()
    }
}

/// What reading a file showed.
enum Seen {
    /// Its text, and its stamp if that will surely differ once the file is written again.
    Whole { text: String, stamp: Option<Stamp> },
    /// It was written meanwhile, or was emptied just now, as by one who is about to write.
    BeingWritten,
}

fn read(path: &Path) -> io::Result<Seen> {
    let file = File::open(path)?;
    let before = Stamp::of(&file.metadata()?);
    if before.length() > MOST_BYTES {
        return Err(io::Error::other("it is larger than 16 MiB"));
    }
    let mut text = String::new();
    (&file).take(MOST_BYTES).read_to_string(&mut text)?;
    let after = Stamp::of(&file.metadata()?);
    let is_old = is_old(after);
    if before != after || (text.is_empty() && !is_old) {
        return Ok(Seen::BeingWritten);
    }
    Ok(Seen::Whole { text, stamp: is_old.then_some(after) })
}

/// Whether a file was left alone for longer than file systems' clocks are coarse.
fn is_old(stamp: Stamp) -> bool {
    const COARSEST: i64 = 2;
    let now = Clock::system().now();
    stamp.changed_at().abs_diff(now.cast_signed()) > COARSEST.unsigned_abs()
}
