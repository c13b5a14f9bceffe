//! What a server says when it refuses a request: Node's JSON, python-engineio's words.

use serde_json::Value;

use crate::protocol::{Limits, json};

/// [Node's codes](https://github.com/socketio/socket.io/blob/main/packages/engine.io/lib/server.ts).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RefusalCode {
    TransportUnknown,
    SessionIdUnknown,
    BadHandshakeMethod,
    BadRequest,
    Forbidden,
    UnsupportedProtocolVersion,
}

impl RefusalCode {
    /// By number.
    pub const ALL: [Self; 6] = [
        Self::TransportUnknown,
        Self::SessionIdUnknown,
        Self::BadHandshakeMethod,
        Self::BadRequest,
        Self::Forbidden,
        Self::UnsupportedProtocolVersion,
    ];

    /// The server's own words for it.
    pub fn message(self) -> &'static str {
        match self {
            Self::TransportUnknown => "Transport unknown",
            Self::SessionIdUnknown => "Session ID unknown",
            Self::BadHandshakeMethod => "Bad handshake method",
            Self::BadRequest => "Bad request",
            Self::Forbidden => "Forbidden",
            Self::UnsupportedProtocolVersion => "Unsupported protocol version",
        }
    }

    /// The number on the wire.
    pub fn number(self) -> usize {
        Self::ALL.iter().position(|code| *code == self).unwrap_or_default()
    }
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// `None` where the server has a code of its own, or words that none of Node's codes has.
    pub code: Option<RefusalCode>,
    /// May hold the session's id.
    pub message: String,
}

/// Bytes of a refusal; a longer body is none.
const LONGEST: usize = 4096;

impl Refusal {
    /// Reads a refusal's body; `None` where it is something else, a proxy's page for instance.
    pub fn decode(body: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(body.get(..LONGEST.min(body.len()))?).ok()?;
        if LONGEST < body.len() {
            return None;
        }
        match json::parse(text, 0, &Limits::default()).ok()? {
            Value::Object(map) => {
                let code = match map.get("code")? {
                    Value::String(digits) => digits.parse().ok()?, // engineioxide's.
                    number => number.as_u64()?,
                };
                Some(Self {
                    code: usize::try_from(code).ok().and_then(|code| RefusalCode::ALL.get(code)).copied(),
                    message: map.get("message").and_then(Value::as_str).unwrap_or_default().to_owned(),
                })
            }
            Value::String(message) => Some(Self { code: of_python(&message), message }),
            _ => None,
        }
    }

    /// Node's JSON.
    pub fn encode(&self) -> String {
        let code = self.code.map(RefusalCode::number);
        serde_json::json!({ "code": code, "message": self.message }).to_string()
    }
}

/// The code that Node's servers have for what
/// [python-engineio](https://github.com/miguelgrinberg/python-engineio/blob/main/src/engineio/server.py) says, 3 and 4.
/// It says `Invalid transport` too where the session is on another transport, which is Node's "Bad request".
fn of_python(message: &str) -> Option<RefusalCode> {
    if message.starts_with("Invalid session ") {
        Some(RefusalCode::SessionIdUnknown)
    } else if message.starts_with("Invalid transport") {
        Some(RefusalCode::TransportUnknown)
    } else if message.starts_with("The client is using an unsupported version") {
        Some(RefusalCode::UnsupportedProtocolVersion)
    } else if message.to_ascii_lowercase().ends_with("not an accepted origin.") {
        Some(RefusalCode::Forbidden)
    } else if message == "Bad Request" || message == "Invalid websocket upgrade" {
        Some(RefusalCode::BadRequest)
    } else {
        None
    }
}
