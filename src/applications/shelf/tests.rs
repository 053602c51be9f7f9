use std::{fs, os::unix::fs::symlink, process::Command};

use tempfile::TempDir;

use super::*;

const KEY: &str = "applications.paths";

/// `text`, or `earlier > text`. The text `panic` is a defect.
fn parse(Text { text, .. }: Text<'_>, earlier: Option<&String>) -> String {
    assert_ne!(text, "panic");
    match earlier {
        Some(earlier) => format!("{earlier} > {text}"),
        None => text.to_owned(),
    }
}

/// A shelf whose files say their text, and `earlier > text` where they said another before.
struct Shelved {
    folder: TempDir,
    shelf: Shelf<String>,
}

impl Shelved {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(vec![folder.path().to_owned().into()], KEY);
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
        let refreshed = self.shelf.refresh(parse);
        (refreshed.changed, self.shelf.contents().cloned().collect())
    }

    fn texts(&mut self) -> Vec<String> {
        self.refresh().1
    }

    fn messages(&self) -> Vec<String> {
        self.shelf.findings().map(|finding| finding.message.clone()).collect()
    }
}

impl<T> Shelf<T> {
    /// Which paths and files cannot be read.
    fn findings(&self) -> impl Iterator<Item = &Finding> {
        let files = self.files.values().filter_map(|file| file.unreadable.as_ref());
        self.walk.findings.iter().chain(files)
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
    assert_eq!(shelved.texts(), ["a", "b", "d"]);
    assert!(shelved.messages().is_empty());
}

#[test]
fn links_are_followed_and_what_is_reached_twice_counts_once() {
    let mut shelved = Shelved::new(&[("..1/a.yaml", "a"), ("folder/b.yaml", "b")]);
    symlink("..1", shelved.path("..data")).unwrap();
    symlink("..data/a.yaml", shelved.path("a.yaml")).unwrap();
    symlink("..", shelved.path("folder/loop")).unwrap();
    symlink("folder/b.yaml", shelved.path("z.yaml")).unwrap();
    assert_eq!(shelved.texts(), ["a", "b"]);
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
    for text in [b"\xff\xfe".to_vec(), vec![b'#'; usize::try_from(MOST_OF_A_TEXT + 1).unwrap()]] {
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
    assert_eq!(shelved.texts(), ["a", "b"]);
    assert_eq!(shelved.messages().len(), 1);
    fs::remove_file(shelved.path("folder")).unwrap();
    assert_eq!(shelved.texts(), ["a"]);
    assert!(shelved.messages().is_empty());
}

#[test]
fn a_path_that_is_missing_or_leads_nowhere_is_an_error() {
    let mut shelved = Shelved::new(&[("a.yaml", "a")]);
    symlink("nowhere", shelved.path("b.yaml")).unwrap();
    shelved.refresh();
    assert_eq!(shelved.messages().len(), 1);
    assert!(shelved.messages()[0].contains("b.yaml cannot be read: No such"));
    assert!(shelved.messages()[0].ends_with("or name another path in applications.paths."));
}

#[test]
fn a_root_that_is_missing_is_an_error_and_nothing_is_complete_until_it_was_read() {
    let folder = tempfile::tempdir().unwrap();
    let [there, late] = ["there", "late.yaml"].map(|name| folder.path().join(name));
    fs::create_dir(&there).unwrap();
    fs::write(there.join("a.yaml"), "a").unwrap();
    let mut shelf = Shelf::new(vec![there.clone().into(), late.clone().into()], KEY);
    assert!(!shelf.is_complete());
    assert!(shelf.refresh(parse).changed);
    assert!(!shelf.refresh(parse).changed);
    let found: Vec<_> = shelf.findings().map(ToString::to_string).collect();
    let expected =
        format!("{0}: error: file_unreadable: {0} cannot be read: No such", late.display());
    assert!(found[0].starts_with(&expected), "{found:?}");
    assert!(!shelf.is_complete());

    fs::write(&late, b"\xff").unwrap();
    shelf.refresh(parse);
    assert!(!shelf.is_complete(), "there, and not readable");
    fs::write(&late, "late").unwrap();
    shelf.refresh(parse);
    assert!(shelf.is_complete());
    assert_eq!(shelf.findings().count(), 0);
}

#[test]
fn a_root_that_vanishes_still_says_what_it_said() {
    let folder = tempfile::tempdir().unwrap();
    let [one, other] = ["one", "other.yaml"].map(|name| folder.path().join(name));
    let fill = |text: &str| {
        fs::create_dir_all(&one).unwrap();
        fs::write(one.join("a.yaml"), text).unwrap();
        fs::write(&other, text).unwrap();
    };
    fill("1");
    let mut shelf = Shelf::new(vec![one.clone().into(), other.clone().into()], KEY);
    shelf.refresh(parse);
    fs::remove_dir_all(&one).unwrap();
    fs::remove_file(&other).unwrap();
    assert!(shelf.refresh(parse).changed);
    assert_eq!(shelf.contents().collect::<Vec<_>>(), ["1", "1"]);
    assert_eq!(shelf.findings().count(), 2);
    assert!(shelf.is_complete());

    fill("2");
    fs::remove_file(one.join("a.yaml")).unwrap();
    shelf.refresh(parse);
    assert_eq!(shelf.contents().collect::<Vec<_>>(), ["1 > 2"], "files below a root do go");
    assert_eq!(shelf.findings().count(), 0);
}

#[test]
fn a_panic_over_one_file_leaves_it_and_the_others_as_they_were() {
    let mut shelved = Shelved::new(&[("a.yaml", "a"), ("b.yaml", "b"), ("c.yaml", "panic")]);
    assert_eq!(shelved.texts(), ["a", "b"]);
    shelved.write("a.yaml", "panic");
    shelved.write("b.yaml", "c");
    assert_eq!(shelved.texts(), ["a", "b > c"]);
    assert!(shelved.messages()[0].contains("a.yaml cannot be read: reading it failed"));
    assert_eq!(shelved.refresh(), (false, vec!["a".to_owned(), "b > c".to_owned()]));
    assert_eq!(shelved.messages().len(), 2);
    shelved.write("a.yaml", "d");
    assert_eq!(shelved.texts(), ["a > d", "b > c"]);
    assert_eq!(shelved.messages().len(), 1);
}

#[test]
fn many_files_that_are_read_at_once_keep_their_order_and_their_faults_to_themselves() {
    let text = |number: usize| if number % 10 == 7 { "panic".into() } else { number.to_string() };
    let mut shelved = Shelved::new(&[]);
    (100..200).for_each(|number| shelved.write(&format!("{number}.yaml"), text(number)));
    let expected = (100..200).map(text).filter(|text| text != "panic").collect();
    assert_eq!(shelved.refresh(), (true, expected));
    assert_eq!(shelved.messages().len(), 10);
    assert!(shelved.messages()[1].contains("117.yaml cannot be read: reading it failed"));
}

/// Nobody ever writes into it: opening it as a file is opened would wait for ever.
#[test]
fn a_fifo_in_place_of_a_file_is_an_error_and_is_not_waited_for() {
    let mut shelved = Shelved::new(&[("a.yaml", "a")]);
    shelved.texts();
    fs::remove_file(shelved.path("a.yaml")).unwrap();
    let made = Command::new("mkfifo").arg(shelved.path("a.yaml")).status().unwrap();
    assert!(made.success());
    assert_eq!(shelved.texts(), ["a"]);
    assert!(shelved.messages()[0].contains("it is neither a file nor a folder"));
    let fault = read(&shelved.path("a.yaml")).err().unwrap();
    assert_eq!(fault.to_string(), "it is no ordinary file", "swapped in after it was looked at");
}

/// `namespaces=text` of every file.
fn spoken_for(roots: &[(&Path, &[&str])]) -> Vec<String> {
    let root = |(path, namespaces): &(&Path, &[&str])| DocumentPath {
        path: path.to_path_buf(),
        namespaces: match namespaces {
            [] => Namespaces::Any,
            some => Namespaces::Only(some.iter().map(ToString::to_string).collect()),
        },
    };
    let mut shelf = Shelf::new(roots.iter().map(root).collect(), KEY);
    shelf.refresh(|Text { namespaces, text, .. }, _: Option<&String>| {
        let allowed = ["a", "b"].into_iter().filter(|name| namespaces.allow(name));
        format!("{}={text}", allowed.collect::<String>())
    });
    assert!(shelf.is_complete());
    shelf.contents().cloned().collect()
}

#[test]
fn a_root_within_another_speaks_for_its_own_namespaces_in_any_order_and_spelling() {
    let shelved = Shelved::new(&[("all.yaml", "1"), ("team/a.yaml", "2"), ("team/b/b.yaml", "3")]);
    let (all, team) = (shelved.folder.path(), shelved.path("team"));
    let other_spelling = shelved.path("team/../team");
    let file = shelved.path("team/b/b.yaml");
    let expected = ["ab=1", "a=2", "b=3"];
    let of_b = (file.as_path(), &["b"][..]);
    assert_eq!(spoken_for(&[(all, &[]), (&team, &["a"]), of_b]), expected);
    assert_eq!(spoken_for(&[of_b, (&team, &["a"]), (all, &[])]), expected);
    assert_eq!(spoken_for(&[(all, &[]), (&other_spelling, &["a"]), of_b]).len(), 3);
    assert!(spoken_for(&[(all, &[]), (&other_spelling, &["a"])]).contains(&"a=2".to_owned()));
}

#[test]
fn a_link_to_anothers_file_speaks_for_its_own_root_and_takes_nothing_from_the_other() {
    let shelved = Shelved::new(&[("a/a.yaml", "1"), ("b/b.yaml", "2")]);
    let [a, b] = ["a", "b"].map(|name| shelved.path(name));
    symlink("../b/b.yaml", shelved.path("a/link.yaml")).unwrap();
    symlink("../b", shelved.path("a/whole")).unwrap();
    for roots in [[(a.as_path(), &["a"][..]), (&b, &["b"])], [(&b, &["b"]), (&a, &["a"])]] {
        assert_eq!(spoken_for(&roots), ["a=1", "a=2", "b=2"]);
    }
}
