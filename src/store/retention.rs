//! What the history lets go, a little at a time.
//!
//! Invariant: one step deletes a bounded number of rows in one transaction of its own, so that no commit waits long.
//!
//! The file itself does not shrink: SQLite uses the freed pages again.

use std::time::Duration;

use rusqlite::{Connection, params};

use super::kinds;
use crate::base::Wall;

/// How long things are kept, and how large the history may become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Events.
    pub events: Duration,
    /// Five-minute roll-ups and the states.
    pub five_minutes: Duration,
    /// Hourly roll-ups.
    pub hours: Duration,
    /// Bytes that the database may use. Beyond it the oldest goes, whatever its age: events of more than a day ago first,
    /// then roll-ups, then the rest.
    pub max_bytes: u64,
}

const DAY: Duration = Duration::from_secs(24 * 3600);

impl Default for Retention {
    fn default() -> Self {
        Self { events: DAY * 14, five_minutes: DAY * 90, hours: DAY * 365 * 5, max_bytes: 4 * 1024 * 1024 * 1024 }
    }
}

/// One step of at most about `budget` rows; how many went. Where that is the budget, there is more to do.
pub(super) fn step(db: &mut Connection, keep: &Retention, now: Wall, budget: usize) -> rusqlite::Result<usize> {
    let tx = db.transaction()?;
    let mut gone = events_before(&tx, now.minus(keep.events), budget)?;
    gone += rollups_before(&tx, 300, now.minus(keep.five_minutes), budget.saturating_sub(gone))?;
    gone += rollups_before(&tx, 3600, now.minus(keep.hours), budget.saturating_sub(gone))?;
    gone += states_before(&tx, now.minus(keep.five_minutes), budget.saturating_sub(gone))?;
    if gone < budget && keep.max_bytes < used(&tx)? {
        let mut rest = budget - gone;
        for past in [now.minus(DAY), now] {
            rest -= events_before(&tx, past, rest)?;
            rest -= rollups_before(&tx, 300, past, rest)?;
            rest -= rollups_before(&tx, 3600, past, rest)?;
        }
        gone = budget - rest;
    }
    tx.commit()?;
    Ok(gone)
}

/// Bytes of the pages that hold something.
fn used(db: &Connection) -> rusqlite::Result<u64> {
    let pragma = |sql| db.query_row(sql, [], |row| row.get::<_, i64>(0));
    let pages = pragma("PRAGMA page_count")? - pragma("PRAGMA freelist_count")?;
    Ok(u64::try_from(pages * pragma("PRAGMA page_size")?).unwrap_or(0))
}

fn events_before(db: &Connection, before: Wall, limit: usize) -> rusqlite::Result<usize> {
    if limit == 0 {
        return Ok(0);
    }
    let mut oldest =
        db.prepare_cached("SELECT seq, at_us, profile, kind FROM event WHERE at_us < ?1 ORDER BY at_us LIMIT ?2")?;
    let found: Vec<(i64, i64, Option<u32>, i64)> = oldest
        .query_map((before.0, limit as i64), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
        .collect::<Result<_, _>>()?;
    let mut event = db.prepare_cached("DELETE FROM event WHERE seq = ?1")?;
    let mut sample =
        db.prepare_cached("DELETE FROM sample WHERE profile = ?1 AND class = ?2 AND at_us = ?3 AND seq = ?4")?;
    for (seq, at_us, profile, kind) in &found {
        event.execute([seq])?;
        sample.execute(params![profile.unwrap_or(0), kinds::class_number(kinds::class_of(*kind)), at_us, seq])?;
    }
    Ok(found.len())
}

fn rollups_before(db: &Connection, span: i64, before: Wall, limit: usize) -> rusqlite::Result<usize> {
    if limit == 0 {
        return Ok(0);
    }
    db.prepare_cached(
        "DELETE FROM rollup WHERE (span_s, start_s, profile) IN
         (SELECT span_s, start_s, profile FROM rollup WHERE span_s = ?1 AND start_s < ?2 ORDER BY start_s LIMIT ?3)",
    )?
    .execute((span, before.0.div_euclid(1_000_000), limit as i64))
}

fn states_before(db: &Connection, before: Wall, limit: usize) -> rusqlite::Result<usize> {
    if limit == 0 {
        return Ok(0);
    }
    // One profile's at a time, by its key; never the newest, which says what the state is.
    db.prepare_cached(
        "DELETE FROM lane WHERE (profile, at_us, seq) IN
         (SELECT l.profile, l.at_us, l.seq FROM profile p JOIN lane l ON l.profile = p.id
          WHERE l.at_us < ?1 AND EXISTS (SELECT 1 FROM lane n WHERE n.profile = l.profile AND l.at_us < n.at_us)
          LIMIT ?2)",
    )?
    .execute((before.0, limit as i64))
}
