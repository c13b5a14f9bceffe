//! Layer 2: Engine.IO (revisions 3 and 4) and Socket.IO (revisions 4 and 5) packets, both directions. Pure: no sockets, no
//! clock, no log.
//!
//! [`engine_io`] turns frames and polling payloads into packets and back; a `message` packet's text or bytes go on to
//! [`socket_io::Assembler`]. Everything is bounded by [`Limits`] before it is parsed, and what breaks a rule is a
//! [`Fault`], with its code and its place.
//!
//! # Why our own codec
//!
//! Read in July 2026's sources: engineioxide-core 0.2 is the server's side (it refuses the `open` packet, reads payloads
//! from an HTTP body's stream, knows no text beside `message` but the probes'), socketioxide-parser-common keeps the JSON
//! as a string for the handlers' types, and neither says where a fault stands; rust_engineio has revision 4 alone. A
//! monitor needs both revisions from both sides and the place of the fault, and the two codecs are small.
//!
//! What decides where the specifications are silent are the parsers that pages and Node servers run: engine.io-parser 2
//! and 5, socket.io-parser 3 and 4. Where ours is stricter than theirs, they go on with bytes that the server did not
//! mean (a payload cut short, base64 with foreign characters).

#[cfg(test)]
mod corpus_tests;
pub mod engine_io;
pub mod fault;
mod json;
pub mod limits;
pub mod socket_io;

pub use fault::{Fault, Field};
pub use limits::Limits;
