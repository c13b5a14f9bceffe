//! Layer 3: the only sockets: DNS, TCP, proxy, TLS, HTTP, WebSocket, with the time of each phase.
//!
//! Invariants: no policy (what an answer means is decided elsewhere); every request has a connection of its own; whatever
//! a peer sends is bounded in size by [`Limits`] and in time by the caller's deadline; nothing is retried.

mod body;
mod cert;
mod chunks;
mod client;
mod coding;
mod dial;
mod dns;
mod errno;
mod head;
mod http1;
mod http2;
mod judged;
pub mod machine;
#[cfg(test)]
mod peer;
#[cfg(test)]
mod peer_tls;
pub mod ports;
mod proxy;
mod settings;
mod stream;
mod target;
mod tls;
mod trace;
mod tunnel;
mod verify;
mod websocket;

pub use body::Body;
pub use client::Client;
pub use settings::{ClientKey, ConnectTo, Limits, Settings};
pub use tokio_tungstenite::tungstenite::Utf8Bytes;
pub use websocket::{Received, Upgraded, WebSocket};
