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
//!
//! Where the profile has a login, a refusal for want of credentials first leads there and straight back; the second in a row
//! rests like any other.

mod clock;
mod end;
mod login;
mod moves;

use std::sync::Arc;
use std::time::{Duration, Instant};

pub use self::end::reason_of_end;
use super::{CloseFacts, Code, EventBody, PongBy, Reason, SessionRules, State, Wanted};
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
    /// Send this Socket.IO event, as a person asked.
    Emit(Arc<Wanted>),
    /// Leave WebSocket out, or use it again.
    PollingOnly(bool),
    /// The dial came to a 101 that holds.
    Opened {
        exchange: Arc<Exchange>,
        protocol: Option<Box<str>>,
        /// Of a Socket.IO connection: why a namespace is not joined.
        lacking: Option<Reason>,
    },
    /// The dial failed. No exchange where nothing was sent.
    Failed {
        exchange: Option<Arc<Exchange>>,
        reason: Reason,
        /// The server asked for so long a wait.
        retry_after: Option<Duration>,
        /// The next attempt is made in another way, which may do.
        another_way: bool,
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
    /// The open Socket.IO connection is over.
    Over {
        facts: CloseFacts,
        reason: Reason,
    },
    /// It is open, and a namespace is not joined for this reason; `None`: all are.
    Lacking(Option<Reason>),
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
    /// What the login brought holds no longer; the next dial signs in again.
    SignOut,
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
    /// It was signed in again since it was last connected.
    renewed: bool,
    holds: Holds,
}

/// What keeps a session from trying.
#[derive(Clone, Copy, Debug)]
struct Holds {
    unwanted: bool,
    paused: bool,
    offline: bool,
}

/// What is known of the next attempt.
#[derive(Clone, Copy, Debug, Default)]
struct Hope {
    /// None before that.
    retry_after: Duration,
    /// It is made in another way than the one that failed.
    another_way: bool,
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
            renewed: false,
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
        self.open(None, now, out);
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
            // A WebSocket's session has neither events nor a choice of transports.
            Input::Emit(_) | Input::PollingOnly(_) => {}
            Input::Opened { exchange, protocol, lacking } => self.opened(exchange, protocol, lacking, now, out),
            Input::Failed { exchange, reason, retry_after, another_way } => {
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
                let hope = Hope { retry_after: retry_after.unwrap_or_default(), another_way };
                self.failed(reason, hope, now, rng, out);
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
                    out.push(Effect::Emit(EventBody::Pong { rtt, by: PongBy::Frame }));
                }
            }
            Input::Ended { facts, error } => {
                let reason = reason_of_end(&facts, error.as_ref());
                self.lost(facts, reason, now, rng, out);
            }
            Input::Over { facts, reason } => self.lost(facts, reason, now, rng, out),
            Input::Lacking(reason) => self.lacking(reason, now, out),
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
}

#[cfg(test)]
mod tests;
