//! Puts packets and their attachments together.

use bytes::Bytes;

use super::decode::decode;
use super::{Packet, Revision};
use crate::protocol::{Fault, Limits};

/// Holds a packet until its attachments are there. A fault lets it go.
#[derive(Clone, Debug)]
pub struct Assembler {
    revision: Revision,
    limits: Limits,
    /// Boxed: most connections never see an attachment.
    pending: Option<Box<Pending>>,
}

#[derive(Clone, Debug)]
struct Pending {
    packet: Packet,
    expected: usize,
    bytes: usize,
}

impl Assembler {
    pub fn new(revision: Revision, limits: Limits) -> Self {
        Self { revision, limits, pending: None }
    }

    /// Takes a message's text; gives the packet, unless attachments belong to it.
    pub fn text(&mut self, text: &str) -> Result<Option<Packet>, Fault> {
        self.end()?;
        let (packet, expected) = decode(self.revision, text, &self.limits)?;
        if expected == 0 {
            return Ok(Some(packet));
        }
        self.pending = Some(Box::new(Pending { packet, expected, bytes: 0 }));
        Ok(None)
    }

    /// Takes a message's bytes; gives the packet when they were its last.
    pub fn binary(&mut self, bytes: Bytes) -> Result<Option<Packet>, Fault> {
        let Some(mut pending) = self.pending.take() else {
            return Err(Fault::AttachmentUnexpected { bytes: bytes.len() });
        };
        pending.bytes = pending.bytes.saturating_add(bytes.len());
        if self.limits.bytes < pending.bytes {
            return Err(Fault::TooLarge { bytes: pending.bytes, limit: self.limits.bytes });
        }
        pending.packet.attachments.push(bytes);
        if pending.packet.attachments.len() == pending.expected {
            return Ok(Some(pending.packet));
        }
        self.pending = Some(pending);
        Ok(None)
    }

    /// How many attachments are still to come.
    pub fn missing(&self) -> usize {
        self.pending.as_ref().map_or(0, |pending| pending.expected - pending.packet.attachments.len())
    }

    /// Nothing more comes, or something else does: a fault where attachments are missing.
    pub fn end(&mut self) -> Result<(), Fault> {
        match self.pending.take() {
            None => Ok(()),
            Some(pending) => {
                Err(Fault::AttachmentMissing { expected: pending.expected, got: pending.packet.attachments.len() })
            }
        }
    }
}
