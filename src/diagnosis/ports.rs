//! Who listens on a port of this machine, and whom a URL reaches there: `localhost` is two addresses, which may be two programs.

use std::net::IpAddr;

use super::banner;
use crate::wire::Listener;

/// What it speaks, by what it said; `None`: it said nothing, or was not listened to.
pub fn speaks(listener: &Listener) -> Option<String> {
    let said = listener.said.as_ref()?;
    let lower = String::from_utf8_lossy(&said[..said.len().min(512)]).to_ascii_lowercase();
    match &**said {
        [0x15 | 0x16, 0x03, ..] => Some("TLS".to_owned()),
        _ if lower.starts_with("http/") || lower.contains("<html") => Some("HTTP".to_owned()),
        said => banner::program(said),
    }
}

/// The program, for a sentence.
pub fn name(listener: &Listener) -> String {
    match &listener.program {
        Some(program) => format!("{} (pid {})", program.name, program.pid),
        None => "another user's program".to_owned(),
    }
}

/// Who takes a connection to that address: the most exact listener.
pub fn reached(address: IpAddr, listeners: &[Listener]) -> Option<&Listener> {
    let exact = |one: &&Listener| one.address.ip() == address;
    let any = |one: &&Listener| one.address.ip().is_unspecified() && one.address.is_ipv4() == address.is_ipv4();
    // `::` takes IPv4's too, unless it was told not to, which can't be seen from outside.
    let both = |one: &&Listener| one.address.ip().is_unspecified() && one.address.is_ipv6();
    listeners.iter().find(exact).or_else(|| listeners.iter().find(any)).or_else(|| listeners.iter().find(both))
}

/// Whom a URL with that host and port reaches, a sentence each; `addresses`: the host's, in the order of a browser's trying.
pub fn sentences(host: &str, port: u16, addresses: &[IpAddr], listeners: &[Listener]) -> Vec<String> {
    if listeners.is_empty() {
        return vec![format!("No program of this machine listens on port {port}.")];
    }
    let at = |address: IpAddr| std::net::SocketAddr::new(address, port);
    let found: Vec<(IpAddr, Option<&Listener>)> =
        addresses.iter().map(|address| (*address, reached(*address, listeners))).collect();
    let mut out: Vec<String> = Vec::new();
    for (address, listener) in &found {
        out.push(match listener {
            Some(listener) => {
                format!("{} reaches {}, which listens on {}.", at(*address), name(listener), listener.address)
            }
            None => format!("Nothing listens on {}.", at(*address)),
        });
    }
    let programs: Vec<_> = found.iter().filter_map(|(_, listener)| *listener).map(|one| &one.program).collect();
    if programs.is_empty() {
        let who: Vec<String> =
            listeners.iter().map(|one| format!("{} listens on {}", name(one), one.address)).collect();
        out.push(format!("{}: {host} reaches none of them.", who.join(", ")));
    } else if programs.windows(2).any(|two| two[0] != two[1]) {
        out.push(format!(
            "{host} is two addresses, and two programs: which one answers depends on the address that a client tries first (browsers: IPv6)."
        ));
    } else if programs.len() < found.len() {
        out.push(format!(
            "{host} is two addresses, and the program listens on one: a client that tries the other alone is refused."
        ));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::listener::Program;

    /// Listeners as `address name`, the host with its addresses, and pieces of what is said, in order.
    #[track_caller]
    fn check(listeners: &[(&str, &str)], host: &str, addresses: &[&str], expected: &[&str]) {
        let listener = |(pid, (address, name)): (usize, &(&str, &str))| Listener {
            address: address.parse().unwrap(),
            program: Some(Program { pid: u32::try_from(pid).unwrap() + 1, name: (*name).to_owned() }),
            said: None,
        };
        let listeners: Vec<Listener> = listeners.iter().enumerate().map(listener).collect();
        let addresses: Vec<IpAddr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
        let said = sentences(host, 5000, &addresses, &listeners);
        assert_eq!(said.len(), expected.len(), "{said:#?}");
        assert!(said.iter().zip(expected).all(|(said, piece)| said.contains(piece)), "{said:#?}");
    }

    const BOTH: [&str; 2] = ["::1", "127.0.0.1"];

    #[test]
    fn whom_localhost_reaches_is_told_for_both_its_addresses() {
        check(&[], "localhost", &BOTH, &["No program of this machine listens on port 5000."]);
        check(
            &[("127.0.0.1:5000", "python3 app.py")],
            "localhost",
            &BOTH,
            &["Nothing listens on [::1]:5000", "127.0.0.1:5000 reaches python3 app.py (pid 1)", "listens on one"],
        );
        check(
            &[("[::1]:5000", "ControlCenter"), ("0.0.0.0:5000", "python3 app.py")],
            "localhost",
            &BOTH,
            &["ControlCenter", "python3 app.py (pid 2), which listens on 0.0.0.0:5000", "two programs"],
        );
        check(&[("[::]:5000", "node server.js")], "localhost", &BOTH, &["node", "node"]);
    }

    #[test]
    fn an_address_that_nobody_listens_on_is_told_from_those_that_have_a_listener() {
        check(
            &[("[::1]:5000", "node")],
            "127.0.0.1",
            &["127.0.0.1"],
            &["Nothing listens", "[::1]:5000: 127.0.0.1 reaches none"],
        );
        check(&[("0.0.0.0:5000", "node")], "127.0.0.1", &["127.0.0.1"], &["127.0.0.1:5000 reaches node (pid 1)"]);
    }

    #[test]
    fn what_it_speaks_is_told_by_what_it_said() {
        let speaks = |said: &[u8]| {
            let said = Some(bytes::Bytes::copy_from_slice(said));
            super::speaks(&Listener { address: "127.0.0.1:1".parse().unwrap(), program: None, said })
        };
        assert_eq!(speaks(b"HTTP/1.1 400 Bad Request\r\n").as_deref(), Some("HTTP"));
        assert_eq!(speaks(b"\x15\x03\x01\x00\x02\x02\x32").as_deref(), Some("TLS"));
        assert_eq!(speaks(b"SSH-2.0-OpenSSH_9.2\r\n").as_deref(), Some("an SSH server"));
        assert_eq!(speaks(b""), None);
    }
}
