//! Engine.IO packets: [revision 4](https://github.com/socketio/engine.io-protocol) and
//! [revision 3](https://github.com/socketio/engine.io-protocol/tree/v3).
//!
//! A WebSocket frame is one packet: [`Packet::decode_text`], [`Packet::decode_binary`], [`Packet::encode`]. A polling body
//! holds several: [`Packets`], [`encode_payload`]. The first packet carries the [`Handshake`]; a server that will not talk
//! answers a [`Refusal`].

mod handshake;
mod packet;
mod payload;
mod refusal;
#[cfg(test)]
mod tests;

pub use handshake::{Handshake, open};
pub use packet::{Data, Kind, Packet};
pub use payload::{Form, Packets, encode_payload};
pub use refusal::{Refusal, RefusalCode};

/// The protocol's revision, `EIO` of the query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Revision {
    /// Socket.IO 1 and 2. The client pings.
    V3,
    /// Socket.IO 3 and 4. The server pings.
    V4,
}

impl Revision {
    pub const ALL: [Self; 2] = [Self::V3, Self::V4];

    /// The value of `EIO`.
    pub fn number(self) -> u8 {
        match self {
            Self::V3 => 3,
            Self::V4 => 4,
        }
    }

    /// The Socket.IO revision that is spoken on top.
    pub fn socket_io(self) -> super::socket_io::Revision {
        match self {
            Self::V3 => super::socket_io::Revision::V4,
            Self::V4 => super::socket_io::Revision::V5,
        }
    }
}
