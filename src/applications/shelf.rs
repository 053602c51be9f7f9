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
            if walk.unlisted.iter().any(|unlisted| path.starts_with(unlisted)) {
                self.files.insert(path, file);
            } else {
                refreshed.changed = true;
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

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use tempfile::TempDir;

    use super::*;

    /// A shelf whose files say their text, and `earlier > text` where they said another before.
    struct Shelved {
        folder: TempDir,
        shelf: Shelf<String>,
    }

    impl Shelved {
        fn new(files: &[(&str, &str)]) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let shelf = Shelf::new(vec![folder.path().to_owned()]);
            let this = Self { folder, shelf };
            files.iter().for_each(|(path, text)| this.write(path, text));
            this
        }

        fn path(&self, path: &str) -> PathBuf {
            self.folder.path().join(path)
        }

        fn write(&self, path: &str, text: impl AsRef<[u8]>) {
            let path = self.path(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        fn refresh(&mut self) -> (bool, Vec<String>) {
            let parse = |_: &Arc<str>, text: &str, earlier: Option<String>| match earlier {
                Some(earlier) => format!("{earlier} > {text}"),
                None => text.to_owned(),
            };
            let refreshed = self.shelf.refresh(parse);
            (refreshed.changed, self.shelf.contents().cloned().collect())
        }

        fn messages(&self) -> Vec<String> {
            self.shelf.findings().map(|finding| finding.message.clone()).collect()
        }
    }

    #[test]
    fn files_of_yaml_and_json_are_read_in_the_order_of_their_paths() {
        let mut shelved = Shelved::new(&[
            ("b.yaml", "b"),
            ("a.yml", "a"),
            ("c/d.JSON", "d"),
            ("notes.txt", "no"),
            (".hidden.yaml", "no"),
            (".git/e.yaml", "no"),
        ]);
        assert_eq!(shelved.refresh().1, ["a", "b", "d"]);
        assert!(shelved.messages().is_empty());
    }

    #[test]
    fn links_are_followed_and_what_is_reached_twice_counts_once() {
        let mut shelved = Shelved::new(&[("..1/a.yaml", "a"), ("folder/b.yaml", "b")]);
        symlink("..1", shelved.path("..data")).unwrap();
        symlink("..data/a.yaml", shelved.path("a.yaml")).unwrap();
        symlink("..", shelved.path("folder/loop")).unwrap();
        symlink("folder/b.yaml", shelved.path("z.yaml")).unwrap();
        assert_eq!(shelved.refresh().1, ["a", "b"]);
        assert!(shelved.messages().is_empty());
    }

    #[test]
    fn only_what_changed_is_read_again() {
        let mut shelved = Shelved::new(&[("a.yaml", "a"), ("b.yaml", "b")]);
        let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(shelved.refresh(), (true, texts(&["a", "b"])));
        assert_eq!(shelved.refresh(), (false, texts(&["a", "b"])));
        shelved.write("a.yaml", "a");
        assert_eq!(shelved.refresh(), (false, texts(&["a", "b"])));
        shelved.write("a.yaml", "c");
        assert_eq!(shelved.refresh(), (true, texts(&["a > c", "b"])));
        fs::remove_file(shelved.path("b.yaml")).unwrap();
        assert_eq!(shelved.refresh(), (true, texts(&["a > c"])));
    }

    #[test]
    fn a_change_that_leaves_length_and_clock_alone_is_seen() {
        let mut shelved = Shelved::new(&[("a.yaml", "0")]);
        for digit in 1..=50 {
            shelved.refresh();
            shelved.write("a.yaml", (digit % 10).to_string());
            let (changed, texts) = shelved.refresh();
            assert!(changed && texts[0].ends_with(&(digit % 10).to_string()), "{digit}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_still_says_what_it_said() {
        for text in [b"\xff\xfe".to_vec(), vec![b'#'; usize::try_from(MOST_BYTES + 1).unwrap()]] {
            let mut shelved = Shelved::new(&[("a.yaml", "a")]);
            shelved.refresh();
            shelved.write("a.yaml", text);
            assert_eq!(shelved.refresh(), (true, vec!["a".to_owned()]));
            assert_eq!(shelved.messages().len(), 1);
            assert_eq!(shelved.refresh(), (false, vec!["a".to_owned()]));
            shelved.write("a.yaml", "a");
            assert_eq!(shelved.refresh(), (true, vec!["a".to_owned()]));
            assert!(shelved.messages().is_empty());
        }
    }

    #[test]
    fn a_file_that_was_just_emptied_still_says_what_it_said() {
        let mut shelved = Shelved::new(&[("a.yaml", "a")]);
        shelved.refresh();
        shelved.write("a.yaml", "");
        assert_eq!(shelved.refresh(), (false, vec!["a".to_owned()]));
        shelved.write("a.yaml", "b");
        assert_eq!(shelved.refresh(), (true, vec!["a > b".to_owned()]));
    }

    #[test]
    fn a_folder_that_cannot_be_listed_leaves_its_files_in_force() {
        let mut shelved = Shelved::new(&[("a.yaml", "a"), ("folder/b.yaml", "b")]);
        shelved.refresh();
        fs::remove_dir_all(shelved.path("folder")).unwrap();
        symlink("folder", shelved.path("folder")).unwrap();
        assert_eq!(shelved.refresh().1, ["a", "b"]);
        assert_eq!(shelved.messages().len(), 1);
        fs::remove_file(shelved.path("folder")).unwrap();
        assert_eq!(shelved.refresh().1, ["a"]);
        assert!(shelved.messages().is_empty());
    }

    #[test]
    fn a_path_that_is_missing_or_leads_nowhere_is_an_error() {
        let mut shelved = Shelved::new(&[("a.yaml", "a")]);
        symlink("nowhere", shelved.path("b.yaml")).unwrap();
        shelved.refresh();
        assert_eq!(shelved.messages().len(), 1);
        let mut shelf = Shelf::new(vec![shelved.path("missing")]);
        let parse = |_: &Arc<str>, text: &str, _| text.to_owned();
        assert_eq!(shelf.refresh(parse), Refreshed { changed: true, settled: true });
        assert_eq!(shelf.refresh(parse), Refreshed { changed: false, settled: true });
        let found: Vec<_> = shelf.findings().map(ToString::to_string).collect();
        assert!(found[0].contains("missing: error: file_unreadable: It cannot be read: No such"));
    }
}
