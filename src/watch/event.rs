//! The one stream of events: all that the store keeps, the window shows, the exports write and the tests read.

use std::sync::Arc;
use std::time::Duration;

use super::{Audited, Message, NamespaceChange, Outcome, PongBy, Reason, SignInStep, SocketStep, State, TransportStep};
use crate::base::{ProfileId, Wall};
use crate::profile::model::Transport;
use crate::wire::{Exchange, Frame, Phase, Phases};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Rises by one an event, without holes, within one history.
    pub seq: u64,
    pub at: Wall,
    /// `None`: about the program or the machine.
    pub profile: Option<ProfileId>,
    pub body: EventBody,
}

/// What happened. Closed: a new kind does not compile until each consumer has an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum EventBody {
    /// wirewatch began to watch; what lies between this and the event before is a gap.
    Started {
        version: Box<str>,
    },
    /// wirewatch ended cleanly.
    Stopped,
    Profile {
        change: ProfileChange,
        name: Box<str>,
    },
    /// One check came to its end.
    Check(Arc<CheckReport>),
    /// An audit on the profile's schedule came to its end.
    Audited(Arc<Audited>),
    /// The profile's state changed.
    State {
        from: State,
        to: State,
        reason: Option<Reason>,
        attempt: u32,
    },
    /// A session begins its `attempt`th attempt since it was last open (1: the first).
    Attempt {
        attempt: u32,
    },
    /// A session's handshake came to its end, well or not.
    Handshake {
        attempt: u32,
        exchange: Arc<Exchange>,
        reason: Option<Reason>,
        protocol: Option<Box<str>>,
    },
    /// The next attempt is due after `wait`, at `until`.
    Retry {
        attempt: u32,
        wait: Duration,
        until: Wall,
    },
    Frame(Frame),
    /// What was sent came back after `rtt`.
    Pong {
        rtt: Duration,
        by: PongBy,
    },
    /// What became of a Socket.IO session's transport.
    Transport {
        transport: Transport,
        step: TransportStep,
    },
    /// What became of one namespace of it.
    Namespace {
        namespace: Box<str>,
        change: NamespaceChange,
    },
    /// A Socket.IO event or acknowledgement, or one that did not come.
    Message(Arc<Message>),
    /// The server's heartbeat came `gap` after the one before it (or the opening); `limit`: pingInterval + pingTimeout.
    Heartbeat {
        gap: Duration,
        limit: Duration,
    },
    /// A step of signing in.
    SignIn {
        step: SignInStep,
        exchange: Option<Arc<Exchange>>,
        reason: Option<Reason>,
    },
    /// An open session ended after `open_for`.
    Closed {
        facts: CloseFacts,
        open_for: Duration,
    },
    /// An incident began (`failures` in a row) or ended after `lasted`.
    IncidentOpened {
        reason: Option<Reason>,
        failures: u32,
    },
    IncidentClosed {
        lasted: Duration,
    },
    /// A notice about the profile went out by `way` (`desktop`, `webhook`, `command`), or could not.
    Notified {
        way: Box<str>,
        problem: Option<Box<str>>,
    },
    /// Every endpoint fails in the same phase, or there is no route or no name server: it is this machine.
    Offline {
        phase: Option<Phase>,
        affected: u32,
    },
    Online {
        after: Duration,
    },
    /// The machine slept for about so long.
    Woke {
        slept: Duration,
    },
    /// Addresses or routes of this machine changed.
    NetworkChanged,
    /// History is being kept (again), or not, and why not.
    Recording {
        on: bool,
        problem: Option<Box<str>>,
    },
    /// A consumer fell behind and `count` events did not reach it.
    Lost {
        consumer: Box<str>,
        count: u64,
    },
    /// A task panicked; it has been started again.
    Panicked {
        task: Box<str>,
        message: Box<str>,
    },
}

/// Frames and messages come in floods: whoever keeps events keeps these apart, so that they push nothing else out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    Events,
    Frames,
    Messages,
}

impl Class {
    pub const ALL: [Self; 3] = [Self::Events, Self::Frames, Self::Messages];
}

/// What became of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProfileChange {
    Added,
    Changed,
    Removed,
}

/// One check, whole, with secrets replaced.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckReport {
    pub outcome: Outcome,
    /// The state that it means.
    pub state: State,
    pub reason: Option<Reason>,
    /// When it should have started, and how much later it did: our own lateness, no part of `phases`.
    pub scheduled: Wall,
    pub lateness: Duration,
    /// The deciding exchange's phases; the total is the whole check's, preflight and redirects included.
    pub phases: Phases,
    pub status: Option<u16>,
    /// Every exchange in order: preflights, redirects, the answer.
    pub exchanges: Vec<Arc<Exchange>>,
    pub preflighted: bool,
    /// What the browser's console would show.
    pub console: Option<Box<str>>,
    /// How a WebSocket that the check opened ended.
    pub close: Option<CloseFacts>,
    /// What came of a Socket.IO connection's parts, in order.
    pub steps: Vec<SocketStep>,
    /// What was asked besides, so that one cause can be told from another; each has [`Purpose::Asked`](crate::wire::Purpose).
    pub further: Vec<Arc<Exchange>>,
}

impl CheckReport {
    /// Which of several checks of one endpoint decides: the first that failed, else the first that was slow, else the first.
    pub fn deciding(reports: &[Self]) -> Option<usize> {
        let first = |outcome: fn(Outcome) -> bool| reports.iter().position(|report| outcome(report.outcome));
        first(|outcome| matches!(outcome, Outcome::Down | Outcome::Unknown))
            .or_else(|| first(|outcome| outcome != Outcome::Up))
            .or(if reports.is_empty() { None } else { Some(0) })
    }

    /// It came out well, be it slowly.
    pub fn works(&self) -> bool {
        matches!(self.outcome, Outcome::Up | Outcome::Degraded)
    }

    /// The latency that plots and objectives use: the whole check's, and only where it came out well.
    pub fn latency(&self) -> Option<Duration> {
        match self.outcome {
            Outcome::Up | Outcome::Degraded => self.phases.total,
            Outcome::Down | Outcome::Unknown => None,
        }
    }
}

/// How a WebSocket ended, both sides of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseFacts {
    /// The close frame's code; `None` where no frame came, or one without a code.
    pub code: Option<u16>,
    pub reason: Box<str>,
    pub by: ClosedBy,
    /// What the page's script sees.
    pub script: ScriptClose,
}

impl CloseFacts {
    /// Of an end that no close frame told.
    pub fn unclean(by: ClosedBy, reason: impl Into<Box<str>>) -> Self {
        let script = ScriptClose { code: 1006, reason: "".into(), clean: false };
        Self { code: None, reason: reason.into(), by, script }
    }
}

/// Who ended it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClosedBy {
    Server,
    /// We did: asked to, or the server was dead or broke the protocol.
    Client,
    /// The connection itself broke.
    Network,
}

impl ClosedBy {
    /// Stable.
    pub fn code(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
            Self::Network => "network",
        }
    }

    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Server, Self::Client, Self::Network].into_iter().find(|by| by.code() == code)
    }
}

/// A [CloseEvent](https://websockets.spec.whatwg.org/#closeevent).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptClose {
    pub code: u16,
    pub reason: Box<str>,
    pub clean: bool,
}

impl EventBody {
    /// Stable: the kind's name in the history, in exports and in filters.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Started { .. } => "started",
            Self::Stopped => "stopped",
            Self::Profile { .. } => "profile",
            Self::Check(_) => "check",
            Self::Audited(_) => "audited",
            Self::State { .. } => "state",
            Self::Attempt { .. } => "attempt",
            Self::Handshake { .. } => "handshake",
            Self::Retry { .. } => "retry",
            Self::Frame(_) => "frame",
            Self::Pong { .. } => "pong",
            Self::Transport { .. } => "transport",
            Self::Namespace { .. } => "namespace",
            Self::Message(_) => "message",
            Self::Heartbeat { .. } => "heartbeat",
            Self::SignIn { .. } => "sign_in",
            Self::Closed { .. } => "closed",
            Self::IncidentOpened { .. } => "incident_opened",
            Self::IncidentClosed { .. } => "incident_closed",
            Self::Notified { .. } => "notified",
            Self::Offline { .. } => "offline",
            Self::Online { .. } => "online",
            Self::Woke { .. } => "woke",
            Self::NetworkChanged => "network_changed",
            Self::Recording { .. } => "recording",
            Self::Lost { .. } => "lost",
            Self::Panicked { .. } => "panicked",
        }
    }

    pub fn class(&self) -> Class {
        match self {
            Self::Frame(_) => Class::Frames,
            Self::Message(_) => Class::Messages,
            _ => Class::Events,
        }
    }

    /// The reason that it carries, if it carries one.
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Check(report) => report.reason.as_ref(),
            Self::State { reason, .. }
            | Self::Handshake { reason, .. }
            | Self::IncidentOpened { reason, .. }
            | Self::SignIn { reason, .. } => reason.as_ref(),
            Self::Transport { step, .. } => step.reason(),
            Self::Namespace { change: NamespaceChange::Refused { reason, .. }, .. } => Some(reason),
            _ => None,
        }
    }
}

impl From<crate::browser::websocket::CloseEvent> for ScriptClose {
    fn from(event: crate::browser::websocket::CloseEvent) -> Self {
        Self { code: event.code, reason: event.reason.into(), clean: event.clean }
    }
}
