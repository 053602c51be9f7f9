//! What is read from a file, or from standard input where `-` stands for one. Unlike what the
//! service reads, it may be a pipe: in a shell, `<(command)` is one.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::Path,
};

use crate::file;

/// Something to read, with its name for messages.
pub struct Input {
    pub name: String,
    pub reader: Box<dyn BufRead>,
}

/// It cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{name}: cannot be read: {error}")]
pub struct Unreadable {
    pub name: String,
    pub error: io::Error,
}

impl Input {
    /// Opens it.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn open(path: &Path) -> Result<Self, Unreadable> {
        if path.as_os_str() == "-" {
            let reader = Box::new(io::stdin().lock());
            return Ok(Self { name: "standard input".to_owned(), reader });
        }
        let name = path.display().to_string();
        match File::open(path) {
            Ok(file) => Ok(Self { name, reader: Box::new(BufReader::new(file)) }),
            Err(error) => Err(Unreadable { name, error }),
        }
    }

    /// All of it, where that is so many bytes at most.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn read_all(self, most: u64) -> Result<Vec<u8>, Unreadable> {
        let Self { name, reader } = self;
        file::read_all(reader, most).map_err(|error| Unreadable { name, error })
    }
}
