//! Socket.IO's packets: namespaces joined, refused and left, events and acknowledgements both ways, and what lets a session go on
//! where it broke off.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Map, Value};

use super::opening::facts_of;
use super::traffic::broken;
use super::{Awaited, Client, Effect, Life, Outgoing, Recovery, SocketState, refusal};
use crate::base::Moment;
use crate::protocol::engine_io::Revision;
use crate::protocol::socket_io::{Body, Connected, Packet, placeholder};
use crate::watch::{ClosedBy, Code, EventBody, Message, MessageKind, NamespaceChange, Reason, Wanted};
use crate::wire::Direction;

/// At most so many events wait for a namespace that is not joined yet.
const WAITING: usize = 64;
/// At most so many acknowledgements are waited for.
const AWAITED: usize = 1024;

/// What a message says of itself beside its data.
struct Told<'a> {
    direction: Direction,
    kind: MessageKind,
    event: &'a str,
    args: &'a [Value],
    attachments: &'a [Bytes],
    id: Option<u64>,
    took: Option<std::time::Duration>,
}

impl Client {
    // Joining.

    pub(super) fn join_all(&mut self, now: Moment, out: &mut Vec<Effect>) {
        for at in 0..self.sockets.len() {
            self.join(at, now, out);
        }
    }

    pub(super) fn join(&mut self, at: usize, now: Moment, out: &mut Vec<Effect>) {
        let plan = &self.plan.namespaces[at];
        let socket = &mut self.sockets[at];
        socket.state = SocketState::Asked { since: now.mono };
        socket.missing = (0..plan.expect.len()).collect();
        let auth = self.plan.auth();
        let packet = match self.revision {
            // The root namespace is joined without asking.
            Revision::V3 if &*plan.name == "/" => return,
            Revision::V3 => Packet {
                namespace: plan.name.to_string(),
                body: Body::Connect { query: auth.map(|auth| query_of(&auth)), data: None },
                attachments: Vec::new(),
            },
            Revision::V4 => Packet::connect(&*plan.name, with_recovery(auth, socket.recovery.as_deref())),
        };
        self.say_packet(&packet, out);
    }

    /// Says goodbye to every namespace that is joined.
    pub(super) fn leave_all(&mut self, out: &mut Vec<Effect>) {
        for at in 0..self.sockets.len() {
            if matches!(self.sockets[at].state, SocketState::Joined) {
                let name = self.plan.namespaces[at].name.clone();
                self.sockets[at].state = SocketState::Out;
                self.say_packet(&Packet::disconnect(&*name), out);
                out.push(namespace(&name, NamespaceChange::Left { by: ClosedBy::Client }));
            }
        }
        self.flush(out);
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.plan.namespaces.iter().position(|namespace| &*namespace.name == name)
    }

    fn joined(&mut self, at: usize, data: Option<&Map<String, Value>>, now: Moment, out: &mut Vec<Effect>) {
        let name = self.plan.namespaces[at].name.clone();
        let SocketState::Asked { since } = self.sockets[at].state else { return };
        let (sid, pid) = match (self.revision, data) {
            (Revision::V3, _) => (None, None),
            (Revision::V4, data) => match Connected::of(data) {
                Ok(connected) => (Some(Box::<str>::from(connected.sid)), connected.pid),
                // A server of Socket.IO 2 grants the root without a word: the WebSocket's open packet didn't tell.
                Err(_) if data.is_none() && self.plan.revision().is_none() => {
                    self.revision = Revision::V3;
                    (None, None)
                }
                Err(fault) => return self.over(broken(&fault), None, out),
            },
        };
        let socket = &mut self.sockets[at];
        let before = socket.recovery.as_deref().map(|recovery| &recovery.pid);
        let recovered = pid.is_some() && before == pid.as_ref();
        if !recovered {
            socket.recovery = pid.map(|pid| Box::new(Recovery { pid, offset: None }));
        }
        socket.state = SocketState::Joined;
        socket.sid.clone_from(&sid);
        let waiting = std::mem::take(&mut socket.waiting);
        let took = now.mono.saturating_duration_since(since);
        out.push(namespace(&name, NamespaceChange::Joined { sid, took, recovered }));
        // Where it goes on, the server still knows what was subscribed.
        if !recovered {
            for (event, data) in self.plan.emits(&name) {
                let namespace = name.to_string();
                self.emit_now(at, &Wanted { namespace, event, data, ack: false, volatile: false }, now, out);
            }
        }
        for wanted in waiting {
            self.emit_now(at, &wanted, now, out);
        }
        self.flush(out);
        self.answered(now, out);
    }

    fn refused(&mut self, at: usize, data: &Value, now: Moment, out: &mut Vec<Effect>) {
        let reason = refusal::of_namespace(data);
        self.sockets[at].recovery = None;
        self.sockets[at].state = SocketState::Refused { reason: reason.clone(), again: now.mono + self.plan.again() };
        let name = self.plan.namespaces[at].name.clone();
        out.push(namespace(&name, NamespaceChange::Refused { reason, data: data.to_string().into() }));
        self.answered(now, out);
    }

    /// A namespace has answered: where all have, it is up, or not.
    fn answered(&mut self, now: Moment, out: &mut Vec<Effect>) {
        let waits = self.sockets.iter().any(|socket| matches!(socket.state, SocketState::Asked { .. }));
        let joined = self.sockets.iter().any(|socket| matches!(socket.state, SocketState::Joined));
        let lacking = self.sockets.iter().zip(&self.plan.namespaces).find_map(|(socket, plan)| match &socket.state {
            SocketState::Refused { reason, .. } => Some(of_namespace(reason, &plan.name)),
            SocketState::Out | SocketState::Asked { .. } | SocketState::Joined => None,
        });
        let expect_by = now.mono + self.plan.timeout();
        let Life::Open(open) = &mut self.life else { return };
        if waits {
            return;
        }
        if !joined {
            let reason = lacking.unwrap_or_else(|| Reason::new(Code::ServerDisconnect));
            self.leave_all(out);
            return self.over(reason.clone(), Some(facts_of(ClosedBy::Client, &reason)), out);
        }
        if open.up_by.take().is_some() {
            open.expect_by = open.expect_by.map(|_| expect_by);
            return out.push(Effect::Up { lacking });
        }
        out.push(Effect::Lacking(lacking));
    }

    /// The time for an attempt is over, and a namespace has not answered.
    pub(super) fn not_answered(&mut self, out: &mut Vec<Effect>) {
        let silent = self.sockets.iter().position(|socket| matches!(socket.state, SocketState::Asked { .. }));
        let name = silent.map_or("", |at| &self.plan.namespaces[at].name);
        let reason = Reason::new(Code::Silent).with_detail(name);
        self.over(reason, None, out);
    }

    // In.

    pub(super) fn message_text(&mut self, text: &str, now: Moment, out: &mut Vec<Effect>) {
        let Life::Open(open) = &mut self.life else { return };
        match open.assembler.text(text) {
            Ok(Some(packet)) => {
                if !matches!(packet.body, Body::Event { .. } | Body::Ack { .. }) {
                    record(Direction::In, text, out);
                }
                self.socket_packet(packet, now, out);
            }
            Ok(None) => {}
            Err(fault) => {
                record(Direction::In, text, out);
                self.over(broken(&fault), None, out);
            }
        }
    }

    pub(super) fn message_binary(&mut self, bytes: Vec<u8>, now: Moment, out: &mut Vec<Effect>) {
        let Life::Open(open) = &mut self.life else { return };
        match open.assembler.binary(bytes.into()) {
            Ok(Some(packet)) => self.socket_packet(packet, now, out),
            Ok(None) => {}
            Err(fault) => self.over(broken(&fault), None, out),
        }
    }

    fn socket_packet(&mut self, packet: Packet, now: Moment, out: &mut Vec<Effect>) {
        // Of a namespace that nobody asked for: Socket.IO 2 joins the root by itself.
        let Some(at) = self.find(&packet.namespace) else { return };
        match packet.body {
            Body::Connect { ref data, .. } => self.joined(at, data.as_ref(), now, out),
            Body::ConnectError { data } => self.refused(at, &data.unwrap_or(Value::Null), now, out),
            Body::Disconnect => self.put_out(at, now, out),
            Body::Event { ref name, ref args, id } => {
                self.remember_offset(at, args);
                let told = Told {
                    direction: Direction::In,
                    kind: MessageKind::Event,
                    event: name,
                    args,
                    attachments: &packet.attachments,
                    id,
                    took: None,
                };
                out.push(Effect::Message(Box::new(self.message(at, &told))));
                self.expected(at, name);
            }
            Body::Ack { ref args, id } => self.acknowledged(at, args, &packet.attachments, id, now, out),
        }
    }

    /// The server put us out of the namespace. socket.io-client stays out; a monitor asks again.
    fn put_out(&mut self, at: usize, now: Moment, out: &mut Vec<Effect>) {
        let reason = Reason::new(Code::ServerDisconnect).with_detail("io server disconnect");
        let name = self.plan.namespaces[at].name.clone();
        out.push(namespace(&name, NamespaceChange::Left { by: ClosedBy::Server }));
        self.sockets[at].recovery = None;
        self.sockets[at].state = SocketState::Refused { reason: reason.clone(), again: now.mono + self.plan.again() };
        if self.sockets.iter().any(|socket| matches!(socket.state, SocketState::Joined)) {
            return self.answered(now, out);
        }
        self.over(reason.clone(), Some(facts_of(ClosedBy::Server, &reason)), out);
    }

    /// [What a client keeps](https://socket.io/docs/v4/connection-state-recovery): the last argument, where it is a text, is the
    /// event's offset.
    fn remember_offset(&mut self, at: usize, args: &[Value]) {
        if let (Some(recovery), Some(Value::String(offset))) = (&mut self.sockets[at].recovery, args.last()) {
            recovery.offset = Some(offset.as_str().into());
        }
    }

    fn expected(&mut self, at: usize, event: &str) {
        let expect = &self.plan.namespaces[at].expect;
        self.sockets[at].missing.retain(|place| &*expect[*place] != event);
        if self.sockets.iter().all(|socket| socket.missing.is_empty())
            && let Life::Open(open) = &mut self.life
        {
            open.expect_by = None;
        }
    }

    // Out.

    pub(super) fn emit(&mut self, wanted: &std::sync::Arc<Wanted>, now: Moment, out: &mut Vec<Effect>) {
        let Some(at) = self.find(&wanted.namespace) else { return };
        if matches!(self.sockets[at].state, SocketState::Joined) && self.is_up() {
            let writable = matches!(&self.life, Life::Open(open) if !open.posting && open.outbox.is_empty());
            if writable || !wanted.volatile {
                self.emit_now(at, wanted, now, out);
                self.flush(out);
            }
        } else if !wanted.volatile && self.sockets[at].waiting.len() < WAITING {
            self.sockets[at].waiting.push(std::sync::Arc::clone(wanted));
        }
    }

    fn emit_now(&mut self, at: usize, wanted: &Wanted, now: Moment, out: &mut Vec<Effect>) {
        let mut attachments = Vec::new();
        let args: Vec<Value> = wanted.data.iter().map(|value| taken_out(value, &mut attachments)).collect();
        let id = (wanted.ack && self.acks.len() < AWAITED).then(|| {
            self.next_ack += 1;
            self.next_ack - 1
        });
        let packet = Packet::event(self.revision.socket_io(), &*wanted.namespace, &wanted.event, args, id)
            .map(|packet| packet.with_attachments(attachments));
        let packet = match packet {
            Ok(packet) => packet,
            // A name that no page may emit: the composer and the profile's checking refuse it before.
            Err(_) => return,
        };
        if let Body::Event { args, .. } = &packet.body {
            let told = Told {
                direction: Direction::Out,
                kind: MessageKind::Event,
                event: &wanted.event,
                args,
                attachments: &packet.attachments,
                id,
                took: None,
            };
            out.push(Effect::Message(Box::new(self.message(at, &told))));
        }
        if let Some(id) = id {
            let until = now.mono + self.plan.timeout();
            self.acks.push(Awaited { namespace: at, id, event: wanted.event.as_str().into(), sent: now.mono, until });
        }
        self.put_in_line(&packet, out);
    }

    fn say_packet(&mut self, packet: &Packet, out: &mut Vec<Effect>) {
        if let Ok(text) = packet.encode(self.revision.socket_io()) {
            record(Direction::Out, &text, out);
        }
        self.put_in_line(packet, out);
    }

    fn put_in_line(&mut self, packet: &Packet, out: &mut Vec<Effect>) {
        match packet.encode(self.revision.socket_io()) {
            Ok(text) => {
                let bytes = packet.attachments.iter().cloned().map(Outgoing::Binary);
                self.queue(std::iter::once(Outgoing::Text(text)).chain(bytes));
            }
            Err(fault) => self.over(broken(&fault), None, out),
        }
    }

    // Acknowledgements.

    fn acknowledged(
        &mut self,
        at: usize,
        args: &[Value],
        attachments: &[Bytes],
        id: Option<u64>,
        now: Moment,
        out: &mut Vec<Effect>,
    ) {
        let awaited = self.acks.iter().position(|ack| ack.namespace == at && Some(ack.id) == id);
        let awaited = awaited.map(|place| self.acks.swap_remove(place));
        let took = awaited.as_ref().map(|ack| now.mono.saturating_duration_since(ack.sent));
        let event = awaited.map(|ack| ack.event).unwrap_or_default();
        let (direction, kind) = (Direction::In, MessageKind::Ack);
        let told = Told { direction, kind, event: &event, args, attachments, id, took };
        out.push(Effect::Message(Box::new(self.message(at, &told))));
        if let Some(rtt) = took {
            out.push(Effect::Tell(EventBody::Pong { rtt, by: crate::watch::PongBy::Ack }));
        }
    }

    pub(super) fn acks_missing(&mut self, now: Moment, out: &mut Vec<Effect>) {
        while let Some(place) = self.acks.iter().position(|ack| ack.until <= now.mono) {
            let ack = self.acks.swap_remove(place);
            let told = Told {
                direction: Direction::In,
                kind: MessageKind::AckMissing,
                event: &ack.event,
                args: &[],
                attachments: &[],
                id: Some(ack.id),
                took: Some(now.mono.saturating_duration_since(ack.sent)),
            };
            out.push(Effect::Message(Box::new(self.message(ack.namespace, &told))));
        }
    }

    fn message(&self, at: usize, told: &Told<'_>) -> Message {
        let data = Value::Array(told.args.to_vec()).to_string();
        let attached: u64 = told.attachments.iter().map(|bytes| bytes.len() as u64).sum();
        let field = |names: &[&str]| {
            let first = told.args.first()?.as_object()?;
            names.iter().find_map(|name| first.get(*name)?.as_str()).map(Box::<str>::from)
        };
        Message {
            direction: told.direction,
            kind: told.kind,
            namespace: self.plan.namespaces[at].name.clone(),
            event: told.event.into(),
            size: data.len() as u64 + attached,
            data: data.into(),
            attachments: u32::try_from(told.attachments.len()).unwrap_or(u32::MAX),
            id: told.id,
            took: told.took,
            room: field(&["room", "room_id"]),
            user: field(&["user_id", "user", "username"]),
            sid: self.sockets[at].sid.clone(),
        }
    }
}

/// The reason as it stands where nothing else says which namespace it is.
fn of_namespace(reason: &Reason, name: &str) -> Reason {
    let words = reason.detail.as_deref().map(|words| format!("{name}: {words}"));
    reason.clone().with_detail(words.as_deref().unwrap_or(name))
}

fn namespace(name: &str, change: NamespaceChange) -> Effect {
    Effect::Tell(EventBody::Namespace { namespace: name.into(), change })
}

/// A packet of Socket.IO's that is no event, as it stands on the wire.
fn record(direction: Direction, text: &str, out: &mut Vec<Effect>) {
    let payload = Bytes::from(format!("4{text}"));
    out.push(Effect::Packet { direction, binary: false, payload, heartbeat: false });
}

fn with_recovery(auth: Option<Map<String, Value>>, recovery: Option<&Recovery>) -> Option<Map<String, Value>> {
    let Some(Recovery { pid, offset }) = recovery else { return auth };
    // What the page says comes last, as in socket.io-client.
    let mut with = Map::new();
    with.insert("pid".into(), Value::from(pid.expose()));
    with.extend(offset.as_deref().map(|offset| ("offset".to_owned(), Value::from(offset))));
    with.extend(auth.unwrap_or_default());
    Some(with)
}

/// Socket.IO 2 has no `auth`: its pages say it in the namespace's query.
fn query_of(auth: &Map<String, Value>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in auth {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        query.append_pair(name, &value);
    }
    query.finish()
}

/// The same with placeholders for bytes, which go into `attachments`.
fn taken_out(value: &Value, attachments: &mut Vec<Bytes>) -> Value {
    match value {
        Value::Object(fields) => {
            let bytes = match fields.get("$binary") {
                Some(Value::String(text)) if fields.len() == 1 => STANDARD.decode(text).ok(),
                Some(_) | None => None,
            };
            if let Some(bytes) = bytes {
                attachments.push(bytes.into());
                return placeholder(attachments.len() - 1);
            }
            let fields = fields.iter().map(|(name, value)| (name.clone(), taken_out(value, attachments)));
            Value::Object(fields.collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(|item| taken_out(item, attachments)).collect()),
        other => other.clone(),
    }
}
