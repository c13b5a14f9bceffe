//! From the first request to the open packet, and to the end: which transport and which revision, and what a failure means for
//! the next time.

use std::time::Duration;

use super::{Client, Effect, FramePing, Life, Open, Query, SocketState, Upgrade};
use crate::base::Moment;
use crate::profile::model::Transport;
use crate::protocol::Limits;
use crate::protocol::engine_io::{Handshake, Revision};
use crate::protocol::socket_io::Assembler;
use crate::watch::{Category, CloseFacts, ClosedBy, Code, EventBody, Reason, TransportStep};

/// The first request ends by itself, and says in which phase, before the attempt is given up.
const GRACE: Duration = Duration::from_secs(1);
/// So many sessions that the server no longer knew are no accident.
const SEVERAL: u32 = 2;

impl Client {
    /// Which transport the next connection begins with.
    pub fn first_transport(&self) -> Transport {
        if self.polling_only { Transport::Polling } else { self.plan.transports()[self.begin] }
    }

    pub(super) fn start(&mut self, now: Moment, out: &mut Vec<Effect>) {
        let transport = self.first_transport();
        self.revision = self.plan.revision().unwrap_or(self.revision);
        self.life = Life::Opening { transport, since: now.mono, by: now.mono + self.plan.timeout() + GRACE };
        for socket in &mut self.sockets {
            socket.state = SocketState::Out;
        }
        self.ask(transport, out);
    }

    fn ask(&self, transport: Transport, out: &mut Vec<Effect>) {
        let query = Query { revision: self.revision, transport, sid: None };
        out.push(match transport {
            Transport::Polling => Effect::Get(query),
            Transport::WebSocket => Effect::Open(query),
        });
    }

    /// The query of this connection's further requests.
    pub(super) fn query(&self, transport: Transport, open: &Open) -> Query {
        Query { revision: self.revision, transport, sid: Some(open.sid.clone()) }
    }

    /// The first packet of a connection.
    pub(super) fn opened(&mut self, transport: Transport, handshake: Handshake, now: Moment, out: &mut Vec<Effect>) {
        let Life::Opening { since, by, .. } = self.life else { return };
        let upgradable = handshake.upgrades.iter().any(|name| name == "websocket");
        out.push(Effect::Tell(EventBody::Transport {
            transport,
            step: TransportStep::Opened {
                revision: self.revision.number(),
                upgradable,
                ping_interval: handshake.ping_interval,
                ping_timeout: handshake.ping_timeout,
                max_payload: handshake.max_payload,
                took: now.mono.saturating_duration_since(since),
            },
        }));
        self.strays.handshakes = self.strays.handshakes.saturating_add(1);
        self.strays.this = false;
        let expects = self.plan.namespaces.iter().any(|namespace| !namespace.expect.is_empty());
        self.life = Life::Open(Box::new(Open {
            transport,
            sid: handshake.sid.into(),
            ping_interval: handshake.ping_interval,
            ping_timeout: handshake.ping_timeout,
            max_payload: handshake.max_payload,
            up_by: Some(by),
            expect_by: expects.then_some(by),
            beat: now.mono,
            hurry: (now.mono, 0),
            our_ping: (now.mono + handshake.ping_interval, None),
            upgrade: Upgrade::None,
            getting: false,
            posting: false,
            outbox: Vec::new(),
            assembler: Assembler::new(self.revision.socket_io(), Limits::default()),
            frame_ping: FramePing::default(),
        }));
        match transport {
            Transport::Polling => self.consider_upgrade(upgradable, now, out),
            Transport::WebSocket => self.begin_frame_pings(now),
        }
        self.join_all(now, out);
        self.flush(out);
        self.poll(out);
    }

    /// The server speaks another revision than it was asked for: goes on with that one where the profile leaves it open.
    pub(super) fn meets(&mut self, spoken: Revision) -> Result<(), Reason> {
        match self.plan.revision() {
            Some(wanted) if wanted != spoken => {
                let detail = format!("the server speaks Engine.IO {}", spoken.number());
                Err(Reason::new(Code::UnsupportedProtocolVersion).with_detail(&detail))
            }
            Some(_) | None => {
                self.revision = spoken;
                Ok(())
            }
        }
    }

    /// The time for an attempt is over before the open packet came.
    pub(super) fn gave_no_answer(&mut self, out: &mut Vec<Effect>) {
        self.over(Reason::new(Code::Timeout).with_detail("response"), None, out);
    }

    /// It is over: before it was up, or after.
    pub(super) fn over(&mut self, reason: Reason, facts: Option<CloseFacts>, out: &mut Vec<Effect>) {
        let was_up = self.is_up();
        let from = match &self.life {
            Life::Down => return,
            Life::Opening { transport, .. } => *transport,
            Life::Open(open) => open.transport,
        };
        // A server that knows another revision says so to the first request: asked again at once, where it is left open.
        let opening = matches!(self.life, Life::Opening { .. });
        if opening
            && reason.code == Code::UnsupportedProtocolVersion
            && self.plan.revision().is_none()
            && self.revision == Revision::V4
        {
            self.revision = Revision::V3;
            out.push(Effect::Drop { politely: false });
            return self.ask(from, out);
        }
        let reason = self.judge_stray(reason);
        self.life = Life::Down;
        self.acks.clear();
        let mut another_way = false;
        if was_up {
            self.begin = 0;
        } else {
            if self.plan.revision().is_none() {
                self.revision = Revision::V4;
            }
            another_way = self.fall_back(from, &reason, out);
        }
        out.push(Effect::Drop { politely: false });
        let facts = facts.unwrap_or_else(|| facts_of(ClosedBy::Network, &reason));
        out.push(Effect::Over { facts, reason, another_way });
    }

    /// After a failure that another transport may not share, the next attempt begins with that one.
    fn fall_back(&mut self, from: Transport, reason: &Reason, out: &mut Vec<Effect>) -> bool {
        let transports = self.plan.transports();
        if !self.plan.fallback() || self.polling_only || transports.len() < 2 || !is_of_transport(reason) {
            return false;
        }
        self.begin = (self.begin + 1) % transports.len();
        let step = TransportStep::FellBack { from, reason: reason.clone() };
        out.push(Effect::Tell(EventBody::Transport { transport: transports[self.begin], step }));
        true
    }

    /// A session that the server no longer knows: once is an accident, several times within as many handshakes is a server
    /// whose requests reach different workers.
    pub(super) fn judge_stray(&mut self, reason: Reason) -> Reason {
        if reason.code != Code::UnknownSession {
            return reason;
        }
        if !std::mem::replace(&mut self.strays.this, true) {
            self.strays.lost = self.strays.lost.saturating_add(1);
        }
        if self.strays.lost < SEVERAL {
            return reason;
        }
        let detail = format!("{} of {} sessions", self.strays.lost, self.strays.handshakes);
        Reason { code: Code::StickySessionsMissing, ..reason }.with_detail(&detail)
    }

    /// A session has lasted: what was lost before was an accident.
    pub(super) fn has_lasted(&mut self) {
        self.strays = super::Strays::default();
    }

    /// The connection is gone, and nobody is to be told.
    pub fn forget(&mut self) {
        self.life = Life::Down;
        self.acks.clear();
    }

    pub(super) fn close(&mut self, out: &mut Vec<Effect>) {
        if let Life::Open(_) = &self.life {
            self.leave_all(out);
        }
        self.forget();
        out.push(Effect::Drop { politely: true });
    }
}

/// What stands in the record of an end that no close frame told.
pub(super) fn facts_of(by: ClosedBy, reason: &Reason) -> CloseFacts {
    CloseFacts::unclean(by, reason.detail.clone().unwrap_or_default())
}

/// Whether another transport may do where this one failed: not where no connection comes about at all, nor where the server
/// means the client and not the way.
fn is_of_transport(reason: &Reason) -> bool {
    match reason.code {
        Code::Timeout | Code::ConnectionReset | Code::ConnectionClosed | Code::EmptyResponse => true,
        Code::UnsupportedProtocolVersion | Code::PacketInvalid | Code::NotEngineIo | Code::UnknownSession => false,
        _ => matches!(reason.category(), Category::Transport | Category::Protocol),
    }
}

/// How long an upgrade may take.
pub(super) fn upgrade_within(timeout: Duration) -> Duration {
    // The server waits ten seconds for it (`upgradeTimeout`).
    timeout.min(Duration::from_secs(10))
}
