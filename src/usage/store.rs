//! The counts in a file, so that they outlive the process.

use std::{
    ffi::OsString,
    fs,
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
};

use tracing::warn;

use super::Export;
use crate::file;

/// The largest export that is read, in bytes. A hundred thousand rules take some 10 MiB.
pub const MOST_BYTES: u64 = 256 << 20;

/// The file that holds an export.
#[derive(Debug)]
pub struct Store(PathBuf);

/// The file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("usage.file: {} cannot be read: {error}", path.display())]
    Unreadable { path: PathBuf, error: io::Error },
    #[error(
        "usage.file: {} cannot be written: {error}; its folder must be there, and files in it be \
         made and renamed", path.display()
    )]
    Unwritable { path: PathBuf, error: io::Error },
}

impl Store {
    /// Reads what the file holds, if there is one. One that is damaged is kept beside it, as
    /// `<file>.damaged`, and counting begins anew.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn open(path: PathBuf) -> Result<(Self, Option<Export>), StoreError> {
        let export = match file::read(&path, MOST_BYTES) {
            Ok(text) => match serde_json::from_slice(&text) {
                Ok(export) => Some(export),
                Err(error) => {
                    set_aside(&path, &error)?;
                    None
                }
            },
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(StoreError::Unreadable { path, error }),
        };
        let folder = tempfile::NamedTempFile::new_in(folder(&path));
        match folder {
            Ok(_) => Ok((Self(path), export)),
            Err(error) => Err(StoreError::Unwritable { path, error }),
        }
    }

    /// Replaces the file whole: whoever reads it meanwhile, or whatever ends meanwhile, meets the
    /// old one or the new one. Only its owner may read it.
    ///
    /// # Errors
    /// Where it cannot be written; what was there is left.
    pub fn save(&self, export: &Export) -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(folder(&self.0))?;
        file.write_all(&serde_json::to_vec(export)?)?;
        file.as_file().sync_data()?;
        file.persist(&self.0).map_err(|error| error.error)?;
        Ok(())
    }
}

fn set_aside(path: &Path, fault: &serde_json::Error) -> Result<(), StoreError> {
    let mut aside = OsString::from(path);
    aside.push(".damaged");
    warn!(
        file = %path.display(), kept = %Path::new(&aside).display(), %fault,
        "the file of uses is damaged; counting begins anew"
    );
    fs::rename(path, aside).map_err(|error| StoreError::Unwritable { path: path.to_owned(), error })
}

fn folder(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const EXPORT: &str = r#"{"at":9,"applications":{"c:n:api":{"since":1,"times":0,"rules":{"c:n:web":{"since":2,"last":8,"times":3}}}}}"#;

    #[test]
    fn what_is_saved_is_there_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("usage.json");
        let export: Export = serde_json::from_str(EXPORT).unwrap();
        let (store, before) = Store::open(path.clone()).unwrap();
        assert_eq!(before, None);
        for _ in 0..2 {
            store.save(&export).unwrap();
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        store.save(&export).unwrap();
        assert_eq!(Store::open(path.clone()).unwrap().1, Some(export));
        assert_eq!(fs::read_to_string(&path).unwrap(), EXPORT);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn a_damaged_file_is_kept_aside() {
        for damaged in
            ["", "{", "[]", r#"{"at":1}"#, &EXPORT[..50], &EXPORT.replace("c:n:api", "api")]
        {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("usage.json");
            fs::write(&path, damaged).unwrap();
            assert_eq!(Store::open(path.clone()).unwrap().1, None, "{damaged}");
            assert!(!path.exists());
            let kept = fs::read_to_string(folder.path().join("usage.json.damaged")).unwrap();
            assert_eq!(kept, damaged);
        }
    }

    #[test]
    fn what_cannot_be_kept_is_told_at_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let error = |path: PathBuf| Store::open(path).unwrap_err().to_string();
        assert!(error(folder.path().to_owned()).contains(" cannot be read: "));
        assert!(error(folder.path().join("none/usage.json")).contains(" cannot be written: "));
    }
}
