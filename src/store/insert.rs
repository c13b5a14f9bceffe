//! One batch: events into their tables, and the roll-ups brought up to date in the same transaction.
//!
//! Invariant: [`Memory`] is only a copy of what the file says. Where a transaction fails it is forgotten, and read again
//! from the file when next needed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};

use super::detail::ReasonForm;
use super::kinds;
use super::last::{self, LastReports, Lasts};
use super::missed::Missed;
use super::rollup::SPANS;
use super::row::{Keep, Row};
use super::statements::{Open, SampleRow, Statements};
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

/// `sample.what` of a reconnect attempt, which times nothing.
pub(super) const RECONNECT: i64 = 4;
/// `sample.what` of a gap between heartbeats.
pub(super) const HEARTBEAT: i64 = 5;

pub(super) fn what_number(what: SampleKind) -> i64 {
    match what {
        SampleKind::Check => 0,
        SampleKind::Ping => 1,
        SampleKind::Handshake => 2,
        SampleKind::Session => 3,
        SampleKind::Heartbeat => HEARTBEAT,
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
    lasts: Lasts,
    /// The number of the file's newest event; `None`: the file has to be asked.
    newest: Option<i64>,
}

/// What one transaction writes.
#[derive(Clone, Copy)]
pub(super) struct Batch<'a> {
    pub names: &'a [Named],
    /// What was let go before its events.
    pub missed: Option<&'a Missed>,
    pub events: &'a [Arc<Event>],
    pub last: LastReports,
}

/// Writes one batch and commits it.
pub(super) fn write(db: &mut Connection, memory: &mut Memory, batch: Batch<'_>, now: Wall) -> rusqlite::Result<()> {
    let result = try_write(db, memory, batch, now);
    match &result {
        Ok(done) => memory.lasts.committed(done, now),
        Err(_) => memory.forget(),
    }
    result.map(|_| ())
}

fn try_write(
    db: &mut Connection,
    memory: &mut Memory,
    batch: Batch<'_>,
    now: Wall,
) -> rusqlite::Result<Vec<last::Key>> {
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if let Some(missed) = batch.missed {
        missed.write(&tx)?;
        // The states are other ones now.
        memory.profiles.clear();
    }
    let done;
    {
        let mut into = Statements::new(&tx)?;
        for named in batch.names {
            into.know(named)?;
            if let Some(known) = memory.profiles.get_mut(&named.id.0) {
                known.kind = named.kind;
            }
        }
        for event in batch.events {
            #[cfg(test)]
            super::tests::bite(event);
            memory.insert(&mut into, event)?;
        }
        for (profile, known) in &mut memory.profiles {
            for (span, open) in SPANS.into_iter().zip(&mut known.open) {
                if let Some(open) = open.as_mut().filter(|open| open.dirty) {
                    into.write_bucket(span, *profile, open)?;
                }
            }
        }
        done = memory.lasts.write(&mut into, batch.last, now)?;
        into.finish()?;
    }
    tx.commit()?;
    Ok(done)
}

impl Memory {
    /// Whether a last report waits for its time.
    pub(super) fn has_pending(&self) -> bool {
        self.lasts.has_pending()
    }

    /// What was to be written is not in the file: the file is asked again.
    pub(super) fn forget(&mut self) {
        self.profiles.clear();
        self.newest = None;
    }

    fn known(&mut self, into: &mut Statements<'_, '_>, profile: u32) -> rusqlite::Result<&mut Known> {
        use std::collections::hash_map::Entry;
        match self.profiles.entry(profile) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(place) => {
                let (kind, state) = into.known(profile)?;
                let (kind, state) = (kind.unwrap_or(Kind::Http), state.unwrap_or_default());
                Ok(place.insert(Known { kind, state, told: None, open: [None, None] }))
            }
        }
    }

    fn insert<'e>(&mut self, into: &mut Statements<'_, 'e>, event: &'e Arc<Event>) -> rusqlite::Result<()> {
        let seq = i64::try_from(event.seq).unwrap_or(i64::MAX);
        let newest = match self.newest {
            Some(newest) => newest,
            None => into.newest()?,
        };
        self.newest = Some(newest.max(seq));
        if seq <= newest {
            // That number is in the history already; counting it twice would bend the roll-ups.
            return Ok(());
        }
        if let EventBody::Started { version } = &event.body {
            into.begin_run(event.at, version)?;
            // What a run before this one knew says nothing about now.
            self.profiles.values_mut().for_each(|known| known.state = State::default());
        }
        let Some(id) = event.profile else {
            let row = Row::of(event, Keep::Exchanges);
            let (profile, class, what, took_us, cors) = (0, 0, None, None, None);
            into.sample(SampleRow { profile, class, at_us: row.at_us, seq, kind: row.kind, what, took_us, cors });
            if matches!(event.body, EventBody::Stopped) {
                into.end_run(event.at)?;
            }
            return into.event(row);
        };
        let known = self.known(into, id.0)?;
        let keep = known.keep(event);
        let row = Row::of(event, keep);
        let (what, took_us, cors) = known.take(into, id.0, event)?;
        let (class, kind) = (kinds::class_number(event.body.class()), row.kind);
        into.sample(SampleRow { profile: id.0, class, at_us: row.at_us, seq, kind, what, took_us, cors });
        if let EventBody::State { to, reason, .. } = &event.body {
            let reason = ReasonForm::of(reason.as_ref()).and_then(|form| serde_json::to_string(&form).ok());
            into.lane(&row, *to, reason.as_deref())?;
        }
        if keep == Keep::Exchanges
            && let Some(told) = told(event)
        {
            known.told = Some((told, event.at));
        }
        if matches!(
            event.body,
            EventBody::Check(_) | EventBody::Handshake { .. } | EventBody::Closed { .. } | EventBody::Audited(_)
        ) {
            self.lasts.take((id.0, kind), event);
        }
        into.event(row)
    }
}

fn told(event: &Event) -> Option<Told> {
    let code = event.body.reason().map(|reason| reason.code);
    match &event.body {
        EventBody::Check(report) => {
            Some(Told { kind: kinds::CHECK, outcome: Some(report.outcome), code, status: report.status })
        }
        EventBody::Handshake { exchange, .. } => {
            Some(Told { kind: kinds::HANDSHAKE, outcome: None, code, status: exchange.status() })
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
        into: &mut Statements<'_, '_>,
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
                match reading.what {
                    SampleKind::Handshake => open.bucket.handshakes.add(took),
                    SampleKind::Check | SampleKind::Ping | SampleKind::Session => open.bucket.line.add(took),
                    // The roll-ups have no place for them.
                    SampleKind::Heartbeat => {}
                }
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
