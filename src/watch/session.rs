//! The session machine: what a persistent connection does next, and what is said about it.
//!
//! ```text
//! Resting ──connect──► Dialling ──opened──► Open
//!    ▲                  │    ▲               │
//!    │             failed  due            ended, dead
//!    │                  ▼    │               │
//!    └──used up──────  Waiting  ◄────────────┘
//! ```
//!
//! Pure: time and chance are arguments; [`Session::on`] answers each input with effects, and [`Session::deadline`] says when
//! to call again with [`Input::Tick`]. Invariants: at most one connection or dial at a time ([`Effect::Dial`] replaces
//! whatever there is); every loss of an open connection emits exactly one `Closed`; a wait always emits its `Retry`.
//!
//! Failures that retrying alone won't mend ([`state_for`]) keep their word (`error`, `auth_required`, `cors_error`) and are
//! tried again all the same, slowly, at the profile's `interval`; the word stays while such an attempt is under way, and,
//! where the connection had been accepted and closed again, until the new one has proved itself.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{
    CloseFacts, ClosedBy, Code, EventBody, Reason, ScriptClose, SessionRules, State, backoff, meaning::state_for,
};
use crate::base::{Moment, Secret};
use crate::wire::{Exchange, Frame, NetError};

/// How long a connection has to last that follows one which was accepted and then closed for a lasting reason.
const PROVEN_AFTER: Duration = Duration::from_secs(3);
/// How long an open connection has for a pong after this machine's network changed.
const PROOF: Duration = Duration::from_secs(5);
/// The most of a message that `answers` and `expect` look at, in bytes.
const MATCHED: usize = 64 * 1024;

/// What happens to a session.
#[derive(Clone, Debug)]
pub enum Input<'a> {
    /// Begin, or begin again after a disconnect, a pause or used-up attempts.
    Connect,
    /// A person's wish: close and stay closed.
    Disconnect,
    Pause,
    Resume,
    /// Drop what there is and connect at once, attempts counted anew.
    Reconnect,
    /// wirewatch ends, or the profile is gone or changed: close with 1001.
    Stop,
    /// Send this, as a person asked.
    Say(Secret),
    /// The dial came to a 101 that holds.
    Opened {
        exchange: Arc<Exchange>,
        protocol: Option<Box<str>>,
    },
    /// The dial failed. No exchange where nothing was sent.
    Failed {
        exchange: Option<Arc<Exchange>>,
        reason: Reason,
    },
    /// A text message (`Some`) or a binary one.
    Message {
        text: Option<&'a str>,
        frame: Frame,
    },
    /// The server's ping, answered already.
    Ping {
        frame: Frame,
    },
    /// `nonce`: what our ping carried, where it is ours.
    Pong {
        nonce: Option<u64>,
        frame: Frame,
    },
    /// The open connection ended, by a close frame or without one.
    Ended {
        facts: CloseFacts,
        error: Option<NetError>,
    },
    /// This machine is offline: dials are pointless.
    Offline,
    Online,
    /// This machine slept: connections are dead, whatever they look like.
    Woke,
    NetworkChanged,
    /// This machine no longer has the address that the open connection began with.
    AddressLost,
    /// Time has passed.
    Tick,
}

/// What to do.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Start a dial; a connection or a dial that is still there is dropped.
    Dial,
    /// Send a text message.
    Send {
        text: Secret,
        heartbeat: bool,
    },
    /// Send a ping that carries this number.
    Ping {
        nonce: u64,
    },
    /// Close the connection with this code (`None`: just drop it), or abandon the dial.
    HangUp {
        code: Option<u16>,
    },
    Emit(EventBody),
}

/// One session.
#[derive(Clone, Debug)]
pub struct Session {
    rules: Arc<SessionRules>,
    life: Life,
    state: State,
    reason: Option<Reason>,
    /// Attempts since it was last open, or since a person asked anew.
    attempt: u32,
    /// Waits of the back-off since then.
    waits: u32,
    holds: Holds,
}

/// What keeps a session from trying.
#[derive(Clone, Copy, Debug)]
struct Holds {
    unwanted: bool,
    paused: bool,
    offline: bool,
}

#[derive(Clone, Debug)]
enum Life {
    Resting,
    Waiting { until: Instant },
    Dialling,
    Open(Open),
}

#[derive(Clone, Debug)]
struct Open {
    since: Instant,
    heard: Instant,
    ping_due: Option<Instant>,
    awaited: Option<Awaited>,
    nonce: u64,
    expect_by: Option<Instant>,
    /// On probation until then; the state's word stays what it was.
    proven_at: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Awaited {
    nonce: u64,
    sent: Instant,
    until: Instant,
}

impl Session {
    /// A session at rest, `disconnected` until it gets [`Input::Connect`].
    pub fn new(rules: Arc<SessionRules>) -> Self {
        Self {
            rules,
            life: Life::Resting,
            state: State::Disconnected,
            reason: None,
            attempt: 0,
            waits: 0,
            holds: Holds { unwanted: true, paused: false, offline: false },
        }
    }

    pub fn state(&self) -> State {
        self.state
    }

    pub fn reason(&self) -> Option<&Reason> {
        self.reason.as_ref()
    }

    pub fn is_open(&self) -> bool {
        matches!(self.life, Life::Open(_))
    }

    /// Whether a dial is under way.
    pub fn is_dialling(&self) -> bool {
        matches!(self.life, Life::Dialling)
    }

    /// Whether the expected message has come, where the profile expects one.
    pub fn has_what_it_expects(&self) -> bool {
        match &self.life {
            Life::Open(open) => open.expect_by.is_none(),
            Life::Resting | Life::Waiting { .. } | Life::Dialling => false,
        }
    }

    /// Takes a connection that a check has opened for itself, as if the machine had dialled it.
    pub fn adopt(&mut self, now: Moment, out: &mut Vec<Effect>) {
        self.life = Life::Dialling;
        self.open(now, out);
    }

    /// When [`Input::Tick`] is next due.
    pub fn deadline(&self) -> Option<Instant> {
        match &self.life {
            Life::Resting | Life::Dialling => None,
            Life::Waiting { until } => Some(*until),
            Life::Open(open) => [
                self.rules.idle().map(|idle| open.heard + idle),
                open.awaited.map_or(open.ping_due, |awaited| Some(awaited.until)),
                open.expect_by,
                open.proven_at,
            ]
            .into_iter()
            .flatten()
            .min(),
        }
    }

    /// Takes one input and appends what is to be done to `out`.
    pub fn on(&mut self, input: Input<'_>, now: Moment, rng: &mut fastrand::Rng, out: &mut Vec<Effect>) {
        match input {
            Input::Connect => {
                self.holds.unwanted = false;
                self.holds.paused = false;
                match self.life {
                    Life::Resting if self.holds.offline => self.rest(out),
                    Life::Resting => self.dial_anew(State::Connecting, out),
                    Life::Waiting { .. } | Life::Dialling | Life::Open(_) => {}
                }
            }
            Input::Disconnect => {
                self.holds.unwanted = true;
                self.drop_connection(Some(1000), now, out);
                self.rest(out);
            }
            Input::Stop => {
                self.holds.unwanted = true;
                self.drop_connection(Some(1001), now, out);
                self.rest(out);
            }
            Input::Pause => {
                self.holds.paused = true;
                self.drop_connection(Some(1000), now, out);
                self.rest(out);
            }
            Input::Resume => {
                let was = std::mem::replace(&mut self.holds.paused, false);
                if was && !self.is_held() {
                    self.dial_anew(State::Connecting, out);
                } else if was {
                    self.rest(out);
                }
            }
            Input::Reconnect => {
                self.holds.unwanted = false;
                self.holds.paused = false;
                self.drop_connection(Some(1000), now, out);
                self.dial_anew(State::Connecting, out);
            }
            Input::Say(text) => {
                if self.is_open() {
                    out.push(Effect::Send { text, heartbeat: false });
                }
            }
            Input::Opened { exchange, protocol } => self.opened(exchange, protocol, now, out),
            Input::Failed { exchange, reason } => {
                if !self.is_dialling() {
                    return; // Of a dial that was abandoned.
                }
                if let Some(exchange) = exchange {
                    out.push(Effect::Emit(EventBody::Handshake {
                        attempt: self.attempt,
                        exchange,
                        reason: Some(reason.clone()),
                        protocol: None,
                    }));
                }
                self.failed(reason, now, rng, out);
            }
            Input::Message { text, frame } => self.message(text, frame, now, out),
            Input::Ping { frame } => self.heard(frame, now, out),
            Input::Pong { nonce, frame } => {
                self.heard(frame, now, out);
                if let Life::Open(open) = &mut self.life
                    && let Some(awaited) = open.awaited
                    && nonce == Some(awaited.nonce)
                {
                    open.awaited = None;
                    // A fixed cadence: from the ping, not from its answer.
                    open.ping_due = self.rules.ping().map(|every| (awaited.sent + every).max(now.mono));
                    let rtt = now.mono.saturating_duration_since(awaited.sent);
                    out.push(Effect::Emit(EventBody::Pong { rtt }));
                }
            }
            Input::Ended { facts, error } => {
                if let Some(open) = self.take_open() {
                    let reason = reason_of_end(&facts, error.as_ref());
                    out.push(Effect::Emit(closed(facts, &open, now)));
                    self.failed(reason, now, rng, out);
                }
            }
            Input::Offline => {
                self.holds.offline = true;
                // One that is open may well live on; its pings will tell.
                if !self.is_open() && !self.holds.unwanted && !self.holds.paused {
                    self.drop_connection(None, now, out);
                    self.rest(out);
                }
            }
            Input::Online => {
                let was = std::mem::replace(&mut self.holds.offline, false);
                if was && !self.is_held() && matches!(self.life, Life::Resting) {
                    self.soon(now, rng, out);
                }
            }
            Input::Woke => self.cut_off(Code::Woke, now, rng, out),
            Input::AddressLost => self.cut_off(Code::Offline, now, rng, out),
            Input::NetworkChanged => self.network_changed(now, rng, out),
            Input::Tick => self.tick(now, rng, out),
        }
    }

    fn is_held(&self) -> bool {
        self.holds.unwanted || self.holds.paused || self.holds.offline
    }

    fn take_open(&mut self) -> Option<Open> {
        match std::mem::replace(&mut self.life, Life::Resting) {
            Life::Open(open) => Some(open),
            other @ (Life::Resting | Life::Waiting { .. } | Life::Dialling) => {
                self.life = other;
                None
            }
        }
    }

    /// Says the state, where it or its reason changed.
    fn set_state(&mut self, to: State, reason: Option<Reason>, out: &mut Vec<Effect>) {
        if self.state == to && self.reason == reason {
            return;
        }
        let from = std::mem::replace(&mut self.state, to);
        self.reason.clone_from(&reason);
        out.push(Effect::Emit(EventBody::State { from, to, reason, attempt: self.attempt }));
    }

    /// No connection and no attempt, for the strongest of the holds.
    fn rest(&mut self, out: &mut Vec<Effect>) {
        self.life = Life::Resting;
        let (state, code) = match self.holds {
            Holds { unwanted: true, .. } => (State::Disconnected, Code::Asked),
            Holds { paused: true, .. } => (State::Suspended, Code::Paused),
            Holds { .. } => (State::Suspended, Code::Offline),
        };
        self.set_state(state, Some(Reason::new(code)), out);
    }

    fn dial_anew(&mut self, word: State, out: &mut Vec<Effect>) {
        self.attempt = 0;
        self.waits = 0;
        self.set_state(word, None, out);
        self.dial(out);
    }

    fn dial(&mut self, out: &mut Vec<Effect>) {
        self.life = Life::Dialling;
        self.attempt = self.attempt.saturating_add(1);
        out.push(Effect::Emit(EventBody::Attempt { attempt: self.attempt }));
        out.push(Effect::Dial);
    }

    /// Lets go of the connection or the dial that there is.
    fn drop_connection(&mut self, code: Option<u16>, now: Moment, out: &mut Vec<Effect>) {
        if let Some(open) = self.take_open() {
            out.push(Effect::HangUp { code });
            out.push(Effect::Emit(closed(facts_of_ours(code), &open, now)));
        } else if self.is_dialling() {
            self.life = Life::Resting;
            out.push(Effect::HangUp { code: None });
        }
    }

    fn opened(&mut self, exchange: Arc<Exchange>, protocol: Option<Box<str>>, now: Moment, out: &mut Vec<Effect>) {
        if !self.is_dialling() {
            out.push(Effect::HangUp { code: Some(1000) });
            return;
        }
        out.push(Effect::Emit(EventBody::Handshake { attempt: self.attempt, exchange, reason: None, protocol }));
        self.open(now, out);
    }

    fn open(&mut self, now: Moment, out: &mut Vec<Effect>) {
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
        if !on_probation {
            self.connected(out);
        }
        for text in &self.rules.send {
            out.push(Effect::Send { text: text.clone(), heartbeat: false });
        }
    }

    fn connected(&mut self, out: &mut Vec<Effect>) {
        self.attempt = 0;
        self.waits = 0;
        self.set_state(State::Connected, None, out);
    }

    fn heard(&mut self, frame: Frame, now: Moment, out: &mut Vec<Effect>) {
        if let Life::Open(open) = &mut self.life {
            open.heard = now.mono;
            out.push(Effect::Emit(EventBody::Frame(frame)));
        }
    }

    fn message(&mut self, text: Option<&str>, mut frame: Frame, now: Moment, out: &mut Vec<Effect>) {
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

    /// A dial or an open connection came to nothing.
    fn failed(&mut self, reason: Reason, now: Moment, rng: &mut fastrand::Rng, out: &mut Vec<Effect>) {
        if self.is_held() {
            return self.rest(out);
        }
        match state_for(&reason) {
            state @ (State::Error | State::AuthRequired | State::CorsError) => {
                self.set_state(state, Some(reason), out);
                let wait = self.rules.interval().mul_f64(0.9 + rng.f64() * 0.2);
                self.wait(wait, now, out);
            }
            State::Suspended | State::Disconnected => {
                self.life = Life::Resting;
                self.set_state(State::Suspended, Some(reason), out);
            }
            State::Reconnecting | State::Connected | State::Connecting => {
                if backoff::used_up(self.rules.reconnect(), self.waits) {
                    self.life = Life::Resting;
                    let used_up = Reason { code: Code::AttemptsExhausted, ..reason.clone() };
                    let used_up = used_up.with_detail(reason.code.as_str());
                    return self.set_state(State::Suspended, Some(used_up), out);
                }
                self.waits = self.waits.saturating_add(1);
                self.set_state(State::Reconnecting, Some(reason), out);
                let wait = backoff::wait(self.rules.reconnect(), self.waits, rng);
                self.wait(wait, now, out);
            }
        }
    }

    fn wait(&mut self, wait: Duration, now: Moment, out: &mut Vec<Effect>) {
        self.life = Life::Waiting { until: now.mono + wait };
        out.push(Effect::Emit(EventBody::Retry { attempt: self.attempt + 1, wait, until: now.wall.plus(wait) }));
    }

    /// An attempt very soon, spread so that not all sessions dial in the same millisecond.
    fn soon(&mut self, now: Moment, rng: &mut fastrand::Rng, out: &mut Vec<Effect>) {
        self.attempt = 0;
        self.waits = 0;
        self.wait(self.rules.reconnect().delay.mul_f64(rng.f64()), now, out);
    }

    /// What there was is dead through this machine's doing, and it can try again now.
    fn cut_off(&mut self, why: Code, now: Moment, rng: &mut fastrand::Rng, out: &mut Vec<Effect>) {
        if self.is_held() {
            return;
        }
        self.drop_connection(None, now, out);
        self.set_state(State::Suspended, Some(Reason::new(why)), out);
        self.soon(now, rng, out);
    }

    fn network_changed(&mut self, now: Moment, rng: &mut fastrand::Rng, out: &mut Vec<Effect>) {
        if self.is_held() {
            return;
        }
        match &mut self.life {
            // One more interface says nothing about this connection: ask it. Without pings its own end has to tell.
            Life::Open(open) if self.rules.ping().is_some() => {
                let until = now.mono + PROOF.min(self.rules.timeout());
                match &mut open.awaited {
                    Some(awaited) => awaited.until = awaited.until.min(until),
                    None => ping(open, until, now, out),
                }
            }
            Life::Open(_) | Life::Dialling => {}
            Life::Waiting { .. } | Life::Resting => self.soon(now, rng, out),
        }
    }

    fn tick(&mut self, now: Moment, rng: &mut fastrand::Rng, out: &mut Vec<Effect>) {
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= now.mono);
        match &mut self.life {
            Life::Resting | Life::Dialling => {}
            Life::Waiting { until } => {
                if *until <= now.mono {
                    // A lasting failure keeps its word until an attempt comes out otherwise.
                    if self.state == State::Suspended {
                        let reason = self.reason.clone();
                        self.set_state(State::Reconnecting, reason, out);
                    }
                    self.dial(out);
                }
            }
            Life::Open(open) => {
                if due(open.awaited.map(|awaited| awaited.until)) {
                    return self.dead(None, Code::NoPong, now, rng, out);
                }
                if due(self.rules.idle().map(|idle| open.heard + idle)) {
                    return self.dead(None, Code::Idle, now, rng, out);
                }
                if due(open.expect_by) {
                    return self.dead(Some(1000), Code::ExpectedMessageMissing, now, rng, out);
                }
                if open.awaited.is_none() && due(open.ping_due) {
                    let until = now.mono + self.rules.timeout();
                    ping(open, until, now, out);
                }
                if due(open.proven_at) {
                    open.proven_at = None;
                    self.connected(out);
                }
            }
        }
    }

    /// We give the open connection up.
    fn dead(&mut self, code: Option<u16>, why: Code, now: Moment, rng: &mut fastrand::Rng, out: &mut Vec<Effect>) {
        self.drop_connection(code, now, out);
        self.failed(Reason::new(why), now, rng, out);
    }
}

fn ping(open: &mut Open, until: Instant, now: Moment, out: &mut Vec<Effect>) {
    open.nonce += 1;
    open.awaited = Some(Awaited { nonce: open.nonce, sent: now.mono, until });
    out.push(Effect::Ping { nonce: open.nonce });
}

fn closed(facts: CloseFacts, open: &Open, now: Moment) -> EventBody {
    EventBody::Closed { facts, open_for: now.mono.saturating_duration_since(open.since) }
}

/// What stands in the record where we hang up: with a code, as a page's script that closes; without, as one whose
/// connection just broke.
fn facts_of_ours(code: Option<u16>) -> CloseFacts {
    let script = ScriptClose { code: code.unwrap_or(1006), reason: "".into(), clean: code.is_some() };
    CloseFacts { code, reason: "".into(), by: ClosedBy::Client, script }
}

/// Why an open connection ended.
pub fn reason_of_end(facts: &CloseFacts, error: Option<&NetError>) -> Reason {
    match (facts.code, error) {
        (_, Some(error @ (NetError::WebSocketProtocol { .. } | NetError::MessageTooLarge { .. }))) => {
            Reason::from(error)
        }
        (Some(code), _) => Reason::new(Code::Closed).with_close(code).with_detail(&facts.reason),
        // A close frame without a code reads as 1005.
        (None, None) if facts.script.clean => Reason::new(Code::Closed).with_close(1005),
        (None, Some(error)) => {
            Reason::new(Code::ClosedAbnormally).with_close(facts.script.code).with_detail(error.key())
        }
        (None, None) => Reason::new(Code::ClosedAbnormally).with_close(facts.script.code),
    }
}

/// Whether the reason is one that comes after the server had accepted.
fn ends_an_accepted_connection(reason: &Reason) -> bool {
    matches!(
        reason.code,
        Code::Closed | Code::ExpectedMessageMissing | Code::Silent | Code::WebSocketProtocol | Code::MessageTooLarge
    )
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
