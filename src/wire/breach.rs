//! Which rule of the WebSocket protocol a server broke.

/// One rule each of [RFC 6455](https://www.rfc-editor.org/rfc/rfc6455#section-5) and
/// [RFC 7692](https://www.rfc-editor.org/rfc/rfc7692).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Breach {
    /// A length written with more bytes than it needs, or with its highest bit set.
    FrameHeader,
    /// Reserved bits that nobody agreed on; RSV1 is 4, RSV2 2, RSV3 1.
    ReservedBits {
        bits: u8,
    },
    Masked,
    FragmentedControl,
    LongControl,
    Opcode {
        opcode: u8,
    },
    /// A continuation where no message is open.
    LoneContinuation,
    /// A new message where one is open.
    Interleaved,
    NotUtf8,
    /// A close frame of one byte.
    ShortClose,
    /// A code that must not be sent.
    CloseCode {
        code: u16,
    },
    CloseNotUtf8,
    /// Anything behind a close frame.
    AfterClose {
        opcode: u8,
    },
    /// A compressed message that can't be inflated.
    Compression,
    /// A part of a compressed message that is marked as its first.
    RepeatedCompression,
    /// A frame past what the browser itself takes.
    TooLarge,
}

impl Breach {
    /// A stable word for the rule: written to the history.
    pub fn what(self) -> &'static str {
        match self {
            Self::FrameHeader => "frame length",
            Self::ReservedBits { .. } => "reserved bits",
            Self::Masked => "masked frame",
            Self::FragmentedControl => "fragmented control frame",
            Self::LongControl => "control frame too long",
            Self::Opcode { .. } => "unknown opcode",
            Self::LoneContinuation => "continuation of nothing",
            Self::Interleaved => "message within a message",
            Self::NotUtf8 | Self::CloseNotUtf8 => "text is not UTF-8",
            Self::ShortClose => "close frame of one byte",
            Self::CloseCode { .. } => "close code",
            Self::AfterClose { .. } => "frame after the close",
            Self::Compression | Self::RepeatedCompression => "compressed message",
            Self::TooLarge => "frame too large",
        }
    }
}
