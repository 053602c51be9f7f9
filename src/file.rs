//! Files that somebody named: ordinary ones alone, opened without waiting, read up to a bound.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use rustix::fs::OFlags;

/// The most that is read of what people write, such as documents, in bytes.
pub const MOST_OF_A_TEXT: u64 = 16 << 20;

/// The most that is read of a key, a certificate or a secret, in bytes.
pub const MOST_OF_A_KEY: u64 = 1 << 20;

/// Opens a file with these options. A FIFO, which would have it wait for somebody at its other end,
/// and a device, which may have no end, are refused; so are folders and sockets.
///
/// # Errors
/// Where it is no ordinary file, or cannot be opened.
pub fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    // Opening a device may already do something.
    if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(no_ordinary_file());
    }
    let without_waiting = OFlags::NONBLOCK.bits().cast_signed();
    let file = options.custom_flags(without_waiting).open(path)?;
    // Something else may have taken its name since.
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(no_ordinary_file()),
    }
}

/// What a file holds, where that is so many bytes at most.
///
/// # Errors
/// As [`open`], and where it is larger.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    read_all(open(path, OpenOptions::new().read(true))?, most)
}

/// The same, as text.
///
/// # Errors
/// As [`read`], and where it is not UTF-8.
pub fn text(path: &Path, most: u64) -> io::Result<String> {
    let content = read(path, most)?;
    String::from_utf8(content).map_err(|_| io::Error::other("it is not UTF-8"))
}

/// All that comes from somewhere, where that is so many bytes at most.
///
/// # Errors
/// Where it cannot be read, or is more.
pub fn read_all(source: impl Read, most: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    let read = source.take(most.saturating_add(1)).read_to_end(&mut content)?;
    match u64::try_from(read).is_ok_and(|read| read <= most) {
        true => Ok(content),
        false => Err(too_large(most)),
    }
}

/// The error of what is larger than so many bytes.
pub fn too_large(most: u64) -> io::Error {
    io::Error::other(format!("it is larger than {} MiB", most >> 20))
}

fn no_ordinary_file() -> io::Error {
    io::Error::other("it is no ordinary file")
}

#[cfg(test)]
mod tests {
    use std::{
        os::unix::{fs::symlink, net::UnixListener},
        process::Command,
    };

    use super::*;

    #[test]
    fn only_ordinary_files_are_opened_and_nothing_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        assert!(Command::new("mkfifo").arg(path("fifo")).status().unwrap().success());
        let _socket = UnixListener::bind(path("socket")).unwrap();
        symlink("fifo", path("link")).unwrap();
        symlink("loop", path("loop")).unwrap();
        let options =
            [OpenOptions::new().read(true), OpenOptions::new().append(true)].map(|o| o.clone());
        for (name, expected) in [
            ("fifo", "it is no ordinary file"),
            ("link", "it is no ordinary file"),
            ("socket", "it is no ordinary file"),
            (".", "it is no ordinary file"),
            ("/dev/zero", "it is no ordinary file"),
            ("loop", "Too many levels of symbolic links"),
            ("gone", "No such file or directory"),
        ] {
            for mut options in options.clone() {
                let error = open(&path(name), &mut options).unwrap_err().to_string();
                assert!(error.starts_with(expected), "{name}: {error}");
            }
        }
    }

    #[test]
    fn no_more_is_read_than_is_asked_for() {
        const MIB: u64 = 1 << 20;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for (length, is_read) in [(0, true), (MIB, true), (MIB + 1, false), (1 << 40, false)] {
            File::create(&path).unwrap().set_len(length).unwrap();
            match read(&path, MIB) {
                Ok(content) => assert!(is_read && content.len() as u64 == length),
                Err(error) => {
                    assert!(!is_read);
                    assert_eq!(error.to_string(), "it is larger than 1 MiB");
                }
            }
        }
        assert_eq!(
            read_all(io::repeat(0), MIB).unwrap_err().to_string(),
            "it is larger than 1 MiB"
        );
        fs::write(&path, [0xff]).unwrap();
        assert_eq!(text(&path, MIB).unwrap_err().to_string(), "it is not UTF-8");
    }
}
