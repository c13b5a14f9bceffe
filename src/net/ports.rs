//! Which programs of this machine listen on a port. Nothing is sent.

use crate::wire::Listener;

/// Those on that port; `None`: this system doesn't tell here.
#[cfg(not(target_os = "linux"))]
pub fn listening(_port: u16) -> Option<Vec<Listener>> {
    None
}

#[cfg(target_os = "linux")]
pub use linux::listening;

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::HashMap;
    use std::fs;
    use std::io::Read as _;
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
    use std::path::Path;

    use super::Listener;
    use crate::wire::listener::Program;

    /// The most that is read of a table of sockets.
    const TABLE: u64 = 8 << 20;
    /// `TCP_LISTEN`, as the tables write it.
    const LISTEN: &str = "0A";
    /// Programs whose first argument says what they run.
    const INTERPRETERS: [&str; 8] = ["python", "node", "ruby", "perl", "php", "java", "deno", "bun"];

    /// Those on that port; `None`: this system doesn't tell here.
    pub fn listening(port: u16) -> Option<Vec<Listener>> {
        let (v4, v6) = (table("/proc/net/tcp"), table("/proc/net/tcp6"));
        if v4.is_none() && v6.is_none() {
            return None;
        }
        let tables = [v4, v6].into_iter().flatten();
        let found: Vec<(SocketAddr, u64)> = tables
            .flat_map(|table| table.lines().filter_map(|line| listener(line, port)).collect::<Vec<_>>())
            .collect();
        let owners = if found.is_empty() { HashMap::new() } else { owners(&found) };
        let mut listeners: Vec<Listener> = found
            .into_iter()
            .map(|(address, inode)| Listener { address, program: owners.get(&inode).cloned(), said: None })
            .collect();
        // Workers that share a port have a socket each.
        listeners.sort_by(|a, b| (a.address, &a.program).cmp(&(b.address, &b.program)));
        listeners.dedup();
        Some(listeners)
    }

    fn table(path: &str) -> Option<String> {
        let mut text = String::new();
        fs::File::open(path).ok()?.take(TABLE).read_to_string(&mut text).ok()?;
        Some(text)
    }

    /// Of a line of `/proc/net/tcp` or `tcp6` (number, local address, remote address, state, …, inode as the tenth) that is a
    /// listener on that port: its address and inode.
    fn listener(line: &str, port: u16) -> Option<(SocketAddr, u64)> {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (local, state, inode) = (fields.get(1)?, fields.get(3)?, fields.get(9)?);
        let (address, its_port) = local.split_once(':')?;
        let own = u16::from_str_radix(its_port, 16).is_ok_and(|its_port| its_port == port);
        (own && *state == LISTEN).then_some(())?;
        Some((SocketAddr::new(ip(address)?, port), inode.parse().ok()?))
    }

    /// An address as words of 32 bits in this machine's own order, in hexadecimal.
    fn ip(hex: &str) -> Option<IpAddr> {
        let mut bytes = Vec::with_capacity(16);
        for at in (0..hex.len()).step_by(8) {
            bytes.extend(u32::from_str_radix(hex.get(at..at + 8)?, 16).ok()?.to_ne_bytes());
        }
        match <[u8; 4]>::try_from(&*bytes) {
            Ok(v4) => Some(Ipv4Addr::from(v4).into()),
            Err(_) => Some(Ipv6Addr::from(<[u8; 16]>::try_from(&*bytes).ok()?).into()),
        }
    }

    /// The programs that hold these sockets, as far as their folders may be read.
    fn owners(sockets: &[(SocketAddr, u64)]) -> HashMap<u64, Program> {
        let mut found = HashMap::new();
        for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let Some(pid) = process.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
            for file in fs::read_dir(process.path().join("fd")).into_iter().flatten().flatten() {
                let Some(inode) = fs::read_link(file.path()).ok().and_then(|link| inode(&link)) else { continue };
                if sockets.iter().any(|(_, wanted)| *wanted == inode) {
                    // The parent of workers comes first, and is who the port belongs to.
                    found.entry(inode).or_insert_with(|| Program { pid, name: name(&process.path()) });
                }
            }
        }
        found
    }

    /// Of a link `socket:[4711]`.
    fn inode(link: &Path) -> Option<u64> {
        link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
    }

    fn name(process: &Path) -> String {
        let short = fs::read_to_string(process.join("comm")).unwrap_or_default();
        let mut line = Vec::new();
        let read = fs::File::open(process.join("cmdline")).map(|file| file.take(4096).read_to_end(&mut line));
        drop(read);
        named(short.trim(), &line)
    }

    /// By its short name and its command line, whose arguments end in NUL.
    pub(super) fn named(short: &str, line: &[u8]) -> String {
        let words: Vec<_> = line.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
        let program = words.first().map_or(short, |word| word.rsplit('/').next().unwrap_or(short));
        let program = if program.is_empty() { short } else { program };
        if !INTERPRETERS.iter().any(|name| program.starts_with(name)) {
            return program.chars().take(60).collect();
        }
        // `-m module` names what is run too; any other option may have a value of its own.
        let script = match words.get(1).map(|word| &**word) {
            Some("-m") => words.get(2),
            Some(word) if !word.starts_with('-') => words.get(1),
            _ => None,
        };
        let script = script.filter(|script| !script.is_empty()).map(|script| format!(" {script}")).unwrap_or_default();
        format!("{program}{script}").chars().take(120).collect()
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_line_of_the_tables_is_a_listener_or_not() {
            let v4 = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 48113 1 0 100";
            assert_eq!(listener(v4, 8080), Some(("127.0.0.1:8080".parse().unwrap(), 48113)));
            assert_eq!(listener(v4, 8081), None);
            assert_eq!(listener(&v4.replace(" 0A ", " 01 "), 8080), None);
            let v6 = v4.replace("0100007F:", "00000000000000000000000001000000:");
            assert_eq!(listener(&v6, 8080), Some(("[::1]:8080".parse().unwrap(), 48113)));
            for broken in [
                "",
                "sl  local_address rem_address   st",
                "0: 01:1F90 x 0A 0 0 0 0 0 1",
                "0: éééé0000:1F90 x 0A 0 0 0 0 0 1",
            ] {
                assert_eq!(listener(broken, 8080), None);
            }
        }

        #[test]
        fn a_listener_of_this_process_is_found_by_its_port() {
            let own = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let address = own.local_addr().unwrap();
            let found = listening(address.port()).unwrap();
            let found = found.iter().find(|one| one.address == address).unwrap();
            assert_eq!(found.program.as_ref().map(|program| program.pid), Some(std::process::id()));
            drop(own);
            assert!(listening(address.port()).unwrap().iter().all(|one| one.address != address));
        }

        #[test]
        fn an_interpreter_is_named_with_its_script_and_no_other_argument_is_told() {
            assert_eq!(named("python3", b"/usr/bin/python3\0app.py\0--password=x\0"), "python3 app.py");
            assert_eq!(named("python3", b"python3\0-m\0flask\0run\0"), "python3 flask");
            assert_eq!(named("node", b"node\0--inspect=secret\0server.js\0"), "node");
            assert_eq!(named("nginx", b"nginx: master process /usr/sbin/nginx\0-c\0x\0"), "nginx");
            assert_eq!(
                named("redis-server", b"/usr/bin/redis-server 127.0.0.1:6379\0\0"),
                "redis-server 127.0.0.1:6379"
            );
            assert_eq!(named("kworker", b""), "kworker");
        }
    }
}
