//! Socket.IO packets: [revision 5](https://github.com/socketio/socket.io-protocol) and
//! [revision 4](https://github.com/socketio/socket.io-protocol/tree/v4).
//!
//! What Engine.IO's `message` packets carry goes into an [`Assembler`], texts and bytes in the order in which they came;
//! whole [`Packet`]s come out. [`Packet::encode`] gives the text to send, [`Packet::attachments`] follow it.

mod assembler;
mod decode;
mod encode;
mod packet;
mod reserved;
#[cfg(test)]
mod tests;

pub use assembler::Assembler;
pub use packet::{Body, Connected, Packet, placeholder};
pub use reserved::reserved;

/// The protocol's revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Revision {
    /// Socket.IO 1 and 2, on Engine.IO's revision 3.
    V4,
    /// Socket.IO 3 and 4, on Engine.IO's revision 4.
    V5,
}

impl Revision {
    pub const ALL: [Self; 2] = [Self::V4, Self::V5];
}
