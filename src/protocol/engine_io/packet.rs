//! One packet, as it stands in a WebSocket frame and, text, within a polling payload.
//!
//! Decoding copies nothing but what base64 encodes.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::Revision;
use crate::protocol::{Fault, Limits};

/// A packet's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Open,
    Close,
    Ping,
    Pong,
    Message,
    Upgrade,
    Noop,
}

impl Kind {
    /// By number.
    pub const ALL: [Self; 7] =
        [Self::Open, Self::Close, Self::Ping, Self::Pong, Self::Message, Self::Upgrade, Self::Noop];

    /// The specification's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Close => "close",
            Self::Ping => "ping",
            Self::Pong => "pong",
            Self::Message => "message",
            Self::Upgrade => "upgrade",
            Self::Noop => "noop",
        }
    }

    fn of_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    fn number(self) -> u8 {
        match self {
            Self::Open => 0,
            Self::Close => 1,
            Self::Ping => 2,
            Self::Pong => 3,
            Self::Message => 4,
            Self::Upgrade => 5,
            Self::Noop => 6,
        }
    }

    pub(super) fn digit(self) -> char {
        char::from(b'0' + self.number())
    }
}

/// A packet's data; also what goes into a frame or a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data<'a> {
    /// Empty where the packet has none.
    Text(Cow<'a, str>),
    Binary(Cow<'a, [u8]>),
}

impl Data<'_> {
    pub fn into_owned(self) -> Data<'static> {
        match self {
            Self::Text(text) => Data::Text(text.into_owned().into()),
            Self::Binary(bytes) => Data::Binary(bytes.into_owned().into()),
        }
    }

    /// The text, where it is text.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(_) => None,
        }
    }

    pub fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// One packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Revision 4 has binary data in messages only, and writes no type beside it.
    pub kind: Kind,
    pub data: Data<'a>,
}

/// Padding may be missing and spare bits may be set: the pages' decoder does not look.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

impl<'a> Packet<'a> {
    pub fn text(kind: Kind, text: impl Into<Cow<'a, str>>) -> Self {
        Self { kind, data: Data::Text(text.into()) }
    }

    /// A message of bytes.
    pub fn binary(bytes: impl Into<Cow<'a, [u8]>>) -> Self {
        Self { kind: Kind::Message, data: Data::Binary(bytes.into()) }
    }

    pub fn into_owned(self) -> Packet<'static> {
        Packet { kind: self.kind, data: self.data.into_owned() }
    }

    /// Reads a WebSocket's text frame. Base64 stands in one where a peer takes no binary frames.
    pub fn decode_text(revision: Revision, frame: &'a str, limits: &Limits) -> Result<Self, Fault> {
        check_size(frame.len(), limits)?;
        decode_text(revision, frame, 0)
    }

    /// Reads a WebSocket's binary frame.
    pub fn decode_binary(revision: Revision, frame: &'a [u8], limits: &Limits) -> Result<Self, Fault> {
        check_size(frame.len(), limits)?;
        match revision {
            Revision::V3 => decode_binary(frame, 0),
            Revision::V4 => Ok(Self::binary(frame)),
        }
    }

    /// The frame that carries it.
    pub fn encode(&self, revision: Revision) -> Data<'_> {
        match (&self.data, revision) {
            (Data::Text(text), _) => Data::Text(format!("{}{text}", self.kind.digit()).into()),
            (Data::Binary(bytes), Revision::V3) => {
                let mut frame = Vec::with_capacity(bytes.len() + 1);
                frame.push(self.kind.number());
                frame.extend_from_slice(bytes);
                Data::Binary(frame.into())
            }
            (Data::Binary(bytes), Revision::V4) => Data::Binary(Cow::Borrowed(bytes)),
        }
    }

    /// The packet as text: binary data in base64.
    pub(super) fn encode_text(&self, revision: Revision) -> String {
        let mut text = String::with_capacity(self.data.len() + 2);
        match (&self.data, revision) {
            (Data::Text(data), _) => {
                text.push(self.kind.digit());
                text.push_str(data);
            }
            (Data::Binary(bytes), _) => {
                text.push('b');
                if revision == Revision::V3 {
                    text.push(self.kind.digit());
                }
                BASE64.encode_string(bytes, &mut text);
            }
        }
        text
    }
}

pub(super) fn check_size(bytes: usize, limits: &Limits) -> Result<(), Fault> {
    if limits.bytes < bytes { Err(Fault::TooLarge { bytes, limit: limits.bytes }) } else { Ok(()) }
}

/// Reads a packet's text, which stands at byte `at` of what came.
pub(super) fn decode_text(revision: Revision, text: &str, at: usize) -> Result<Packet<'_>, Fault> {
    let first = text.chars().next().ok_or(Fault::PacketEmpty { at })?;
    match (first, revision) {
        ('b', Revision::V4) => Ok(Packet::binary(decode_base64(&text[1..], at + 1)?)),
        ('b', Revision::V3) => {
            let got = text[1..].chars().next().ok_or(Fault::PacketEmpty { at: at + 1 })?;
            let kind = kind_of(got).ok_or(Fault::PacketType { at: at + 1, got })?;
            Ok(Packet { kind, data: Data::Binary(decode_base64(&text[2..], at + 2)?.into()) })
        }
        (got, _) => {
            let kind = kind_of(got).ok_or(Fault::PacketType { at, got })?;
            Ok(Packet::text(kind, &text[1..]))
        }
    }
}

/// Reads revision 3's binary packet, its type a number in front.
pub(super) fn decode_binary(bytes: &[u8], at: usize) -> Result<Packet<'_>, Fault> {
    let (first, data) = bytes.split_first().ok_or(Fault::PacketEmpty { at })?;
    let kind = Kind::of_number(*first).ok_or(Fault::PacketType { at, got: char::from(*first) })?;
    Ok(Packet { kind, data: Data::Binary(data.into()) })
}

fn kind_of(digit: char) -> Option<Kind> {
    Kind::of_number(u8::try_from(digit.to_digit(10)?).ok()?)
}

fn decode_base64(text: &str, at: usize) -> Result<Vec<u8>, Fault> {
    BASE64.decode(text).map_err(|error| match error {
        base64::DecodeError::InvalidByte(offset, _) | base64::DecodeError::InvalidLastSymbol(offset, _) => {
            Fault::Base64 { at: at + offset }
        }
        base64::DecodeError::InvalidLength(_) | base64::DecodeError::InvalidPadding => {
            Fault::Base64 { at: at + text.len() }
        }
    })
}
