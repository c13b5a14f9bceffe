//! What this machine's own network looks like, without sending a packet.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

/// The most that is read of a table of routes: a router of the internet's core has millions.
const TABLE: u64 = 256 * 1024;

/// The machine's own addresses and its ways out: two snapshots that differ mean that the network changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    addresses: BTreeSet<IpAddr>,
    routes: BTreeSet<Box<str>>,
}

impl Snapshot {
    /// The addresses of the interfaces that are up, and the default routes. Loopback and link-local addresses are left out:
    /// no endpoint is reached by them, and a container that starts brings one.
    pub fn take() -> Self {
        let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
        Self {
            addresses: interfaces
                .iter()
                .filter(|interface| interface.is_oper_up() && !interface.is_loopback() && !interface.is_link_local())
                .map(if_addrs::Interface::ip)
                .collect(),
            routes: default_routes(),
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

/// The default routes, a text each; empty where the system doesn't tell them in a file.
fn default_routes() -> BTreeSet<Box<str>> {
    let read = |file: &str| {
        let mut text = String::new();
        let opened = File::open(file).map(|file| file.take(TABLE));
        // Not Linux: then the addresses have to tell.
        let _ = opened.and_then(|mut file| file.read_to_string(&mut text));
        text
    };
    let (v4, v6) = (read("/proc/net/route"), read("/proc/net/ipv6_route"));
    v4.lines().filter_map(v4_default).chain(v6.lines().filter_map(v6_default)).collect()
}

/// Of a line of `/proc/net/route` (interface, destination, gateway, …, the mask as the eighth): interface and gateway.
fn v4_default(line: &str) -> Option<Box<str>> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (interface, destination, gateway, mask) = (fields.first()?, fields.get(1)?, fields.get(2)?, fields.get(7)?);
    (*destination == "00000000" && *mask == "00000000").then(|| format!("{interface} {gateway}").into())
}

/// Of a line of `/proc/net/ipv6_route` (destination, its prefix's length, source, its length, next hop, …, the interface
/// last): interface and next hop.
fn v6_default(line: &str) -> Option<Box<str>> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (length, next, interface) = (fields.get(1)?, fields.get(4)?, fields.last()?);
    // The kernel's own entry that refuses what has no route stands on loopback.
    (*length == "00" && *interface != "lo").then(|| format!("{interface} {next}").into())
}

/// Whether the address is one of this machine's own now.
pub fn is_ours(address: IpAddr) -> bool {
    // Binding asks the kernel, and nothing is sent. What fails for another reason says nothing against the address.
    !UdpSocket::bind((address, 0)).is_err_and(|error| error.kind() == ErrorKind::AddrNotAvailable)
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
    fn a_default_route_is_told_from_the_others() {
        let check = |got: Option<Box<str>>, expected: Option<&str>| assert_eq!(got.as_deref(), expected);
        check(v4_default("Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU"), None);
        check(v4_default("eth0\t00000000\t01004D0A\t0003\t0\t0\t0\t00000000\t0"), Some("eth0 01004D0A"));
        check(v4_default("eth0\t00004D0A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0"), None);
        let zeros = "0".repeat(32);
        let v6 = |length, next: &str, interface| {
            v6_default(&format!("{zeros} {length} {zeros} 00 {next} 00000400 00000001 00000000 00000003 {interface}"))
        };
        check(v6("00", "fe80000000000000", "wlan0"), Some("wlan0 fe80000000000000"));
        check(v6("00", &zeros, "lo"), None);
        check(v6("40", &zeros, "wlan0"), None);
        check(v4_default(""), None);
        check(v6_default("00"), None);
    }

    #[test]
    fn an_address_is_ours_or_not() {
        assert!(is_ours(Ipv4Addr::LOCALHOST.into()) && !is_ours(Ipv4Addr::new(192, 0, 2, 7).into()));
    }

    #[test]
    fn a_machine_without_addresses_has_no_route() {
        assert!(!Snapshot::take().is_empty() || !has_route());
    }
}
