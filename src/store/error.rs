//! What can keep the history from being opened or asked.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use super::status::Trouble;

/// One variant a cause. Private data (paths) stands last in each text.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("another wirewatch (process {}) is recording to this history: {path}", .pid.map_or("unknown".to_owned(), |pid| pid.to_string()), path = .path.display())]
    InUse { pid: Option<u32>, path: PathBuf },

    #[error(
        "the history was written by a newer wirewatch (its format is {found}, this program knows {known}); it was not touched: {path}",
        path = .path.display()
    )]
    Newer { found: i64, known: i64, path: PathBuf },

    #[error("the history was written by an older wirewatch (its format is {found}, this program's is {known}): {path}", path = .path.display())]
    Older { found: i64, known: i64, path: PathBuf },

    #[error("this file is not a wirewatch history; it was not touched: {path}", path = .path.display())]
    Foreign { path: PathBuf },

    #[error("the history is damaged ({what}); it was not touched: {path}", path = .path.display())]
    Damaged { what: String, path: PathBuf },

    #[error("there is no history yet: {path}", path = .path.display())]
    Missing { path: PathBuf },

    #[error("the history's folder can't be used ({source}): {path}", path = .path.display())]
    Io { source: std::io::Error, path: PathBuf },

    #[error("the history can't be written ({problem}): {path}", path = .path.display())]
    NotWritable { problem: Trouble, path: PathBuf },

    #[error("the history can't be read ({0})")]
    Query(#[from] rusqlite::Error),
}

impl StoreError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::InUse { .. } => "use its window, or name another folder with --data",
            Self::Newer { .. } => "update wirewatch, or name another folder with --data",
            Self::Older { .. } => "open it once with wirewatch or wirewatch watch, which bring it up to date",
            Self::Foreign { .. } => "name another folder with --data",
            Self::Damaged { .. } => "put a copy back in its place, or move the file away to begin a new history",
            Self::Missing { .. } => "record one first: wirewatch, or wirewatch watch",
            Self::Io { .. } => "check the folder's permissions, or name another with --data",
            Self::NotWritable { .. } => "mend that, or name another folder with --data",
            Self::Query(_) => "where it stays, move the file away to begin a new history",
        }
    }

    /// An opening's failure, told by its cause.
    pub(super) fn opening(error: rusqlite::Error, path: &Path) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                Self::Damaged { what: error.to_string(), path: path.into() }
            }
            Some(_) => Self::NotWritable { problem: trouble(&error), path: path.into() },
            None => Self::Query(error),
        }
    }
}

/// Why a write failed.
pub(super) fn trouble(error: &rusqlite::Error) -> Trouble {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => Trouble::DiskFull,
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => Trouble::ReadOnly,
        Some(ErrorCode::SystemIoFailure) => Trouble::DiskError,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Trouble::Damaged,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Trouble::Busy,
        _ => Trouble::Other,
    }
}
