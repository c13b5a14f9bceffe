//! The `open` packet's data, and the body that opens a polling session.

use std::time::Duration;

use serde_json::{Map, Value};

use super::{Kind, Packet, Packets, Revision};
use crate::protocol::fault::shown;
use crate::protocol::{Fault, Field, Limits, json};

/// What the server says of the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handshake {
    pub sid: String,
    /// Transports that the session can move to; empty where there are none, or the server doesn't say.
    pub upgrades: Vec<String>,
    pub ping_interval: Duration,
    pub ping_timeout: Duration,
    /// Bytes of one payload that the server takes; revision 4 since Engine.IO 6.
    pub max_payload: Option<u64>,
}

impl Handshake {
    /// Reads the first packet of a connection.
    pub fn of_packet(packet: &Packet<'_>, limits: &Limits) -> Result<Self, Fault> {
        match (packet.kind, packet.data.text()) {
            (Kind::Open, Some(text)) => Self::decode(text, limits),
            (got, _) => Err(Fault::NotOpen { got }),
        }
    }

    /// Reads the packet's data; places in it count from its type.
    pub fn decode(text: &str, limits: &Limits) -> Result<Self, Fault> {
        let Value::Object(map) = json::parse(text, 1, limits)? else { return Err(Fault::HandshakeShape) };
        let sid = match map.get("sid") {
            Some(Value::String(sid)) if !sid.is_empty() => sid.clone(),
            got => return Err(wrong(Field::Sid, got)),
        };
        Ok(Self {
            sid,
            upgrades: upgrades(&map)?,
            ping_interval: milliseconds(&map, Field::PingInterval)?,
            ping_timeout: milliseconds(&map, Field::PingTimeout)?,
            max_payload: match map.get(Field::MaxPayload.name()) {
                None | Some(Value::Null) => None,
                got => Some(got.and_then(Value::as_u64).ok_or_else(|| wrong(Field::MaxPayload, got))?),
            },
        })
    }

    /// The packet's data, fields in the order in which Node's servers write them.
    pub fn encode(&self) -> String {
        let mut map = Map::new();
        let milliseconds = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        map.insert("sid".into(), self.sid.as_str().into());
        map.insert("upgrades".into(), self.upgrades.as_slice().into());
        map.insert("pingInterval".into(), milliseconds(self.ping_interval).into());
        map.insert("pingTimeout".into(), milliseconds(self.ping_timeout).into());
        if let Some(bytes) = self.max_payload {
            map.insert("maxPayload".into(), bytes.into());
        }
        Value::Object(map).to_string()
    }
}

fn wrong(field: Field, got: Option<&Value>) -> Fault {
    match got {
        None => Fault::HandshakeMissing { field },
        Some(got) => Fault::HandshakeValue { field, got: shown(&got.to_string()) },
    }
}

fn upgrades(map: &Map<String, Value>) -> Result<Vec<String>, Fault> {
    let Some(got) = map.get(Field::Upgrades.name()) else { return Ok(Vec::new()) };
    let names = got.as_array().and_then(|names| names.iter().map(|name| name.as_str().map(str::to_owned)).collect());
    names.ok_or_else(|| wrong(Field::Upgrades, Some(got)))
}

fn milliseconds(map: &Map<String, Value>, field: Field) -> Result<Duration, Fault> {
    let got = map.get(field.name());
    let whole = got.and_then(Value::as_u64).map(Duration::from_millis);
    let fraction = || got.and_then(Value::as_f64).and_then(|ms| Duration::try_from_secs_f64(ms / 1000.0).ok());
    whole.or_else(fraction).ok_or_else(|| wrong(field, got))
}

/// Reads the body that opens a polling session: the handshake, and the packets that came with it.
pub fn open<'a>(
    revision: Revision,
    content_type: Option<&str>,
    body: &'a [u8],
    limits: &Limits,
) -> Result<(Handshake, Packets<'a>), Fault> {
    if let Some(spoken) = spoken(body).filter(|spoken| *spoken != revision) {
        return Err(Fault::OtherRevision { spoken });
    }
    let mut packets = Packets::of_body(revision, content_type, body, limits)?;
    let first = packets.next().unwrap_or(Err(Fault::PacketEmpty { at: 0 }))?;
    Ok((Handshake::of_packet(&first, limits)?, packets))
}

/// The revision of a body that opens a session, told from how its first packet begins.
fn spoken(body: &[u8]) -> Option<Revision> {
    if body.starts_with(b"0{") {
        return Some(Revision::V4);
    }
    let (digits, end) = match body.split_first()? {
        (0, rest) => (rest.iter().take_while(|byte| **byte <= 9).count() + 1, 0xff),
        _ => (body.iter().take_while(|byte| byte.is_ascii_digit()).count(), b':'),
    };
    let opens = 0 < digits && body.get(digits) == Some(&end) && body[digits + 1..].starts_with(b"0{");
    opens.then_some(Revision::V3)
}
