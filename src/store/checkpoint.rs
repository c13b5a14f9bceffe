//! Brings what the write-ahead log holds into the file itself, on a thread of its own, so that no commit waits for it.
//!
//! Invariants: this moves committed pages and writes no row; what fails here is left to the next try, as the log keeps it;
//! the log stays bounded under a load that never pauses.
//!
//! SQLite begins the log anew only when a commit finds all of it in the file. Under a steady load the thread never quite
//! gets there, so the writer itself brings the last few pages over once the log has grown long.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use rusqlite::{Connection, OpenFlags};

/// Lengths of the log, in pages of 4 KiB.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// From this much outside the file on, the thread is woken.
    wake: i64,
    /// From this length on the writer brings over what is left, where that is little.
    long: i64,
    /// How much is little: some 20 ms of work.
    little: i64,
    /// From this length on it does so however much is left.
    too_long: i64,
}

const LIMITS: Limits = Limits { wake: 8_000, long: 24_000, little: 2_000, too_long: 64_000 };

/// What is to be done about a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Nothing,
    Wake,
    /// By the writer, between two commits.
    Here,
}

impl Limits {
    /// For a log of `pages`, of which `done` are in the file. `tried`: how long it was when the writer last tried in vain.
    fn step(self, pages: i64, done: i64, busy: bool, tried: i64) -> Step {
        let left = pages - done;
        // Somebody reads an old state of the file, perhaps: then it can't be helped for now.
        let again = (tried..tried + self.wake).contains(&pages);
        if left <= 0 {
            Step::Nothing
        } else if !again && (self.too_long <= pages || (!busy && self.long <= pages && left <= self.little)) {
            Step::Here
        } else if busy {
            Step::Nothing
        } else if self.wake <= left || (self.long <= pages && self.little < left) {
            Step::Wake
        } else {
            Step::Nothing
        }
    }
}

/// The thread's handle, held by the writer.
#[derive(Debug)]
pub(super) struct Checkpointer {
    limits: Limits,
    wake: Option<SyncSender<()>>,
    busy: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    tried: i64,
}

impl Checkpointer {
    /// # Errors
    /// The operating system has no thread left.
    pub(super) fn start(path: &Path) -> std::io::Result<Self> {
        Self::with(path, LIMITS)
    }

    fn with(path: &Path, limits: Limits) -> std::io::Result<Self> {
        let (wake, woken) = sync_channel(1);
        let busy = Arc::new(AtomicBool::new(false));
        let (path, flag) = (path.to_owned(), Arc::clone(&busy));
        let thread = std::thread::Builder::new().name("checkpoint".into()).spawn(move || run(&path, &woken, &flag))?;
        Ok(Self { limits, wake: Some(wake), busy, thread: Some(thread), tried: 0 })
    }

    /// To be called after each commit.
    pub(super) fn committed(&mut self, db: &Connection) {
        let Some((pages, done)) = checkpoint(db, "NOOP") else { return };
        if pages < self.tried {
            self.tried = 0;
        }
        match self.limits.step(pages, done, self.busy.load(Ordering::Acquire), self.tried) {
            Step::Nothing => {}
            Step::Wake => {
                self.busy.store(true, Ordering::Release);
                // Full: it has not yet begun with what it was woken for.
                if let Some(Err(TrySendError::Disconnected(()))) = self.wake.as_ref().map(|wake| wake.try_send(())) {
                    self.busy.store(false, Ordering::Release);
                }
            }
            Step::Here => {
                let whole = checkpoint(db, "PASSIVE").is_some_and(|(pages, done)| pages == done);
                self.tried = if whole { 0 } else { pages };
            }
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// How many pages the log has, and how many of them are in the file.
fn checkpoint(db: &Connection, mode: &str) -> Option<(i64, i64)> {
    let mut pragma = db.prepare_cached(&format!("PRAGMA wal_checkpoint({mode})")).ok()?;
    pragma.query_row([], |row| Ok((row.get(1)?, row.get(2)?))).ok()
}

fn run(path: &PathBuf, woken: &Receiver<()>, busy: &AtomicBool) {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut db = None;
    while woken.recv().is_ok() {
        if db.is_none() {
            db = Connection::open_with_flags(path, flags).ok();
        }
        if let Some(db) = &db {
            // What was committed meanwhile is far less, and mostly the same pages.
            for _ in 0..2 {
                if checkpoint(db, "PASSIVE").is_none_or(|(pages, done)| pages <= done) {
                    break;
                }
            }
        }
        busy.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Limits = Limits { wake: 80, long: 240, little: 20, too_long: 640 };

    #[track_caller]
    fn check(pages: i64, done: i64, expected: Step) {
        assert_eq!(SMALL.step(pages, done, false, 0), expected, "{done} of {pages}");
        let busy = if SMALL.too_long <= pages { expected } else { Step::Nothing };
        assert_eq!(SMALL.step(pages, done, true, 0), busy, "{done} of {pages} while the thread works");
    }

    #[test]
    fn a_short_log_is_left_and_a_long_one_brought_over_beside_the_commits() {
        check(0, 0, Step::Nothing);
        check(79, 0, Step::Nothing);
        check(80, 0, Step::Wake);
        check(90, 80, Step::Nothing);
        check(160, 80, Step::Wake);
    }

    #[test]
    fn the_last_pages_of_a_long_log_are_brought_over_between_commits() {
        check(240, 240, Step::Nothing);
        check(240, 220, Step::Here);
        check(240, 219, Step::Wake);
        check(640, 0, Step::Here);
    }

    #[test]
    fn what_a_reader_holds_up_is_not_tried_at_every_commit() {
        assert_eq!(SMALL.step(241, 240, false, 240), Step::Nothing);
        assert_eq!(SMALL.step(320, 319, false, 240), Step::Here);
    }

    fn file() -> (tempfile::TempDir, PathBuf, Connection) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.sqlite3");
        let db = crate::store::schema::open_to_write(&path).unwrap();
        db.execute_batch("CREATE TABLE big (id INTEGER PRIMARY KEY, body BLOB)").unwrap();
        (folder, path, db)
    }

    /// Ten pages and some.
    fn insert(db: &Connection, id: i64) {
        db.execute("INSERT INTO big VALUES (?1, zeroblob(40960))", [id]).unwrap();
    }

    #[test]
    fn the_thread_brings_the_whole_log_over() {
        let (_folder, path, db) = file();
        let mut checkpointer = Checkpointer::with(&path, SMALL).unwrap();
        for id in 0..12 {
            insert(&db, id);
        }
        checkpointer.committed(&db);
        drop(checkpointer);
        let (pages, done) = checkpoint(&db, "NOOP").unwrap();
        assert_eq!(pages, done);
        assert!(120 <= pages);
    }

    #[test]
    fn the_log_stays_bounded_even_where_the_thread_never_gets_its_turn() {
        let (_folder, path, db) = file();
        let mut checkpointer = Checkpointer::with(&path, SMALL).unwrap();
        checkpointer.wake = None;
        let mut longest = 0;
        for id in 0..200 {
            insert(&db, id);
            checkpointer.committed(&db);
            longest = longest.max(checkpoint(&db, "NOOP").unwrap().0);
        }
        assert!(longest <= SMALL.too_long + 20, "{longest} of more than 2,000");
    }
}
