//! Event names that have a meaning of their own.

use super::Revision;

/// Whether a page's client would not send an event of this name: socket.io-client 4 throws, socket.io-client 2 keeps it to
/// the page.
pub fn reserved(revision: Revision, name: &str) -> bool {
    match revision {
        Revision::V4 => V4.contains(&name),
        Revision::V5 => refused(name),
    }
}

/// Whether socket.io-parser 4 takes an event of this name, from either side, for a fault.
pub(super) fn refused(name: &str) -> bool {
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"].contains(&name)
}

const V4: [&str; 13] = [
    "connect",
    "connect_error",
    "connect_timeout",
    "connecting",
    "disconnect",
    "error",
    "reconnect",
    "reconnect_attempt",
    "reconnect_failed",
    "reconnect_error",
    "reconnecting",
    "ping",
    "pong",
];
