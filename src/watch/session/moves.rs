//! The moves from one life to the next: resting, dialling, open, lost, waiting.

use std::sync::Arc;
use std::time::Duration;

use super::end::{closed, ends_an_accepted_connection, facts_of_ours};
use super::{Effect, Holds, Hope, Life, MATCHED, Open, PROVEN_AFTER, Session};
use crate::base::Moment;
use crate::watch::meaning::state_for;
use crate::watch::{CloseFacts, Code, EventBody, Reason, State, backoff};
use crate::wire::{Exchange, Frame};

impl Session {
    /// No connection and no attempt, for the strongest of the holds.
    pub(super) fn rest(&mut self, out: &mut Vec<Effect>) {
        self.life = Life::Resting;
        let (state, code) = match self.holds {
            Holds { unwanted: true, .. } => (State::Disconnected, Code::Asked),
            Holds { paused: true, .. } => (State::Suspended, Code::Paused),
            Holds { .. } => (State::Suspended, Code::Offline),
        };
        self.set_state(state, Some(Reason::new(code)), out);
    }

    pub(super) fn dial_anew(&mut self, word: State, out: &mut Vec<Effect>) {
        self.attempt = 0;
        self.waits = 0;
        self.renewed = false;
        self.set_state(word, None, out);
        self.dial(out);
    }

    pub(super) fn dial(&mut self, out: &mut Vec<Effect>) {
        self.life = Life::Dialling;
        self.attempt = self.attempt.saturating_add(1);
        out.push(Effect::Emit(EventBody::Attempt { attempt: self.attempt }));
        out.push(Effect::Dial);
    }

    /// Lets go of the connection or the dial that there is.
    pub(super) fn drop_connection(&mut self, code: Option<u16>, now: Moment, out: &mut Vec<Effect>) {
        if let Some(open) = self.take_open() {
            out.push(Effect::HangUp { code });
            out.push(Effect::Emit(closed(facts_of_ours(code), &open, now)));
        } else if self.is_dialling() {
            self.life = Life::Resting;
            out.push(Effect::HangUp { code: None });
        }
    }

    pub(super) fn opened(
        &mut self,
        exchange: Arc<Exchange>,
        protocol: Option<Box<str>>,
        lacking: Option<Reason>,
        now: Moment,
        out: &mut Vec<Effect>,
    ) {
        if !self.is_dialling() {
            out.push(Effect::HangUp { code: Some(1000) });
            return;
        }
        out.push(Effect::Emit(EventBody::Handshake { attempt: self.attempt, exchange, reason: None, protocol }));
        self.open(lacking, now, out);
    }

    pub(super) fn open(&mut self, lacking: Option<Reason>, now: Moment, out: &mut Vec<Effect>) {
        let on_probation = self.reason.as_ref().is_some_and(ends_an_accepted_connection)
            && matches!(self.state, State::Error | State::AuthRequired | State::CorsError);
        self.life = Life::Open(Open {
            since: now.mono,
            heard: now.mono,
            ping_due: self.rules.ping().map(|every| now.mono + every),
            awaited: None,
            nonce: 0,
            expect_by: self.rules.expect.is_some().then(|| now.mono + self.rules.timeout()),
            proven_at: on_probation.then(|| now.mono + PROVEN_AFTER.max(self.rules.proof())),
        });
        match lacking {
            Some(_) => self.lacking(lacking, now, out),
            None if on_probation => {}
            None => self.connected(out),
        }
        for text in &self.rules.send {
            out.push(Effect::Send { text: text.clone(), heartbeat: false });
        }
    }

    pub(super) fn connected(&mut self, out: &mut Vec<Effect>) {
        self.attempt = 0;
        self.waits = 0;
        self.renewed = false;
        self.set_state(State::Connected, None, out);
    }

    pub(super) fn heard(&mut self, frame: Frame, now: Moment, out: &mut Vec<Effect>) {
        if let Life::Open(open) = &mut self.life {
            open.heard = now.mono;
            out.push(Effect::Emit(EventBody::Frame(frame)));
        }
    }

    pub(super) fn message(&mut self, text: Option<&str>, mut frame: Frame, now: Moment, out: &mut Vec<Effect>) {
        let rules = Arc::clone(&self.rules);
        let text = text.map(|text| &text[..text.floor_char_boundary(MATCHED)]);
        let answers: Vec<Effect> = text
            .into_iter()
            .flat_map(|text| rules.answers.iter().filter(|rule| rule.when.is_match(text)))
            .map(|rule| Effect::Send { text: rule.send.clone(), heartbeat: true })
            .collect();
        frame.heartbeat |= !answers.is_empty();
        self.heard(frame, now, out);
        let Life::Open(open) = &mut self.life else { return };
        out.extend(answers);
        let expected = rules.expect.as_ref().zip(text).is_some_and(|(expect, text)| expect.is_match(text));
        if expected && open.expect_by.take().is_some() && open.proven_at.take().is_some() {
            self.connected(out);
        }
    }

    /// The open connection ended by itself.
    pub(super) fn lost(
        &mut self,
        facts: CloseFacts,
        reason: Reason,
        now: Moment,
        rng: &mut fastrand::Rng,
        out: &mut Vec<Effect>,
    ) {
        if let Some(open) = self.take_open() {
            out.push(Effect::Emit(closed(facts, &open, now)));
            self.failed(reason, Hope::default(), now, rng, out);
        }
    }

    /// The connection holds, and the profile doesn't get all of what it asks for: the state is what the refusal means.
    pub(super) fn lacking(&mut self, reason: Option<Reason>, now: Moment, out: &mut Vec<Effect>) {
        if !self.is_open() {
            return;
        }
        let Some(reason) = reason else { return self.connected(out) };
        if self.sign_in_again(&reason, now, out) {
            return;
        }
        let state = match state_for(&reason) {
            state @ (State::AuthRequired | State::CorsError) => state,
            _ => State::Error,
        };
        self.set_state(state, Some(reason), out);
    }

    /// A dial or an open connection came to nothing.
    pub(super) fn failed(
        &mut self,
        reason: Reason,
        hope: Hope,
        now: Moment,
        rng: &mut fastrand::Rng,
        out: &mut Vec<Effect>,
    ) {
        if self.is_held() {
            return self.rest(out);
        }
        if self.sign_in_again(&reason, now, out) {
            return;
        }
        match state_for(&reason) {
            state @ (State::Error | State::AuthRequired | State::CorsError) if !hope.another_way => {
                self.set_state(state, Some(reason), out);
                let wait = self.rules.interval().mul_f64(0.9 + rng.f64() * 0.2);
                self.wait(wait.max(hope.retry_after), now, out);
            }
            State::Suspended | State::Disconnected => {
                self.life = Life::Resting;
                self.set_state(State::Suspended, Some(reason), out);
            }
            _ => {
                if backoff::used_up(self.rules.reconnect(), self.waits) {
                    self.life = Life::Resting;
                    let used_up = Reason { code: Code::AttemptsExhausted, ..reason.clone() };
                    let used_up = used_up.with_detail(reason.code.as_str());
                    return self.set_state(State::Suspended, Some(used_up), out);
                }
                self.waits = self.waits.saturating_add(1);
                self.set_state(State::Reconnecting, Some(reason), out);
                let wait = backoff::wait(self.rules.reconnect(), self.waits, rng);
                self.wait(wait.max(hope.retry_after), now, out);
            }
        }
    }

    pub(super) fn wait(&mut self, wait: Duration, now: Moment, out: &mut Vec<Effect>) {
        self.life = Life::Waiting { until: now.mono + wait };
        out.push(Effect::Emit(EventBody::Retry { attempt: self.attempt + 1, wait, until: now.wall.plus(wait) }));
    }

    /// An attempt very soon, spread so that not all sessions dial in the same millisecond.
    pub(super) fn soon(&mut self, now: Moment, rng: &mut fastrand::Rng, out: &mut Vec<Effect>) {
        self.attempt = 0;
        self.waits = 0;
        self.wait(self.rules.reconnect().delay.mul_f64(rng.f64()), now, out);
    }
}
