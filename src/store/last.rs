//! The newest check, handshake, close and audit of each profile, whole, which the history keeps once.
//!
//! Invariants: of each profile and kind the newest is written, at most once a second; a batch that brings events writes a
//! bounded number of them, so that five hundred due at once don't keep the events waiting.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::audited::AuditForm;
use super::detail::{CloseForm, ReportForm};
use super::row;
use super::statements::Statements;
use crate::base::Wall;
use crate::watch::{Event, EventBody};

/// Each is written at most once in so long.
const EVERY: Duration = Duration::from_secs(1);
/// The most of one batch.
const MOST: usize = 64;

/// Which a batch writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LastReports {
    /// Those whose time has come.
    Due,
    All,
}

/// A profile and a kind of event.
pub(super) type Key = (u32, i64);

/// Those that are not in the file yet, and when the others were written.
#[derive(Default)]
pub(super) struct Lasts {
    pending: HashMap<Key, Arc<Event>>,
    written: HashMap<Key, Wall>,
}

impl Lasts {
    /// Whether one waits for its time.
    pub(super) fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    pub(super) fn take(&mut self, key: Key, event: &Arc<Event>) {
        self.pending.insert(key, Arc::clone(event));
    }

    /// Those whose turn it is, those that waited longest first.
    fn due(&self, which: LastReports, now: Wall) -> Vec<Key> {
        let written = |key: &Key| self.written.get(key).copied();
        if which == LastReports::All {
            return self.pending.keys().copied().collect();
        }
        let due = |at: Option<Wall>| at.is_none_or(|at| EVERY <= now.since(at) || now < at);
        let mut keys: Vec<(Option<Wall>, Key)> =
            self.pending.keys().map(|key| (written(key), *key)).filter(|(at, _)| due(*at)).collect();
        if MOST < keys.len() {
            keys.select_nth_unstable(MOST);
            keys.truncate(MOST);
        }
        keys.into_iter().map(|(_, key)| key).collect()
    }

    /// Hands back what was written, for [`Self::committed`].
    pub(super) fn write(
        &self,
        into: &mut Statements<'_, '_>,
        which: LastReports,
        now: Wall,
    ) -> rusqlite::Result<Vec<Key>> {
        let keys = self.due(which, now);
        for key in &keys {
            let Some(event) = self.pending.get(key) else { continue };
            if let Some(body) = body(event) {
                into.last(*key, event, &body)?;
            }
        }
        Ok(keys)
    }

    /// Those are on disk.
    pub(super) fn committed(&mut self, keys: &[Key], now: Wall) {
        for key in keys {
            self.pending.remove(key);
            self.written.insert(*key, now);
        }
    }
}

fn body(event: &Event) -> Option<String> {
    match &event.body {
        EventBody::Check(report) => serde_json::to_string(&ReportForm::of(report)).ok(),
        EventBody::Handshake { attempt, exchange, reason, protocol } => {
            row::handshake_text(*attempt, exchange, reason.as_ref(), protocol.as_deref())
        }
        EventBody::Closed { facts, .. } => serde_json::to_string(&CloseForm::of(facts)).ok(),
        EventBody::Audited(audited) => serde_json::to_string(&AuditForm::of(audited)).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ProfileId;
    use crate::store::kinds;

    const SECOND: i64 = 1_000_000;

    fn of(profiles: std::ops::Range<u32>) -> Lasts {
        let mut lasts = Lasts::default();
        take(&mut lasts, profiles);
        lasts
    }

    fn take(lasts: &mut Lasts, profiles: std::ops::Range<u32>) {
        for profile in profiles {
            let body = EventBody::Attempt { attempt: 1 };
            let event = Event { seq: 1, at: Wall(0), profile: Some(ProfileId(profile)), body };
            lasts.take((profile, kinds::CHECK), &Arc::new(event));
        }
    }

    #[test]
    fn each_is_written_once_a_second() {
        let mut lasts = of(0..1);
        let keys = lasts.due(LastReports::Due, Wall(0));
        assert_eq!(keys, [(0, kinds::CHECK)]);
        lasts.committed(&keys, Wall(0));
        assert!(!lasts.has_pending());
        take(&mut lasts, 0..1);
        assert_eq!(lasts.due(LastReports::Due, Wall(SECOND - 1)), []);
        assert_eq!(lasts.due(LastReports::All, Wall(SECOND - 1)).len(), 1);
        assert_eq!(lasts.due(LastReports::Due, Wall(SECOND)).len(), 1);
    }

    #[test]
    fn many_due_at_once_take_turns() {
        let mut lasts = of(0..150);
        let mut turns = [0; 150];
        for round in 0..30 {
            let now = Wall(round * SECOND * 2);
            let keys = lasts.due(LastReports::Due, now);
            assert!(keys.len() <= MOST);
            keys.iter().for_each(|(profile, _)| turns[*profile as usize] += 1);
            lasts.committed(&keys, now);
            take(&mut lasts, 0..150);
        }
        // Three rounds take all of them.
        assert!(turns.iter().all(|turns| 10 <= *turns), "{turns:?}");
    }
}
