//! A program of this machine that waits for connections.

use std::net::SocketAddr;

use bytes::Bytes;

/// One address that is listened on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// `0.0.0.0` and `::` stand for every address; `::` mostly for those of IPv4 as well.
    pub address: SocketAddr,
    /// `None`: it belongs to somebody else, and the system doesn't tell.
    pub program: Option<Program>,
    /// What it says first, or to a line that is of no protocol; `None`: it was not listened to.
    pub said: Option<Bytes>,
}

/// Who it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Program {
    pub pid: u32,
    /// Its name; of an interpreter with the script that it runs. No other argument: one may be a secret.
    pub name: String,
}
