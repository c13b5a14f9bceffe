//! What the hub learns about this machine: offline or not, woken, on another network; and what follows for all profiles.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Hub;
use super::checks::Purpose;
use crate::base::ProfileId;
use crate::engine::machine::News;
use crate::engine::session::Wish;
use crate::watch::surroundings::Reach;
use crate::watch::{Code, EventBody, Reason, State};

/// How often an endpoint is tried while this machine seems to be offline.
const CANARY: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
pub(super) struct Canary {
    pub(super) due: Option<Instant>,
    pub(super) last: Option<ProfileId>,
    pub(super) running: bool,
}

impl Hub {
    pub(super) fn is_cut_off(&self, id: ProfileId) -> bool {
        self.surroundings.is_offline() && self.surroundings.counts(id)
    }

    pub(super) fn on_reach(&mut self, id: ProfileId, reach: Option<Reach>) {
        let now = self.shared.clock.wall();
        let body = match reach {
            Some(reach) => self.surroundings.on_result(id, reach, now),
            None => self.surroundings.not_asked(id, now),
        };
        self.on_surroundings(body);
    }

    /// The machine went offline or came back, or is in doubt.
    pub(super) fn on_surroundings(&mut self, body: Option<EventBody>) {
        if let Some(body) = body {
            self.on_change(body);
        }
        self.follow_doubt();
    }

    fn on_change(&mut self, body: EventBody) {
        let online = matches!(body, EventBody::Online { .. });
        self.shared.bus.publish(None, body);
        let now = self.shared.clock.mono();
        self.canary.due = (!online).then(|| now + CANARY);
        let affected: Vec<ProfileId> =
            self.watched.keys().copied().filter(|id| self.surroundings.counts(*id)).collect();
        for id in affected {
            let Some(watched) = self.watched.get(&id) else { continue };
            let (has_session, profile) = (watched.has_session(), Arc::clone(&watched.profile));
            if has_session {
                self.wish(id, if online { Wish::Online } else { Wish::Offline });
            } else if online {
                // At once, spread as at the start.
                self.schedule.set(id, profile.url.host_str().unwrap_or_default(), Some(profile.interval), now);
            } else {
                self.set_state(id, State::Suspended, Some(Reason::new(Code::Offline)));
            }
        }
    }

    pub(super) fn on_news(&mut self, news: News) {
        let (body, wish) = match news {
            News::Woke { slept } => (EventBody::Woke { slept }, Wish::Woke),
            News::NetworkChanged => (EventBody::NetworkChanged, Wish::NetworkChanged),
        };
        self.shared.bus.publish(None, body);
        let now = self.shared.clock.mono();
        if self.canary.due.is_some() {
            self.canary.due = Some(now);
        }
        for (id, watched) in &self.watched {
            // Loopback knows neither sleep nor cables, but a server there has been told nothing either.
            let concerns = matches!(news, News::Woke { .. }) || self.surroundings.counts(*id);
            if let Some(mailbox) = watched.session.as_ref().filter(|_| concerns) {
                let _ = mailbox.put(wish.clone());
            }
        }
    }

    /// Tries one endpoint after another while this machine seems offline, since its sessions don't.
    pub(super) fn send_canary(&mut self, now: Instant) {
        if !self.surroundings.is_offline() {
            self.canary.due = None;
            return;
        }
        self.canary.due = Some(now + CANARY);
        if self.canary.running {
            return;
        }
        let last = self.canary.last;
        let counted = || self.watched.keys().copied().filter(|id| self.surroundings.counts(*id));
        let Some(id) = counted().find(|id| last < Some(*id)).or_else(|| counted().next()) else {
            self.canary.due = None;
            return;
        };
        self.canary.last = Some(id);
        if self.watched.get(&id).is_some_and(|watched| watched.target.is_some())
            // One that runs or waits already tells as much.
            && let Some(start) = self.schedule.ask(id, now)
        {
            self.canary.running = true;
            self.start_probe(start, Purpose::Canary);
        }
    }
}
