//! What this machine's own network looks like, without sending a packet.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

/// The machine's own addresses: two snapshots that differ mean that the network changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    addresses: BTreeSet<IpAddr>,
}

impl Snapshot {
    /// The addresses of the interfaces that are up, loopback left out.
    pub fn take() -> Self {
        let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
        Self {
            addresses: interfaces
                .iter()
                .filter(|interface| interface.is_oper_up() && !interface.is_loopback())
                .map(if_addrs::Interface::ip)
                .collect(),
        }
    }

    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.addresses.iter().copied()
    }

    /// Whether the machine has any address but loopback.
    pub fn is_empty(&self) -> bool {
        self.addresses.is_empty()
    }
}

/// Whether this machine has a route to anywhere beyond itself. Asks the routing table only: a UDP socket is "connected" to
/// an address kept for documentation (RFC 5737, RFC 3849), which sends nothing.
pub fn has_route() -> bool {
    let routed = |from: IpAddr, to: IpAddr| {
        UdpSocket::bind((from, 0)).is_ok_and(|socket| {
            socket.connect((to, 9)).is_ok() && socket.local_addr().is_ok_and(|local| !local.ip().is_loopback())
        })
    };
    routed(Ipv4Addr::UNSPECIFIED.into(), Ipv4Addr::new(192, 0, 2, 1).into())
        || routed(Ipv6Addr::UNSPECIFIED.into(), Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_has_no_loopback_and_equals_itself() {
        let snapshot = Snapshot::take();
        assert!(snapshot.addresses().all(|address| !address.is_loopback()));
        assert_eq!(snapshot, Snapshot::take());
    }

    #[test]
    fn a_machine_without_addresses_has_no_route() {
        assert!(!Snapshot::take().is_empty() || !has_route());
    }
}
