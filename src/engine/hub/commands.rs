//! The hub's commands: what is watched from now on, and what a person wants of it.

use std::sync::Arc;

use tokio::task::JoinError;

use super::checks::Purpose;
use super::prepares::Job;
use super::row::{Standing, Watched, watches_the_same};
use super::{Command, Hub};
use crate::base::{ProfileId, Secret};
use crate::engine::session::Wish;
use crate::engine::target::Target;
use crate::profile::model::Profile;
use crate::watch::{Code, Reason, State};

impl Hub {
    pub(super) fn on_command(&mut self, command: Command) {
        if let Command::CheckNow(id) | Command::Connect(id) | Command::Resume(id) | Command::Reconnect(id) = command
            && let Some(target) = self.watched.get(&id).and_then(|watched| watched.target.as_ref())
        {
            target.ask_again();
            target.look_anew();
        }
        match command {
            Command::Watch { id, profile } => self.watch(id, profile),
            Command::RememberAudit { id, at, audited } => self.audits.remember(id, at, audited),
            Command::Forget(id) => self.forget(id),
            Command::CheckNow(id) => self.check_now(id),
            Command::Connect(id) | Command::Resume(id) => self.stand(id, Standing::Watch),
            Command::Disconnect(id) => self.stand(id, Standing::Disconnect),
            Command::Pause(id) => self.stand(id, Standing::Pause),
            Command::Reconnect(id) => {
                if !self.wish(id, Wish::Reconnect) {
                    self.stand(id, Standing::Watch);
                    self.check_now(id);
                } else if let Some(watched) = self.watched.get_mut(&id) {
                    watched.wish = Standing::Watch;
                }
            }
            Command::SendText { id, text } => {
                self.wish(id, Wish::Say(Secret::new(text)));
            }
            Command::Emit { id, emit } => {
                self.wish(id, Wish::Emit(emit));
            }
            Command::PollingOnly { id, on } => {
                self.wish(id, Wish::PollingOnly(on));
            }
            Command::Shutdown => {}
        }
    }

    pub(super) fn watch(&mut self, id: ProfileId, profile: Arc<Profile>) {
        self.generation += 1;
        let generation = self.generation;
        self.audits.want(id, &profile);
        match self.watched.get_mut(&id) {
            Some(watched) => {
                let same = watches_the_same(&watched.profile, &profile) && watched.target.is_some();
                if profile.enabled && !watched.profile.enabled {
                    watched.wish = Standing::Watch;
                }
                watched.profile = Arc::clone(&profile);
                if same {
                    return;
                }
                watched.generation = generation;
                watched.target = None;
                self.stop_session(id);
                // What ran ends; what is published of it is of the old form and still true.
                self.schedule.remove(id);
            }
            None => {
                let watched = Watched {
                    profile: Arc::clone(&profile),
                    generation,
                    target: None,
                    wish: Standing::Watch,
                    state: State::Disconnected,
                    reason: None,
                    session: None,
                    task: None,
                    panics: 0,
                    check_when_ready: false,
                };
                self.watched.insert(id, watched);
            }
        }
        self.prepares.want(id, generation, profile);
    }

    pub(super) fn on_prepared(&mut self, job: Job, result: Result<Target, JoinError>) {
        let Job { id, generation, .. } = job;
        let Some(watched) = self.watched.get_mut(&id).filter(|watched| watched.generation == generation) else {
            return; // Changed or forgotten meanwhile.
        };
        let target = match result {
            Ok(target) => Arc::new(target),
            Err(error) => {
                self.restart_later(id);
                self.say_panic(id, "preparation", error);
                return;
            }
        };
        let again = watched.target.is_some();
        if again && target.client().is_err() {
            return; // What was missing still is.
        }
        watched.target = Some(target);
        let check = std::mem::take(&mut watched.check_when_ready);
        if again {
            self.generation += 1;
            watched.generation = self.generation;
            self.stop_session(id);
        }
        self.begin(id);
        if check {
            self.check_now(id);
        }
    }

    /// Looks again for the secret or the file that a profile lacked when it was last made ready: it has failed for that
    /// once more.
    pub(super) fn look_again(&mut self, id: ProfileId) {
        let Some(watched) = self.watched.get(&id) else { return };
        if watched.target.as_ref().is_some_and(|target| target.client().is_err()) {
            self.prepares.want(id, watched.generation, Arc::clone(&watched.profile));
        }
    }

    /// Begins, goes on or stops, by what is wanted.
    pub(super) fn begin(&mut self, id: ProfileId) {
        let now = self.shared.clock.now();
        let Some(watched) = self.watched.get(&id) else { return };
        let (profile, active, has_session) = (Arc::clone(&watched.profile), watched.is_active(), watched.has_session());
        let standing = watched.wish;
        let host = profile.url.host_str().unwrap_or_default();
        let cadence = (active && !has_session).then_some(profile.interval);
        match cadence {
            Some(_) => self.schedule.set(id, host, cadence, now.mono),
            None => self.schedule.remove(id),
        }
        if active {
            self.surroundings.watch(id, host, now.wall);
        } else {
            self.surroundings.forget(id);
            self.close_incident(id);
        }
        if has_session {
            match (profile.enabled, standing) {
                (true, Standing::Watch) => {
                    if !self.wish(id, Wish::Connect) {
                        self.start_session(id);
                    }
                }
                (true, Standing::Pause) => {
                    if !self.wish(id, Wish::Pause) {
                        self.set_state(id, State::Suspended, Some(Reason::new(Code::Paused)));
                    }
                }
                (true, Standing::Disconnect) => {
                    if !self.wish(id, Wish::Disconnect) {
                        self.set_state(id, State::Disconnected, Some(Reason::new(Code::Asked)));
                    }
                }
                (false, _) => {
                    self.stop_session(id);
                    self.set_state(id, State::Disconnected, None);
                }
            }
            return;
        }
        match (profile.enabled, standing) {
            (false, _) => self.set_state(id, State::Disconnected, None),
            (true, Standing::Disconnect) => {
                self.set_state(id, State::Disconnected, Some(Reason::new(Code::Asked)));
            }
            (true, Standing::Pause) => self.set_state(id, State::Suspended, Some(Reason::new(Code::Paused))),
            (true, Standing::Watch) if self.surroundings.is_offline() && self.surroundings.counts(id) => {
                self.set_state(id, State::Suspended, Some(Reason::new(Code::Offline)));
            }
            (true, Standing::Watch) => {
                let state = self.watched.get(&id).map(|watched| watched.state);
                if matches!(state, Some(State::Disconnected | State::Suspended)) {
                    self.set_state(id, State::Connecting, None);
                }
            }
        }
    }

    pub(super) fn stand(&mut self, id: ProfileId, standing: Standing) {
        let Some(watched) = self.watched.get_mut(&id) else { return };
        watched.wish = standing;
        if watched.target.is_none() || !watched.profile.enabled {
            return;
        }
        self.begin(id);
    }

    pub(super) fn forget(&mut self, id: ProfileId) {
        self.stop_session(id);
        self.schedule.remove(id);
        self.surroundings.forget(id);
        self.close_incident(id);
        self.audits.forget(id);
        self.watched.remove(&id);
    }

    pub(super) fn check_now(&mut self, id: ProfileId) {
        let Some(watched) = self.watched.get_mut(&id) else { return };
        #[cfg(test)]
        crate::engine::supervise::sabotage::pass(&watched.profile.name, "hub");
        if watched.target.is_none() {
            watched.check_when_ready = true;
            return;
        }
        let now = self.shared.clock.mono();
        if !self.schedule.knows(id) {
            // Only checked when asked: a place for it is made then.
            let profile = Arc::clone(&watched.profile);
            self.schedule.set(id, profile.url.host_str().unwrap_or_default(), None, now);
        }
        if let Some(start) = self.schedule.ask(id, now) {
            self.start_probe(start, Purpose::Check);
        }
    }
}
