//! Questions to the history, over a connection of their own that can't write.
//!
//! Invariants: every answer is bounded, and so is the work for it; a row that can't be read is left out, and counted where
//! the answer has a place for the number.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};

use super::audited::AuditForm;
use super::detail::{CloseForm, ReasonForm, ReportForm};
use super::error::StoreError;
use super::insert::{HEARTBEAT, Named, RECONNECT};
use super::row::{self, COLUMNS, Stored};
use super::{kinds, schema};
use crate::base::{Interner, ProfileId, Wall};
use crate::model::{Answer, EventPage, HandshakeSeen, Query, Reading, Sample, SampleKind, Segment};
use crate::profile::Kind;
use crate::watch::{Audited, CheckReport, Class, CloseFacts, Event, EventBody, State};

/// The most events of one answer.
pub const PAGE: usize = 10_000;

/// A read-only connection. One thread uses it at a time; open one a thread.
#[derive(Debug)]
pub struct Reader {
    pub(super) db: Connection,
}

/// Which events; every part left open takes all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub profile: Option<ProfileId>,
    pub from: Option<Wall>,
    pub to: Option<Wall>,
    /// Names of kinds, as [`EventBody::kind`] has them; empty: all.
    pub kinds: Vec<String>,
    /// Part of the reason's code, the detail, a frame's text or a message's arguments; empty: all.
    pub text: String,
}

/// Where the next page goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    at_us: i64,
    seq: i64,
}

/// Some events, oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    pub events: Vec<Event>,
    /// `None`: that was the last page.
    pub next: Option<Cursor>,
    /// Rows that could not be read (damaged, or of another version).
    pub unreadable: usize,
}

/// One row of `sample`.
pub(super) struct Narrow {
    pub at: Wall,
    pub seq: i64,
    pub kind: i64,
    pub what: Option<i64>,
    pub took_us: Option<i64>,
    pub cors: bool,
}

impl Narrow {
    const COLUMNS: &str = "at_us, seq, kind, what, took_us, cors";

    pub(super) fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            at: Wall(row.get(0)?),
            seq: row.get(1)?,
            kind: row.get(2)?,
            what: row.get(3)?,
            took_us: row.get(4)?,
            cors: row.get::<_, Option<i64>>(5)?.is_some(),
        })
    }

    pub(super) fn sample(&self) -> Option<Sample> {
        let what = match self.what? {
            0 => SampleKind::Check,
            1 => SampleKind::Ping,
            2 => SampleKind::Handshake,
            3 => SampleKind::Session,
            HEARTBEAT => SampleKind::Heartbeat,
            _ => return None,
        };
        let took = self.took_us.map(|took| Duration::from_micros(u64::try_from(took).unwrap_or(0)));
        Some(Sample::new(self.at, Reading { what, took, cors: self.cors }))
    }

    pub(super) fn is_reconnect(&self) -> bool {
        self.what == Some(RECONNECT)
    }
}

impl Reader {
    /// Opens the history at `path`.
    ///
    /// # Errors
    /// There is none, or it is not one that this program can read; it is never changed.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { db: schema::open_to_read(path)? })
    }

    /// Every profile that the history knows, by id.
    pub fn profiles(&self) -> rusqlite::Result<Vec<Named>> {
        let mut all = self.db.prepare_cached("SELECT id, key, name, kind FROM profile ORDER BY id LIMIT 100000")?;
        let rows = all.query_map([], |row| {
            let kind: String = row.get(3)?;
            Ok(Named {
                id: ProfileId(row.get(0)?),
                key: row.get(1)?,
                name: row.get(2)?,
                kind: Kind::ALL.into_iter().find(|known| known.word() == kind).unwrap_or(Kind::Http),
            })
        })?;
        rows.collect()
    }

    /// The ids that profiles have in this history.
    pub fn interner(&self) -> rusqlite::Result<Interner> {
        Ok(Interner::seeded(self.profiles()?.into_iter().map(|named| (named.key, named.id))))
    }

    /// The number of the newest event; 0: there is none.
    pub fn last_seq(&self) -> rusqlite::Result<u64> {
        let last: Option<i64> =
            self.db.prepare_cached("SELECT max(seq) FROM event")?.query_row([], |row| row.get(0))?;
        Ok(last.and_then(|seq| u64::try_from(seq).ok()).unwrap_or(0))
    }

    /// When the newest event was.
    pub fn last_at(&self) -> rusqlite::Result<Option<Wall>> {
        let last = self.db.prepare_cached("SELECT at_us FROM event ORDER BY seq DESC LIMIT 1")?;
        { last }.query_row([], |row| row.get(0).map(Wall)).optional()
    }

    /// The most that the gap might be, as the heartbeat of that number said it.
    pub(super) fn heartbeat_limit(&self, seq: i64) -> rusqlite::Result<Option<Duration>> {
        let mut one = self.db.prepare_cached(&format!("SELECT {COLUMNS} FROM event e WHERE e.seq = ?1"))?;
        let event = one.query_row([seq], Stored::read).optional()?.and_then(|stored| stored.event().ok());
        Ok(match event.map(|event| event.body) {
            Some(EventBody::Heartbeat { limit, .. }) => Some(limit),
            _ => None,
        })
    }

    /// The newest `limit` narrow rows of a class, oldest first.
    pub(super) fn newest(&self, id: ProfileId, class: Class, limit: usize) -> rusqlite::Result<Vec<Narrow>> {
        let mut newest = self.db.prepare_cached(&format!(
            "SELECT {} FROM sample WHERE profile = ?1 AND class = ?2 ORDER BY at_us DESC, seq DESC LIMIT ?3",
            Narrow::COLUMNS
        ))?;
        let mut rows: Vec<Narrow> = newest
            .query_map((id.0, kinds::class_number(class), limit.min(PAGE) as i64), Narrow::read)?
            .collect::<Result<_, _>>()?;
        rows.reverse();
        Ok(rows)
    }

    /// The narrow rows of `[from, to]`, frames apart, oldest first; at most `limit`.
    pub(super) fn narrow(&self, id: ProfileId, from: Wall, to: Wall, limit: usize) -> rusqlite::Result<Vec<Narrow>> {
        let mut inside = self.db.prepare_cached(&format!(
            "SELECT {} FROM sample WHERE profile = ?1 AND class = 0 AND at_us BETWEEN ?2 AND ?3
             ORDER BY at_us, seq LIMIT ?4",
            Narrow::COLUMNS
        ))?;
        inside.query_map((id.0, from.0, to.0, limit as i64), Narrow::read)?.collect()
    }

    /// The whole last check.
    pub fn last_check(&self, id: ProfileId) -> rusqlite::Result<Option<(Wall, Arc<CheckReport>)>> {
        let Some((at, body)) = self.last(id, kinds::CHECK)? else { return Ok(None) };
        let form: Option<ReportForm> = serde_json::from_str(&body).ok();
        Ok(form.and_then(ReportForm::report).map(|report| (at, Arc::new(report))))
    }

    /// The whole last handshake.
    pub fn last_handshake(&self, id: ProfileId) -> rusqlite::Result<Option<HandshakeSeen>> {
        let Some((at, body)) = self.last(id, kinds::HANDSHAKE)? else { return Ok(None) };
        Ok(match row::handshake_of(&body) {
            Some(EventBody::Handshake { attempt, exchange, reason, protocol }) => {
                Some(HandshakeSeen { at, attempt, exchange, reason, protocol })
            }
            _ => None,
        })
    }

    pub(super) fn last_close(&self, id: ProfileId) -> rusqlite::Result<Option<(Wall, CloseFacts)>> {
        let Some((at, body)) = self.last(id, kinds::CLOSED)? else { return Ok(None) };
        let form: Option<CloseForm> = serde_json::from_str(&body).ok();
        Ok(form.map(|form| (at, form.facts())))
    }

    /// The last audit on the profile's schedule.
    pub(super) fn last_audit(&self, id: ProfileId) -> rusqlite::Result<Option<(Wall, Arc<Audited>)>> {
        let Some((at, body)) = self.last(id, kinds::AUDITED)? else { return Ok(None) };
        let form: Option<AuditForm> = serde_json::from_str(&body).ok();
        Ok(form.and_then(AuditForm::audited).map(|audited| (at, Arc::new(audited))))
    }

    fn last(&self, id: ProfileId, kind: i64) -> rusqlite::Result<Option<(Wall, String)>> {
        self.db
            .prepare_cached("SELECT at_us, body FROM last WHERE profile = ?1 AND kind = ?2")?
            .query_row((id.0, kind), |row| Ok((Wall(row.get(0)?), row.get(1)?)))
            .optional()
    }

    /// At most `limit` events of `[from, to]` and of these classes, the newest ones, oldest first.
    pub fn events(
        &self,
        id: ProfileId,
        from: Wall,
        to: Wall,
        limit: usize,
        classes: &[Class],
    ) -> rusqlite::Result<EventPage> {
        let limit = limit.min(PAGE);
        let mut newest = self.db.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM sample s JOIN event e ON e.seq = s.seq
             WHERE s.profile = ?1 AND s.class = ?2 AND s.at_us BETWEEN ?3 AND ?4
             ORDER BY s.at_us DESC, s.seq DESC LIMIT ?5"
        ))?;
        let mut events: Vec<Arc<Event>> = Vec::new();
        for class in classes {
            let rows = newest
                .query_map(params![id.0, kinds::class_number(*class), from.0, to.0, limit as i64 + 1], Stored::read)?;
            for stored in rows {
                events.extend(stored?.event().ok().map(Arc::new));
            }
        }
        events.sort_by_key(|event| (event.at, event.seq));
        let more = limit < events.len();
        events.drain(..events.len().saturating_sub(limit));
        Ok(EventPage { profile: id, from, to, events, more })
    }

    /// The events around an instant, `limit` before it and `limit` from it on, oldest first.
    pub fn around(&self, id: ProfileId, at: Wall, limit: usize) -> rusqlite::Result<Vec<Event>> {
        let limit = limit.min(PAGE) as i64;
        let mut found = Vec::new();
        for (side, order) in [("<", "DESC"), (">=", "ASC")] {
            let mut side = self.db.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM sample s JOIN event e ON e.seq = s.seq
                 WHERE s.profile = ?1 AND s.class = 0 AND s.at_us {side} ?2
                 ORDER BY s.at_us {order}, s.seq {order} LIMIT ?3"
            ))?;
            for stored in side.query_map((id.0, at.0, limit), Stored::read)? {
                found.extend(stored?.event().ok());
            }
        }
        found.sort_by_key(|event| (event.at, event.seq));
        Ok(found)
    }

    /// One page of what the filter takes, oldest first. `after`: the page before's [`Page::next`]. At most `limit` events,
    /// and at most [`PAGE`] rows looked at, so that a page may be short, or empty, and still not the last.
    pub fn page(&self, filter: &Filter, after: Option<Cursor>, limit: usize) -> rusqlite::Result<Page> {
        let limit = limit.clamp(1, PAGE);
        let from = filter.from.map_or(i64::MIN, |from| from.0);
        let start = after.unwrap_or(Cursor { at_us: from, seq: i64::MIN });
        let to = filter.to.map_or(i64::MAX, |to| to.0);
        let kinds: Vec<i64> = filter.kinds.iter().filter_map(|kind| kinds::kind_number(kind)).collect();
        let wanted = |kind: i64| filter.kinds.is_empty() || kinds.contains(&kind);
        let scan = if filter.kinds.is_empty() && filter.text.is_empty() { limit } else { PAGE };

        let rows: Vec<Stored> = match filter.profile {
            None => {
                let mut all = self.db.prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM event e WHERE e.at_us BETWEEN ?1 AND ?2 AND (e.at_us > ?1 OR e.seq > ?3)
                     ORDER BY e.at_us, e.seq LIMIT ?4"
                ))?;
                let rows = all.query_map(params![start.at_us, to, start.seq, scan as i64], Stored::read)?;
                rows.collect::<Result<_, _>>()?
            }
            Some(id) => {
                // The classes are in order each; of all together the first `scan` are.
                let part = |class: i64| {
                    format!(
                        "SELECT * FROM (SELECT at_us AS a, seq AS s FROM sample WHERE profile = ?5 AND class = {class}
                         AND at_us BETWEEN ?1 AND ?2 AND (at_us > ?1 OR seq > ?3) ORDER BY at_us, seq LIMIT ?4)"
                    )
                };
                let mut one = self.db.prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM ({} ORDER BY a, s LIMIT ?4) n JOIN event e ON e.seq = n.s
                     ORDER BY n.a, n.s",
                    Class::ALL.map(|class| part(kinds::class_number(class))).join(" UNION ALL ")
                ))?;
                let rows = one.query_map(params![start.at_us, to, start.seq, scan as i64, id.0], Stored::read)?;
                rows.collect::<Result<_, _>>()?
            }
        };
        let mut page = Page { next: None, ..Page::default() };
        let full = rows.len() == scan;
        for stored in rows {
            let cursor = Cursor { at_us: stored.at_us, seq: stored.seq };
            if wanted(stored.kind) && stored.contains(&filter.text) {
                match stored.event() {
                    Ok(event) => page.events.push(event),
                    Err(_) => page.unreadable += 1,
                }
            }
            page.next = Some(cursor);
            if limit <= page.events.len() {
                return Ok(page);
            }
        }
        if !full {
            page.next = None;
        }
        Ok(page)
    }

    /// The window's question, answered.
    pub fn answer(&self, query: &Query) -> Answer {
        let answer = match query {
            Query::Range { profile, from, to, column, fine } => {
                self.range_and_fine(*profile, *from, *to, (*column, *fine)).map(|data| Answer::Range(Arc::new(data)))
            }
            Query::Events { profile, from, to, limit, classes } => {
                self.events(*profile, *from, *to, *limit, classes).map(|page| Answer::Events(Arc::new(page)))
            }
        };
        answer.unwrap_or_else(|error| Answer::Failed {
            query: query.clone(),
            why: format!("The history can't be read: {error}"),
        })
    }

    /// The states in `[from, to]`, oldest first, cut at the ends of runs; `to` of the last is `None` where its run goes on.
    /// `None`: there are more than `limit` changes.
    pub(super) fn segments(
        &self,
        id: ProfileId,
        from: Wall,
        to: Wall,
        limit: usize,
    ) -> rusqlite::Result<Option<Vec<Segment>>> {
        let mut changes = self.db.prepare_cached(
            "SELECT * FROM (SELECT at_us, state, code, reason FROM lane WHERE profile = ?1 AND at_us < ?2
                            ORDER BY at_us DESC, seq DESC LIMIT 1)
             UNION ALL
             SELECT * FROM (SELECT at_us, state, code, reason FROM lane WHERE profile = ?1 AND at_us BETWEEN ?2 AND ?3
                            ORDER BY at_us, seq LIMIT ?4)",
        )?;
        let rows = changes.query_map(params![id.0, from.0, to.0, limit as i64 + 1], |row| {
            let (code, reason): (Option<String>, Option<String>) = (row.get(2)?, row.get(3)?);
            let form = reason.and_then(|text| serde_json::from_str(&text).ok());
            let state = kinds::state_of(row.get(1)?).unwrap_or(State::Disconnected);
            Ok(Segment { from: Wall(row.get(0)?), to: None, state, reason: ReasonForm::reason(form, code.as_deref()) })
        })?;
        let mut segments = rows.collect::<Result<Vec<_>, _>>()?;
        if limit + 1 < segments.len() {
            return Ok(None);
        }
        let runs = self.runs(segments.first().map_or(from, |first| first.from), to)?;
        for index in 0..segments.len() {
            let next = segments.get(index + 1).map(|next| next.from);
            let segment = &mut segments[index];
            // The run that it began in: the last that started at or before it.
            let run = runs.iter().rev().find(|(started, _)| *started <= segment.from);
            let run_end = run.and_then(|(_, ended)| *ended).map(|end| end.max(segment.from));
            segment.to = match (next, run_end) {
                (Some(next), Some(end)) => Some(next.min(end)),
                (next, end) => next.or(end),
            };
        }
        segments.retain(|segment| segment.from <= to && segment.to.is_none_or(|end| from <= end));
        Ok(Some(segments))
    }

    /// When wirewatch ran: start and end of each run that touches `[from, to]` and of the one before, oldest first.
    pub(super) fn runs(&self, from: Wall, to: Wall) -> rusqlite::Result<Vec<(Wall, Option<Wall>)>> {
        let mut runs = self.db.prepare_cached(
            "SELECT started_us, ended_us FROM run WHERE started_us <= ?2
             AND started_us >= coalesce((SELECT max(started_us) FROM run WHERE started_us <= ?1), ?1)
             ORDER BY started_us LIMIT 10000",
        )?;
        let rows =
            runs.query_map((from.0, to.0), |row| Ok((Wall(row.get(0)?), row.get::<_, Option<i64>>(1)?.map(Wall))))?;
        rows.collect()
    }
}

impl Stored {
    /// Whether the text is in what people can search: the code, the detail, a frame's payload, a message's arguments.
    fn contains(&self, text: &str) -> bool {
        let holds = |bytes: &[u8]| memchr::memmem::find(bytes, text.as_bytes()).is_some();
        text.is_empty()
            || self.code.as_deref().is_some_and(|code| code.contains(text))
            || self.detail.as_deref().is_some_and(|detail| detail.contains(text))
            || self.data.as_deref().is_some_and(holds)
    }
}
