//! WebSocket frames and messages as the session saw them.

/// Whose it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// From the server.
    In,
    /// From us.
    Out,
}

impl Direction {
    /// Stable.
    pub fn code(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
        }
    }
}

/// [RFC 6455, section 11.8](https://www.rfc-editor.org/rfc/rfc6455#section-11.8), messages put together from fragments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Opcode {
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

impl Opcode {
    pub fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Binary => "binary",
            Self::Close => "close",
            Self::Ping => "ping",
            Self::Pong => "pong",
        }
    }
}

/// The most of a payload that an event keeps, in bytes.
pub const PREVIEW: usize = 4096;

/// One message or control frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub direction: Direction,
    pub opcode: Opcode,
    /// The payload's whole length in bytes.
    pub size: u64,
    /// Its first [`PREVIEW`] bytes at most, secrets replaced.
    pub payload: Box<[u8]>,
    /// A ping, a pong, or a message that one of the profile's `answers` matched (or its answer).
    pub heartbeat: bool,
}

impl Frame {
    /// The payload as text, where it is text; cut at a character's edge.
    pub fn text(&self) -> Option<&str> {
        match std::str::from_utf8(&self.payload) {
            Ok(text) => Some(text),
            Err(error) if error.error_len().is_none() => std::str::from_utf8(&self.payload[..error.valid_up_to()]).ok(),
            Err(_) => None,
        }
    }
}
