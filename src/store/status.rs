//! How the history is doing, for those who show it. Reading it never waits for the writer.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::base::Wall;

/// Why nothing is being recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trouble {
    DiskFull,
    /// The folder or the file may not be written.
    ReadOnly,
    /// The disk reports errors.
    DiskError,
    /// The file's inside is not as SQLite left it.
    Damaged,
    /// Another program holds the file.
    Busy,
    /// Anything else that SQLite says.
    Other,
    /// Ours: the writer panicked.
    Fault,
}

impl Trouble {
    /// Stable.
    pub fn code(self) -> &'static str {
        match self {
            Self::DiskFull => "disk_full",
            Self::ReadOnly => "read_only",
            Self::DiskError => "disk_error",
            Self::Damaged => "damaged",
            Self::Busy => "busy",
            Self::Other => "other",
            Self::Fault => "fault",
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DiskFull => "the disk is full; free some space",
            Self::ReadOnly => "the history's folder can't be written; check its permissions",
            Self::DiskError => "the disk reports an error; check it",
            Self::Damaged => "the history's file is damaged; move it away to begin a new one",
            Self::Busy => "another program holds the history's file; close it",
            Self::Other => "the database refuses to write",
            Self::Fault => "writing it failed inside wirewatch; it is tried again without what can't be written",
        })
    }
}

/// Whether events are being kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Health {
    #[default]
    Recording,
    /// The writer tries again by itself.
    NotRecording { problem: Trouble, since: Wall },
}

/// A change of [`Health`], told to whoever started the writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HealthChange {
    /// The writer panicked, with these words; it goes on. [`HealthChange::Lost`] follows where it was recording.
    Panicked(&'static str),
    Lost(Trouble),
    /// `dropped` events since it was lost did not fit the backlog and are in no history.
    Resumed {
        dropped: u64,
    },
}

/// Shared between the writer and those who watch it.
#[derive(Debug, Default)]
pub struct StoreStatus {
    acknowledged: AtomicU64,
    size: AtomicU64,
    backlog: AtomicU64,
    dropped: AtomicU64,
    lag_us: AtomicU64,
    worst_lag_us: AtomicU64,
    health: Mutex<Health>,
}

impl StoreStatus {
    /// The number of the newest event that is on disk; 0: none yet. Never goes back.
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Acquire)
    }

    /// Bytes that the database takes on disk, its write-ahead log included.
    pub fn size(&self) -> u64 {
        self.size.load(Ordering::Relaxed)
    }

    /// How many events wait in memory because they can't be written.
    pub fn backlog(&self) -> u64 {
        self.backlog.load(Ordering::Relaxed)
    }

    /// How many events of this run were let go because the backlog was full.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// From the newest batch's first event to its commit.
    pub fn lag(&self) -> Duration {
        Duration::from_micros(self.lag_us.load(Ordering::Relaxed))
    }

    /// The longest such time of this run.
    pub fn worst_lag(&self) -> Duration {
        Duration::from_micros(self.worst_lag_us.load(Ordering::Relaxed))
    }

    pub fn health(&self) -> Health {
        *self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn committed(&self, seq: u64, lag: Duration) {
        let lag = u64::try_from(lag.as_micros()).unwrap_or(u64::MAX);
        self.lag_us.store(lag, Ordering::Relaxed);
        self.worst_lag_us.fetch_max(lag, Ordering::Relaxed);
        self.acknowledged.fetch_max(seq, Ordering::Release);
    }

    pub(super) fn set_size(&self, bytes: u64) {
        self.size.store(bytes, Ordering::Relaxed);
    }

    pub(super) fn set_backlog(&self, waiting: usize, dropped: u64) {
        self.backlog.store(waiting as u64, Ordering::Relaxed);
        self.dropped.store(dropped, Ordering::Relaxed);
    }

    pub(super) fn set_health(&self, health: Health) {
        *self.health.lock().unwrap_or_else(PoisonError::into_inner) = health;
    }
}
