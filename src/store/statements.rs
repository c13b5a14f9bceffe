//! The statements of one batch: rows are gathered and go in many at a time.
//!
//! Invariants: a row that was given is in the file when [`Statements::finish`] has returned; samples go in by profile and
//! time, so that neighbours in the file are written together.

use rusqlite::types::ToSql;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Statement, params};

use super::insert::Named;
use super::kinds;
use super::rollup::{Bucket, Histogram, Tally};
use super::row::Row;
use crate::base::Wall;
use crate::profile::Kind;
use crate::watch::{Event, State};

/// How many rows one statement takes: to run a statement costs as much as two rows.
const ROWS: usize = 16;

/// One bucket that is being added to.
pub(super) struct Open {
    pub start_s: i64,
    pub bucket: Bucket,
    /// It is not in the file as it is here.
    pub dirty: bool,
}

/// One row of `sample`, in the order of its columns: first the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SampleRow {
    pub profile: u32,
    pub class: i64,
    pub at_us: i64,
    pub seq: i64,
    pub kind: i64,
    pub what: Option<i64>,
    pub took_us: Option<i64>,
    pub cors: Option<i64>,
}

/// The batch's statements, and rows that wait for company.
pub(super) struct Statements<'db, 'e> {
    db: &'db Connection,
    profile: CachedStatement<'db>,
    kind: CachedStatement<'db>,
    state: CachedStatement<'db>,
    /// One row, and [`ROWS`] at once.
    event: [CachedStatement<'db>; 2],
    sample: [CachedStatement<'db>; 2],
    lane: CachedStatement<'db>,
    last: CachedStatement<'db>,
    end_run: CachedStatement<'db>,
    put_bucket: CachedStatement<'db>,
    get_bucket: CachedStatement<'db>,
    events: Vec<Row<'e>>,
    samples: Vec<SampleRow>,
}

/// An insertion of one row, and of [`ROWS`].
fn prepare<'db>(db: &'db Connection, table: &str, columns: &[&str]) -> rusqlite::Result<[CachedStatement<'db>; 2]> {
    let row = format!("({})", vec!["?"; columns.len()].join(", "));
    let statement = |rows: usize| {
        let rows = vec![row.as_str(); rows].join(", ");
        db.prepare_cached(&format!("INSERT OR IGNORE INTO {table} ({}) VALUES {rows}", columns.join(", ")))
    };
    Ok([statement(1)?, statement(ROWS)?])
}

/// Runs `many` for each [`ROWS`] rows, `one` for each that is left.
fn insert<T>(
    [one, many]: &mut [CachedStatement<'_>; 2],
    rows: &[T],
    bind: impl Fn(&mut Statement<'_>, usize, &T) -> rusqlite::Result<usize>,
) -> rusqlite::Result<()> {
    let (full, rest) = rows.split_at(rows.len() - rows.len() % ROWS);
    let single = rest.chunks(1).map(|chunk| (false, chunk));
    for (whole, chunk) in full.chunks(ROWS).map(|chunk| (true, chunk)).chain(single) {
        let statement: &mut Statement<'_> = if whole { many } else { one };
        let mut next = 1;
        for row in chunk {
            next = bind(statement, next, row)?;
        }
        statement.raw_execute()?;
    }
    Ok(())
}

fn bind_all(statement: &mut Statement<'_>, first: usize, values: &[&dyn ToSql]) -> rusqlite::Result<usize> {
    for (index, value) in values.iter().enumerate() {
        statement.raw_bind_parameter(first + index, value)?;
    }
    Ok(first + values.len())
}

fn bind_event(statement: &mut Statement<'_>, first: usize, row: &Row<'_>) -> rusqlite::Result<usize> {
    let Row { seq, at_us, profile, kind, tag, code, value_us, attempt, status, close, detail, data } = row;
    let values: [&dyn ToSql; 12] =
        [seq, at_us, profile, kind, tag, code, value_us, attempt, status, close, detail, data];
    bind_all(statement, first, &values)
}

fn bind_sample(statement: &mut Statement<'_>, first: usize, row: &SampleRow) -> rusqlite::Result<usize> {
    let SampleRow { profile, class, at_us, seq, kind, what, took_us, cors } = row;
    bind_all(statement, first, &[profile, class, at_us, seq, kind, what, took_us, cors])
}

impl<'db, 'e> Statements<'db, 'e> {
    pub(super) fn new(db: &'db Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            db,
            profile: db
                .prepare_cached("INSERT OR REPLACE INTO profile (id, key, name, kind) VALUES (?1, ?2, ?3, ?4)")?,
            kind: db.prepare_cached("SELECT kind FROM profile WHERE id = ?1")?,
            state: db.prepare_cached(
                "SELECT state FROM lane WHERE profile = ?1
                 AND at_us >= (SELECT max(started_us) FROM run) ORDER BY at_us DESC, seq DESC LIMIT 1",
            )?,
            event: prepare(
                db,
                "event",
                &[
                    "seq", "at_us", "profile", "kind", "tag", "code", "value_us", "attempt", "status", "close",
                    "detail", "data",
                ],
            )?,
            sample: prepare(db, "sample", &["profile", "class", "at_us", "seq", "kind", "what", "took_us", "cors"])?,
            lane: db.prepare_cached(
                "INSERT OR IGNORE INTO lane (profile, at_us, seq, state, code, reason) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?,
            last: db.prepare_cached(
                "INSERT OR REPLACE INTO last (profile, kind, seq, at_us, body) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?,
            end_run: db.prepare_cached("UPDATE run SET ended_us = ?1 WHERE ended_us IS NULL")?,
            put_bucket: db.prepare_cached(
                "INSERT OR REPLACE INTO rollup
                 (span_s, start_s, profile, good, failed, cors, reconnects, sum_us, min_us, max_us, histogram,
                  hs_good, hs_failed, hs_sum_us, hs_min_us, hs_max_us, hs_histogram, worst)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
            )?,
            get_bucket: db.prepare_cached(&format!(
                "SELECT {BUCKET_COLUMNS} FROM rollup WHERE span_s = ?1 AND start_s = ?2 AND profile = ?3"
            ))?,
            events: Vec::with_capacity(ROWS),
            samples: Vec::new(),
        })
    }

    /// The number of the newest event in the file; 0: there is none.
    pub(super) fn newest(&self) -> rusqlite::Result<i64> {
        let newest: Option<i64> =
            self.db.prepare_cached("SELECT max(seq) FROM event")?.query_row([], |row| row.get(0))?;
        Ok(newest.unwrap_or(0))
    }

    pub(super) fn know(&mut self, named: &Named) -> rusqlite::Result<()> {
        self.profile.execute((named.id.0, &named.key, &named.name, named.kind.word())).map(|_| ())
    }

    /// What the file says of a profile: its kind, and the state it was left in by the present run.
    pub(super) fn known(&mut self, profile: u32) -> rusqlite::Result<(Option<Kind>, Option<State>)> {
        let kind: Option<String> = self.kind.query_row([profile], |row| row.get(0)).optional()?;
        let state: Option<i64> = self.state.query_row([profile], |row| row.get(0)).optional()?;
        let kind = Kind::ALL.into_iter().find(|known| Some(known.word()) == kind.as_deref());
        Ok((kind, state.and_then(kinds::state_of)))
    }

    pub(super) fn event(&mut self, row: Row<'e>) -> rusqlite::Result<()> {
        self.events.push(row);
        if self.events.len() < ROWS { Ok(()) } else { self.write_events() }
    }

    pub(super) fn sample(&mut self, row: SampleRow) {
        self.samples.push(row);
    }

    pub(super) fn lane(&mut self, row: &Row<'_>, state: State, reason: Option<&str>) -> rusqlite::Result<()> {
        let values = params![row.profile, row.at_us, row.seq, kinds::state_number(state), row.code, reason];
        self.lane.execute(values).map(|_| ())
    }

    pub(super) fn last(&mut self, (profile, kind): (u32, i64), event: &Event, body: &str) -> rusqlite::Result<()> {
        let seq = i64::try_from(event.seq).unwrap_or(i64::MAX);
        self.last.execute(params![profile, kind, seq, event.at.0, body]).map(|_| ())
    }

    fn write_events(&mut self) -> rusqlite::Result<()> {
        insert(&mut self.event, &self.events, bind_event)?;
        self.events.clear();
        Ok(())
    }

    /// Writes what waits.
    pub(super) fn finish(&mut self) -> rusqlite::Result<()> {
        self.write_events()?;
        self.samples.sort_unstable();
        insert(&mut self.sample, &self.samples, bind_sample)?;
        self.samples.clear();
        Ok(())
    }

    /// A run that did not say that it ended, ended with its last event.
    pub(super) fn begin_run(&mut self, at: Wall, version: &str) -> rusqlite::Result<()> {
        self.write_events()?;
        let last: Option<i64> = self
            .db
            .prepare_cached("SELECT at_us FROM event ORDER BY seq DESC LIMIT 1")?
            .query_row([], |row| row.get(0))
            .optional()?;
        self.end_run.execute([last.unwrap_or(at.0)])?;
        self.db
            .prepare_cached("INSERT INTO run (started_us, ended_us, version) VALUES (?1, NULL, ?2)")?
            .execute((at.0, version))?;
        Ok(())
    }

    pub(super) fn end_run(&mut self, at: Wall) -> rusqlite::Result<()> {
        self.end_run.execute([at.0]).map(|_| ())
    }

    /// The bucket of that time: the open one, or the file's, or a new one. The one before is written first.
    pub(super) fn open_bucket<'a>(
        &mut self,
        span: i64,
        start_s: i64,
        profile: u32,
        place: &'a mut Option<Open>,
    ) -> rusqlite::Result<&'a mut Open> {
        if place.as_ref().is_none_or(|open| open.start_s != start_s) {
            if let Some(before) = place.as_mut().filter(|open| open.dirty) {
                self.write_bucket(span, profile, before)?;
            }
            let found = self.get_bucket.query_row((span, start_s, profile), read_bucket).optional()?;
            *place = Some(Open { start_s, bucket: found.unwrap_or_default(), dirty: false });
        }
        Ok(place.get_or_insert_with(|| Open { start_s, bucket: Bucket::default(), dirty: false }))
    }

    pub(super) fn write_bucket(&mut self, span: i64, profile: u32, open: &mut Open) -> rusqlite::Result<()> {
        let Bucket { line, handshakes, cors, reconnects, worst } = &open.bucket;
        self.put_bucket.execute(params![
            span,
            open.start_s,
            profile,
            line.good,
            line.failed,
            cors,
            reconnects,
            line.sum_us,
            line.min_us,
            line.max_us,
            line.histogram.to_bytes(),
            handshakes.good,
            handshakes.failed,
            handshakes.sum_us,
            handshakes.min_us,
            handshakes.max_us,
            handshakes.histogram.to_bytes(),
            worst.map(kinds::state_number),
        ])?;
        open.dirty = false;
        Ok(())
    }
}

/// What [`read_bucket`] expects, in this order.
pub(super) const BUCKET_COLUMNS: &str = "good, failed, cors, reconnects, sum_us, min_us, max_us, histogram, \
     hs_good, hs_failed, hs_sum_us, hs_min_us, hs_max_us, hs_histogram, worst";

pub(super) fn read_bucket(row: &rusqlite::Row<'_>) -> rusqlite::Result<Bucket> {
    let histogram = |index| row.get_ref(index).map(|value| Histogram::from_bytes(value.as_blob().unwrap_or_default()));
    Ok(Bucket {
        line: Tally {
            good: row.get(0)?,
            failed: row.get(1)?,
            sum_us: row.get(4)?,
            min_us: row.get(5)?,
            max_us: row.get(6)?,
            histogram: histogram(7)?,
        },
        handshakes: Tally {
            good: row.get(8)?,
            failed: row.get(9)?,
            sum_us: row.get(10)?,
            min_us: row.get(11)?,
            max_us: row.get(12)?,
            histogram: histogram(13)?,
        },
        cors: row.get(2)?,
        reconnects: row.get(3)?,
        worst: row.get::<_, Option<i64>>(14)?.and_then(kinds::state_of),
    })
}
