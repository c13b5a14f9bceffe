//! The parts of a [`Record`](super::record::Record) that only a Socket.IO session has. As there: field names are stable, and
//! what does not apply is absent.

use serde::Serialize;

use super::record::{ms, some_ms};
use crate::profile::model::Transport;
use crate::watch::{Message, NamespaceChange, TransportStep};

/// What became of a transport.
#[derive(Debug, Default, Serialize)]
pub struct TransportRecord {
    /// `polling` or `websocket`.
    pub name: &'static str,
    pub step: &'static str,
    /// Engine.IO's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upgradable: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ping_interval_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ping_timeout_ms: Option<f64>,
    /// Bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_payload: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<f64>,
    /// Why it stays on polling: `not_offered`, `not_wanted`, `refused`, `unanswered`, `wrong_answer`, `lost`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<&'static str>,
    /// The transport that the attempts before began with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<&'static str>,
}

impl TransportRecord {
    pub(super) fn of(transport: Transport, step: &TransportStep) -> Self {
        let record = Self { name: transport.word(), step: step.code(), ..Self::default() };
        match step {
            TransportStep::Opened { revision, upgradable, ping_interval, ping_timeout, max_payload, took } => Self {
                revision: Some(*revision),
                upgradable: Some(*upgradable),
                ping_interval_ms: Some(ms(*ping_interval)),
                ping_timeout_ms: Some(ms(*ping_timeout)),
                max_payload: *max_payload,
                took_ms: Some(ms(*took)),
                ..record
            },
            TransportStep::Probing => record,
            TransportStep::Upgraded { took } => Self { took_ms: Some(ms(*took)), ..record },
            TransportStep::Stuck { why, .. } => Self { why: Some(why.code()), ..record },
            TransportStep::FellBack { from, .. } => Self { instead_of: Some(from.word()), ..record },
        }
    }
}

/// What became of a namespace.
#[derive(Debug, Default, Serialize)]
pub struct NamespaceRecord {
    pub name: String,
    pub change: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovered: Option<bool>,
    /// A refusal's payload, JSON in a string.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// Who ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<&'static str>,
}

impl NamespaceRecord {
    pub(super) fn of(name: &str, change: &NamespaceChange) -> Self {
        let record = Self { name: name.to_owned(), change: change.code(), ..Self::default() };
        match change {
            NamespaceChange::Joined { sid, took, recovered } => Self {
                session_id: sid.as_deref().map(str::to_owned),
                took_ms: Some(ms(*took)),
                recovered: Some(*recovered),
                ..record
            },
            NamespaceChange::Refused { data, .. } => Self { data: Some(data.to_string()), ..record },
            NamespaceChange::Left { by } => Self { by: Some(by.code()), ..record },
        }
    }
}

/// A Socket.IO event or acknowledgement.
#[derive(Debug, Serialize)]
pub struct MessageRecord {
    /// `in` or `out`.
    pub direction: &'static str,
    /// `event`, `ack`, `ack_missing`.
    pub kind: &'static str,
    pub namespace: String,
    /// The event's name.
    pub event: String,
    /// The arguments, a JSON array in a string: what is kept of it may be less than the whole.
    pub data: String,
    /// Bytes of the whole, attachments included.
    pub size: u64,
    pub attachments: u32,
    /// The acknowledgement's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// How long the acknowledgement took, or was waited for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
}

impl MessageRecord {
    pub(super) fn of(message: &Message) -> Self {
        let text = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
        Self {
            direction: message.direction.code(),
            kind: message.kind.code(),
            namespace: message.namespace.to_string(),
            event: message.event.to_string(),
            data: message.data.to_string(),
            size: message.size,
            attachments: message.attachments,
            id: message.id,
            took_ms: some_ms(message.took),
            room: text(&message.room),
            user: text(&message.user),
            session_id: text(&message.sid),
        }
    }
}
