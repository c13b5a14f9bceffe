//! What is known of a Socket.IO session now: its transport and why it is that, its namespaces, its heartbeat's limit.
//!
//! Invariant: what belongs to a connection goes with it; why it stayed on polling stays known until the next one opens.

use std::time::Duration;

use crate::base::Wall;
use crate::profile::model::Transport;
use crate::watch::{
    ClosedBy, Event, EventBody, Message, MessageKind, NamespaceChange, PongBy, Reason, Stuck, TransportStep,
};
use crate::wire::Direction;

/// More namespaces than this are not remembered.
const NAMESPACES: usize = 64;

/// One session.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SocketIoSeen {
    /// `None`: it is not open.
    pub open: Option<Opened>,
    /// Why it stays, or last stayed, on polling.
    pub stuck: Option<(Stuck, Option<Reason>)>,
    /// When, from which transport, and why the next attempts begin with another one.
    pub fell_back: Option<(Wall, Transport, Reason)>,
    /// By name.
    pub namespaces: Vec<NamespaceSeen>,
    /// The most that may lie between two heartbeats, by the last one.
    pub heartbeat_limit: Option<Duration>,
    /// By what the last round trip was measured.
    pub measured_by: Option<PongBy>,
    pub counts: Counts,
}

/// An open Engine.IO session.
#[derive(Clone, Debug, PartialEq)]
pub struct Opened {
    /// The one in use, and since when.
    pub transport: Transport,
    pub since: Wall,
    /// The upgrade is being tried.
    pub probing: bool,
    /// Engine.IO's.
    pub revision: u8,
    pub ping_interval: Duration,
    pub ping_timeout: Duration,
}

/// One namespace.
#[derive(Clone, Debug, PartialEq)]
pub struct NamespaceSeen {
    pub name: Box<str>,
    pub since: Wall,
    pub state: NamespaceState,
}

/// How it stands.
#[derive(Clone, Debug, PartialEq)]
pub enum NamespaceState {
    Joined {
        sid: Option<Box<str>>,
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

/// Messages since wirewatch began to watch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub received: u64,
    pub sent: u64,
    /// Acknowledgements that did not come.
    pub unanswered: u64,
}

impl SocketIoSeen {
    /// Whether the event says something about such a session.
    pub(super) fn concerns(body: &EventBody) -> bool {
        matches!(
            body,
            EventBody::Transport { .. }
                | EventBody::Namespace { .. }
                | EventBody::Message(_)
                | EventBody::Heartbeat { .. }
        )
    }

    pub(super) fn apply(&mut self, event: &Event) {
        match &event.body {
            EventBody::Transport { transport, step } => self.step(event.at, *transport, step),
            EventBody::Namespace { namespace, change } => self.change(event.at, namespace, change),
            EventBody::Message(message) => self.counts.add(message),
            EventBody::Heartbeat { limit, .. } => self.heartbeat_limit = Some(*limit),
            EventBody::Pong { by, .. } => self.measured_by = Some(*by),
            EventBody::Closed { facts, .. } => self.close(event.at, facts.by),
            _ => {}
        }
    }

    /// The connection is gone, and what was joined over it.
    pub(super) fn close(&mut self, at: Wall, by: ClosedBy) {
        self.open = None;
        for namespace in &mut self.namespaces {
            if matches!(namespace.state, NamespaceState::Joined { .. }) {
                namespace.state = NamespaceState::Left { by };
                namespace.since = at;
            }
        }
    }

    fn step(&mut self, at: Wall, on: Transport, step: &TransportStep) {
        match step {
            TransportStep::Opened { revision, ping_interval, ping_timeout, .. } => {
                self.open = Some(Opened {
                    transport: on,
                    since: at,
                    probing: false,
                    revision: *revision,
                    ping_interval: *ping_interval,
                    ping_timeout: *ping_timeout,
                });
                self.heartbeat_limit = Some(*ping_interval + *ping_timeout);
                self.stuck = None;
                self.namespaces.clear();
            }
            TransportStep::Probing => self.set_probing(true),
            TransportStep::Upgraded { .. } => {
                self.set_probing(false);
                self.stuck = None;
                self.fell_back = None;
                if let Some(open) = &mut self.open {
                    open.transport = on;
                    open.since = at;
                }
            }
            TransportStep::Stuck { why, reason } => {
                self.set_probing(false);
                self.stuck = Some((*why, reason.clone()));
            }
            TransportStep::FellBack { from, reason } => self.fell_back = Some((at, *from, reason.clone())),
        }
    }

    fn set_probing(&mut self, probing: bool) {
        if let Some(open) = &mut self.open {
            open.probing = probing;
        }
    }

    fn change(&mut self, since: Wall, name: &str, change: &NamespaceChange) {
        let state = match change {
            NamespaceChange::Joined { sid, recovered, .. } => {
                NamespaceState::Joined { sid: sid.clone(), recovered: *recovered }
            }
            NamespaceChange::Refused { reason, data } => {
                NamespaceState::Refused { reason: reason.clone(), data: data.clone() }
            }
            NamespaceChange::Left { by } => NamespaceState::Left { by: *by },
        };
        let seen = NamespaceSeen { name: name.into(), since, state };
        match self.namespaces.binary_search_by(|known| (*known.name).cmp(name)) {
            Ok(index) => self.namespaces[index] = seen,
            Err(index) if self.namespaces.len() < NAMESPACES => self.namespaces.insert(index, seen),
            Err(_) => {}
        }
    }

    pub fn namespace(&self, name: &str) -> Option<&NamespaceSeen> {
        self.namespaces.iter().find(|known| &*known.name == name)
    }
}

impl Counts {
    fn add(&mut self, message: &Message) {
        match (message.kind, message.direction) {
            (MessageKind::AckMissing, _) => self.unanswered += 1,
            (MessageKind::Event | MessageKind::Ack, Direction::In) => self.received += 1,
            (MessageKind::Event | MessageKind::Ack, Direction::Out) => self.sent += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::Code;

    fn seen(bodies: Vec<EventBody>) -> SocketIoSeen {
        let mut seen = SocketIoSeen::default();
        for (seq, body) in bodies.into_iter().enumerate() {
            seen.apply(&Event { seq: seq as u64, at: Wall(seq as i64), profile: None, body });
        }
        seen
    }

    fn on(transport: Transport, step: TransportStep) -> EventBody {
        EventBody::Transport { transport, step }
    }

    fn opened(transport: Transport) -> EventBody {
        let step = TransportStep::Opened {
            revision: 4,
            upgradable: true,
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(20),
            max_payload: None,
            took: Duration::ZERO,
        };
        on(transport, step)
    }

    fn joined(namespace: &str) -> EventBody {
        let change = NamespaceChange::Joined { sid: None, took: Duration::ZERO, recovered: false };
        EventBody::Namespace { namespace: namespace.into(), change }
    }

    #[test]
    fn the_transport_in_use_is_the_one_upgraded_to() {
        let upgraded = TransportStep::Upgraded { took: Duration::ZERO };
        let got = seen(vec![
            opened(Transport::Polling),
            on(Transport::WebSocket, TransportStep::Probing),
            on(Transport::WebSocket, upgraded),
        ]);
        let open = got.open.unwrap();
        assert_eq!((open.transport, open.since, open.probing), (Transport::WebSocket, Wall(2), false));
        assert_eq!(got.heartbeat_limit, Some(Duration::from_secs(45)));
    }

    #[test]
    fn why_it_stayed_on_polling_outlives_the_connection_and_ends_with_the_next() {
        let stuck = TransportStep::Stuck { why: Stuck::Refused, reason: None };
        let mut bodies = vec![opened(Transport::Polling), on(Transport::Polling, stuck)];
        let mut got = seen(bodies.clone());
        got.close(Wall(9), ClosedBy::Network);
        assert_eq!((got.open, got.stuck), (None, Some((Stuck::Refused, None))));
        bodies.push(opened(Transport::Polling));
        assert_eq!(seen(bodies).stuck, None);
    }

    #[test]
    fn a_lost_connection_takes_its_namespaces_along_but_not_a_refusal() {
        let reason = Reason::new(Code::AuthRequired);
        let refused = NamespaceChange::Refused { reason: reason.clone(), data: "{}".into() };
        let mut got = seen(vec![
            opened(Transport::Polling),
            joined("/"),
            EventBody::Namespace { namespace: "/admin".into(), change: refused },
        ]);
        got.close(Wall(9), ClosedBy::Server);
        let states: Vec<_> = got.namespaces.into_iter().map(|one| (one.name, one.state)).collect();
        let refused = NamespaceState::Refused { reason, data: "{}".into() };
        assert_eq!(states, [("/".into(), NamespaceState::Left { by: ClosedBy::Server }), ("/admin".into(), refused)]);
    }

    #[test]
    fn namespaces_are_bounded() {
        let many = (0..200).map(|index| joined(&format!("/{index}"))).collect();
        assert_eq!(seen(many).namespaces.len(), NAMESPACES);
    }
}
