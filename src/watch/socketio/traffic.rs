//! Engine.IO's packets: what comes by either transport, what goes, the upgrade between the two, and the heartbeat.

use std::time::Instant;

use bytes::Bytes;

use super::opening::{facts_of, upgrade_within};
use super::{Client, Effect, Life, Open, Outgoing, SocketState, Upgrade};
use crate::base::Moment;
use crate::profile::model::Transport;
use crate::protocol::engine_io::{self, Data, Form, Handshake, Kind, Packet, Packets, Revision};
use crate::protocol::{Fault, Limits};
use crate::watch::{CloseFacts, ClosedBy, Code, EventBody, PongBy, Reason, Stuck, TransportStep};
use crate::wire::Direction;

/// So many heartbeats within one interval are a flood.
const HURRY: u32 = 10;
/// What a server takes in one payload where it doesn't say: the default of every server.
const MAX_PAYLOAD: u64 = 1_000_000;
const PROBE: &str = "2probe";
const PROBE_ANSWER: &str = "3probe";

/// A fault of the protocol as a reason.
pub(super) fn broken(fault: &Fault) -> Reason {
    Reason::new(Code::PacketInvalid).with_detail(&format!("{}: {fault}", fault.code()))
}

impl Client {
    fn open_mut(&mut self) -> Option<&mut Open> {
        match &mut self.life {
            Life::Open(open) => Some(open),
            Life::Down | Life::Opening { .. } => None,
        }
    }

    // Polling.

    pub(super) fn polled(&mut self, content_type: Option<&str>, body: &[u8], now: Moment, out: &mut Vec<Effect>) {
        let limits = Limits::default();
        let packets = match &mut self.life {
            Life::Down => return,
            Life::Opening { .. } => {
                let mut opening = engine_io::open(self.revision, content_type, body, &limits);
                if let Err(Fault::OtherRevision { spoken }) = opening {
                    if let Err(reason) = self.meets(spoken) {
                        return self.over(reason, None, out);
                    }
                    opening = engine_io::open(spoken, content_type, body, &limits);
                }
                match opening {
                    Ok((handshake, packets)) => {
                        packet_of(Direction::In, &Data::Text(format!("0{}", handshake.encode()).into()), false, out);
                        self.opened(Transport::Polling, handshake, now, out);
                        packets
                    }
                    Err(fault) => return self.over(not_engine_io(&fault), None, out),
                }
            }
            Life::Open(open) => {
                open.getting = false;
                match Packets::of_body(self.revision, content_type, body, &limits) {
                    Ok(packets) => packets,
                    Err(fault) => return self.over(broken(&fault), None, out),
                }
            }
        };
        for packet in packets {
            match packet {
                Ok(packet) => self.packet(packet, now, out),
                Err(fault) => self.over(broken(&fault), None, out),
            }
        }
        self.poll(out);
        self.finish_upgrade(now, out);
    }

    /// The next GET, where polling goes on.
    pub(super) fn poll(&mut self, out: &mut Vec<Effect>) {
        let Life::Open(open) = &mut self.life else { return };
        let pausing = matches!(open.upgrade, Upgrade::Pausing { .. });
        if open.transport == Transport::Polling && !open.getting && !pausing {
            open.getting = true;
            let Life::Open(open) = &self.life else { return };
            out.push(Effect::Get(self.query(Transport::Polling, open)));
        }
    }

    pub(super) fn posted(&mut self, took: std::time::Duration, now: Moment, out: &mut Vec<Effect>) {
        let Some(open) = self.open_mut() else { return };
        open.posting = false;
        out.push(Effect::Tell(EventBody::Pong { rtt: took, by: PongBy::Post }));
        self.flush(out);
        self.finish_upgrade(now, out);
    }

    pub(super) fn poll_failed(&mut self, reason: Reason, _now: Moment, out: &mut Vec<Effect>) {
        match &self.life {
            Life::Open(open) if open.transport == Transport::WebSocket => {} // Of a GET that the upgrade left behind.
            Life::Down => {}
            Life::Opening { .. } | Life::Open(_) => self.over(reason, None, out),
        }
    }

    // The WebSocket.

    pub(super) fn socket_opened(&mut self, now: Moment, out: &mut Vec<Effect>) {
        let timeout = self.plan.timeout();
        let Some(open) = self.open_mut() else { return };
        if let Upgrade::Opening { since, .. } = open.upgrade {
            open.upgrade = Upgrade::Probing { since, by: now.mono + upgrade_within(timeout) };
            send(Data::Text(PROBE.into()), true, out);
        }
    }

    pub(super) fn socket_failed(&mut self, reason: Reason, _now: Moment, out: &mut Vec<Effect>) {
        match &self.life {
            Life::Opening { .. } => self.over(reason, None, out),
            Life::Open(open) if matches!(open.upgrade, Upgrade::Opening { .. }) => {
                let reason = self.judge_stray(reason);
                self.stuck(Stuck::Refused, Some(reason), out);
            }
            Life::Down | Life::Open(_) => {}
        }
    }

    pub(super) fn socket_ended(&mut self, facts: CloseFacts, reason: Reason, _now: Moment, out: &mut Vec<Effect>) {
        match &self.life {
            Life::Down => {}
            Life::Open(open) if open.transport == Transport::Polling => {
                if open.upgrade != Upgrade::None {
                    self.stuck(Stuck::Lost, Some(reason), out);
                    self.poll(out);
                }
            }
            Life::Opening { .. } | Life::Open(_) => self.over(reason, Some(facts), out),
        }
    }

    pub(super) fn text(&mut self, text: &str, now: Moment, out: &mut Vec<Effect>) {
        let limits = Limits::default();
        match &self.life {
            Life::Down => {}
            Life::Opening { .. } => self.first_frame(text, now, out),
            Life::Open(open) if open.transport == Transport::Polling => self.probe_answer(text, now, out),
            Life::Open(_) => match Packet::decode_text(self.revision, text, &limits) {
                Ok(packet) => self.packet(packet, now, out),
                Err(fault) => self.over(broken(&fault), None, out),
            },
        }
    }

    pub(super) fn binary(&mut self, bytes: &[u8], now: Moment, out: &mut Vec<Effect>) {
        match &self.life {
            Life::Down => {}
            Life::Opening { .. } => self.over(Reason::new(Code::NotEngineIo), None, out),
            Life::Open(open) if open.transport == Transport::Polling => self.probe_answer("", now, out),
            Life::Open(_) => match Packet::decode_binary(self.revision, bytes, &Limits::default()) {
                Ok(packet) => self.packet(packet, now, out),
                Err(fault) => self.over(broken(&fault), None, out),
            },
        }
    }

    /// A connection that begins with the WebSocket. Both revisions open alike; which one it is shows in who pings.
    fn first_frame(&mut self, text: &str, now: Moment, out: &mut Vec<Effect>) {
        let limits = Limits::default();
        let handshake =
            Packet::decode_text(self.revision, text, &limits).and_then(|packet| Handshake::of_packet(&packet, &limits));
        match handshake {
            Ok(handshake) => {
                packet_of(Direction::In, &Data::Text(text.into()), false, out);
                self.opened(Transport::WebSocket, handshake, now, out);
            }
            Err(fault) => self.over(not_engine_io(&fault), None, out),
        }
    }

    // The upgrade.

    pub(super) fn consider_upgrade(&mut self, offered: bool, now: Moment, out: &mut Vec<Effect>) {
        let wanted = self.plan.transports().contains(&Transport::WebSocket);
        let by = now.mono + upgrade_within(self.plan.timeout());
        if !wanted || self.polling_only {
            return self.stuck(Stuck::NotWanted, None, out);
        }
        if !offered {
            return self.stuck(Stuck::NotOffered, None, out);
        }
        let Some(open) = self.open_mut() else { return };
        open.upgrade = Upgrade::Opening { since: now.mono, by };
        out.push(Effect::Tell(EventBody::Transport { transport: Transport::WebSocket, step: TransportStep::Probing }));
        let Life::Open(open) = &self.life else { return };
        out.push(Effect::Open(self.query(Transport::WebSocket, open)));
    }

    /// It goes on by polling.
    fn stuck(&mut self, why: Stuck, reason: Option<Reason>, out: &mut Vec<Effect>) {
        let Some(open) = self.open_mut() else { return };
        if std::mem::replace(&mut open.upgrade, Upgrade::None) != Upgrade::None {
            out.push(Effect::DropSocket);
        }
        let step = TransportStep::Stuck { why, reason };
        out.push(Effect::Tell(EventBody::Transport { transport: Transport::Polling, step }));
        self.flush(out);
    }

    fn probe_answer(&mut self, text: &str, now: Moment, out: &mut Vec<Effect>) {
        let Some(open) = self.open_mut() else { return };
        let Upgrade::Probing { since, .. } = open.upgrade else { return };
        packet_of(Direction::In, &Data::Text(text.into()), true, out);
        if text != PROBE_ANSWER {
            return self.stuck(Stuck::WrongAnswer, Some(Reason::new(Code::PacketInvalid).with_detail(text)), out);
        }
        open.upgrade = Upgrade::Pausing { since };
        self.finish_upgrade(now, out);
    }

    /// Moves over once no request of the polling transport is under way.
    fn finish_upgrade(&mut self, now: Moment, out: &mut Vec<Effect>) {
        let Some(open) = self.open_mut() else { return };
        let Upgrade::Pausing { since } = open.upgrade else { return };
        if open.getting || open.posting {
            return;
        }
        open.upgrade = Upgrade::None;
        open.transport = Transport::WebSocket;
        send(Data::Text("5".into()), false, out);
        let took = now.mono.saturating_duration_since(since);
        let step = TransportStep::Upgraded { took };
        out.push(Effect::Tell(EventBody::Transport { transport: Transport::WebSocket, step }));
        self.begin_frame_pings(now);
        self.flush(out);
    }

    // Out.

    /// Puts a packet of Socket.IO's into the line.
    pub(super) fn queue(&mut self, outgoing: impl IntoIterator<Item = Outgoing>) {
        if let Some(open) = self.open_mut() {
            open.outbox.extend(outgoing);
        }
    }

    /// Sends what waits, as far as the transport takes it now.
    pub(super) fn flush(&mut self, out: &mut Vec<Effect>) {
        let revision = self.revision;
        let Some(open) = self.open_mut() else { return };
        if open.outbox.is_empty() || matches!(open.upgrade, Upgrade::Pausing { .. }) {
            return;
        }
        match open.transport {
            Transport::WebSocket => {
                for outgoing in std::mem::take(&mut open.outbox) {
                    match outgoing.packet().encode(revision).into_owned() {
                        Data::Text(text) => out.push(Effect::SendText(text.into_owned())),
                        Data::Binary(bytes) => out.push(Effect::SendBinary(bytes.into_owned().into())),
                    }
                }
            }
            Transport::Polling if open.posting => {}
            Transport::Polling => {
                let limit = open.max_payload.unwrap_or(MAX_PAYLOAD);
                let mut size = 0;
                let fits = open.outbox.iter().take_while(|outgoing| {
                    // Base64 makes four bytes of three; a type and a separator beside it.
                    size += outgoing.len() as u64 * 4 / 3 + 8;
                    size <= limit
                });
                // One that is too large alone goes alone: the server says what it thinks of it.
                let count = fits.count().max(1);
                let batch: Vec<Outgoing> = open.outbox.drain(..count).collect();
                let packets: Vec<Packet<'_>> = batch.iter().map(Outgoing::packet).collect();
                match engine_io::encode_payload(revision, Form::Text, &packets) {
                    Ok(Data::Text(body)) => {
                        open.posting = true;
                        let Life::Open(open) = &self.life else { return };
                        out.push(Effect::Post(self.query(Transport::Polling, open), body.into_owned()));
                    }
                    Ok(Data::Binary(_)) => {}
                    Err(fault) => self.over(broken(&fault), None, out),
                }
            }
        }
    }

    /// Sends a packet of Engine.IO's own.
    fn say(&mut self, kind: Kind, out: &mut Vec<Effect>) {
        let Some(open) = self.open_mut() else { return };
        let packet = Packet::text(kind, "");
        let text = match packet.encode(Revision::V4) {
            Data::Text(text) => text.into_owned(),
            Data::Binary(_) => return,
        };
        packet_of(Direction::Out, &Data::Text(text.as_str().into()), true, out);
        match open.transport {
            Transport::WebSocket if open.upgrade == Upgrade::None => out.push(Effect::SendText(text)),
            Transport::WebSocket | Transport::Polling => {
                open.outbox.push(Outgoing::Control(kind));
                self.flush(out);
            }
        }
    }

    // In.

    fn packet(&mut self, packet: Packet<'_>, now: Moment, out: &mut Vec<Effect>) {
        let revision = self.revision;
        let Some(open) = self.open_mut() else { return };
        if packet.kind != Kind::Message {
            let heartbeat = matches!(packet.kind, Kind::Ping | Kind::Pong);
            packet_of(Direction::In, &packet.encode(revision), heartbeat, out);
        }
        match (packet.kind, revision) {
            (Kind::Message, _) => match packet.data {
                Data::Text(text) => self.message_text(&text, now, out),
                Data::Binary(bytes) => self.message_binary(bytes.into_owned(), now, out),
            },
            (Kind::Ping, Revision::V4) => {
                self.beat(now, out);
                self.say(Kind::Pong, out);
            }
            (Kind::Pong, Revision::V3) => {
                if let Some(sent) = open.our_ping.1.take() {
                    let rtt = now.mono.saturating_duration_since(sent);
                    out.push(Effect::Tell(EventBody::Pong { rtt, by: PongBy::EnginePing }));
                    open.our_ping.0 = sent + open.ping_interval;
                }
                self.beat(now, out);
            }
            (Kind::Close, _) => {
                let reason = Reason::new(Code::Closed).with_detail("close packet");
                self.over(reason.clone(), Some(facts_of(ClosedBy::Server, &reason)), out);
            }
            (Kind::Noop, _) => {}
            // What a client says, not a server; the open packet comes once.
            (Kind::Ping | Kind::Pong | Kind::Open | Kind::Upgrade, _) => {
                let detail = format!("{} packet out of place", packet.kind.word());
                self.over(Reason::new(Code::PacketInvalid).with_detail(&detail), None, out);
            }
        }
    }

    // The heartbeat.

    /// When the connection is dead unless a heartbeat comes.
    pub(super) fn heartbeat_by(&self, open: &Open) -> Instant {
        match (self.revision, open.our_ping.1) {
            (Revision::V4, _) => open.beat + open.ping_interval + open.ping_timeout,
            (Revision::V3, Some(sent)) => sent + open.ping_timeout,
            (Revision::V3, None) => open.our_ping.0 + open.ping_timeout,
        }
    }

    fn beat(&mut self, now: Moment, out: &mut Vec<Effect>) {
        let Some(open) = self.open_mut() else { return };
        let gap = now.mono.saturating_duration_since(open.beat);
        let limit = open.ping_interval + open.ping_timeout;
        open.beat = now.mono;
        if open.hurry.0 + open.ping_interval <= now.mono {
            open.hurry = (now.mono, 0);
        }
        open.hurry.1 += 1;
        let floods = HURRY < open.hurry.1;
        out.push(Effect::Tell(EventBody::Heartbeat { gap, limit }));
        self.has_lasted();
        if floods {
            let detail = format!("{HURRY} pings within one interval");
            self.over(Reason::new(Code::PacketInvalid).with_detail(&detail), None, out);
        }
    }

    pub(super) fn begin_frame_pings(&mut self, now: Moment) {
        let every = self.plan.ping();
        if let Some(open) = self.open_mut() {
            open.frame_ping.due = every.map(|every| now.mono + every);
        }
    }

    pub(super) fn frame_pong(&mut self, nonce: u64, now: Moment, out: &mut Vec<Effect>) {
        let Some(open) = self.open_mut() else { return };
        if nonce == open.frame_ping.nonce
            && let Some(sent) = open.frame_ping.sent.take()
        {
            let rtt = now.mono.saturating_duration_since(sent);
            out.push(Effect::Tell(EventBody::Pong { rtt, by: PongBy::Frame }));
        }
    }

    /// What time brings to a connection.
    pub(super) fn tick_open(&mut self, now: Moment, out: &mut Vec<Effect>) {
        let Life::Open(open) = &self.life else { return };
        let due = |at: Instant| at <= now.mono;
        if due(self.heartbeat_by(open)) {
            return self.over(Reason::new(Code::PingTimeout), None, out);
        }
        if open.up_by.is_some_and(due) {
            return self.not_answered(out);
        }
        if open.expect_by.is_some_and(due) && open.up_by.is_none() {
            return self.over(Reason::new(Code::ExpectedMessageMissing), None, out);
        }
        match open.upgrade {
            Upgrade::Opening { by, .. } if due(by) => {
                let reason = Reason::new(Code::Timeout).with_detail("upgrade");
                self.stuck(Stuck::Refused, Some(reason), out);
            }
            Upgrade::Probing { by, .. } if due(by) => self.stuck(Stuck::Unanswered, None, out),
            Upgrade::None | Upgrade::Opening { .. } | Upgrade::Probing { .. } | Upgrade::Pausing { .. } => {}
        }
        let every = self.plan.ping();
        let v3 = self.revision == Revision::V3;
        let Some(open) = self.open_mut() else { return };
        if open.frame_ping.due.is_some_and(due) {
            open.frame_ping.nonce += 1;
            open.frame_ping.sent = Some(now.mono);
            open.frame_ping.due = every.map(|every| now.mono + every);
            out.push(Effect::Ping { nonce: open.frame_ping.nonce });
        }
        if v3 && open.our_ping.1.is_none() && due(open.our_ping.0) {
            open.our_ping.1 = Some(now.mono);
            self.say(Kind::Ping, out);
        }
        self.acks_missing(now, out);
        let again = |socket: &super::Socket| matches!(socket.state, SocketState::Refused { again, .. } if due(again));
        for at in 0..self.sockets.len() {
            if again(&self.sockets[at]) {
                self.join(at, now, out);
            }
        }
        self.flush(out);
    }
}

/// What came is no Engine.IO at all, or a broken one.
fn not_engine_io(fault: &Fault) -> Reason {
    match fault {
        Fault::HandshakeShape | Fault::HandshakeMissing { .. } | Fault::HandshakeValue { .. } => broken(fault),
        _ => Reason::new(Code::NotEngineIo).with_detail(fault.code()),
    }
}

/// Says one of Engine.IO's own packets on the WebSocket.
fn send(data: Data<'static>, heartbeat: bool, out: &mut Vec<Effect>) {
    packet_of(Direction::Out, &data, heartbeat, out);
    if let Data::Text(text) = data {
        out.push(Effect::SendText(text.into_owned()));
    }
}

fn packet_of(direction: Direction, data: &Data<'_>, heartbeat: bool, out: &mut Vec<Effect>) {
    let (binary, payload) = match data {
        Data::Text(text) => (false, Bytes::copy_from_slice(text.as_bytes())),
        Data::Binary(bytes) => (true, Bytes::copy_from_slice(bytes)),
    };
    out.push(Effect::Packet { direction, binary, payload, heartbeat });
}

impl Outgoing {
    fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
            Self::Control(_) => 0,
        }
    }

    fn packet(&self) -> Packet<'_> {
        match self {
            Self::Text(text) => Packet::text(Kind::Message, text.as_str()),
            Self::Binary(bytes) => Packet::binary(&bytes[..]),
            Self::Control(kind) => Packet::text(*kind, ""),
        }
    }
}
