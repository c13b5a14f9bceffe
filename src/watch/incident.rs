//! Which failures are an incident: so many in a row, and until the first good one. Pure.
//!
//! Invariants: an incident opens once and closes once; `Unknown` neither opens nor closes one.

use std::collections::HashMap;

use super::{EventBody, Outcome, Reason};
use crate::base::{ProfileId, Wall};

/// The failures in a row of each profile that has some, and the incidents that are open.
#[derive(Clone, Debug, Default)]
pub struct Incidents {
    by_profile: HashMap<ProfileId, Row>,
}

#[derive(Clone, Debug)]
struct Row {
    failures: u32,
    /// When the first of the failures was.
    since: Wall,
    open: bool,
}

impl Incidents {
    /// Takes an outcome (a check's; a session's failed attempt, loss or opening) and says whether an incident opens, after
    /// `after` failures in a row, or closes.
    pub fn on_outcome(
        &mut self,
        id: ProfileId,
        outcome: Outcome,
        reason: Option<&Reason>,
        after: u32,
        at: Wall,
    ) -> Option<EventBody> {
        match outcome {
            Outcome::Up | Outcome::Degraded => self.close(id, at),
            Outcome::Unknown => None,
            Outcome::Down => {
                let row = self.by_profile.entry(id).or_insert(Row { failures: 0, since: at, open: false });
                row.failures = row.failures.saturating_add(1);
                if row.open || row.failures < after.max(1) {
                    return None;
                }
                row.open = true;
                Some(EventBody::IncidentOpened { reason: reason.cloned(), failures: row.failures })
            }
        }
    }

    /// The profile is no longer watched (removed, disabled, paused): its incident ends with it, and failures from before
    /// don't count with later ones.
    pub fn close(&mut self, id: ProfileId, at: Wall) -> Option<EventBody> {
        let row = self.by_profile.remove(&id)?;
        row.open.then(|| EventBody::IncidentClosed { lasted: at.since(row.since) })
    }

    /// How many incidents are open.
    pub fn open(&self) -> usize {
        self.by_profile.values().filter(|row| row.open).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::Code;

    /// Feeds one letter a second (`u` up, `d` down, `?` unknown) and gives what came of it.
    #[track_caller]
    fn check(after: u32, outcomes: &str, expected: &str) {
        let mut incidents = Incidents::default();
        let mut got = Vec::new();
        for (second, letter) in outcomes.chars().enumerate() {
            let outcome = match letter {
                'u' => Outcome::Up,
                'd' => Outcome::Down,
                _ => Outcome::Unknown,
            };
            let at = Wall(1_000_000 * i64::try_from(second).unwrap());
            let reason = Reason::new(Code::Timeout);
            got.extend(incidents.on_outcome(ProfileId(1), outcome, Some(&reason), after, at).map(|body| match body {
                EventBody::IncidentOpened { failures, .. } => format!("{second}: opened after {failures}"),
                EventBody::IncidentClosed { lasted } => format!("{second}: closed after {} s", lasted.as_secs()),
                other => other.kind().into(),
            }));
        }
        assert_eq!(got.join(", "), expected);
    }

    #[test]
    fn an_incident_opens_after_so_many_failures_in_a_row_and_closes_on_the_first_success() {
        check(3, "uddudddddu", "6: opened after 3, 9: closed after 5 s");
        check(1, "du", "0: opened after 1, 1: closed after 1 s");
        check(3, "ddu", "");
    }

    #[test]
    fn what_is_not_known_neither_opens_nor_closes() {
        check(2, "d?d?u", "2: opened after 2, 4: closed after 4 s");
        check(2, "dd???", "1: opened after 2");
    }
}
