//! What is read from a file, or from standard input where `-` stands for one.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::Path,
};

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
}
