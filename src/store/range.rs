//! The plots of one profile over any stretch of time: from the samples where the columns are narrow, from the roll-ups
//! where they are wide.
//!
//! Invariants: columns start at whole multiples of their width; the work grows with the number of columns, or is bounded
//! by [`RAW`]; where the samples are gone the roll-ups answer, with columns as wide as theirs.

use std::time::Duration;

use super::insert::HEARTBEAT;
use super::reader::{Narrow, Reader};
use super::rollup::{Bucket, Histogram, Tally};
use super::statements::{BUCKET_COLUMNS, read_bucket};
use crate::base::{ProfileId, Wall};
use crate::model::columns::{Which, column_start, columns, spread};
use crate::model::{Bin, Column, Fine, RangeData, Sample, Segment, Spread};
use crate::watch::State;
use rusqlite::OptionalExtension;

/// The most samples that one answer is computed from.
const RAW: usize = 300_000;
/// The most state changes that are shown as they were; beyond it, the worst state of each column.
const SEGMENTS: usize = 5_000;
/// The most columns.
const COLUMNS: i64 = 20_000;

impl Reader {
    /// What the plots show of `[from, to]`, with columns at least `column` wide.
    pub fn range(&self, id: ProfileId, from: Wall, to: Wall, column: Duration) -> rusqlite::Result<RangeData> {
        self.range_and_fine(id, from, to, (column, column))
    }

    /// The same, and the latency once more in columns at least `fine` wide.
    pub fn range_and_fine(
        &self,
        id: ProfileId,
        from: Wall,
        to: Wall,
        (column, fine): (Duration, Duration),
    ) -> rusqlite::Result<RangeData> {
        let to = to.max(from);
        let first = self.first(id)?;
        // What lies before the profile's first sample needs no looking at.
        let start = first.map_or(to, |first| from.max(first));
        // Nor what lies behind the history's end.
        let end = self.last_at()?.map_or(start, |last| to.min(last));
        let least = i64::try_from(to.since(from).as_micros()).unwrap_or(i64::MAX) / COLUMNS;
        let least = Duration::from_micros(least.unsigned_abs().max(1_000));
        let (column, fine) = (column.max(least), fine.max(least).min(column.max(least)));

        let raw_from = self.first_raw(id)?;
        let column_s = i64::try_from(column.as_secs()).unwrap_or(i64::MAX);
        let narrow = if column_s < 300 && raw_from.is_some_and(|raw| raw <= start.plus(Duration::from_secs(300))) {
            let rows = self.narrow(id, from, to, RAW + 1)?;
            (rows.len() <= RAW).then_some(rows)
        } else {
            None
        };
        let mut data = RangeData {
            profile: id,
            from,
            to,
            column,
            latency: Vec::new(),
            fine: None,
            handshakes: Vec::new(),
            heartbeats: Vec::new(),
            heartbeat_limit: None,
            segments: Vec::new(),
            attempts: Vec::new(),
            cors: Vec::new(),
            gaps: self.gaps(from, to)?,
            first,
        };
        let mut worst = Vec::new();
        match narrow {
            Some(rows) => from_samples(&mut data, &rows, fine),
            None => {
                let fine_s = i64::try_from(fine.as_secs()).unwrap_or(i64::MAX);
                // Looking up many narrow buckets for one wide column would take longer than anyone waits.
                let span: i64 = if fine_s < 1800 { 300 } else { 3600 };
                // Whole buckets make a column, and whole fine columns a wide one.
                let whole = |width: i64, part: i64| (width.max(part) + part - 1) / part * part;
                let width = whole(column_s, span);
                let mut narrow = whole(fine_s, span);
                while width % narrow != 0 {
                    narrow += span;
                }
                data.column = Duration::from_secs(width.unsigned_abs());
                let buckets = self.buckets(id, span, column_start(start, data.column), end)?;
                worst = from_buckets(&mut data, (width, narrow), buckets);
            }
        }
        self.heartbeats(&mut data)?;
        data.segments = match self.segments(id, from, to, SEGMENTS)? {
            Some(segments) => segments,
            None if worst.is_empty() => self.worst_of_samples(id, &data)?,
            None => worst_as_segments(&worst, data.column),
        };
        Ok(data)
    }

    /// Takes in the gaps between heartbeats: of a Socket.IO session only, and never more than [`RAW`] of them.
    fn heartbeats(&self, data: &mut RangeData) -> rusqlite::Result<()> {
        let mut rows = self.db.prepare_cached(
            "SELECT at_us, seq, kind, what, took_us, cors FROM sample
             WHERE profile = (SELECT id FROM profile WHERE id = ?1 AND kind = 'socketio') AND class = 0
             AND at_us BETWEEN ?2 AND ?3 AND what = ?4 ORDER BY at_us LIMIT ?5",
        )?;
        let values = (data.profile.0, data.from.0, data.to.0, HEARTBEAT, RAW as i64);
        let rows: Vec<Narrow> = rows.query_map(values, Narrow::read)?.collect::<Result<_, _>>()?;
        let Some(last) = rows.last() else { return Ok(()) };
        data.heartbeat_limit = self.heartbeat_limit(last.seq)?;
        let samples: Vec<Sample> = rows.iter().filter_map(Narrow::sample).collect();
        let width = data.fine.as_ref().map_or(data.column, |fine| fine.width);
        data.heartbeats = columns(samples.iter(), width, Which::Heartbeats);
        Ok(())
    }

    /// The whole of `[from, to]` as one column: exact where the samples are there and not too many, else from the roll-ups
    /// (then of whole buckets, and the quantiles at most 6 % off). `None`: nothing was measured.
    pub fn summary(&self, id: ProfileId, from: Wall, to: Wall) -> rusqlite::Result<Option<Column>> {
        let start = self.first(id)?.map_or(to, |first| from.max(first));
        let end = self.last_at()?.map_or(start, |last| to.min(last));
        if self.first_raw(id)?.is_some_and(|raw| raw <= start.plus(Duration::from_secs(300))) {
            let rows = self.narrow(id, from, to, RAW + 1)?;
            if rows.len() <= RAW {
                let samples: Vec<Sample> = rows.iter().filter_map(Narrow::sample).collect();
                let line = |sample: &&Sample| sample.what.on_line() || sample.is_failure();
                let mut good: Vec<f32> = samples.iter().filter(line).filter_map(Sample::ms).collect();
                let failures = samples.iter().filter(|sample| sample.is_failure()).count();
                let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
                let column = Column { at: from, good: count(good.len()), failures: count(failures), spread: None };
                let spread = spread(&mut good);
                return Ok((column.good + column.failures != 0).then_some(Column { spread, ..column }));
            }
        }
        let span = if end.since(start) <= Duration::from_secs(30 * 24 * 3600) { 300 } else { 3600 };
        let mut sum = Tally::default();
        for (_, bucket) in self.buckets(id, span, start, end)? {
            sum.merge(&bucket.line);
            sum.failed += bucket.handshakes.failed;
        }
        Ok(column(from, &sum))
    }

    /// When the profile's history begins.
    fn first(&self, id: ProfileId) -> rusqlite::Result<Option<Wall>> {
        let raw = self.first_raw(id)?;
        let state: Option<i64> = self
            .db
            .prepare_cached("SELECT min(at_us) FROM lane WHERE profile = ?1")?
            .query_row([id.0], |row| row.get(0))?;
        Ok(raw.into_iter().chain(state.map(Wall)).min())
    }

    /// When its samples begin: what is older is only in the roll-ups.
    fn first_raw(&self, id: ProfileId) -> rusqlite::Result<Option<Wall>> {
        self.db
            .prepare_cached("SELECT at_us FROM sample WHERE profile = ?1 AND class = 0 ORDER BY at_us LIMIT 1")?
            .query_row([id.0], |row| row.get(0).map(Wall))
            .optional()
    }

    fn gaps(&self, from: Wall, to: Wall) -> rusqlite::Result<Vec<(Wall, Wall)>> {
        let runs = self.runs(from, to)?;
        let gap = |pair: &[(Wall, Option<Wall>)]| {
            let (start, end) = (pair[0].1?, pair[1].0);
            (start < end).then_some((start.max(from), end.min(to)))
        };
        Ok(runs.windows(2).filter_map(gap).collect())
    }

    /// The buckets of that span from `from` to `to`, looked up one by one: those of all profiles lie together by time.
    fn buckets(&self, id: ProfileId, span: i64, from: Wall, to: Wall) -> rusqlite::Result<Vec<(i64, Bucket)>> {
        let mut get = self.db.prepare_cached(&format!(
            "SELECT {BUCKET_COLUMNS} FROM rollup WHERE span_s = ?1 AND start_s = ?2 AND profile = ?3"
        ))?;
        let aligned = |at: Wall| at.0.div_euclid(1_000_000).div_euclid(span) * span;
        let mut found = Vec::new();
        let mut start = aligned(from);
        while start <= aligned(to) {
            if let Some(bucket) = get.query_row((span, start, id.0), read_bucket).optional()? {
                found.push((start, bucket));
            }
            start += span;
        }
        Ok(found)
    }

    /// The lane of a profile that changes its state so often that it can't be shown change by change, over columns too
    /// narrow for the roll-ups.
    fn worst_of_samples(&self, id: ProfileId, data: &RangeData) -> rusqlite::Result<Vec<Segment>> {
        let width = i64::try_from(data.column.as_micros()).unwrap_or(i64::MAX).max(1);
        let mut changes = self.db.prepare_cached(
            "SELECT at_us / ?4, state FROM lane WHERE profile = ?1 AND at_us BETWEEN ?2 AND ?3 ORDER BY at_us LIMIT ?5",
        )?;
        let rows = changes.query_map((id.0, data.from.0, data.to.0, width, RAW as i64), |row| {
            Ok((row.get::<_, i64>(0)?, super::kinds::state_of(row.get(1)?)))
        })?;
        let mut worst: Vec<(Wall, State)> = Vec::new();
        for row in rows {
            let (index, Some(state)) = row? else { continue };
            let at = Wall(index.saturating_mul(width));
            match worst.last_mut() {
                Some((last, seen)) if *last == at => {
                    if seen.severity() < state.severity() {
                        *seen = state;
                    }
                }
                _ => worst.push((at, state)),
            }
        }
        Ok(worst_as_segments(&worst, data.column))
    }
}

fn from_samples(data: &mut RangeData, rows: &[Narrow], fine: Duration) {
    let samples: Vec<Sample> = rows.iter().filter_map(Narrow::sample).collect();
    data.latency = columns(samples.iter(), data.column, Which::Line);
    data.handshakes = columns(samples.iter(), data.column, Which::Handshakes);
    data.fine = (fine < data.column).then(|| Fine { width: fine, columns: columns(samples.iter(), fine, Which::Line) });
    let bins = |times: &mut dyn Iterator<Item = Wall>| {
        let mut bins: Vec<Bin> = Vec::new();
        for at in times.map(|at| column_start(at, data.column)) {
            match bins.last_mut() {
                Some(last) if last.at == at => last.count += 1,
                _ => bins.push(Bin { at, count: 1 }),
            }
        }
        bins
    };
    data.attempts = bins(&mut rows.iter().filter(|row| row.is_reconnect()).map(|row| row.at));
    data.cors = bins(&mut rows.iter().filter(|row| row.cors).map(|row| row.at));
}

/// Buckets of `width` seconds from narrower ones.
fn merged(buckets: Vec<(i64, Bucket)>, width: i64) -> Vec<(i64, Bucket)> {
    let mut all: Vec<(i64, Bucket)> = Vec::new();
    for (start, bucket) in buckets {
        let start = start.div_euclid(width) * width;
        match all.last_mut() {
            Some((last, sum)) if *last == start => sum.merge(&bucket),
            _ => all.push((start, bucket)),
        }
    }
    all
}

/// Fills the columns, `width` seconds wide and the fine ones `narrow`; hands back the worst state of each wide one.
fn from_buckets(data: &mut RangeData, (width, narrow): (i64, i64), buckets: Vec<(i64, Bucket)>) -> Vec<(Wall, State)> {
    let at = |start: i64| Wall(start.saturating_mul(1_000_000));
    let mut buckets = merged(buckets, narrow);
    for (_, bucket) in &mut buckets {
        // As `Which` has it: a handshake's failure is on the line.
        bucket.line.failed += std::mem::take(&mut bucket.handshakes.failed);
    }
    if narrow < width {
        let columns = buckets.iter().filter_map(|(start, bucket)| column(at(*start), &bucket.line)).collect();
        data.fine = Some(Fine { width: Duration::from_secs(narrow.unsigned_abs()), columns });
    }
    let mut worst = Vec::new();
    for (start, sum) in merged(buckets, width) {
        let at = at(start);
        data.latency.extend(column(at, &sum.line));
        data.handshakes.extend(column(at, &sum.handshakes));
        let count = |count: i64| u32::try_from(count).ok().filter(|count| 0 < *count);
        data.attempts.extend(count(sum.reconnects).map(|count| Bin { at, count }));
        data.cors.extend(count(sum.cors).map(|count| Bin { at, count }));
        worst.extend(sum.worst.map(|state| (at, state)));
    }
    worst
}

fn column(at: Wall, tally: &Tally) -> Option<Column> {
    let count = |count: i64| u32::try_from(count).unwrap_or(u32::MAX);
    let ms = |us: Option<i64>| us.map(|us| us as f32 / 1e3);
    let (good, failures) = (count(tally.good), count(tally.failed));
    if good == 0 && failures == 0 {
        return None;
    }
    let spread = || {
        let (low, high) = (ms(tally.min_us)?, ms(tally.max_us)?);
        let at = |quantile| Histogram::quantile(&tally.histogram, quantile).map(|took| took.as_secs_f32() * 1e3);
        // The histogram's steps are coarser than the extremes, which are exact.
        Some(Spread { low, p50: at(0.5)?.clamp(low, high), p95: at(0.95)?.clamp(low, high), high })
    };
    Some(Column { at, good, failures, spread: spread() })
}

fn worst_as_segments(worst: &[(Wall, State)], column: Duration) -> Vec<Segment> {
    let mut segments: Vec<Segment> = Vec::new();
    for (at, state) in worst {
        let end = at.plus(column);
        match segments.last_mut() {
            Some(last) if last.state == *state && last.to == Some(*at) => last.to = Some(end),
            _ => segments.push(Segment { from: *at, to: Some(end), state: *state, reason: None }),
        }
    }
    segments
}
