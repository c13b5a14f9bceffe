//! A packet's text: `<type>[<attachments>-][<namespace>,][<id>][<JSON>]`.

use serde_json::Value;

use super::packet::placed;
use super::reserved::refused;
use super::{Body, Packet, Revision};
use crate::protocol::fault::shown;
use crate::protocol::{Fault, Limits, json};

/// Reads a packet's text; its attachments are still to come, this many.
pub(super) fn decode(revision: Revision, text: &str, limits: &Limits) -> Result<(Packet, usize), Fault> {
    if limits.bytes < text.len() {
        return Err(Fault::TooLarge { bytes: text.len(), limit: limits.bytes });
    }
    let mut at = 1;
    let (kind, attachments) = match text.bytes().next().ok_or(Fault::PacketEmpty { at: 0 })? {
        b'0' => (Kind::Connect, 0),
        b'1' => (Kind::Disconnect, 0),
        b'2' => (Kind::Event, 0),
        b'3' => (Kind::Ack, 0),
        b'4' => (Kind::ConnectError, 0),
        b'5' => (Kind::Event, attachments(text, &mut at, limits)?),
        b'6' => (Kind::Ack, attachments(text, &mut at, limits)?),
        _ => return Err(Fault::PacketType { at: 0, got: text.chars().next().unwrap_or_default() }),
    };
    let namespace = namespace(text, &mut at);
    let id = id(text, &mut at)?;
    let data = if at < text.len() { Some(json::parse(&text[at..], at, limits)?) } else { None };
    if 0 < attachments {
        data.as_ref().map_or(Ok(()), |data| check_placeholders(data, attachments))?;
    }
    let (namespace, query) = match (kind, revision, namespace.split_once('?')) {
        (Kind::Connect, Revision::V4, Some((path, query))) => (path, Some(query.to_owned())),
        _ => (namespace, None),
    };
    let body = match kind {
        Kind::Connect => Body::Connect {
            query,
            data: match data {
                None => None,
                Some(Value::Object(map)) => Some(map),
                Some(_) => return Err(Fault::ConnectData { at }),
            },
        },
        Kind::Disconnect => match data {
            None => Body::Disconnect,
            Some(_) => return Err(Fault::DisconnectData { at }),
        },
        Kind::Event => event(revision, data, id, at)?,
        Kind::Ack => Body::Ack {
            id,
            args: match data {
                Some(Value::Array(args)) => args,
                None => Vec::new(),
                Some(_) => return Err(Fault::AckData { at }),
            },
        },
        Kind::ConnectError => match (&data, revision) {
            (None | Some(Value::String(_) | Value::Object(_)), _) | (Some(Value::Array(_)), Revision::V4) => {
                Body::ConnectError { data }
            }
            _ => return Err(Fault::ConnectErrorData { at }),
        },
    };
    Ok((Packet { namespace: namespace.to_owned(), body, attachments: Vec::new() }, attachments))
}

#[derive(Clone, Copy)]
enum Kind {
    Connect,
    Disconnect,
    Event,
    Ack,
    ConnectError,
}

/// `<attachments>-`
fn attachments(text: &str, at: &mut usize, limits: &Limits) -> Result<usize, Fault> {
    let start = *at;
    let announced = digits(text, at).and_then(|digits| digits.parse::<u64>().ok()).filter(|announced| 0 < *announced);
    let Some(announced) = announced.filter(|_| text[*at..].starts_with('-')) else {
        return Err(Fault::AttachmentCount { at: start });
    };
    *at += 1;
    match usize::try_from(announced) {
        Ok(count) if count <= limits.attachments => Ok(count),
        _ => Err(Fault::TooManyAttachments { announced, limit: limits.attachments }),
    }
}

/// `<namespace>,`, or to the end.
fn namespace<'a>(text: &'a str, at: &mut usize) -> &'a str {
    let rest = &text[*at..];
    if !rest.starts_with('/') {
        return "/";
    }
    let end = rest.find(',').unwrap_or(rest.len());
    *at = (*at + end + 1).min(text.len());
    &rest[..end]
}

/// `<id>`
fn id(text: &str, at: &mut usize) -> Result<Option<u64>, Fault> {
    let start = *at;
    digits(text, at).map(|digits| digits.parse().map_err(|_| Fault::AckId { at: start })).transpose()
}

fn digits<'a>(text: &'a str, at: &mut usize) -> Option<&'a str> {
    let rest = &text[*at..];
    let length = rest.bytes().take_while(u8::is_ascii_digit).count();
    *at += length;
    (0 < length).then(|| &rest[..length])
}

fn event(revision: Revision, data: Option<Value>, id: Option<u64>, at: usize) -> Result<Body, Fault> {
    let Some(Value::Array(mut args)) = data else { return Err(Fault::EventData { at }) };
    if args.is_empty() {
        return Err(Fault::EventData { at });
    }
    let name = match args.remove(0) {
        Value::String(name) => name,
        Value::Number(number) => number.to_string(),
        _ => return Err(Fault::EventData { at }),
    };
    if revision == Revision::V5 && refused(&name) {
        return Err(Fault::EventReserved { name: shown(&name) });
    }
    Ok(Body::Event { name, args, id })
}

/// Every placeholder stands for one of the attachments. [`json::parse`] bounded the depth.
pub(super) fn check_placeholders(data: &Value, attachments: usize) -> Result<(), Fault> {
    if let Some(number) = placed(data) {
        let within = number.and_then(|number| usize::try_from(number).ok()).is_some_and(|number| number < attachments);
        return if within { Ok(()) } else { Err(Fault::Placeholder { attachments }) };
    }
    match data {
        Value::Array(values) => values.iter().try_for_each(|value| check_placeholders(value, attachments)),
        Value::Object(map) => map.values().try_for_each(|value| check_placeholders(value, attachments)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}
