//! The hub's audits: of profiles that ask for them by `[audit] every`, compared with the last one.
//!
//! Invariants: one at a time of all; never of a profile that is not `connected`; of a profile that is checked only right after a
//! good check, so that the two don't meet.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::task::{JoinError, JoinSet};

use super::Hub;
use crate::base::{ProfileId, Wall};
use crate::engine::audit::{Audit, USUAL_RATE};
use crate::engine::supervise;
use crate::profile::model::{Kind, Profile};
use crate::watch::{Audited, EventBody, State};

/// Whose audit it was, and what it came to.
pub(super) type Came = (ProfileId, Audited);

/// What is known of them.
#[derive(Default)]
pub(super) struct Audits {
    /// When each was last begun, and the last that came to its end.
    last: HashMap<ProfileId, (Wall, Option<Arc<Audited>>)>,
    /// Profiles that ask for audits and hold a session.
    sessions: Vec<ProfileId>,
    /// `None`: there was nothing to audit.
    pub(super) running: JoinSet<Option<Came>>,
}

impl Audits {
    /// From the history, or from before a change of the profile.
    pub(super) fn remember(&mut self, id: ProfileId, at: Wall, audited: Arc<Audited>) {
        self.last.entry(id).or_insert((at, Some(audited)));
    }

    /// The profile in its new form.
    pub(super) fn want(&mut self, id: ProfileId, profile: &Profile) {
        self.sessions.retain(|known| *known != id);
        if profile.audit.every.is_some() && profile.kind != Kind::Http {
            self.sessions.push(id);
        }
    }

    pub(super) fn forget(&mut self, id: ProfileId) {
        self.sessions.retain(|known| *known != id);
        self.last.remove(&id);
    }
}

impl Hub {
    /// Sessions have no checks on a schedule to go by.
    pub(super) fn audit_sessions(&mut self) {
        for at in 0..self.audits.sessions.len() {
            self.audit_if_due(self.audits.sessions[at]);
        }
    }

    pub(super) fn audit_if_due(&mut self, id: ProfileId) {
        let Some(watched) = self.watched.get(&id) else { return };
        let Some(every) = watched.profile.audit.every else { return };
        let (now, is_connected) = (self.shared.clock.wall(), watched.state == State::Connected);
        let before = self.audits.last.get(&id);
        let is_due = before.is_none_or(|(at, _)| every <= now.since(*at) || now < *at);
        if !is_due || !is_connected || !watched.is_active() || !self.audits.running.is_empty() {
            return;
        }
        let checking = self.probe_of.values().any(|(of, _)| *of == id);
        let Some(target) = watched.target.clone().filter(|_| !checking) else { return };
        let before = before.and_then(|(_, audited)| audited.clone());
        // Also where it comes to nothing: then it is tried again when the next is due.
        self.audits.last.insert(id, (now, before.clone()));
        let clock = self.shared.clock;
        self.audits.running.spawn(async move {
            let audit = Box::pin(Audit::begin(&target, clock)).await;
            if audit.hindrance().is_some() {
                return None;
            }
            let audited = Box::pin(audit.run(USUAL_RATE, |_| ())).await;
            Some((id, audited.kept(&target, before.as_deref())))
        });
    }

    pub(super) fn on_audited(&mut self, ended: Result<Option<Came>, JoinError>) {
        match ended {
            Ok(Some((id, audited))) => {
                let Some((_, last)) = self.audits.last.get_mut(&id) else { return };
                let audited = Arc::new(audited);
                *last = Some(Arc::clone(&audited));
                self.publish(id, Some(EventBody::Audited(audited)));
            }
            Ok(None) => {}
            Err(error) => {
                if let Ok(payload) = error.try_into_panic() {
                    supervise::say(&self.shared.bus, "audit", &*payload);
                }
            }
        }
    }
}
