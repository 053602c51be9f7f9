//! Files and what they last said.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::OpenOptions,
    hash::{BuildHasher, RandomState},
    io::{self, Read},
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use super::walk::{Stamp, Walk, unreadable};
use crate::{
    clock::Clock,
    config::{DocumentPath, Namespaces},
    file::{self, MOST_OF_A_TEXT},
    finding::Finding,
};

/// The files below some roots, each with what it says, of type `T`.
#[derive(Debug)]
pub struct Shelf<T> {
    roots: Vec<DocumentPath>,
    /// Which of the roots could not be read at any time, by their numbers.
    never_read: BTreeSet<usize>,
    /// The key of the configuration that names the roots.
    key: &'static str,
    files: BTreeMap<Arc<Path>, Held<T>>,
    /// Those of which something may be different from when that was asked last.
    changed: BTreeSet<Arc<Path>>,
    walk: Walk,
    hasher: RandomState,
}

/// A file's text, and for whom it may speak.
#[derive(Debug, Clone, Copy)]
pub struct Text<'a> {
    pub source: &'a Arc<str>,
    pub namespaces: &'a Namespaces,
    pub text: &'a str,
}

/// A file and what it said when it was last readable.
#[derive(Debug)]
struct Held<T> {
    source: Arc<str>,
    /// The root that it was found below, by its number.
    root: usize,
    /// How it looked when it was read; `None` where it must be read again in any case.
    stamp: Option<Stamp>,
    /// Of the text that `content` was read from.
    hash: Option<u64>,
    content: Option<T>,
    /// Why `content` is not from the file as it is now.
    unreadable: Option<Finding>,
}

/// What a file says now.
#[derive(Debug)]
pub struct Change<'a, T> {
    pub path: Arc<Path>,
    /// `None` where it is gone, or was never read.
    pub content: Option<&'a T>,
    /// Why `content` is not from the file as it is now.
    pub unreadable: Option<&'a Finding>,
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
    /// A shelf with nothing on it yet. `key` is the key of the configuration that names the roots.
    pub fn new(roots: Vec<DocumentPath>, key: &'static str) -> Self {
        let (files, changed, walk) = (BTreeMap::new(), BTreeSet::new(), Walk::default());
        let never_read = (0..roots.len()).collect();
        Self { roots, never_read, key, files, changed, walk, hasher: RandomState::new() }
    }

    /// Whether every root could be read once, so that nothing is missing that was never seen.
    pub fn is_complete(&self) -> bool {
        self.never_read.is_empty()
    }

    /// What the files say, in the order of their paths.
    pub fn contents(&self) -> impl Iterator<Item = &T> {
        self.files.values().filter_map(|file| file.content.as_ref())
    }

    /// The key of the configuration that names the roots, and which of them, or of the folders
    /// below, cannot be read.
    pub fn unlisted(&self) -> (&'static str, &[Finding]) {
        (self.key, &self.walk.findings)
    }

    /// What files say of which that may be different from when this was asked last.
    pub fn take_changes(&mut self) -> impl Iterator<Item = Change<'_, T>> {
        let changed = mem::take(&mut self.changed).into_iter();
        changed.map(|path| {
            let file = self.files.get(&path);
            let content = file.and_then(|file| file.content.as_ref());
            let unreadable = file.and_then(|file| file.unreadable.as_ref());
            Change { path, content, unreadable }
        })
    }

    /// Has every file among the changes, without reading it again.
    pub fn tell_all(&mut self) {
        self.changed.extend(self.files.keys().cloned());
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
    /// A file that is gone says nothing any more. One that cannot be read still says what it said,
    /// and so do all files of a root that is gone.
    pub fn refresh(&mut self, parse: impl Fn(Text<'_>, Option<&T>) -> T + Sync) -> Refreshed
    where
        T: Send,
    {
        let walk = Walk::new(&self.roots, self.key);
        let mut changed = Vec::new();
        let mut earlier = mem::take(&mut self.files);
        let is_first = earlier.is_empty();
        for (path, found) in &walk.files {
            let (path, mut file) = earlier.remove_entry(path.as_path()).unwrap_or_else(|| {
                let path: Arc<Path> = path.as_path().into();
                changed.push(Arc::clone(&path));
                (Arc::clone(&path), Held::new(&path, found.root))
            });
            file.move_to(found.root);
            self.files.insert(path, file);
        }
        // Both are in the order of the same paths.
        let seen = self.files.iter_mut().zip(walk.files.values());
        let stale: Vec<_> =
            seen.filter(|((_, file), found)| file.stamp != Some(found.stamp)).collect();
        // Later, the other cores are the checks'.
        let threads = if is_first { first_readers() } else { 1 };
        changed.extend(share(stale, threads, |((path, file), found)| {
            let namespaces = &self.roots[found.root].namespaces;
            let parse = |source: &Arc<str>, text: &str, earlier: Option<&T>| {
                parse(Text { source, namespaces, text }, earlier)
            };
            let is_changed = file.read(path, &self.hasher, self.key, parse);
            is_changed.then(|| Arc::clone(path))
        }));
        let settled = self.files.values().all(Held::is_settled);
        for (path, file) in earlier {
            if walk.unlisted.iter().any(|unlisted| path.starts_with(unlisted)) {
                self.files.insert(path, file);
            } else {
                changed.push(path);
            }
        }
        let is_changed = !changed.is_empty() || walk.findings != self.walk.findings;
        self.changed.extend(changed);
        self.walk = walk;
        self.note_roots_that_were_read();
        Refreshed { changed: is_changed, settled }
    }

    fn note_roots_that_were_read(&mut self) {
        let Self { roots, never_read, files, walk, .. } = self;
        never_read.retain(|number| {
            let path = &roots[*number].path;
            let is_unread = files.get(path.as_path()).is_some_and(|file| file.content.is_none());
            is_unread || walk.unlisted.contains(path)
        });
    }
}

impl<T> Held<T> {
    fn new(path: &Path, root: usize) -> Self {
        let source = path.display().to_string().into();
        Self { source, root, stamp: None, hash: None, content: None, unreadable: None }
    }

    /// Has the file read again where it may speak for others than before.
    fn move_to(&mut self, root: usize) {
        if self.root != root {
            (self.root, self.stamp, self.hash) = (root, None, None);
        }
    }

    /// Reads the file anew and returns whether anything is different.
    fn read(
        &mut self,
        path: &Path,
        hasher: &RandomState,
        key: &str,
        parse: impl Fn(&Arc<str>, &str, Option<&T>) -> T,
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
                self.unreadable = Some(unreadable(&self.source, &error, key));
                return self.unreadable != earlier_fault;
            }
        };
        let hash = Some(hasher.hash_one(&text));
        if self.hash == hash {
            return earlier_fault.is_some();
        }
        // What `parse` sees of this file is replaced whole or not at all.
        let parsed = AssertUnwindSafe(|| parse(&self.source, &text, self.content.as_ref()));
        match catch_unwind(parsed) {
            Ok(content) => (self.hash, self.content) = (hash, Some(content)),
            Err(_) => {
                let reason = "reading it failed by a defect of Portvakt, not by the file's fault";
                self.unreadable = Some(unreadable(&self.source, &reason, key));
                return self.unreadable != earlier_fault;
            }
        }
        true
    }

    /// Whether the file was seen as it is going to stay.
    fn is_settled(&self) -> bool {
        self.stamp.is_some() || self.unreadable.is_some()
    }
}

/// How many threads read the first files, for which everything waits. Each may have a large
/// document in memory.
fn first_readers() -> usize {
    const MOST: usize = 4;
    thread::available_parallelism().map_or(1, |cores| cores.get().min(MOST))
}

/// Does all pieces of work, on so many threads, and returns what those came to that came to
/// something. What cannot have a thread of its own is done by the others, of which this one is the
/// first.
fn share<W: Send, R: Send>(
    pieces: Vec<W>,
    threads: usize,
    work: impl Fn(W) -> Option<R> + Sync,
) -> Vec<R> {
    let threads = threads.min(pieces.len());
    let (pieces, results) = (Mutex::new(pieces.into_iter()), Mutex::new(Vec::new()));
    let next = || lock(&pieces).next();
    let work_on = || {
        while let Some(piece) = next() {
            let result = work(piece);
            lock(&results).extend(result);
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            let _ = thread::Builder::new().spawn_scoped(scope, work_on);
        }
        work_on();
    });
    results.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What reading a file showed.
enum Seen {
    /// Its text, and its stamp if that will surely differ once the file is written again.
    Whole { text: String, stamp: Option<Stamp> },
    /// It was written meanwhile, or was emptied just now, as by one who is about to write.
    BeingWritten,
}

fn read(path: &Path) -> io::Result<Seen> {
    let file = file::open(path, OpenOptions::new().read(true))?;
    let before = Stamp::of(&file.metadata()?);
    if before.length() > MOST_OF_A_TEXT {
        return Err(file::too_large(MOST_OF_A_TEXT));
    }
    let mut text = String::new();
    (&file).take(MOST_OF_A_TEXT).read_to_string(&mut text)?;
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

#[cfg(test)]
mod tests;
