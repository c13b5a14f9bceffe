//! The file: its format, its migrations, and how it is opened.
//!
//! Invariants: a file of a newer format, or of another program, is refused before anything could write to it; each
//! migration is one transaction; a step that has been released never changes.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::error::StoreError;
use super::kinds::KINDS;

/// `WIRW`, in the file's header: the program that it belongs to.
const APPLICATION_ID: i32 = 0x5749_5257;

/// Each step takes the file from format *index* to format *index* + 1.
const STEPS: &[&str] = &["
    CREATE TABLE profile (
        id   INTEGER PRIMARY KEY,
        key  TEXT NOT NULL UNIQUE,      -- the stem of the profile's file
        name TEXT NOT NULL,
        kind TEXT NOT NULL              -- http, websocket, socketio
    );

    CREATE TABLE kind (id INTEGER PRIMARY KEY, name TEXT NOT NULL);

    -- Every event, whole. `tag` packs what the kind says in small numbers.
    CREATE TABLE event (
        seq      INTEGER PRIMARY KEY,
        at_us    INTEGER NOT NULL,      -- microseconds since 1970
        profile  INTEGER,
        kind     INTEGER NOT NULL,
        tag      INTEGER,
        code     TEXT,                  -- the reason's code
        value_us INTEGER,               -- latency, round trip, wait, length; a frame's size in bytes
        attempt  INTEGER,
        status   INTEGER,               -- HTTP
        close    INTEGER,               -- WebSocket
        detail   TEXT,                  -- JSON
        data     BLOB                   -- a frame's payload
    );
    CREATE INDEX event_at ON event (at_us);

    -- The same by profile and time, narrow: what the plots read, and the way to a profile's events.
    -- class 0: all but frames and messages; 1: frames; 2: messages.
    CREATE TABLE sample (
        profile INTEGER NOT NULL,
        class   INTEGER NOT NULL,
        at_us   INTEGER NOT NULL,
        seq     INTEGER NOT NULL,
        kind    INTEGER NOT NULL,
        what    INTEGER,                -- 0 check, 1 ping, 2 handshake, 3 session, 4 reconnect attempt, 5 heartbeat
        took_us INTEGER,                -- NULL: it failed
        cors    INTEGER,
        PRIMARY KEY (profile, class, at_us, seq)
    ) WITHOUT ROWID;

    -- The states, kept as long as the roll-ups.
    CREATE TABLE lane (
        profile INTEGER NOT NULL,
        at_us   INTEGER NOT NULL,
        seq     INTEGER NOT NULL,
        state   INTEGER NOT NULL,
        code    TEXT,
        reason  TEXT,
        PRIMARY KEY (profile, at_us, seq)
    ) WITHOUT ROWID;

    -- When wirewatch ran and kept what it saw: what lies between two of these is in no history.
    CREATE TABLE run (
        started_us INTEGER NOT NULL,
        ended_us   INTEGER,             -- NULL: runs, or was killed; then the next start fills it in
        version    TEXT NOT NULL
    );

    -- By time first: the open buckets of all profiles are neighbours, and one profile's are looked up one by one.
    CREATE TABLE rollup (
        span_s     INTEGER NOT NULL,    -- 300 or 3600
        start_s    INTEGER NOT NULL,    -- seconds since 1970, a multiple of span_s
        profile    INTEGER NOT NULL,
        good       INTEGER NOT NULL,
        failed     INTEGER NOT NULL,
        cors       INTEGER NOT NULL,
        reconnects INTEGER NOT NULL,
        sum_us     INTEGER NOT NULL,
        min_us     INTEGER,
        max_us     INTEGER,
        histogram  BLOB NOT NULL,       -- of the good ones
        hs_good    INTEGER NOT NULL,    -- handshakes
        hs_failed  INTEGER NOT NULL,
        hs_sum_us  INTEGER NOT NULL,
        hs_min_us  INTEGER,
        hs_max_us  INTEGER,
        hs_histogram BLOB NOT NULL,
        worst      INTEGER,             -- the worst state entered
        PRIMARY KEY (span_s, start_s, profile)
    ) WITHOUT ROWID;

    -- The newest check, handshake and close of each profile, whole.
    CREATE TABLE last (
        profile INTEGER NOT NULL,
        kind    INTEGER NOT NULL,
        seq     INTEGER NOT NULL,
        at_us   INTEGER NOT NULL,
        body    TEXT NOT NULL,
        PRIMARY KEY (profile, kind)
    ) WITHOUT ROWID;
"];

/// The format that this program writes.
pub(super) const VERSION: i64 = STEPS.len() as i64;

/// What the first hundred bytes of a file say.
enum Header {
    /// No file, or an empty one.
    None,
    Ours {
        version: i64,
    },
    Foreign,
    Damaged,
}

/// Reads the header without SQLite, which might write beside the file.
fn header(path: &Path) -> Result<Header, StoreError> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Header::None),
        Err(source) => return Err(StoreError::Io { source, path: path.into() }),
    };
    let mut head = Vec::with_capacity(100);
    let read = file.by_ref().take(100).read_to_end(&mut head);
    read.map_err(|source| StoreError::Io { source, path: path.into() })?;
    if head.is_empty() {
        return Ok(Header::None);
    }
    let word = |at: usize| head.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(i32::from_be_bytes);
    // https://www.sqlite.org/fileformat.html#the_database_header
    if !head.starts_with(b"SQLite format 3\0") {
        return Ok(Header::Damaged);
    }
    Ok(match (word(60), word(68)) {
        (Some(version), Some(APPLICATION_ID)) => Header::Ours { version: version.into() },
        // Created, and killed before the first step: nothing of anyone's is in it.
        (Some(0), Some(0)) => Header::Ours { version: 0 },
        (Some(_), Some(_)) => Header::Foreign,
        _ => Header::Damaged,
    })
}

/// Whether the file may be opened at all. `true`: there is one.
fn admit(path: &Path) -> Result<bool, StoreError> {
    let newer = |found| StoreError::Newer { found, known: VERSION, path: path.into() };
    match header(path)? {
        Header::None => Ok(false),
        Header::Ours { version } if VERSION < version => Err(newer(version)),
        Header::Foreign => Err(StoreError::Foreign { path: path.into() }),
        Header::Damaged => {
            Err(StoreError::Damaged { what: "its header is not a database's".into(), path: path.into() })
        }
        Header::Ours { .. } => {
            // The write-ahead log may know better than the header.
            let db = connect_to_read(path)?;
            let found = version(&db).map_err(|error| StoreError::opening(error, path))?;
            if VERSION < found { Err(newer(found)) } else { Ok(true) }
        }
    }
}

fn version(db: &Connection) -> rusqlite::Result<i64> {
    db.query_row("PRAGMA user_version", [], |row| row.get(0))
}

fn connect_to_read(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || {
        let db = Connection::open_with_flags(path, flags)?;
        db.busy_timeout(std::time::Duration::from_secs(2))?;
        // Not mapped into memory: a bad sector is to be an error, not the end of the program.
        db.pragma_update(None, "cache_size", -32_768)?;
        db.pragma_update(None, "temp_store", "MEMORY")?;
        db.set_prepared_statement_cache_capacity(32);
        Ok(db)
    };
    open().map_err(|error| StoreError::opening(error, path))
}

/// A read-only connection to a history of this program's format.
pub(super) fn open_to_read(path: &Path) -> Result<Connection, StoreError> {
    if !admit(path)? {
        return Err(StoreError::Missing { path: path.into() });
    }
    let db = connect_to_read(path)?;
    match version(&db).map_err(|error| StoreError::opening(error, path))? {
        VERSION => Ok(db),
        0 => Err(StoreError::Missing { path: path.into() }),
        found => Err(StoreError::Older { found, known: VERSION, path: path.into() }),
    }
}

/// The writing connection, the file made or brought to this program's format. The caller holds the lock.
pub(super) fn open_to_write(path: &Path) -> Result<Connection, StoreError> {
    if !admit(path)? {
        make_private(path).map_err(|source| StoreError::Io { source, path: path.into() })?;
    }
    let open = || {
        let mut db = Connection::open(path)?;
        db.busy_timeout(std::time::Duration::from_secs(5))?;
        let _: String = db.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
        // Each commit is on the disk itself, not in the system's memory, before it is acknowledged.
        db.pragma_update(None, "synchronous", "FULL")?;
        // Not inside a commit: see `checkpoint`.
        db.pragma_update(None, "wal_autocheckpoint", 0)?;
        db.pragma_update(None, "journal_size_limit", 128 * 1024 * 1024)?;
        db.pragma_update(None, "cache_size", -65_536)?;
        db.pragma_update(None, "temp_store", "MEMORY")?;
        db.set_prepared_statement_cache_capacity(64);
        migrate(&mut db)?;
        Ok(db)
    };
    open().map_err(|error| StoreError::opening(error, path))
}

/// An empty file that only its owner may read: what servers answered is nobody else's business. SQLite gives the files
/// beside it the same permissions.
fn make_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(|_| ())
}

fn migrate(db: &mut Connection) -> rusqlite::Result<()> {
    let found = version(db)?;
    for (index, step) in STEPS.iter().enumerate().skip(usize::try_from(found).unwrap_or(0)) {
        let tx = db.transaction()?;
        tx.execute_batch(step)?;
        tx.pragma_update(None, "application_id", APPLICATION_ID)?;
        tx.pragma_update(None, "user_version", index as i64 + 1)?;
        tx.commit()?;
    }
    if found < VERSION {
        // Into the file itself, so that its header tells other versions what it is.
        db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    }
    // A kind that a later version of the same format brought.
    let mut name = db.prepare("INSERT OR IGNORE INTO kind (id, name) VALUES (?1, ?2)")?;
    for (id, word) in KINDS {
        name.execute((id, word))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.sqlite3");
        (folder, path)
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_read_the_file() {
        use std::os::unix::fs::PermissionsExt as _;
        let (folder, path) = file();
        let _db = open_to_write(&path).unwrap();
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let entry = entry.unwrap();
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", entry.path());
        }
    }

    #[track_caller]
    fn refused_untouched(path: &Path, expected: &str) {
        let before = std::fs::read(path).unwrap();
        let write = open_to_write(path).unwrap_err().to_string();
        let read = open_to_read(path).unwrap_err().to_string();
        assert!(write.contains(expected), "{write}");
        assert!(read.contains(expected), "{read}");
        assert!(std::fs::read(path).unwrap() == before, "the file was touched");
    }

    #[test]
    fn a_new_file_gets_this_format_and_opens_again() {
        let (_folder, path) = file();
        assert!(matches!(open_to_read(&path), Err(StoreError::Missing { .. })));
        drop(open_to_write(&path).unwrap());
        assert_eq!(version(&open_to_write(&path).unwrap()).unwrap(), VERSION);
        open_to_read(&path).unwrap();
    }

    #[test]
    fn a_newer_file_is_refused_and_not_touched() {
        let (_folder, path) = file();
        let db = open_to_write(&path).unwrap();
        db.pragma_update(None, "user_version", VERSION + 1).unwrap();
        drop(db);
        refused_untouched(&path, "newer wirewatch");
    }

    #[test]
    fn a_newer_format_that_is_only_in_the_log_yet_is_refused_too() {
        let (_folder, path) = file();
        let db = open_to_write(&path).unwrap();
        db.pragma_update(None, "user_version", VERSION + 1).unwrap();
        refused_untouched(&path, "newer wirewatch");
        drop(db);
    }

    #[test]
    fn another_programs_database_is_refused_and_not_touched() {
        let (_folder, path) = file();
        let db = Connection::open(&path).unwrap();
        db.execute_batch("PRAGMA user_version = 1; CREATE TABLE x (y)").unwrap();
        drop(db);
        refused_untouched(&path, "not a wirewatch history");
    }

    #[test]
    fn a_damaged_file_is_refused_and_not_touched() {
        let (_folder, path) = file();
        std::fs::write(&path, "no database at all, but some notes about one").unwrap();
        refused_untouched(&path, "damaged");

        let (_folder, path) = file();
        drop(open_to_write(&path).unwrap());
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[100..4096].fill(0x5a);
        std::fs::write(&path, bytes).unwrap();
        refused_untouched(&path, "damaged");
    }

    #[test]
    fn the_file_names_its_kinds_of_events() {
        let (_folder, path) = file();
        let db = open_to_write(&path).unwrap();
        let kinds: i64 = db.query_row("SELECT count(*) FROM kind", [], |row| row.get(0)).unwrap();
        assert_eq!(kinds, KINDS.len() as i64);
    }
}
