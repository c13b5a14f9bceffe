//! One batch: events into their tables, and the roll-ups brought up to date in the same transaction.
//!
//! Invariant: [`Memory`] is only a copy of what the file says. Where a transaction fails it is forgotten, and read again
//! from the file when next needed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{CachedStatement, Connection, OptionalExtension, TransactionBehavior, params};

use super::detail::{CloseForm, ReasonForm, ReportForm};
use super::rollup::{Bucket, Histogram, SPANS, Tally};
use super::row::{self, Keep, Row};
use crate::base::{ProfileId, Wall};
use crate::model::{self, SampleKind};
use crate::profile::Kind;
use crate::watch::{Code, Event, EventBody, Outcome, State};

/// A profile, as the history has to know it before it keeps events of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    pub id: ProfileId,
    /// The stem of its file.
    pub key: String,
    pub name: String,
    pub kind: Kind,
}

/// A failure that goes on as it was keeps its exchanges once in so long.
const KEEP_EVERY: Duration = Duration::from_secs(60);

/// The whole last report is written at most once in so long.
const LAST_EVERY: Duration = Duration::from_secs(1);

/// `sample.what` of a reconnect attempt, which times nothing.
pub(super) const RECONNECT: i64 = 4;

pub(super) fn what_number(what: SampleKind) -> i64 {
    match what {
        SampleKind::Check => 0,
        SampleKind::Ping => 1,
        SampleKind::Handshake => 2,
        SampleKind::Session => 3,
    }
}

/// What an exchange-carrying event said, for telling whether the next one says the same.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Told {
    kind: i64,
    outcome: Option<Outcome>,
    code: Option<Code>,
    status: Option<u16>,
}

struct Open {
    start_s: i64,
    bucket: Bucket,
    dirty: bool,
}

struct Known {
    kind: Kind,
    state: State,
    told: Option<(Told, Wall)>,
    open: [Option<Open>; SPANS.len()],
}

/// What the writer remembers between batches.
#[derive(Default)]
pub(super) struct Memory {
    profiles: HashMap<u32, Known>,
    /// Newest reports that are not in `last` yet.
    pending: HashMap<(u32, i64), Arc<Event>>,
    /// When `last` was written.
    written: HashMap<(u32, i64), Wall>,
}

/// Which of the pending last reports a batch writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LastReports {
    /// Those whose time has come.
    Due,
    All,
}

/// Writes one batch and commits it.
pub(super) fn write(
    db: &mut Connection,
    memory: &mut Memory,
    names: &[Named],
    events: &[Arc<Event>],
    last: LastReports,
    now: Wall,
) -> rusqlite::Result<()> {
    let result = try_write(db, memory, names, events, last, now);
    match &result {
        Ok(done) => {
            for key in done {
                memory.pending.remove(key);
                memory.written.insert(*key, now);
            }
        }
        Err(_) => memory.profiles.clear(),
    }
    result.map(|_| ())
}

fn try_write(
    db: &mut Connection,
    memory: &mut Memory,
    names: &[Named],
    events: &[Arc<Event>],
    last: LastReports,
    now: Wall,
) -> rusqlite::Result<Vec<(u32, i64)>> {
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done;
    {
        let mut into = Statements::new(&tx)?;
        for named in names {
            into.profile.execute((named.id.0, &named.key, &named.name, named.kind.word()))?;
            if let Some(known) = memory.profiles.get_mut(&named.id.0) {
                known.kind = named.kind;
            }
        }
        for event in events {
            memory.insert(&mut into, event)?;
        }
        for (profile, known) in &mut memory.profiles {
            for (span, open) in SPANS.into_iter().zip(&mut known.open) {
                if let Some(open) = open.as_mut().filter(|open| open.dirty) {
                    into.write_bucket(span, *profile, open)?;
                }
            }
        }
        done = memory.write_last(&mut into, last, now)?;
    }
    tx.commit()?;
    Ok(done)
}

impl Memory {
    /// Whether a last report waits for its time.
    pub(super) fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    fn known(&mut self, into: &mut Statements<'_>, profile: u32) -> rusqlite::Result<&mut Known> {
        use std::collections::hash_map::Entry;
        match self.profiles.entry(profile) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(place) => {
                let kind: Option<String> = into.kind.query_row([profile], |row| row.get(0)).optional()?;
                let kind = Kind::ALL.into_iter().find(|known| Some(known.word()) == kind.as_deref());
                let state: Option<i64> = into.state.query_row([profile], |row| row.get(0)).optional()?;
                let state = state.and_then(row::state_of).unwrap_or_default();
                Ok(place.insert(Known { kind: kind.unwrap_or(Kind::Http), state, told: None, open: [None, None] }))
            }
        }
    }

    fn insert(&mut self, into: &mut Statements<'_>, event: &Arc<Event>) -> rusqlite::Result<()> {
        if let EventBody::Started { version } = &event.body {
            into.begin_run(event.at, version)?;
            // What a run before this one knew says nothing about now.
            self.profiles.values_mut().for_each(|known| known.state = State::default());
        }
        let known = match event.profile {
            Some(id) => Some(self.known(into, id.0)?),
            None => None,
        };
        let keep = known.as_ref().map_or(Keep::Exchanges, |known| known.keep(event));
        let row = Row::of(event, keep);
        let inserted = into.event.execute(params![
            row.seq,
            row.at_us,
            row.profile,
            row.kind,
            row.tag,
            row.code,
            row.value_us,
            row.attempt,
            row.status,
            row.close,
            row.detail,
            row.data
        ])?;
        if inserted == 0 {
            // That number is in the history already; counting it twice would bend the roll-ups.
            return Ok(());
        }
        let Some(known) = known else {
            into.sample.execute(params![0, 0, row.at_us, row.seq, row.kind, None::<i64>, None::<i64>, None::<i64>])?;
            if matches!(event.body, EventBody::Stopped) {
                into.end_run.execute([row.at_us])?;
            }
            return Ok(());
        };
        let profile = row.profile.unwrap_or(0);
        let class = i64::from(row.kind == row::FRAME);
        let (what, took, cors) = known.take(into, profile, event)?;
        into.sample.execute(params![profile, class, row.at_us, row.seq, row.kind, what, took, cors])?;
        if let EventBody::State { to, reason, .. } = &event.body {
            let reason = ReasonForm::of(reason.as_ref()).and_then(|form| serde_json::to_string(&form).ok());
            into.lane.execute(params![profile, row.at_us, row.seq, row::state_number(*to), row.code, reason])?;
        }
        if keep == Keep::Exchanges
            && let Some(told) = told(event)
        {
            known.told = Some((told, event.at));
        }
        if matches!(event.body, EventBody::Check(_) | EventBody::Handshake { .. } | EventBody::Closed { .. }) {
            self.pending.insert((profile, row.kind), Arc::clone(event));
        }
        Ok(())
    }

    fn write_last(
        &mut self,
        into: &mut Statements<'_>,
        last: LastReports,
        now: Wall,
    ) -> rusqlite::Result<Vec<(u32, i64)>> {
        let mut done = Vec::new();
        for (key, event) in &self.pending {
            let due = self.written.get(key).is_none_or(|at| LAST_EVERY <= now.since(*at) || now < *at);
            if !due && last == LastReports::Due {
                continue;
            }
            let body = match &event.body {
                EventBody::Check(report) => serde_json::to_string(&ReportForm::of(report)).ok(),
                EventBody::Handshake { attempt, exchange, reason, protocol } => {
                    row::handshake_text(*attempt, exchange, reason.as_ref(), protocol.as_deref())
                }
                EventBody::Closed { facts, .. } => serde_json::to_string(&CloseForm::of(facts)).ok(),
                _ => None,
            };
            if let Some(body) = body {
                let seq = i64::try_from(event.seq).unwrap_or(i64::MAX);
                into.last.execute(params![key.0, key.1, seq, event.at.0, body])?;
            }
            done.push(*key);
        }
        Ok(done)
    }
}

fn told(event: &Event) -> Option<Told> {
    let code = event.body.reason().map(|reason| reason.code);
    match &event.body {
        EventBody::Check(report) => {
            Some(Told { kind: row::CHECK, outcome: Some(report.outcome), code, status: report.status })
        }
        EventBody::Handshake { exchange, .. } => {
            Some(Told { kind: row::HANDSHAKE, outcome: None, code, status: exchange.status() })
        }
        _ => None,
    }
}

impl Known {
    fn keep(&self, event: &Event) -> Keep {
        let Some(told) = told(event) else { return Keep::Exchanges };
        match self.told {
            Some((before, at)) if before == told => {
                let fails = told.code.is_some() && told.outcome != Some(Outcome::Up);
                if fails && KEEP_EVERY <= event.at.since(at) { Keep::Exchanges } else { Keep::Summary }
            }
            _ => Keep::Exchanges,
        }
    }

    /// Takes the event into the roll-ups, and says what its sample holds: what, how long, whether CORS.
    fn take(
        &mut self,
        into: &mut Statements<'_>,
        profile: u32,
        event: &Event,
    ) -> rusqlite::Result<(Option<i64>, Option<i64>, Option<i64>)> {
        let reading = model::read(self.kind, &event.body);
        let reconnect = matches!(event.body, EventBody::Attempt { .. }) && model::is_reconnect(self.state);
        let entered = match &event.body {
            EventBody::State { to, .. } => Some(*to),
            _ => None,
        };
        if let Some(state) = entered {
            self.state = state;
        }
        if reading.is_none() && !reconnect && entered.is_none() {
            return Ok((None, None, None));
        }
        let took =
            reading.and_then(|reading| reading.took).map(|took| i64::try_from(took.as_micros()).unwrap_or(i64::MAX));
        for (span, place) in SPANS.into_iter().zip(&mut self.open) {
            let start_s = event.at.0.div_euclid(1_000_000).div_euclid(span) * span;
            let open = into.open_bucket(span, start_s, profile, place)?;
            open.dirty = true;
            if let Some(reading) = reading {
                let tally = match reading.what {
                    SampleKind::Handshake => &mut open.bucket.handshakes,
                    SampleKind::Check | SampleKind::Ping | SampleKind::Session => &mut open.bucket.line,
                };
                tally.add(took);
                open.bucket.cors += i64::from(reading.cors);
            }
            open.bucket.reconnects += i64::from(reconnect);
            if let Some(state) = entered {
                open.bucket.enter(state);
            }
        }
        let what = reading.map(|reading| what_number(reading.what)).or(reconnect.then_some(RECONNECT));
        Ok((what, took, reading.filter(|reading| reading.cors).map(|_| 1)))
    }
}

/// The batch's statements.
struct Statements<'db> {
    db: &'db Connection,
    profile: CachedStatement<'db>,
    kind: CachedStatement<'db>,
    state: CachedStatement<'db>,
    event: CachedStatement<'db>,
    sample: CachedStatement<'db>,
    lane: CachedStatement<'db>,
    last: CachedStatement<'db>,
    end_run: CachedStatement<'db>,
    put_bucket: CachedStatement<'db>,
    get_bucket: CachedStatement<'db>,
}

impl<'db> Statements<'db> {
    fn new(db: &'db Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            db,
            profile: db
                .prepare_cached("INSERT OR REPLACE INTO profile (id, key, name, kind) VALUES (?1, ?2, ?3, ?4)")?,
            kind: db.prepare_cached("SELECT kind FROM profile WHERE id = ?1")?,
            state: db.prepare_cached(
                "SELECT state FROM lane WHERE profile = ?1
                 AND at_us >= (SELECT max(started_us) FROM run) ORDER BY at_us DESC, seq DESC LIMIT 1",
            )?,
            event: db.prepare_cached(
                "INSERT OR IGNORE INTO event
                 (seq, at_us, profile, kind, tag, code, value_us, attempt, status, close, detail, data)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            )?,
            sample: db.prepare_cached(
                "INSERT OR IGNORE INTO sample (profile, class, at_us, seq, kind, what, took_us, cors)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?,
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
        })
    }

    /// A run that did not say that it ended, ended with its last event.
    fn begin_run(&mut self, at: Wall, version: &str) -> rusqlite::Result<()> {
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

    /// The bucket of that time: the open one, or the file's, or a new one. The one before is written first.
    fn open_bucket<'a>(
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

    fn write_bucket(&mut self, span: i64, profile: u32, open: &mut Open) -> rusqlite::Result<()> {
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
            worst.map(row::state_number),
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
        worst: row.get::<_, Option<i64>>(14)?.and_then(row::state_of),
    })
}
