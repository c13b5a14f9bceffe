//! The hub's checks: started when due, and what their outcome says about the profile.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::{Id, JoinError};

use super::Hub;
use super::doubt::Held;
use crate::base::ProfileId;
use crate::engine::further;
use crate::engine::probe::{self, Manner, Probed};
use crate::watch::schedule::Start;
use crate::watch::surroundings::Reach;
use crate::watch::{CheckReport, Code, EventBody, Outcome, Reason, State};

/// Whose check it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The schedule's, or a person's.
    Check,
    /// Only to see whether the network is back.
    Canary,
    /// Only to see whether a failure elsewhere is this machine's own.
    Witness,
}

/// Whether nothing answered.
pub(super) fn is_failure(reach: Option<Reach>) -> bool {
    matches!(reach, Some(Reach::Failed { .. }))
}

impl Hub {
    pub(super) fn start_probe(&mut self, start: Start, purpose: Purpose) {
        let Some(target) = self.watched.get(&start.id).and_then(|watched| watched.target.clone()) else {
            let next = self.schedule.finished(start.id);
            next.into_iter().for_each(|next| self.start_probe(next, purpose));
            return;
        };
        let clock = self.shared.clock;
        let observe = (purpose != Purpose::Check).then_some(Duration::ZERO);
        let manner = Manner { scheduled: start.scheduled, observe };
        let task = self.probes.spawn(async move {
            Box::new(match purpose {
                Purpose::Check => further::watched(&target, manner, clock).await,
                Purpose::Canary | Purpose::Witness => probe::check(&target, manner, clock).await,
            })
        });
        self.probe_of.insert(task.id(), (start.id, purpose));
    }

    pub(super) fn on_probed(&mut self, task: Id, result: Result<Box<Probed>, JoinError>) {
        let Some((id, purpose)) = self.probe_of.remove(&task) else { return };
        if let Some(next) = self.schedule.finished(id) {
            self.start_probe(next, Purpose::Check);
        }
        if purpose == Purpose::Canary {
            self.canary.running = false;
        }
        match (purpose, result) {
            (Purpose::Check, Ok(probed)) => self.on_report(id, *probed),
            (Purpose::Canary | Purpose::Witness, Ok(probed)) => self.on_reach(id, probed.reach),
            (_, Err(error)) => {
                self.on_reach(id, None);
                self.say_panic(id, "check", error);
            }
        }
    }

    pub(super) fn on_report(&mut self, id: ProfileId, probed: Probed) {
        let Probed { report, sign_in, reach } = probed;
        sign_in.into_iter().for_each(|told| self.publish(id, Some(told.into())));
        self.gauges.check(report.lateness, self.shared.clock.mono());
        self.on_reach(id, reach);
        self.tell_or_hold(id, is_failure(reach), Held::Report(Box::new(report)));
    }

    /// What a check's report means, once it is known whether its failure is this machine's (`is_ours`).
    pub(super) fn tell_report(&mut self, id: ProfileId, mut report: CheckReport, is_ours: bool) {
        if is_ours {
            report.outcome = Outcome::Unknown;
            report.state = State::Suspended;
            report.reason = Some(Reason::new(Code::Offline));
        }
        let (outcome, state, reason) = (report.outcome, report.state, report.reason.clone());
        self.shared.bus.publish(Some(id), EventBody::Check(Arc::new(report)));
        let Some(watched) = self.watched.get(&id) else { return };
        // A check beside a session, or one that was asked for of a profile at rest, decides nothing.
        if watched.has_session() || !watched.is_active() {
            return;
        }
        let reason = if outcome == Outcome::Degraded { None } else { reason };
        self.set_state(id, state, reason.clone());
        self.look_again(id);
        self.on_outcome(id, outcome, reason.as_ref());
        // Just after a check there is the most time before the next.
        self.audit_if_due(id);
    }

    pub(super) fn on_outcome(&mut self, id: ProfileId, outcome: Outcome, reason: Option<&Reason>) {
        let Some(watched) = self.watched.get(&id) else { return };
        let after = watched.profile.alert.after;
        let body = self.incidents.on_outcome(id, outcome, reason, after, self.shared.clock.wall());
        self.publish(id, body);
    }

    pub(super) fn close_incident(&mut self, id: ProfileId) {
        let body = self.incidents.close(id, self.shared.clock.wall());
        self.publish(id, body);
    }

    pub(super) fn publish(&self, id: ProfileId, body: Option<EventBody>) {
        let Some(body) = body else { return };
        match self.watched.get(&id).and_then(|watched| watched.target.as_ref()) {
            Some(target) => target.publish(&self.shared.bus, body),
            // Not ready yet: nothing of its secrets can be in it.
            None => self.shared.bus.publish(Some(id), body),
        };
    }

    /// Of a profile without a session.
    pub(super) fn set_state(&mut self, id: ProfileId, to: State, reason: Option<Reason>) {
        let Some(watched) = self.watched.get_mut(&id) else { return };
        let key = |reason: &Option<Reason>| reason.as_ref().map(|reason| (reason.code, reason.status, reason.close));
        if watched.state == to && key(&watched.reason) == key(&reason) {
            return;
        }
        let from = std::mem::replace(&mut watched.state, to);
        watched.reason.clone_from(&reason);
        self.publish(id, Some(EventBody::State { from, to, reason, attempt: 0 }));
    }
}
