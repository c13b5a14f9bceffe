//! One profile's file: read within bounds, written whole or not at all.
//!
//! Invariants: a file is never half written (temporary file in the same folder, sync, rename); what another program wrote
//! meanwhile is never overwritten; nothing larger than a profile may be is read into memory.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::base::{Problem, Severity};
use crate::profile::MAX_BYTES;

/// A file's content, as a number: two versions differ in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Version(u64);

impl Version {
    pub fn of(bytes: &[u8]) -> Self {
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        Self(hasher.finish())
    }
}

/// What tells cheaply that a file was probably not touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    len: u64,
    modified: Option<SystemTime>,
    inode: u64,
}

impl Stamp {
    pub fn of(metadata: &fs::Metadata) -> Self {
        #[cfg(unix)]
        let inode = std::os::unix::fs::MetadataExt::ino(metadata);
        #[cfg(not(unix))]
        let inode = 0;
        Self { len: metadata.len(), modified: metadata.modified().ok(), inode }
    }
}

/// A file as it was read.
pub(super) struct Found {
    pub version: Version,
    /// The text, or why there is none.
    pub text: Result<String, Problem>,
}

/// Reads a file; `None` where there is none.
pub(super) fn read(path: &Path) -> Option<Found> {
    let problem = |line, message: String, hint: &str| Problem {
        severity: Severity::Error,
        file: Some(path.to_owned()),
        line,
        key: None,
        message,
        hint: Some(hint.to_owned()),
    };
    let unreadable = |error: &io::Error| Found {
        version: Version::of(error.to_string().as_bytes()),
        text: Err(problem(None, format!("the file can't be read: {error}"), "check its owner and permissions")),
    };
    let limit = MAX_BYTES as u64 + 1;
    let mut bytes = Vec::new();
    match File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes)) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => return Some(unreadable(&error)),
    }
    let version = Version::of(&bytes);
    if MAX_BYTES < bytes.len() {
        return Some(Found { version, text: Err(crate::profile::too_large(Some(path))) });
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + memchr::memchr_iter(b'\n', before).count();
        problem(Some(line), "the file is no UTF-8 text".into(), "save it as UTF-8")
    });
    Some(Found { version, text })
}

/// Why a file was not written.
#[derive(Debug)]
pub(super) enum NotWritten {
    /// The file is no longer what it was, or one of that name is there already.
    Changed,
    Io(io::Error),
}

impl From<io::Error> for NotWritten {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::AlreadyExists { Self::Changed } else { Self::Io(error) }
    }
}

/// Writes a file that must not be there yet.
pub(super) fn create(path: &Path, text: &str) -> Result<(), NotWritten> {
    let temporary = temporary_beside(path, text, None)?;
    temporary.persist_noclobber(path).map_err(|error| error.error)?;
    sync_folder(path);
    Ok(())
}

/// Writes a file in another's place, if that is still the `expected` one.
pub(super) fn replace(path: &Path, text: &str, expected: Version) -> Result<(), NotWritten> {
    // Where the profile is a link into, say, a checkout, the file behind it is written and the link stays.
    let path = &fs::canonicalize(path)?;
    let permissions = fs::metadata(path)?.permissions();
    let temporary = temporary_beside(path, text, Some(permissions))?;
    unchanged(path, expected)?;
    temporary.persist(path).map_err(|error| error.error)?;
    sync_folder(path);
    Ok(())
}

/// Removes a file, if it is still the `expected` one.
pub(super) fn remove(path: &Path, expected: Version) -> Result<(), NotWritten> {
    unchanged(path, expected)?;
    fs::remove_file(path)?;
    sync_folder(path);
    Ok(())
}

fn unchanged(path: &Path, expected: Version) -> Result<(), NotWritten> {
    match read(path) {
        Some(found) if found.version == expected => Ok(()),
        _ => Err(NotWritten::Changed),
    }
}

fn folder_of(path: &Path) -> PathBuf {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
}

/// The text on disk under a name that no one takes for a profile.
fn temporary_beside(
    path: &Path,
    text: &str,
    permissions: Option<fs::Permissions>,
) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".wirewatch-").suffix(".tmp");
    #[cfg(unix)]
    let ordinary = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o644);
    #[cfg(unix)]
    builder.permissions(ordinary);
    let mut temporary = builder.tempfile_in(folder_of(path))?;
    temporary.write_all(text.as_bytes())?;
    if let Some(permissions) = permissions {
        temporary.as_file().set_permissions(permissions)?;
    }
    temporary.as_file().sync_all()?;
    Ok(temporary)
}

/// Makes the rename itself last. A file system that can't is no reason to call the writing failed.
fn sync_folder(path: &Path) {
    #[cfg(unix)]
    if let Ok(folder) = File::open(folder_of(path)) {
        let _ = folder.sync_all();
    }
    #[cfg(not(unix))]
    let _ = path;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_that_is_there_is_not_created_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.toml");
        create(&path, "one").unwrap();
        assert!(matches!(create(&path, "two"), Err(NotWritten::Changed)));
        assert_eq!(fs::read_to_string(&path).unwrap(), "one");
        assert_eq!(names(folder.path()), ["a.toml"]);
    }

    #[test]
    fn what_another_wrote_meanwhile_is_neither_overwritten_nor_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.toml");
        create(&path, "one").unwrap();
        let seen = Version::of(b"one");
        fs::write(&path, "theirs").unwrap();
        assert!(matches!(replace(&path, "two", seen), Err(NotWritten::Changed)));
        assert!(matches!(remove(&path, seen), Err(NotWritten::Changed)));
        assert_eq!(fs::read_to_string(&path).unwrap(), "theirs");
        replace(&path, "two", Version::of(b"theirs")).unwrap();
        assert_eq!(names(folder.path()), ["a.toml"]);
    }

    #[cfg(unix)]
    #[test]
    fn permissions_and_links_stay() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("a.toml"));
        fs::write(&real, "one").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        replace(&link, "two", Version::of(b"one")).unwrap();
        assert_eq!(fs::read_to_string(&real).unwrap(), "two");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
    }

    #[test]
    fn a_file_that_is_no_text_is_told_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.toml");
        fs::write(&path, b"a\nb\xff").unwrap();
        let problem = read(&path).unwrap().text.unwrap_err();
        assert_eq!((problem.line, problem.message.as_str()), (Some(2), "the file is no UTF-8 text"));
        fs::write(&path, vec![b'#'; 3 * MAX_BYTES]).unwrap();
        assert!(read(&path).unwrap().text.unwrap_err().message.contains("larger than 1 MiB"));
        assert!(read(&folder.path().join("none")).is_none());
    }
}
