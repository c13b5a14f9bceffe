//! How a server breaks the Engine.IO or Socket.IO protocol: one closed enum, each cause with its code.

use super::engine_io::{Kind, Revision};

/// One broken rule. `at` counts bytes from the beginning of what was read: a frame, a polling payload, a Socket.IO packet's
/// text. What the server wrote comes last, shortened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("{bytes} bytes, more than {limit}")]
    TooLarge { bytes: usize, limit: usize },
    #[error("more than {limit} packets in one payload")]
    TooManyPackets { limit: usize },
    #[error("JSON nested deeper than {limit} at byte {at}")]
    TooDeep { at: usize, limit: usize },
    #[error("more than {limit} values in one packet's JSON at byte {at}")]
    TooManyValues { at: usize, limit: usize },
    #[error("{announced} attachments announced, more than {limit}")]
    TooManyAttachments { announced: u64, limit: usize },

    /// Engine.IO: not even a type.
    #[error("empty packet at byte {at}")]
    PacketEmpty { at: usize },
    /// Engine.IO or Socket.IO: none of the protocol's types.
    #[error("unknown packet type at byte {at}: {got:?}")]
    PacketType { at: usize, got: char },
    /// Revision 3: no length, or one that is no number.
    #[error("no packet length at byte {at}")]
    PayloadLength { at: usize },
    /// Revision 3: nothing ends the length.
    #[error("no separator after the packet length at byte {at}")]
    PayloadSeparator { at: usize },
    /// Revision 3, binary payload: neither 0 for text nor 1 for binary.
    #[error("byte {at} is neither 0 nor 1: {got}")]
    PayloadMarker { at: usize, got: u8 },
    /// Revision 3: fewer characters or bytes than announced, or an end within a character.
    #[error("the packet at byte {at} is not {announced} long")]
    LengthMismatch { at: usize, announced: u64 },
    /// Text to be sent holds revision 4's separator, U+001E.
    #[error("separator within a packet's text at byte {at}")]
    SeparatorInText { at: usize },
    #[error("not UTF-8 at byte {at}")]
    NotUtf8 { at: usize },
    #[error("not base64 at byte {at}")]
    Base64 { at: usize },
    #[error("not JSON at byte {at}")]
    Json { at: usize },
    /// The JSON is right as far as it goes.
    #[error("JSON ends too soon at byte {at}")]
    JsonCut { at: usize },

    /// The first packet of a connection is not `open`.
    #[error("{} in place of open", .got.word())]
    NotOpen { got: Kind },
    /// The opening payload is right, but of the revision that was not asked for.
    #[error("the server speaks revision {}", .spoken.number())]
    OtherRevision { spoken: Revision },
    #[error("the handshake is no object")]
    HandshakeShape,
    #[error("the handshake lacks {}", .field.name())]
    HandshakeMissing { field: Field },
    #[error("{} of the handshake: {got}", .field.name())]
    HandshakeValue { field: Field, got: String },

    /// Socket.IO: the number of attachments is no number, is 0, or nothing ends it.
    #[error("no number of attachments at byte {at}")]
    AttachmentCount { at: usize },
    /// Another packet, or the end, before all attachments came.
    #[error("{got} of {expected} attachments")]
    AttachmentMissing { expected: usize, got: usize },
    /// Binary data that no packet announced.
    #[error("binary data of {bytes} bytes that no packet announced")]
    AttachmentUnexpected { bytes: usize },
    /// A placeholder without a number, or for an attachment past those announced.
    #[error("a placeholder for none of the {attachments} attachments")]
    Placeholder { attachments: usize },
    /// An acknowledgement's number past 64 bits.
    #[error("acknowledgement number too large at byte {at}")]
    AckId { at: usize },
    /// Data of a CONNECT is no object.
    #[error("CONNECT with other data than an object at byte {at}")]
    ConnectData { at: usize },
    /// The server's CONNECT of revision 5 without `sid`: what a server of revision 4 says.
    #[error("CONNECT without a session id")]
    ConnectSid,
    /// Data where none may be.
    #[error("DISCONNECT with data at byte {at}")]
    DisconnectData { at: usize },
    /// Data of an EVENT is no array that begins with the event's name.
    #[error("EVENT without an array that begins with a name at byte {at}")]
    EventData { at: usize },
    /// Data of an ACK is no array.
    #[error("ACK with other data than an array at byte {at}")]
    AckData { at: usize },
    /// Data of a CONNECT_ERROR is no text, no object and, in revision 4, no array.
    #[error("CONNECT_ERROR with data that says no reason at byte {at}")]
    ConnectErrorData { at: usize },
    /// An event by a name that the protocol's own events have.
    #[error("reserved event name: {name}")]
    EventReserved { name: String },
    /// A namespace to be sent that can't be written: it has to begin with `/` and hold no comma.
    #[error("not a namespace: {got}")]
    Namespace { got: String },
}

impl Fault {
    /// Stable: written to the history and to `replay`. Never renamed.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too-large",
            Self::TooManyPackets { .. } => "too-many-packets",
            Self::TooDeep { .. } => "too-deep",
            Self::TooManyValues { .. } => "too-many-values",
            Self::TooManyAttachments { .. } => "too-many-attachments",
            Self::PacketEmpty { .. } => "packet-empty",
            Self::PacketType { .. } => "packet-type-unknown",
            Self::PayloadLength { .. } => "payload-length",
            Self::PayloadSeparator { .. } => "payload-separator",
            Self::PayloadMarker { .. } => "payload-marker",
            Self::LengthMismatch { .. } => "length-mismatch",
            Self::SeparatorInText { .. } => "separator-in-text",
            Self::NotUtf8 { .. } => "not-utf-8",
            Self::Base64 { .. } => "base64",
            Self::Json { .. } => "json",
            Self::JsonCut { .. } => "json-cut",
            Self::NotOpen { .. } => "not-open",
            Self::OtherRevision { .. } => "other-revision",
            Self::HandshakeShape => "handshake-shape",
            Self::HandshakeMissing { field: Field::Sid } => "handshake-sid-missing",
            Self::HandshakeMissing { .. } => "handshake-field-missing",
            Self::HandshakeValue { .. } => "handshake-field-value",
            Self::AttachmentCount { .. } => "attachment-count",
            Self::AttachmentMissing { .. } => "attachment-missing",
            Self::AttachmentUnexpected { .. } => "attachment-unexpected",
            Self::Placeholder { .. } => "placeholder",
            Self::AckId { .. } => "ack-id",
            Self::ConnectData { .. } => "connect-data",
            Self::ConnectSid => "connect-sid-missing",
            Self::DisconnectData { .. } => "disconnect-data",
            Self::EventData { .. } => "event-data",
            Self::AckData { .. } => "ack-data",
            Self::ConnectErrorData { .. } => "connect-error-data",
            Self::EventReserved { .. } => "event-reserved",
            Self::Namespace { .. } => "namespace",
        }
    }
}

/// A field of the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    Sid,
    Upgrades,
    PingInterval,
    PingTimeout,
    MaxPayload,
}

impl Field {
    /// As it stands in the JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sid => "sid",
            Self::Upgrades => "upgrades",
            Self::PingInterval => "pingInterval",
            Self::PingTimeout => "pingTimeout",
            Self::MaxPayload => "maxPayload",
        }
    }
}

/// The most of a server's text that a fault carries, in characters.
const SHOWN: usize = 32;

/// `text` shortened for a fault.
pub(super) fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
