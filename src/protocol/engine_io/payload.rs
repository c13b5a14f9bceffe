//! Polling payloads: several packets in one HTTP body.
//!
//! Packets come one by one, so that those before a fault count, as they do in a page; nothing comes after one.

use super::packet::{check_size, decode_binary, decode_text};
use super::{Data, Packet, Revision};
use crate::protocol::{Fault, Limits};

/// What stands between revision 4's packets.
const SEPARATOR: char = '\x1e';
/// Ends the length in revision 3's binary payload.
const LENGTH_END: u8 = 0xff;
/// More digits than any length that fits.
const DIGITS: usize = 20;

/// The packets of a body, in order. The first fault is the last item.
#[derive(Clone, Debug)]
pub struct Packets<'a> {
    rest: Rest<'a>,
    /// The body's, in bytes.
    size: usize,
    /// Bytes read.
    at: usize,
    /// How many packets may still come.
    left: usize,
    limits: Limits,
}

/// What has not been read, and how to.
#[derive(Clone, Copy, Debug)]
enum Rest<'a> {
    V3Text(&'a str),
    V3Binary(&'a [u8]),
    V4(&'a str),
    End,
}

impl<'a> Packets<'a> {
    /// Reads a text body.
    pub fn text(revision: Revision, body: &'a str, limits: &Limits) -> Result<Self, Fault> {
        let rest = match revision {
            // The pages' parsers take an empty body for no payload at all.
            Revision::V3 if body.is_empty() => return Err(Fault::PacketEmpty { at: 0 }),
            Revision::V3 => Rest::V3Text(body),
            Revision::V4 => Rest::V4(body),
        };
        Self::new(rest, body.len(), limits)
    }

    /// Reads revision 3's binary body.
    pub fn binary(body: &'a [u8], limits: &Limits) -> Result<Self, Fault> {
        Self::new(Rest::V3Binary(body), body.len(), limits)
    }

    /// Reads an answer's body as engine.io-client does: only revision 3 has binary bodies, and only by this `Content-Type`.
    pub fn of_body(
        revision: Revision,
        content_type: Option<&str>,
        body: &'a [u8],
        limits: &Limits,
    ) -> Result<Self, Fault> {
        let binary =
            matches!(content_type, Some("application/octet-stream" | "application/octet-stream; charset=UTF-8"));
        if revision == Revision::V3 && binary {
            return Self::binary(body, limits);
        }
        check_size(body.len(), limits)?;
        Self::text(revision, utf8(body, 0)?, limits)
    }

    fn new(rest: Rest<'a>, size: usize, limits: &Limits) -> Result<Self, Fault> {
        check_size(size, limits)?;
        Ok(Self { rest, size, at: 0, left: limits.packets, limits: *limits })
    }

    /// The next packet, what was read taken off.
    fn read(&mut self) -> Result<Option<Packet<'a>>, Fault> {
        match self.rest {
            Rest::End => Ok(None),
            Rest::V4(text) => {
                let (packet, rest) = match text.split_once(SEPARATOR) {
                    Some((packet, rest)) => (packet, Rest::V4(rest)),
                    None => (text, Rest::End),
                };
                let at = self.advance(rest, packet.len() + SEPARATOR.len_utf8());
                decode_text(Revision::V4, packet, at).map(Some)
            }
            Rest::V3Text(text) => {
                // `0:` is how a payload without packets is written.
                let text = text.trim_start_matches("0:");
                self.at = self.size - text.len();
                let Some((length, start)) = v3_text_length(text, self.at)? else { return Ok(None) };
                let (packet, rest) = split_utf16(&text[start..], length)
                    .ok_or(Fault::LengthMismatch { at: self.at + start, announced: length })?;
                let at = self.advance(Rest::V3Text(rest), start + packet.len()) + start;
                decode_text(Revision::V3, packet, at).map(Some)
            }
            Rest::V3Binary(bytes) => {
                let Some((marker, length, start)) = v3_binary_length(bytes, self.at)? else { return Ok(None) };
                let (packet, rest) = usize::try_from(length)
                    .ok()
                    .and_then(|length| bytes[start..].split_at_checked(length))
                    .ok_or(Fault::LengthMismatch { at: self.at + start, announced: length })?;
                let at = self.advance(Rest::V3Binary(rest), start + packet.len()) + start;
                match marker {
                    Marker::Text => decode_text(Revision::V3, utf8(packet, at)?, at).map(Some),
                    Marker::Binary => decode_binary(packet, at).map(Some),
                }
            }
        }
    }

    /// Goes on to `rest`, `bytes` further; gives where it was.
    fn advance(&mut self, rest: Rest<'a>, bytes: usize) -> usize {
        self.rest = rest;
        let at = self.at;
        self.at += bytes;
        at
    }
}

impl<'a> Iterator for Packets<'a> {
    type Item = Result<Packet<'a>, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        let read = self.read().and_then(|packet| match (packet, self.left.checked_sub(1)) {
            (Some(packet), Some(left)) => {
                self.left = left;
                Ok(Some(packet))
            }
            (Some(_), None) => Err(Fault::TooManyPackets { limit: self.limits.packets }),
            (None, _) => Ok(None),
        });
        if read.is_err() {
            self.rest = Rest::End;
        }
        read.transpose()
    }
}

/// `<length>:`, the length in UTF-16 code units; `None` at the end.
fn v3_text_length(text: &str, at: usize) -> Result<Option<(u64, usize)>, Fault> {
    if text.is_empty() {
        return Ok(None);
    }
    let digits = text.bytes().take(DIGITS).take_while(u8::is_ascii_digit).count();
    let length = text[..digits].parse().map_err(|_| Fault::PayloadLength { at })?;
    match text.as_bytes().get(digits) {
        Some(b':') => Ok(Some((length, digits + 1))),
        _ => Err(Fault::PayloadSeparator { at: at + digits }),
    }
}

/// What a part of a binary payload holds.
#[derive(Clone, Copy)]
enum Marker {
    Text,
    Binary,
}

/// `<0 or 1><digits as numbers><255>`, the length in bytes; `None` at the end.
fn v3_binary_length(bytes: &[u8], at: usize) -> Result<Option<(Marker, u64, usize)>, Fault> {
    let Some((first, rest)) = bytes.split_first() else { return Ok(None) };
    let marker = match first {
        0 => Marker::Text,
        1 => Marker::Binary,
        got => return Err(Fault::PayloadMarker { at, got: *got }),
    };
    let digits = rest.iter().take(DIGITS).take_while(|digit| **digit <= 9).count();
    let length =
        rest[..digits].iter().try_fold(0_u64, |length, digit| length.checked_mul(10)?.checked_add(u64::from(*digit)));
    match (length, rest.get(digits)) {
        (Some(length), Some(&LENGTH_END)) if 0 < digits => Ok(Some((marker, length, digits + 2))),
        (Some(_), _) if 0 < digits => Err(Fault::PayloadSeparator { at: at + 1 + digits }),
        _ => Err(Fault::PayloadLength { at: at + 1 }),
    }
}

/// Splits off `units` UTF-16 code units; `None` where there are fewer, or the end lies within a character.
fn split_utf16(text: &str, units: u64) -> Option<(&str, &str)> {
    let units = usize::try_from(units).ok()?;
    if text.as_bytes().get(..units)?.is_ascii() {
        return text.split_at_checked(units);
    }
    let (mut end, mut left) = (0, units);
    for char in text.chars() {
        if left == 0 {
            break;
        }
        left = left.checked_sub(char.len_utf16())?;
        end += char.len_utf8();
    }
    if left == 0 { text.split_at_checked(end) } else { None }
}

fn utf8(bytes: &[u8], at: usize) -> Result<&str, Fault> {
    std::str::from_utf8(bytes).map_err(|error| Fault::NotUtf8 { at: at + error.valid_up_to() })
}

/// How revision 3's payload is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Binary data in base64, `text/plain`.
    Text,
    /// All of it in bytes, `application/octet-stream`. Node's servers and pages choose it where a packet is binary,
    /// python-engineio 3 always.
    Binary,
}

/// The body that carries these packets. Revision 4 has one form, text.
pub fn encode_payload(revision: Revision, form: Form, packets: &[Packet<'_>]) -> Result<Data<'static>, Fault> {
    match (revision, form) {
        (Revision::V4, _) => encode_v4(packets),
        (Revision::V3, Form::Text) => Ok(encode_v3_text(packets)),
        (Revision::V3, Form::Binary) => Ok(encode_v3_binary(packets)),
    }
}

fn encode_v4(packets: &[Packet<'_>]) -> Result<Data<'static>, Fault> {
    let mut body = String::new();
    for (index, packet) in packets.iter().enumerate() {
        if 0 < index {
            body.push(SEPARATOR);
        }
        if let Some(at) = packet.data.text().and_then(|text| text.find(SEPARATOR)) {
            return Err(Fault::SeparatorInText { at });
        }
        body.push_str(&packet.encode_text(Revision::V4));
    }
    Ok(Data::Text(body.into()))
}

fn encode_v3_text(packets: &[Packet<'_>]) -> Data<'static> {
    let mut body = String::new();
    for packet in packets {
        let text = packet.encode_text(Revision::V3);
        let units: usize = text.chars().map(char::len_utf16).sum();
        body.push_str(&format!("{units}:{text}"));
    }
    if packets.is_empty() {
        body.push_str("0:");
    }
    Data::Text(body.into())
}

fn encode_v3_binary(packets: &[Packet<'_>]) -> Data<'static> {
    let mut body = Vec::new();
    for packet in packets {
        let (marker, bytes) = match packet.encode(Revision::V3) {
            Data::Text(text) => (0, text.into_owned().into_bytes()),
            Data::Binary(bytes) => (1, bytes.into_owned()),
        };
        body.push(marker);
        body.extend(bytes.len().to_string().bytes().map(|digit| digit - b'0'));
        body.push(LENGTH_END);
        body.extend(bytes);
    }
    Data::Binary(body.into())
}
