//! What socket.io-client does, from a connection's first request to its end, as a machine.
//!
//! ```text
//! Down ──start──► Opening ──open packet──► Open: joining ──every namespace has answered──► Open: up
//!  ▲                 │                       │                                              │
//!  └─────────────────┴──────failed, lost─────┴──────────────────────────────────────────────┘
//! ```
//!
//! [Engine.IO](https://github.com/socketio/engine.io-protocol) carries
//! [Socket.IO](https://github.com/socketio/socket.io-protocol): polling by GET and POST, a WebSocket, or the one upgraded to the
//! other by a probe. Pure: [`Client::on`] answers each input with effects, [`Client::deadline`] says when [`Input::Tick`] is
//! due. When to connect again is not decided here but by the [session](crate::watch::session).
//!
//! Invariants: at most one GET, one POST and one WebSocket at a time; each `Start` comes to exactly one [`Effect::Over`], with
//! or without an [`Effect::Up`] before it; nothing leaves by two transports.

mod namespaces;
mod opening;
mod plan;
pub mod refusal;
mod traffic;

use std::sync::Arc;
use std::time::{Duration, Instant};

pub use self::plan::{Joined, Plan};
use crate::base::{Moment, Secret};
use crate::profile::model::Transport;
use crate::protocol::engine_io::{Kind, Revision};
use crate::protocol::socket_io::Assembler;
use crate::watch::{CloseFacts, EventBody, Message, Reason, Wanted};
use crate::wire::Direction;
use bytes::Bytes;

/// What happens to it.
#[derive(Clone, Debug)]
pub enum Input<'a> {
    /// Connect.
    Start,
    /// The GET came to its answer, which the script can read.
    Polled {
        content_type: Option<&'a str>,
        body: &'a [u8],
    },
    /// The POST was taken, `took` after it went out.
    Posted {
        took: Duration,
    },
    /// A GET or a POST came to nothing.
    PollFailed {
        reason: Reason,
    },
    /// The WebSocket opened, or not.
    Opened,
    OpenFailed {
        reason: Reason,
    },
    Text(&'a str),
    Binary(&'a [u8]),
    /// The answer to [`Effect::Ping`].
    Pong {
        nonce: u64,
    },
    /// The WebSocket ended.
    Ended {
        facts: CloseFacts,
        reason: Reason,
    },
    /// Emit this event.
    Emit(Arc<Wanted>),
    /// From the next connection on: polling alone, or what the profile says.
    PollingOnly(bool),
    /// Leave politely.
    Close,
    /// Time has passed.
    Tick,
}

/// The query of an Engine.IO request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    pub revision: Revision,
    pub transport: Transport,
    pub sid: Option<Box<str>>,
}

/// What to do, in order. No `Debug`: what goes out may hold a secret.
#[derive(Clone)]
pub enum Effect {
    Get(Query),
    Post(Query, String),
    /// Open a WebSocket.
    Open(Query),
    SendText(String),
    SendBinary(Bytes),
    /// Send a WebSocket ping that carries this number.
    Ping {
        nonce: u64,
    },
    /// Let the WebSocket of an upgrade that failed go.
    DropSocket,
    /// Let everything go; `politely`: once what was sent has gone out.
    Drop {
        politely: bool,
    },
    /// An Engine.IO packet other than an event came or went, as it stands on the wire.
    Packet {
        direction: Direction,
        binary: bool,
        payload: Bytes,
        heartbeat: bool,
    },
    /// An event or an acknowledgement came or went. Its `data` is whole.
    Message(Box<Message>),
    Tell(EventBody),
    /// Every namespace has answered, and one at least is joined; `lacking`: why another is not.
    Up {
        lacking: Option<Reason>,
    },
    /// It is up, and a namespace is not joined for this reason. `None`: all are again.
    Lacking(Option<Reason>),
    /// The connection is over.
    Over {
        facts: CloseFacts,
        reason: Reason,
        /// The next one begins with another transport.
        another_way: bool,
    },
}

/// One page's Manager and Sockets. No `Debug`: what waits to go out may hold a secret.
#[derive(Clone)]
pub struct Client {
    plan: Arc<Plan>,
    sockets: Box<[Socket]>,
    life: Life,
    /// Where in the plan's transports the next connection begins.
    begin: usize,
    polling_only: bool,
    /// As it is asked for.
    revision: Revision,
    strays: Strays,
    acks: Vec<Awaited>,
    next_ack: u64,
}

#[derive(Clone)]
enum Life {
    Down,
    Opening { transport: Transport, since: Instant, by: Instant },
    Open(Box<Open>),
}

/// A connection whose open packet has come.
#[derive(Clone)]
struct Open {
    transport: Transport,
    sid: Box<str>,
    ping_interval: Duration,
    ping_timeout: Duration,
    max_payload: Option<u64>,
    /// Until when every namespace has to have answered; `None`: it is up.
    up_by: Option<Instant>,
    /// Until when the expected events have to have come.
    expect_by: Option<Instant>,
    /// When the server's heartbeat was last heard (revision 4: its ping; 3: its pong).
    beat: Instant,
    /// Heartbeats within the present `ping_interval`.
    hurry: (Instant, u32),
    /// Revision 3: when our next ping is due, and when the one that is out went.
    our_ping: (Instant, Option<Instant>),
    upgrade: Upgrade,
    getting: bool,
    posting: bool,
    /// What waits for the transport.
    outbox: Vec<Outgoing>,
    assembler: Assembler,
    /// The WebSocket's own pings.
    frame_ping: FramePing,
}

/// What waits for the transport: the text or the bytes of a message.
#[derive(Clone)]
enum Outgoing {
    Text(String),
    Binary(Bytes),
    /// A packet of Engine.IO's own.
    Control(Kind),
}

/// [Upgrade](https://github.com/socketio/engine.io-protocol#upgrade).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Upgrade {
    /// Not begun, over, or done.
    None,
    Opening {
        since: Instant,
        by: Instant,
    },
    Probing {
        since: Instant,
        by: Instant,
    },
    /// The probe was answered; the GET that is under way has to end first.
    Pausing {
        since: Instant,
    },
}

#[derive(Clone, Copy, Debug, Default)]
struct FramePing {
    due: Option<Instant>,
    nonce: u64,
    sent: Option<Instant>,
}

/// One namespace.
#[derive(Clone, Debug)]
struct Socket {
    state: SocketState,
    sid: Option<Box<str>>,
    recovery: Option<Box<Recovery>>,
    /// Which of the expected events have not come yet, by their place in the plan.
    missing: Vec<usize>,
    /// Emitted before it was joined.
    waiting: Vec<Arc<Wanted>>,
}

#[derive(Clone, Debug)]
enum SocketState {
    Out,
    Asked {
        since: Instant,
    },
    Joined,
    /// Asked again at that time.
    Refused {
        reason: Reason,
        again: Instant,
    },
}

/// [Connection state recovery](https://socket.io/docs/v4/connection-state-recovery): what a client says to get back what it missed.
#[derive(Clone, Debug)]
struct Recovery {
    pid: Secret,
    offset: Option<Box<str>>,
}

/// Sessions that the server no longer knew though it had just opened them: one may be a restart, several are requests that
/// reach different workers.
#[derive(Clone, Copy, Debug, Default)]
struct Strays {
    handshakes: u32,
    lost: u32,
    /// The present one is among the lost: its upgrade and its polls may each be told so.
    this: bool,
}

/// An acknowledgement that is waited for.
#[derive(Clone, Debug)]
struct Awaited {
    namespace: usize,
    id: u64,
    event: Box<str>,
    sent: Instant,
    until: Instant,
}

impl Client {
    pub fn new(plan: Arc<Plan>) -> Self {
        let sockets = plan.namespaces.iter().map(|_| Socket::default()).collect();
        let revision = plan.revision().unwrap_or(Revision::V4);
        Self {
            plan,
            sockets,
            life: Life::Down,
            begin: 0,
            polling_only: false,
            revision,
            strays: Strays::default(),
            acks: Vec::new(),
            next_ack: 0,
        }
    }

    /// Whether every namespace has answered and one at least is joined.
    pub fn is_up(&self) -> bool {
        matches!(&self.life, Life::Open(open) if open.up_by.is_none())
    }

    /// Whether its open packet is still to come.
    pub fn is_opening(&self) -> bool {
        matches!(self.life, Life::Opening { .. })
    }

    /// Whether an upgrade is still to come or under way.
    pub fn is_upgrading(&self) -> bool {
        matches!(&self.life, Life::Open(open) if open.upgrade != Upgrade::None)
    }

    /// Whether nothing of getting there is left: it is up and has its transport, or it is over.
    pub fn is_settled(&self) -> bool {
        matches!(self.life, Life::Down) || self.is_up() && !self.is_upgrading()
    }

    /// Whether every expected event has come.
    pub fn has_what_it_expects(&self) -> bool {
        matches!(&self.life, Life::Open(open) if open.expect_by.is_none())
    }

    /// When [`Input::Tick`] is next due.
    pub fn deadline(&self) -> Option<Instant> {
        let open = match &self.life {
            Life::Down => return None,
            Life::Opening { by, .. } => return Some(*by),
            Life::Open(open) => open,
        };
        let again = self.sockets.iter().filter_map(|socket| match &socket.state {
            SocketState::Refused { again, .. } => Some(*again),
            SocketState::Out | SocketState::Asked { .. } | SocketState::Joined => None,
        });
        let upgrade = match open.upgrade {
            Upgrade::Opening { by, .. } | Upgrade::Probing { by, .. } => Some(by),
            Upgrade::None | Upgrade::Pausing { .. } => None,
        };
        let our_ping = (self.revision == Revision::V3 && open.our_ping.1.is_none()).then_some(open.our_ping.0);
        [open.up_by, open.expect_by, upgrade, our_ping, open.frame_ping.due, Some(self.heartbeat_by(open))]
            .into_iter()
            .flatten()
            .chain(again)
            .chain(self.acks.iter().map(|ack| ack.until))
            .min()
    }

    /// Takes one input and appends what is to be done to `out`.
    pub fn on(&mut self, input: Input<'_>, now: Moment, out: &mut Vec<Effect>) {
        match input {
            Input::Start => self.start(now, out),
            Input::Polled { content_type, body } => self.polled(content_type, body, now, out),
            Input::Posted { took } => self.posted(took, now, out),
            Input::PollFailed { reason } => self.poll_failed(reason, now, out),
            Input::Opened => self.socket_opened(now, out),
            Input::OpenFailed { reason } => self.socket_failed(reason, now, out),
            Input::Text(text) => self.text(text, now, out),
            Input::Binary(bytes) => self.binary(bytes, now, out),
            Input::Pong { nonce } => self.frame_pong(nonce, now, out),
            Input::Ended { facts, reason } => self.socket_ended(facts, reason, now, out),
            Input::Emit(wanted) => self.emit(&wanted, now, out),
            Input::PollingOnly(on) => self.polling_only = on,
            Input::Close => self.close(out),
            Input::Tick => self.tick(now, out),
        }
    }

    fn tick(&mut self, now: Moment, out: &mut Vec<Effect>) {
        match &self.life {
            Life::Down => {}
            Life::Opening { by, .. } if *by <= now.mono => self.gave_no_answer(out),
            Life::Opening { .. } => {}
            Life::Open(_) => self.tick_open(now, out),
        }
    }
}

impl Default for Socket {
    fn default() -> Self {
        Self { state: SocketState::Out, sid: None, recovery: None, missing: Vec::new(), waiting: Vec::new() }
    }
}

impl Query {
    /// As it stands in the URL; `stamp` makes each one different, as engine.io-client does against caches.
    pub fn pairs(&self, stamp: u64) -> Vec<(&'static str, String)> {
        let mut pairs =
            vec![("EIO", self.revision.number().to_string()), ("transport", self.transport.word().to_owned())];
        if self.transport == Transport::Polling {
            pairs.push(("t", base36(stamp)));
        }
        pairs.extend(self.sid.as_deref().map(|sid| ("sid", sid.to_owned())));
        pairs
    }
}

fn base36(mut number: u64) -> String {
    let mut digits = Vec::new();
    loop {
        digits.push(b"0123456789abcdefghijklmnopqrstuvwxyz"[(number % 36) as usize]);
        number /= 36;
        if number == 0 {
            digits.reverse();
            return digits.into_iter().map(char::from).collect();
        }
    }
}

#[cfg(test)]
mod tests;
