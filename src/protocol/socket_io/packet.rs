//! One packet: what it is for, and its binary attachments.

use bytes::Bytes;
use serde_json::{Map, Value};

use super::{Revision, reserved};
use crate::base::Secret;
use crate::protocol::Fault;
use crate::protocol::fault::shown;

/// A whole packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// `/`, or what begins with it.
    pub namespace: String,
    pub body: Body,
    /// Binary data of an event or an acknowledgement; [placeholders](placeholder) in its arguments stand for it.
    pub attachments: Vec<Bytes>,
}

/// What a packet is for, and its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Asks for a namespace, or grants it.
    Connect {
        /// Revision 4: the client's query, without its `?`.
        query: Option<String>,
        /// Revision 5: the client's `auth`, or what [`Connected`] reads.
        data: Option<Map<String, Value>>,
    },
    Disconnect,
    /// `EVENT`, or with attachments `BINARY_EVENT`.
    Event {
        /// A name that came as a number is its digits, as it is to a page's listeners.
        name: String,
        /// What follows the name.
        args: Vec<Value>,
        /// Of the acknowledgement that the sender wants.
        id: Option<u64>,
    },
    /// `ACK`, or with attachments `BINARY_ACK`.
    Ack {
        args: Vec<Value>,
        /// The event's. A page drops an acknowledgement without one.
        id: Option<u64>,
    },
    /// Refuses a namespace; `ERROR` in revision 4.
    ConnectError {
        /// A text or an object; in revision 4 also an array.
        data: Option<Value>,
    },
}

impl Packet {
    /// Asks for a namespace. `auth` is revision 5's.
    pub fn connect(namespace: impl Into<String>, auth: Option<Map<String, Value>>) -> Self {
        Self::new(namespace, Body::Connect { query: None, data: auth })
    }

    pub fn disconnect(namespace: impl Into<String>) -> Self {
        Self::new(namespace, Body::Disconnect)
    }

    /// An event as a page may emit it: a [reserved] name is refused.
    pub fn event(
        revision: Revision,
        namespace: impl Into<String>,
        name: &str,
        args: Vec<Value>,
        id: Option<u64>,
    ) -> Result<Self, Fault> {
        if reserved(revision, name) {
            return Err(Fault::EventReserved { name: shown(name) });
        }
        Ok(Self::new(namespace, Body::Event { name: name.to_owned(), args, id }))
    }

    /// The answer to an event that wanted one.
    pub fn ack(namespace: impl Into<String>, id: u64, args: Vec<Value>) -> Self {
        Self::new(namespace, Body::Ack { args, id: Some(id) })
    }

    fn new(namespace: impl Into<String>, body: Body) -> Self {
        Self { namespace: namespace.into(), body, attachments: Vec::new() }
    }

    /// The same with binary data, for which [placeholders](placeholder) stand in the arguments.
    #[must_use]
    pub fn with_attachments(mut self, attachments: Vec<Bytes>) -> Self {
        self.attachments = attachments;
        self
    }

    /// The type, in the specification's word.
    pub fn word(&self) -> &'static str {
        match (&self.body, self.attachments.is_empty()) {
            (Body::Connect { .. }, _) => "CONNECT",
            (Body::Disconnect, _) => "DISCONNECT",
            (Body::Event { .. }, true) => "EVENT",
            (Body::Event { .. }, false) => "BINARY_EVENT",
            (Body::Ack { .. }, true) => "ACK",
            (Body::Ack { .. }, false) => "BINARY_ACK",
            (Body::ConnectError { .. }, _) => "CONNECT_ERROR",
        }
    }

    /// The bytes that `value` stands for, where it is a placeholder.
    pub fn attachment(&self, value: &Value) -> Option<&Bytes> {
        placed(value)?.and_then(|number| self.attachments.get(usize::try_from(number).ok()?))
    }
}

impl Body {
    /// Why a namespace was refused, in the server's words.
    pub fn refusal(&self) -> Option<&str> {
        let Self::ConnectError { data: Some(data) } = self else { return None };
        match data {
            Value::Object(map) => map.get("message")?.as_str(),
            other => other.as_str(),
        }
    }
}

/// What stands in the arguments for attachment `number`, from 0.
pub fn placeholder(number: usize) -> Value {
    let mut map = Map::new();
    map.insert("_placeholder".into(), true.into());
    map.insert("num".into(), number.into());
    Value::Object(map)
}

/// The number of a placeholder: `None` where `value` is none, `Some(None)` where it has no number of an attachment.
pub(super) fn placed(value: &Value) -> Option<Option<u64>> {
    let map = value.as_object()?;
    (map.get("_placeholder") == Some(&Value::Bool(true))).then(|| map.get("num").and_then(Value::as_u64))
}

/// What a server of revision 5 says when it grants a namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connected {
    pub sid: String,
    /// With connection state recovery: who knows it may take the session up again.
    pub pid: Option<Secret>,
}

impl Connected {
    /// Reads a CONNECT's data.
    pub fn of(data: Option<&Map<String, Value>>) -> Result<Self, Fault> {
        let text = |name| data.and_then(|data| data.get(name)).and_then(Value::as_str).filter(|text| !text.is_empty());
        Ok(Self { sid: text("sid").ok_or(Fault::ConnectSid)?.to_owned(), pid: text("pid").map(Secret::new) })
    }
}
