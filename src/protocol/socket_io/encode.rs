//! Packets to text.

use std::fmt::Write as _;

use super::decode::check_placeholders;
use super::reserved::refused;
use super::{Body, Packet, Revision};
use crate::protocol::Fault;
use crate::protocol::fault::shown;

impl Packet {
    /// The text that carries it; the attachments follow as binary messages. A packet that the other side's parser would
    /// refuse is a fault.
    pub fn encode(&self, revision: Revision) -> Result<String, Fault> {
        let mut text = String::new();
        text.push(match (&self.body, self.attachments.is_empty()) {
            (Body::Connect { .. }, _) => '0',
            (Body::Disconnect, _) => '1',
            (Body::Event { .. }, true) => '2',
            (Body::Ack { .. }, true) => '3',
            (Body::ConnectError { .. }, _) => '4',
            (Body::Event { .. }, false) => '5',
            (Body::Ack { .. }, false) => '6',
        });
        if let (Body::Event { args, .. } | Body::Ack { args, .. }, false) = (&self.body, self.attachments.is_empty()) {
            args.iter().try_for_each(|arg| check_placeholders(arg, self.attachments.len()))?;
            let _ = write!(text, "{}-", self.attachments.len());
        }
        let mut namespace = self.namespace.clone();
        if let (Body::Connect { query: Some(query), .. }, Revision::V4) = (&self.body, revision) {
            namespace = format!("{namespace}?{query}");
        }
        if !namespace.starts_with('/') || namespace.contains(',') {
            return Err(Fault::Namespace { got: shown(&self.namespace) });
        }
        if namespace != "/" {
            text.push_str(&namespace);
            text.push(',');
        }
        if let Body::Event { id: Some(id), .. } | Body::Ack { id: Some(id), .. } = &self.body {
            let _ = write!(text, "{id}");
        }
        match &self.body {
            Body::Connect { data: None, .. } | Body::Disconnect | Body::ConnectError { data: None } => (),
            Body::Connect { data: Some(map), .. } => push(&mut text, map),
            Body::ConnectError { data: Some(data) } => push(&mut text, data),
            Body::Ack { args, .. } => push(&mut text, args),
            Body::Event { name, .. } if revision == Revision::V5 && refused(name) => {
                return Err(Fault::EventReserved { name: shown(name) });
            }
            Body::Event { name, args, .. } => {
                text.push('[');
                push(&mut text, name);
                for arg in args {
                    text.push(',');
                    push(&mut text, arg);
                }
                text.push(']');
            }
        }
        Ok(text)
    }
}

/// Control characters are escaped, so that none of it can be taken for a payload's separator.
fn push(text: &mut String, json: &(impl serde::Serialize + ?Sized)) {
    // A map's keys are strings, and writing to a string can't fail.
    text.push_str(&serde_json::to_string(json).unwrap_or_default());
}
