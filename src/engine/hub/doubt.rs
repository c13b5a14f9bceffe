//! What is held back while it is open whether a failure is this machine's own: others are asked, and then it is told as
//! what it was.
//!
//! Invariant: what is held is told in its order, at the latest when the checks of those that were asked have come to their
//! end, each within its profile's time-out.

use super::Hub;
use super::checks::Purpose;
use crate::base::ProfileId;
use crate::watch::{CheckReport, Outcome, Reason};

/// A failure that is not told yet.
#[derive(Debug)]
pub(super) enum Held {
    Report(Box<CheckReport>),
    /// A session's failed attempt, or its loss; its events are out, what it means for an incident is not.
    Outcome(Outcome, Option<Reason>),
}

impl Hub {
    /// Tells what came out, or keeps it until the doubt is over. `may_be_ours`: a failure that a cut cable would make, too.
    pub(super) fn tell_or_hold(&mut self, id: ProfileId, may_be_ours: bool, held: Held) {
        let may_be_ours = may_be_ours && self.surroundings.counts(id);
        if may_be_ours && self.surroundings.is_in_doubt() {
            self.held.push((id, held));
        } else {
            self.tell(id, held, may_be_ours && self.surroundings.is_offline());
        }
    }

    /// Tells what is held as the endpoints' own: nobody will answer any more.
    pub(super) fn tell_all(&mut self) {
        for (id, held) in std::mem::take(&mut self.held) {
            self.tell(id, held, false);
        }
    }

    fn tell(&mut self, id: ProfileId, held: Held, is_ours: bool) {
        match held {
            Held::Report(report) => self.tell_report(id, *report, is_ours),
            Held::Outcome(outcome, reason) if !is_ours => self.on_outcome(id, outcome, reason.as_ref()),
            Held::Outcome(..) => {}
        }
    }

    /// Asks whom the surroundings want asked, and tells what was held once there is no doubt.
    pub(super) fn follow_doubt(&mut self) {
        let clock = self.shared.clock;
        for id in self.surroundings.take_questions() {
            let is_ready = self.watched.get(&id).is_some_and(|watched| watched.target.is_some());
            if !is_ready {
                let body = self.surroundings.not_asked(id, clock.wall());
                self.on_surroundings(body);
            } else if let Some(start) = self.schedule.ask(id, clock.mono()) {
                self.start_probe(start, Purpose::Witness);
            }
            // One that runs or waits already answers by itself.
        }
        if !self.surroundings.is_in_doubt() {
            for (id, held) in std::mem::take(&mut self.held) {
                self.tell(id, held, self.is_cut_off(id));
            }
        }
    }
}
