//! The newest of each profile's past, of many profiles at once: what the window's first picture waits for.
//!
//! Invariant: a past says from when on it is whole; what is older, or was left out, is asked for when someone looks.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::OptionalExtension;

use super::kinds;
use super::reader::Narrow;
use super::row::{COLUMNS, Stored};
use super::{Reader, Store, StoreError};
use crate::base::{ProfileId, Wall};
use crate::model::{Beat, Beats, Past, Sample, SampleKind, Segment};
use crate::profile::{Kind, Profile};
use crate::watch::{Class, Event, EventBody};

/// How much of a profile's past [`Reader::past`] brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastLimits {
    pub beats: usize,
    pub samples: usize,
    pub segments: usize,
    pub events: usize,
    pub frames: usize,
    pub messages: usize,
}

impl Default for PastLimits {
    fn default() -> Self {
        // The events themselves are read for the one profile that is looked at.
        Self { beats: 60, samples: 300, segments: 100, events: 0, frames: 0, messages: 0 }
    }
}

/// How many threads read at once, at least and at most: where the file isn't in the system's cache they mostly wait for the
/// disk.
const READERS: std::ops::RangeInclusive<usize> = 4..=8;

/// What the history has of these profiles, read by some threads, each with a [`Reader`] of its own.
/// A profile whose past can't be read is left out: it begins without one, and the history stays as it was.
///
/// # Errors
/// No reader can be opened.
pub fn read_pasts(
    store: &Store,
    profiles: &[(ProfileId, Option<&Profile>)],
) -> Result<Vec<(ProfileId, Past)>, StoreError> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).clamp(*READERS.start(), *READERS.end());
    let parts: Vec<_> = profiles.chunks(profiles.len().div_ceil(threads).max(1)).collect();
    let readers = parts.iter().map(|_| store.reader()).collect::<Result<Vec<_>, _>>()?;
    Ok(std::thread::scope(|scope| {
        let reading: Vec<_> =
            readers.into_iter().zip(parts).map(|(reader, part)| scope.spawn(move || read(&reader, part))).collect();
        reading.into_iter().flat_map(|part| part.join().unwrap_or_default()).collect()
    }))
}

fn read(reader: &Reader, part: &[(ProfileId, Option<&Profile>)]) -> Vec<(ProfileId, Past)> {
    let one = |(id, profile): &(ProfileId, Option<&Profile>)| {
        reader.past(*id, *profile, PastLimits::default()).ok().map(|past| (*id, past))
    };
    part.iter().filter_map(one).collect()
}

impl Reader {
    /// What to seed the live picture with: the newest of each, `profile` telling how a session's beats are long. What was
    /// open when the history ended, ends with the history's last event.
    pub fn past(&self, id: ProfileId, profile: Option<&Profile>, limits: PastLimits) -> rusqlite::Result<Past> {
        let most = limits.samples.max(limits.events).max(limits.beats * 4);
        let narrow = self.newest(id, Class::Events, most)?;
        let mut past = Past {
            samples: narrow.iter().filter_map(Narrow::sample).collect(),
            attempts: narrow.iter().filter(|row| row.is_reconnect()).map(|row| row.at).collect(),
            ..Past::default()
        };
        past.segments = self.newest_segments(id, limits.segments)?;

        let mut event = self.db.prepare_cached(&format!("SELECT {COLUMNS} FROM event e WHERE e.seq = ?1"))?;
        let mut get = |row: &Narrow| -> rusqlite::Result<Option<Arc<Event>>> {
            let stored = event.query_row([row.seq], Stored::read).optional()?;
            Ok(stored.and_then(|stored| stored.event().ok()).map(Arc::new))
        };
        let first = narrow.len().saturating_sub(limits.events);
        let mut beats = Vec::new();
        if profile.is_none_or(|profile| profile.kind == Kind::Http) {
            let older = narrow[..first].iter().rev().filter(|row| row.kind == kinds::CHECK);
            let inside = narrow[first..].iter().filter(|row| row.kind == kinds::CHECK).count();
            for row in older.take(limits.beats.saturating_sub(inside)) {
                beats.extend(get(row)?.as_deref().and_then(beat));
            }
            beats.reverse();
        }
        for row in &narrow[first..] {
            past.events.extend(get(row)?);
        }
        let mut floods = [None; 2];
        for ((class, limit), begin) in
            [(Class::Frames, limits.frames), (Class::Messages, limits.messages)].into_iter().zip(&mut floods)
        {
            // One more than is wanted tells whether there are more.
            let rows = self.newest(id, class, limit + 1)?;
            for row in &rows[rows.len().saturating_sub(limit)..] {
                past.events.extend(get(row)?);
            }
            *begin = begins(&rows, limit);
        }
        let cut = [
            (most <= narrow.len()).then(|| narrow.first().map(|row| row.at)).flatten(),
            (limits.segments <= past.segments.len()).then(|| past.segments.first().map(|one| one.from)).flatten(),
            begins(&narrow, limits.events),
        ];
        past.whole_from = cut.into_iter().chain(floods).flatten().max();
        past.events.sort_by_key(|event| event.seq);
        match profile {
            Some(profile) if profile.kind != Kind::Http => {
                past.beats = slots(profile, &past.segments, &past.samples, limits.beats);
            }
            _ => {
                beats.extend(past.events.iter().filter_map(|event| beat(event)));
                beats.drain(..beats.len().saturating_sub(limits.beats));
                past.beats = beats;
            }
        }
        past.last_check = self.last_check(id)?;
        past.last_handshake = self.last_handshake(id)?;
        past.last_close = self.last_close(id)?;
        past.last_audit = self.last_audit(id)?;
        Ok(past)
    }

    fn newest_segments(&self, id: ProfileId, limit: usize) -> rusqlite::Result<Vec<Segment>> {
        let since: Option<i64> = self
            .db
            .prepare_cached(
                "SELECT min(at_us) FROM (SELECT at_us FROM lane WHERE profile = ?1 ORDER BY at_us DESC, seq DESC LIMIT ?2)",
            )?
            .query_row((id.0, limit as i64), |row| row.get(0))?;
        let (Some(since), Some(last)) = (since, self.last_at()?) else { return Ok(Vec::new()) };
        let mut segments = self.segments(id, Wall(since), last, limit)?.unwrap_or_default();
        segments.drain(..segments.len().saturating_sub(limit));
        for segment in &mut segments {
            segment.to = segment.to.or(Some(last.max(segment.from)));
        }
        Ok(segments)
    }
}

/// From when on the newest `kept` of the rows are all; `None`: they are the rows.
fn begins(rows: &[Narrow], kept: usize) -> Option<Wall> {
    let first_left = rows.len().checked_sub(kept)?;
    let left = rows.get(first_left.checked_sub(1)?)?;
    Some(left.at.plus(Duration::from_micros(1)))
}

fn beat(event: &Event) -> Option<Beat> {
    match &event.body {
        EventBody::Check(report) => Some(Beat::of_check(event.at, report)),
        _ => None,
    }
}

/// A session's beats: what [`Beats`] would have made of its states and round trips, had they just been seen.
fn slots(profile: &Profile, segments: &[Segment], samples: &[Sample], limit: usize) -> Vec<Beat> {
    let mut beats = Beats::new(limit);
    beats.set_slot(profile.interval);
    let mut pings = samples.iter().filter(|sample| sample.what == SampleKind::Ping).peekable();
    for segment in segments {
        let end = segment.to.unwrap_or(segment.from);
        beats.fill(segment.from, None, None);
        beats.enter(segment.state, segment.reason.as_ref());
        while let Some(ping) = pings.next_if(|ping| ping.at <= end) {
            if segment.from <= ping.at
                && let Some(ms) = ping.ms()
            {
                beats.fill(ping.at, Some(segment.state), segment.reason.as_ref());
                beats.round_trip(Duration::from_secs_f32(ms / 1e3));
            }
        }
        beats.fill(end, Some(segment.state), segment.reason.as_ref());
    }
    beats.iter().cloned().collect()
}
