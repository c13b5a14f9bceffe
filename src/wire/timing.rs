//! How long each phase of an exchange took. A phase that didn't happen is `None`, never zero.

use std::time::Duration;

/// The phases in the order in which they happen. Each is its own length, not a time since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Phases {
    /// Name to addresses. `None` for an address literal and for names that are loopback by definition.
    pub dns: Option<Duration>,
    /// SYN to established, of the address that won.
    pub connect: Option<Duration>,
    /// The proxy's own handshake (`CONNECT`, SOCKS5).
    pub proxy: Option<Duration>,
    pub tls: Option<Duration>,
    /// Request written until the first byte of the answer.
    pub first_byte: Option<Duration>,
    /// First byte until the answer's end.
    pub body: Option<Duration>,
    /// From the start to the end or the failure, whichever came.
    pub total: Option<Duration>,
}

impl Phases {
    /// Name and length of each phase that happened, without the total.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, Duration)> {
        [
            ("dns", self.dns),
            ("connect", self.connect),
            ("proxy", self.proxy),
            ("tls", self.tls),
            ("first_byte", self.first_byte),
            ("body", self.body),
        ]
        .into_iter()
        .filter_map(|(name, took)| Some((name, took?)))
    }
}
