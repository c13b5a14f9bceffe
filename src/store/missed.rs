//! The stretch of time of which events were let go because nothing could be written: a gap, as if wirewatch had not run.
//!
//! Invariants: what the lane says ends where the stretch begins, and goes on behind it in the state that was reached in it;
//! no state is claimed for the stretch itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::{Connection, params};

use super::detail::ReasonForm;
use super::kinds;
use crate::base::Wall;
use crate::watch::{Event, EventBody};

/// From the first event that was let go to the last.
#[derive(Debug)]
pub(super) struct Missed {
    from: Wall,
    to: Wall,
    seq: u64,
    /// The newest change of state of each profile in it.
    states: BTreeMap<u32, Arc<Event>>,
}

impl Missed {
    /// This event goes; `before`: those that went since something was last written.
    pub(super) fn with(before: Option<Self>, event: Arc<Event>) -> Self {
        let mut missed = before.unwrap_or(Self { from: event.at, to: event.at, seq: 0, states: BTreeMap::new() });
        missed.to = missed.to.max(event.at);
        missed.seq = event.seq;
        if let (Some(id), EventBody::State { .. }) = (event.profile, &event.body) {
            missed.states.insert(id.0, event);
        }
        missed
    }

    /// To be called in the transaction of the first events behind it.
    pub(super) fn write(&self, db: &Connection) -> rusqlite::Result<()> {
        let seq = i64::try_from(self.seq).unwrap_or(i64::MAX);
        let behind = self.to.0.saturating_add(1);
        let mut lane = db.prepare_cached(
            "INSERT OR IGNORE INTO lane (profile, at_us, seq, state, code, reason) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        for (profile, event) in &self.states {
            let EventBody::State { to, reason, .. } = &event.body else { continue };
            let code = reason.as_ref().map(|reason| reason.code.as_str());
            let form = ReasonForm::of(reason.as_ref()).and_then(|form| serde_json::to_string(&form).ok());
            lane.execute(params![profile, behind, seq, kinds::state_number(*to), code, form])?;
        }
        // The others are as they were: all that this run has said of them still holds.
        db.prepare_cached(
            "INSERT OR IGNORE INTO lane (profile, at_us, seq, state, code, reason)
             SELECT l.profile, ?1, ?2, l.state, l.code, l.reason FROM profile p JOIN lane l ON l.profile = p.id
             WHERE l.at_us >= (SELECT max(started_us) FROM run) AND (l.at_us, l.seq) =
                   (SELECT n.at_us, n.seq FROM lane n WHERE n.profile = p.id ORDER BY n.at_us DESC, n.seq DESC LIMIT 1)",
        )?
        .execute((behind, seq))?;
        db.prepare_cached("UPDATE run SET ended_us = ?1 WHERE ended_us IS NULL")?.execute([self.from.0])?;
        db.prepare_cached(
            "INSERT INTO run (started_us, ended_us, version)
             SELECT ?1, NULL, version FROM run ORDER BY started_us DESC LIMIT 1",
        )?
        .execute([behind])
        .map(|_| ())
    }
}
