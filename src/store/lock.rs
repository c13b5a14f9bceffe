//! One writer a history: a lock file beside the database, held for as long as the writer lives.
//!
//! The operating system lets go of the lock when the process ends, however it ends; the process's number in the file is
//! only there to be shown.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use super::error::StoreError;

/// Holds the lock until it is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Drop for Lock {
    /// Lets go at once. Closing the file would not: a child process that is just being started still has it open.
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

impl Lock {
    /// Takes the lock of the database at `path`, or says who has it.
    pub(super) fn take(path: &Path) -> Result<Self, StoreError> {
        let name = path.with_extension("lock");
        let io = |source| StoreError::Io { source, path: name.clone() };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(&name).map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                let holder = file.take(32).read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok());
                return Err(StoreError::InUse { pid: holder, path: path.into() });
            }
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        let write = |file: &mut File| {
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "{}", std::process::id())
        };
        // A full disk must not keep the monitor from starting: the lock holds without the number.
        let _ = write(&mut file);
        Ok(Self { file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_taker_is_told_who_holds_the_lock_until_it_is_let_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.sqlite3");
        let held = Lock::take(&path).unwrap();
        match Lock::take(&path) {
            Err(StoreError::InUse { pid, .. }) => assert_eq!(pid, Some(std::process::id())),
            other => panic!("{other:?}"),
        }
        drop(held);
        Lock::take(&path).unwrap();
    }
}
