//! How much of a server's word is taken.

/// Bounds that hold before anything is parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one WebSocket frame, of one polling payload, and of one packet's attachments together.
    pub bytes: usize,
    /// Packets in one polling payload.
    pub packets: usize,
    /// How deep a packet's JSON may nest; 127 at most.
    pub depth: usize,
    /// Elements and brackets in one packet's JSON, as a bound on its values: each takes far more memory than its text.
    pub values: usize,
    /// Binary attachments of one packet.
    pub attachments: usize,
}

impl Default for Limits {
    /// `attachments` is what socket.io-parser 4.2.6 and 3.4.4 began to allow; the other bounds are this program's own.
    fn default() -> Self {
        Self { bytes: 16 * 1024 * 1024, packets: 65_536, depth: 100, values: 100_000, attachments: 10 }
    }
}
