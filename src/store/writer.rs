//! The one thread that writes the history.
//!
//! Invariants: an event is on disk at most 250 ms after it came, as long as the disk keeps up; `acknowledged` rises only
//! after the commit; neither trouble with the disk nor a panic stops the thread: it keeps a bounded backlog, counts what it
//! lets go, tries again by itself and says so.
//!
//! A panic loses the batch that it is in, not its events: they are written again in halves, until the one that can't be is
//! alone, and that one is let go.
//!
//! What an end without warning can lose. `kill -9` or a panic: nothing that was acknowledged, as the transaction is with
//! the operating system. A power cut: neither, as `synchronous = FULL` has the log on the disk before a commit returns.
//! What was not acknowledged yet, at most the last 250 ms, is lost in both.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::backlog::Backlog;
use super::checkpoint::Checkpointer;
use super::error::{StoreError, trouble};
use super::insert::{self, Batch, Memory, Named};
use super::last::LastReports;
use super::lock::Lock;
use super::pace::Pace;
use super::reader::Reader;
use super::retention::{self, Retention};
use super::schema;
use super::status::{Health, HealthChange, StoreStatus, Trouble};
use crate::base::{Clock, Interner, panic};
use crate::watch::Event;

/// The most events of one transaction: more would keep the oldest waiting.
const BATCH: usize = 8_000;
/// Between two looks at what came while a batch gathers. To be woken by each event would cost more than to write it.
const NAP: Duration = Duration::from_millis(15);
/// The longest that events are taken in at a stretch from a source that never pauses, and how many between two looks at
/// the clock.
const BREATH: Duration = Duration::from_millis(5);
const GULP: usize = 64;
/// Between two tries while nothing can be written.
const RETRY: Duration = Duration::from_secs(1);
/// Between two looks at what is due besides events.
const IDLE: Duration = Duration::from_secs(1);
/// More panics than this at a stretch are waited for by nobody, once no more events come.
const PANICS: u32 = 30;
/// Between two looks at what has grown old.
const TIDY: Duration = Duration::from_secs(60);

/// The source has ended: nothing more will come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no more events will come")]
pub struct Gone;

/// Where the history is and what it may take.
#[derive(Clone, Debug)]
pub struct Config {
    /// The database file; its folder is made where it is missing.
    pub path: PathBuf,
    pub retention: Retention,
    /// The most events that wait in memory while nothing can be written, and roughly how many bytes.
    pub backlog: usize,
    pub backlog_bytes: usize,
    /// The most pages (of 4 KiB) that the file may have, as a quota; 0: as many as the disk holds. May be changed at any
    /// time.
    pub page_limit: Arc<AtomicU32>,
}

impl Config {
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            retention: Retention::default(),
            backlog: 100_000,
            backlog_bytes: 64 * 1024 * 1024,
            page_limit: Arc::default(),
        }
    }
}

/// A history opened for writing: locked, of this program's format, nothing written yet.
pub struct Store {
    config: Config,
    clock: Clock,
    db: Connection,
    lock: Lock,
    status: Arc<StoreStatus>,
    names: Arc<Mutex<Vec<Named>>>,
    last_seq: u64,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("path", &self.config.path).field("last_seq", &self.last_seq).finish()
    }
}

impl Store {
    /// Opens or creates the history.
    ///
    /// # Errors
    /// A second writer, a newer or a foreign or a damaged file (none of them touched), a folder that can't be written.
    pub fn open(config: Config, clock: Clock) -> Result<Self, StoreError> {
        if let Some(folder) = config.path.parent() {
            make_private(folder).map_err(|source| StoreError::Io { source, path: folder.into() })?;
        }
        let lock = Lock::take(&config.path)?;
        let db = schema::open_to_write(&config.path)?;
        let last: Option<i64> = db.query_row("SELECT max(seq) FROM event", [], |row| row.get(0))?;
        let last_seq = last.and_then(|seq| u64::try_from(seq).ok()).unwrap_or(0);
        let status = Arc::new(StoreStatus::default());
        status.committed(last_seq, Duration::ZERO);
        status.set_size(size(&config.path));
        Ok(Self { config, clock, db, lock, status, names: Arc::default(), last_seq })
    }

    /// The number of the newest event; 0: there is none.
    pub fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// The ids that profiles have in this history.
    pub fn interner(&self) -> Result<Interner, StoreError> {
        Ok(self.reader()?.interner()?)
    }

    /// A connection that only reads.
    pub fn reader(&self) -> Result<Reader, StoreError> {
        Reader::open(&self.config.path)
    }

    pub fn status(&self) -> Arc<StoreStatus> {
        Arc::clone(&self.status)
    }

    /// Starts the writer's thread on `source`, which waits at most as long as it is told for the next event. The thread
    /// ends, everything written, when the source says [`Gone`]. `on_change` hears of each loss and return of recording,
    /// from the writer's thread, and must not wait.
    ///
    /// # Errors
    /// The operating system has no thread left.
    pub fn start(
        self,
        source: impl FnMut(Duration) -> Result<Option<Arc<Event>>, Gone> + Send + 'static,
        on_change: impl FnMut(HealthChange) + Send + 'static,
    ) -> std::io::Result<Writer> {
        let (status, names) = (self.status(), Arc::clone(&self.names));
        let path = self.config.path.clone();
        let task = Task {
            checkpointer: Checkpointer::start(&path)?,
            backlog: Backlog::new(self.config.backlog, self.config.backlog_bytes),
            config: self.config,
            clock: self.clock,
            db: self.db,
            _lock: self.lock,
            status: self.status,
            names: self.names,
            source,
            on_change,
            memory: Memory::default(),
            named: Vec::new(),
            dropped_before: 0,
            batch: BATCH,
            writing: 0,
            panics: 0,
            pace: Pace::default(),
            retry: None,
            tidied: None,
            page_limit: 0,
        };
        let thread = std::thread::Builder::new().name("history".into()).spawn(move || task.run())?;
        Ok(Writer { status, names, path, thread: Some(thread) })
    }
}

/// The running writer's handle.
#[derive(Debug)]
pub struct Writer {
    status: Arc<StoreStatus>,
    names: Arc<Mutex<Vec<Named>>>,
    path: PathBuf,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Makes a profile known, or known under another name. It is written with the next batch, so call it before the
    /// profile's first event is published.
    pub fn know(&self, profile: Named) {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).push(profile);
    }

    pub fn status(&self) -> Arc<StoreStatus> {
        Arc::clone(&self.status)
    }

    /// A connection that only reads.
    pub fn reader(&self) -> Result<Reader, StoreError> {
        Reader::open(&self.path)
    }

    /// Waits for the thread's end, which comes once its source is gone: drop the event bus first.
    pub fn join(mut self) {
        if let Some(thread) = self.thread.take() {
            // It outlives its panics.
            let _ = thread.join();
        }
    }
}

struct Task<S, C> {
    // Dropped in this order: the last connection to close tidies up, and the lock goes after it.
    checkpointer: Checkpointer,
    db: Connection,
    _lock: Lock,
    config: Config,
    clock: Clock,
    status: Arc<StoreStatus>,
    names: Arc<Mutex<Vec<Named>>>,
    source: S,
    on_change: C,
    memory: Memory,
    /// Names taken from `names` and not written yet.
    named: Vec<Named>,
    backlog: Backlog,
    /// What the backlog had let go when the trouble began.
    dropped_before: u64,
    /// The most events of the next transaction.
    batch: usize,
    /// How many are being written.
    writing: usize,
    /// Panics since something was last written.
    panics: u32,
    pace: Pace,
    /// When to try again to write.
    retry: Option<Instant>,
    tidied: Option<Instant>,
    page_limit: u32,
}

impl<S, C> Task<S, C>
where
    S: FnMut(Duration) -> Result<Option<Arc<Event>>, Gone>,
    C: FnMut(HealthChange),
{
    fn run(mut self) {
        let mut gone = false;
        loop {
            match catch_unwind(AssertUnwindSafe(|| self.turn(&mut gone))) {
                Ok(true) => {}
                Ok(false) => break,
                Err(payload) => self.panicked(&*payload),
            }
            // A fault that stays keeps nobody waiting at the end.
            if gone && PANICS < self.panics {
                break;
            }
        }
        self.tell_backlog();
    }

    /// What has come is written; `false`: that was the last.
    fn turn(&mut self, gone: &mut bool) -> bool {
        *gone = *gone || self.gather();
        let last = if *gone { LastReports::All } else { LastReports::Due };
        let mut written = self.flush(last);
        while *gone && written && !self.backlog.is_empty() {
            written = self.flush(last);
        }
        if !*gone && self.recording() {
            self.tidy();
        }
        !*gone
    }

    /// Rights what a panic may have left halfway. The transaction that it was in is rolled back.
    fn panicked(&mut self, payload: &(dyn Any + Send)) {
        self.panics = self.panics.saturating_add(1);
        self.memory.forget();
        self.backlog.weigh_again();
        (self.on_change)(HealthChange::Panicked(panic::words(payload)));
        self.lost(Trouble::Fault);
        match std::mem::take(&mut self.writing) {
            // No event made it: it is not to be met at once again.
            0 => std::thread::sleep(RETRY),
            1 => self.backlog.let_go(),
            count => self.batch = count / 2,
        }
        self.tell_backlog();
    }

    /// Takes events in until a batch is due, or nothing has come for a while; `true`: nothing more will come.
    fn gather(&mut self) -> bool {
        loop {
            // Asleep until something comes; then it looks again and again, so that those who publish need not wake it.
            let wait = if self.backlog.is_empty() { self.left().unwrap_or(IDLE) } else { Duration::ZERO };
            let Ok(paused) = self.take(wait) else { return true };
            match self.left() {
                Some(left) if !left.is_zero() && !self.is_full() => {
                    if paused && !self.backlog.is_empty() {
                        std::thread::sleep(left.min(NAP));
                    }
                }
                _ => return false,
            }
        }
    }

    /// Takes in what is there, waiting so long for the first of it; whether the source paused.
    fn take(&mut self, mut wait: Duration) -> Result<bool, Gone> {
        let mut until = None;
        loop {
            for _ in 0..GULP {
                match (self.source)(wait)? {
                    Some(event) => self.push(event),
                    None => return Ok(true),
                }
                if self.is_full() {
                    return Ok(false);
                }
                wait = Duration::ZERO;
            }
            let now = self.clock.mono();
            if *until.get_or_insert(now + BREATH) <= now {
                return Ok(false);
            }
        }
    }

    /// A batch is together. While nothing can be written, all goes to the backlog.
    fn is_full(&self) -> bool {
        BATCH <= self.backlog.len() && self.retry.is_none()
    }

    /// How long to the next try to write; `None`: there is nothing to write.
    fn left(&self) -> Option<Duration> {
        let now = self.clock.mono();
        match self.retry {
            Some(retry) => Some(retry.saturating_duration_since(now)),
            None => self.pace.left(now),
        }
    }

    fn recording(&self) -> bool {
        self.status.health() == Health::Recording
    }

    fn push(&mut self, event: Arc<Event>) {
        if self.backlog.is_empty() {
            self.pace.came(event.at, self.clock.now());
        }
        self.backlog.push(event);
        if !self.recording() {
            self.tell_backlog();
        }
    }

    fn tell_backlog(&self) {
        self.status.set_backlog(self.backlog.len(), self.backlog.dropped());
    }

    /// Writes a batch of what waits; `false`: it could not.
    fn flush(&mut self, last: LastReports) -> bool {
        self.named.append(&mut self.names.lock().unwrap_or_else(PoisonError::into_inner));
        if self.backlog.is_empty() && self.named.is_empty() && !self.memory.has_pending() && self.recording() {
            return true;
        }
        let started = self.clock.now();
        let count = self.backlog.len().min(self.batch);
        self.writing = count;
        let (events, missed) = self.backlog.batch(count);
        let newest = events.last().map(|event| event.seq);
        let oldest = events.first().map(|event| event.at);
        let batch = Batch { names: &self.named, missed, events, last };
        let written = apply_page_limit(&self.db, &self.config.page_limit, &mut self.page_limit)
            .and_then(|()| insert::write(&mut self.db, &mut self.memory, batch, started.wall));
        self.writing = 0;
        if let Err(error) = written {
            self.lost(trouble(&error));
            return false;
        }
        self.panics = 0;
        self.batch = self.batch.saturating_mul(2).min(BATCH);
        let ended = self.clock.now();
        if let (Some(seq), Some(at)) = (newest, oldest) {
            self.status.committed(seq, ended.wall.since(at));
        }
        self.retry = None;
        self.named.clear();
        self.backlog.written(count);
        self.checkpointer.committed(&self.db);
        self.status.set_size(size(&self.config.path));
        let now = self.clock.now();
        let took = now.mono.saturating_duration_since(started.mono);
        self.pace.wrote(took, self.backlog.oldest(), now);
        if self.backlog.is_empty() {
            self.resumed();
        }
        true
    }

    fn lost(&mut self, problem: Trouble) {
        self.retry = Some(self.clock.mono() + RETRY);
        self.tell_backlog();
        match self.status.health() {
            Health::Recording => {
                self.dropped_before = self.backlog.dropped();
                self.status.set_health(Health::NotRecording { problem, since: self.clock.wall() });
                (self.on_change)(HealthChange::Lost(problem));
            }
            Health::NotRecording { since, .. } => self.status.set_health(Health::NotRecording { problem, since }),
        }
    }

    fn resumed(&mut self) {
        if self.recording() {
            return;
        }
        self.tell_backlog();
        self.status.set_health(Health::Recording);
        (self.on_change)(HealthChange::Resumed { dropped: self.backlog.dropped() - self.dropped_before });
    }

    /// Lets old rows go.
    fn tidy(&mut self) {
        let now = self.clock.mono();
        if self.tidied.is_some_and(|at| now < at) {
            return;
        }
        // First, so that a panic in it is not met at once again.
        self.tidied = Some(now + TIDY);
        let budget = 500;
        let step = retention::step(&mut self.db, &self.config.retention, self.clock.wall(), budget);
        // Where something is left to do it goes on soon. A failure here is one that the next batch meets and tells.
        if step.is_ok_and(|gone| budget <= gone) {
            self.tidied = Some(now + Duration::from_millis(50));
        }
    }
}

fn apply_page_limit(db: &Connection, wanted: &AtomicU32, applied: &mut u32) -> rusqlite::Result<()> {
    let wanted = wanted.load(Ordering::Relaxed);
    if wanted != *applied {
        let pages = if wanted == 0 { u32::MAX - 1 } else { wanted };
        db.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?;
        *applied = wanted;
    }
    Ok(())
}

/// The folder, for its owner alone: what servers answered is nobody else's business.
fn make_private(folder: &std::path::Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Bytes of the file and its write-ahead log.
fn size(path: &std::path::Path) -> u64 {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    [path.as_os_str(), &log].into_iter().filter_map(|path| std::fs::metadata(path).ok()).map(|file| file.len()).sum()
}
