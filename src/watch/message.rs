//! What a Socket.IO session says of itself: its transport, its namespaces, its messages, its signing in.
//!
//! Invariant: every closed list here has stable codes that read back; the history and the exports are written in them.

use std::time::Duration;

use super::{ClosedBy, Reason};
use crate::profile::model::Transport;
use crate::wire::Direction;
use crate::wire::frame::PREVIEW;

/// What became of a Socket.IO session's transport.
#[derive(Clone, Debug, PartialEq)]
pub enum TransportStep {
    /// The open packet came `took` after the first request.
    Opened {
        /// Engine.IO's, 3 or 4.
        revision: u8,
        /// It is polling, and the server offers WebSocket.
        upgradable: bool,
        ping_interval: Duration,
        ping_timeout: Duration,
        /// Bytes of one payload; `None`: the server names no limit.
        max_payload: Option<u64>,
        took: Duration,
    },
    /// The WebSocket of the upgrade is asked for.
    Probing,
    /// The session goes on over this transport, `took` after [`Probing`](Self::Probing).
    Upgraded { took: Duration },
    /// It stays on polling.
    Stuck { why: Stuck, reason: Option<Reason> },
    /// After `reason` the next attempt begins with this transport, not with `from`.
    FellBack { from: Transport, reason: Reason },
}

impl TransportStep {
    /// Stable.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Opened { .. } => "opened",
            Self::Probing => "probing",
            Self::Upgraded { .. } => "upgraded",
            Self::Stuck { .. } => "stuck",
            Self::FellBack { .. } => "fell_back",
        }
    }

    /// The reason that it carries, if it carries one.
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Stuck { reason, .. } => reason.as_ref(),
            Self::FellBack { reason, .. } => Some(reason),
            Self::Opened { .. } | Self::Probing | Self::Upgraded { .. } => None,
        }
    }

    /// The same with its reason changed.
    pub fn map_reason(self, change: impl FnOnce(Reason) -> Reason) -> Self {
        match self {
            Self::Stuck { why, reason } => Self::Stuck { why, reason: reason.map(change) },
            Self::FellBack { from, reason } => Self::FellBack { from, reason: change(reason) },
            other @ (Self::Opened { .. } | Self::Probing | Self::Upgraded { .. }) => other,
        }
    }
}

/// What became of one part of a Socket.IO connection, `at` after it began.
#[derive(Clone, Debug, PartialEq)]
pub struct SocketStep {
    pub at: Duration,
    pub what: SocketChange,
}

/// Which part, and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub enum SocketChange {
    Transport { transport: Transport, step: TransportStep },
    Namespace { namespace: Box<str>, change: NamespaceChange },
}

/// Why a session stays on polling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stuck {
    /// The server said `upgrades: []`.
    NotOffered,
    /// The profile's transports, or a person's "polling only", leave WebSocket out.
    NotWanted,
    /// The WebSocket's handshake failed: the reason says how.
    Refused,
    /// 101, and the probe had no answer in time.
    Unanswered,
    /// 101, and something else came in its place.
    WrongAnswer,
    /// It broke during the probe.
    Lost,
}

impl Stuck {
    pub const ALL: [Self; 6] =
        [Self::NotOffered, Self::NotWanted, Self::Refused, Self::Unanswered, Self::WrongAnswer, Self::Lost];

    /// Stable.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotOffered => "not_offered",
            Self::NotWanted => "not_wanted",
            Self::Refused => "refused",
            Self::Unanswered => "unanswered",
            Self::WrongAnswer => "wrong_answer",
            Self::Lost => "lost",
        }
    }

    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|why| why.code() == code)
    }
}

/// What became of a namespace.
#[derive(Clone, Debug, PartialEq)]
pub enum NamespaceChange {
    Joined {
        /// The namespace's socket id; revision 3 names none.
        sid: Option<Box<str>>,
        took: Duration,
        /// The server took the state of the connection before up again.
        recovered: bool,
    },
    Refused {
        reason: Reason,
        /// CONNECT_ERROR's payload, JSON.
        data: Box<str>,
    },
    Left {
        by: ClosedBy,
    },
}

impl NamespaceChange {
    /// Stable.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Joined { .. } => "joined",
            Self::Refused { .. } => "refused",
            Self::Left { .. } => "left",
        }
    }

    /// The reason that it carries, if it carries one.
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Refused { reason, .. } => Some(reason),
            Self::Joined { .. } | Self::Left { .. } => None,
        }
    }
}

/// A Socket.IO event or acknowledgement, or an acknowledgement that did not come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub direction: Direction,
    pub kind: MessageKind,
    pub namespace: Box<str>,
    /// The event's name; of an acknowledgement, that of the event it answers (empty where unknown).
    pub event: Box<str>,
    /// The arguments as a JSON array, secrets replaced, cut like a frame's payload.
    pub data: Box<str>,
    /// Bytes of the whole, attachments included.
    pub size: u64,
    pub attachments: u32,
    /// The acknowledgement's number, where one is asked for or given.
    pub id: Option<u64>,
    /// How long the acknowledgement took, or was waited for.
    pub took: Option<Duration>,
    /// `room` or `room_id` of the first argument, where that is an object and has one.
    pub room: Option<Box<str>>,
    /// `user_id`, `user` or `username` likewise.
    pub user: Option<Box<str>>,
    /// The namespace's socket id.
    pub sid: Option<Box<str>>,
}

impl Message {
    /// Whether `data` is only the beginning of the arguments.
    pub fn is_cut(&self) -> bool {
        // It ends where the last character that fits does.
        PREVIEW - 3 <= self.data.len() && !self.data.ends_with(']')
    }
}

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MessageKind {
    Event,
    Ack,
    /// None came within its time.
    AckMissing,
}

impl MessageKind {
    pub const ALL: [Self; 3] = [Self::Event, Self::Ack, Self::AckMissing];

    /// Stable.
    pub fn code(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Ack => "ack",
            Self::AckMissing => "ack_missing",
        }
    }
}

/// A step of signing in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SignInStep {
    /// The form's page was read.
    Form,
    /// The form was sent.
    Submitted,
    /// The check of the session.
    Checked,
    /// The session is over; it will be signed in again.
    Expired,
}

impl SignInStep {
    pub const ALL: [Self; 4] = [Self::Form, Self::Submitted, Self::Checked, Self::Expired];

    /// Stable.
    pub fn code(self) -> &'static str {
        match self {
            Self::Form => "form",
            Self::Submitted => "submitted",
            Self::Checked => "checked",
            Self::Expired => "expired",
        }
    }
}

/// By what a round trip was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PongBy {
    /// A WebSocket ping frame.
    Frame,
    /// An Engine.IO 3 ping packet.
    EnginePing,
    /// An acknowledged event.
    Ack,
    /// A POST of the polling transport.
    Post,
}

impl PongBy {
    pub const ALL: [Self; 4] = [Self::Frame, Self::EnginePing, Self::Ack, Self::Post];

    /// Stable.
    pub fn code(self) -> &'static str {
        match self {
            Self::Frame => "frame",
            Self::EnginePing => "engine_ping",
            Self::Ack => "ack",
            Self::Post => "post",
        }
    }
}

/// An event that someone wants sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    pub namespace: String,
    pub event: String,
    /// The arguments.
    pub data: Vec<serde_json::Value>,
    /// An acknowledgement is asked for.
    pub ack: bool,
    /// Dropped, not kept, where it can't be sent at once.
    pub volatile: bool,
}
