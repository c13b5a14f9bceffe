//! The one thread that writes the history.
//!
//! Invariants: an event is on disk at most 250 ms after it came, as long as the disk keeps up; `acknowledged` rises only
//! after the commit; trouble with the disk never stops the thread: it keeps a bounded backlog, counts what it lets go,
//! tries again by itself and says so.
//!
//! What an end without warning can lose. `kill -9` or a panic: nothing that was acknowledged, as the transaction is with
//! the operating system. A power cut: neither, as `synchronous = FULL` has the log on the disk before a commit returns.
//! What was not acknowledged yet, at most the last 250 ms, is lost in both.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::error::{StoreError, trouble};
use super::insert::{self, LastReports, Memory, Named};
use super::lock::Lock;
use super::reader::Reader;
use super::retention::{self, Retention};
use super::schema;
use super::status::{Health, HealthChange, StoreStatus};
use crate::base::{Clock, Interner};
use crate::watch::{Event, EventBody};

/// From the first event of a batch to the start of its commit.
const WINDOW: Duration = Duration::from_millis(100);
/// The most events of one transaction.
const BATCH: usize = 20_000;
/// Between two tries while nothing can be written.
const RETRY: Duration = Duration::from_secs(1);
/// Between two looks at what is due besides events.
const IDLE: Duration = Duration::from_secs(1);
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
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            dropped: 0,
            dropped_before: 0,
            last_commit: Duration::ZERO,
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
            // A panic there has already been told; there is nothing left to save.
            let _ = thread.join();
        }
    }
}

struct Task<S, C> {
    config: Config,
    clock: Clock,
    db: Connection,
    _lock: Lock,
    status: Arc<StoreStatus>,
    names: Arc<Mutex<Vec<Named>>>,
    source: S,
    on_change: C,
    memory: Memory,
    /// Names taken from `names` and not written yet.
    named: Vec<Named>,
    waiting: VecDeque<Arc<Event>>,
    waiting_bytes: usize,
    dropped: u64,
    /// `dropped` when the trouble began.
    dropped_before: u64,
    last_commit: Duration,
    tidied: Option<Instant>,
    page_limit: u32,
}

impl<S, C> Task<S, C>
where
    S: FnMut(Duration) -> Result<Option<Arc<Event>>, Gone>,
    C: FnMut(HealthChange),
{
    fn run(mut self) {
        let mut due: Option<Instant> = None;
        loop {
            let now = self.clock.mono();
            let wait = due.map_or(IDLE, |due| due.saturating_duration_since(now));
            let mut gone = false;
            match (self.source)(wait) {
                Ok(Some(event)) => {
                    self.push(event);
                    // What came while the last batch was being written has waited for that long.
                    due = due.or_else(|| Some(self.clock.mono() + WINDOW.saturating_sub(self.last_commit)));
                    if self.recording() && BATCH <= self.waiting.len() {
                        due = Some(now);
                    }
                }
                Ok(None) => {}
                Err(Gone) => gone = true,
            }
            let now = self.clock.mono();
            let idle = due.is_none() && (self.memory.has_pending() || !self.recording());
            if gone || idle || due.is_some_and(|due| due <= now) {
                due = match self.flush(if gone { LastReports::All } else { LastReports::Due }) {
                    true => None,
                    false => Some(self.clock.mono() + RETRY),
                };
            }
            if gone {
                break;
            }
            if self.recording() {
                self.tidy();
            }
        }
        self.status.set_backlog(self.waiting.len(), self.dropped);
    }

    fn recording(&self) -> bool {
        self.status.health() == Health::Recording
    }

    fn push(&mut self, event: Arc<Event>) {
        self.waiting_bytes += weight(&event);
        self.waiting.push_back(event);
        while self.config.backlog < self.waiting.len() || self.config.backlog_bytes < self.waiting_bytes {
            let Some(oldest) = self.waiting.pop_front() else { break };
            self.waiting_bytes -= weight(&oldest);
            self.dropped += 1;
        }
        if !self.recording() {
            self.status.set_backlog(self.waiting.len(), self.dropped);
        }
    }

    /// Writes all that waits; `false`: it could not.
    fn flush(&mut self, last: LastReports) -> bool {
        self.named.append(&mut self.names.lock().unwrap_or_else(PoisonError::into_inner));
        loop {
            let (started, now) = (self.clock.mono(), self.clock.wall());
            let count = self.waiting.len().min(BATCH);
            let batch = &self.waiting.make_contiguous()[..count];
            let newest = batch.last().map(|event| event.seq);
            let oldest = batch.first().map(|event| event.at);
            let written = apply_page_limit(&self.db, &self.config.page_limit, &mut self.page_limit)
                .and_then(|()| insert::write(&mut self.db, &mut self.memory, &self.named, batch, last, now));
            if let Err(error) = written {
                self.lost(&error);
                return false;
            }
            self.named.clear();
            for event in self.waiting.drain(..count) {
                self.waiting_bytes -= weight(&event);
            }
            let ended = self.clock.now();
            self.last_commit = ended.mono.saturating_duration_since(started);
            self.status.set_size(size(&self.config.path));
            if let (Some(seq), Some(at)) = (newest, oldest) {
                self.status.committed(seq, ended.wall.since(at));
            }
            if self.waiting.is_empty() {
                self.resumed();
                return true;
            }
        }
    }

    fn lost(&mut self, error: &rusqlite::Error) {
        let problem = trouble(error);
        self.status.set_backlog(self.waiting.len(), self.dropped);
        match self.status.health() {
            Health::Recording => {
                self.dropped_before = self.dropped;
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
        self.status.set_backlog(0, self.dropped);
        self.status.set_health(Health::Recording);
        (self.on_change)(HealthChange::Resumed { dropped: self.dropped - self.dropped_before });
    }

    /// Lets old rows go.
    fn tidy(&mut self) {
        let now = self.clock.mono();
        if self.tidied.is_some_and(|at| now < at) {
            return;
        }
        let budget = 2_000;
        let step = retention::step(&mut self.db, &self.config.retention, self.clock.wall(), budget);
        // Where something is left to do it goes on soon. A failure here is one that the next batch meets and tells.
        let pause = if step.is_ok_and(|gone| budget <= gone) { Duration::from_millis(50) } else { TIDY };
        self.tidied = Some(now + pause);
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

/// Roughly what an event takes in memory.
fn weight(event: &Event) -> usize {
    let exchange = |exchange: &crate::wire::Exchange| {
        let headers =
            |headers: &crate::wire::Headers| headers.iter().map(|(n, v)| n.len() + v.len() + 48).sum::<usize>();
        let response = exchange.response().map_or(0, |response| response.body.len() + headers(&response.headers));
        1024 + exchange.request.body.len() + headers(&exchange.request.headers) + response
    };
    192 + match &event.body {
        EventBody::Check(report) => 256 + report.exchanges.iter().map(|one| exchange(one)).sum::<usize>(),
        EventBody::Handshake { exchange: one, .. } => exchange(one),
        EventBody::Frame(frame) => frame.payload.len(),
        _ => 0,
    }
}
