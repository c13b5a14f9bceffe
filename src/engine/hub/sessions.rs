//! The hub's sessions: started, told what is wished of them, heard, and started again after a panic.

use std::sync::Arc;

use tokio::task::{Id, JoinError};

use super::Hub;
use super::checks::is_failure;
use super::doubt::Held;
use crate::base::ProfileId;
use crate::engine::mailbox::Mailbox;
use crate::engine::session::{self, Signal, Wish};
use crate::engine::{socketio, supervise};
use crate::profile::model::Kind;
use crate::watch::{Code, EventBody, Outcome, Reason, State};

impl Hub {
    pub(super) fn start_session(&mut self, id: ProfileId) {
        let Some(watched) = self.watched.get_mut(&id) else { return };
        let Some(target) = watched.target.clone().filter(|_| watched.is_active()) else { return };
        let mailbox = Arc::new(Mailbox::new());
        watched.session = Some(Arc::clone(&mailbox));
        watched.state = State::Disconnected;
        let shared = Arc::clone(&self.shared);
        let task = if watched.profile.kind == Kind::SocketIo {
            self.sessions.spawn(socketio::run(shared, target, Arc::clone(&mailbox)))
        } else {
            self.sessions.spawn(session::run(shared, target, Arc::clone(&mailbox)))
        };
        watched.task = Some(task.id());
        if self.is_cut_off(id) {
            // An empty box has room.
            let _ = mailbox.put(Wish::Offline);
        }
        let _ = mailbox.put(Wish::Connect);
    }

    pub(super) fn stop_session(&mut self, id: ProfileId) {
        let Some(watched) = self.watched.get_mut(&id) else { return };
        if let Some(mailbox) = watched.session.take() {
            watched.state = State::Disconnected;
            // A box that is full is that of a session whose server doesn't read: it ends at its next breath.
            let _ = mailbox.put(Wish::Stop);
        }
    }

    /// Hands a wish to the profile's session; false: it has none.
    pub(super) fn wish(&self, id: ProfileId, wish: Wish) -> bool {
        let mailbox = self.watched.get(&id).and_then(|watched| watched.session.as_ref());
        mailbox.is_some_and(|mailbox| mailbox.put(wish).is_ok())
    }

    pub(super) fn on_session_ended(&mut self, task: Id, result: Result<(), JoinError>) {
        let Err(error) = result else { return };
        // Rare, and so without an index that every session would pay for.
        let Some((id, watched)) = self.watched.iter_mut().find(|(_, watched)| watched.task == Some(task)) else {
            return; // The profile is gone, or has another session by now.
        };
        let id = *id;
        // One that was stopped, and panicked as it ended, has nothing to come back for.
        let wanted = watched.session.take().is_some();
        if !wanted {
            return self.say_panic(id, "session", error);
        }
        self.restart_later(id);
        self.say_panic(id, "session", error);
        self.set_state(id, State::Reconnecting, Some(Reason::new(Code::TaskPanicked)));
    }

    /// What panicked is begun again after a while that grows.
    pub(super) fn restart_later(&mut self, id: ProfileId) {
        let Some(watched) = self.watched.get_mut(&id) else { return };
        watched.panics += 1;
        let again = self.shared.clock.mono() + supervise::wait(watched.panics);
        self.restarts.push((again, id, watched.generation));
    }

    pub(super) fn restart(&mut self, id: ProfileId, generation: u64) {
        let Some(watched) = self.watched.get(&id).filter(|watched| watched.generation == generation) else { return };
        if watched.target.is_some() {
            self.start_session(id);
        } else {
            self.prepares.want(id, generation, Arc::clone(&watched.profile));
        }
    }

    pub(super) fn on_signal(&mut self, signal: Signal) {
        let Signal { id, state, outcome, reach } = signal;
        if let Some(watched) = self.watched.get_mut(&id) {
            watched.state = state;
        }
        let failed = matches!(outcome, Some((Outcome::Down, _)));
        let silent = matches!(&outcome, Some((_, Some(Reason { code: Code::NoPong | Code::Idle, .. }))));
        if reach.is_some() {
            self.on_reach(id, reach);
        } else if silent {
            self.surroundings.on_silence(id, self.shared.clock.wall());
            self.follow_doubt();
        }
        if let Some((outcome, reason)) = outcome {
            self.tell_or_hold(id, is_failure(reach) || silent, Held::Outcome(outcome, reason));
        }
        if failed {
            self.look_again(id);
        }
    }

    pub(super) fn say_panic(&self, id: ProfileId, what: &str, error: JoinError) {
        let Ok(payload) = error.try_into_panic() else { return };
        let name = self.watched.get(&id).map_or("", |watched| watched.profile.name.as_str());
        let message = supervise::message(&*payload).into();
        self.publish(id, Some(EventBody::Panicked { task: format!("{what} of {name}").into(), message }));
    }
}
