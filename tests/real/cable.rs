//! Two machines with a cable between them, made of network and mount namespaces: one watches, the other serves, and the
//! cable can be pulled. Needs root and Debian's `iproute2`; ends with the test.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// Addresses beyond the router that the serving machine is (RFC 5737), each a host of its own.
pub const FAR: [&str; 4] = ["203.0.113.1", "203.0.113.2", "203.0.113.3", "203.0.113.4"];
/// The serving machine on the cable: the watching one's router and name server.
pub const ROUTER: &str = "10.77.0.1";
/// The watching machine on the cable.
const WATCHER: &str = "10.77.0.2/24";
/// The same cable's other network: its router, and the watching machine in it.
const OTHER_ROUTER: &str = "10.78.0.1";
const OTHER_WATCHER: &str = "10.78.0.2/24";

/// A network of its own, and a `resolv.conf` of its own.
pub struct Machine {
    /// Keeps the namespaces alive until its standard input ends, with this process at the latest.
    holder: Child,
    folder: TempDir,
}

/// The watching machine and the serving one.
pub struct Cable {
    pub watcher: Machine,
    pub server: Machine,
}

impl Machine {
    fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let resolv = folder.path().join("resolv.conf");
        std::fs::write(&resolv, "").unwrap();
        let mut holder = Command::new("unshare")
            .args(["--net", "--mount", "sh", "-c"])
            .arg("mount --bind \"$0\" /etc/resolv.conf && ip link set lo up && echo ready && exec cat")
            .arg(&resolv)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        BufReader::new(holder.stdout.take().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(said, "ready\n", "the namespaces can't be set up: apt-get install iproute2");
        Self { holder, folder }
    }

    /// A command that runs on this machine.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--net", "--mount", "--target", &self.holder.id().to_string(), "--", program]);
        command
    }

    /// Runs `ip` with these arguments on this machine.
    #[track_caller]
    pub fn ip(&self, args: &str) {
        let out = self.command("ip").args(args.split_whitespace()).output().unwrap();
        assert!(out.status.success(), "ip {args}: {}", String::from_utf8_lossy(&out.stderr));
    }

    /// Asks that name server from now on. The file is written in place, as it is mounted.
    pub fn ask_names_of(&self, server: &str) {
        let text = format!("nameserver {server}\noptions timeout:1 attempts:1\n");
        std::fs::write(self.folder.path().join("resolv.conf"), text).unwrap();
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

impl Cable {
    /// Lays it. `None`, and a line that says why, where this process may not make namespaces.
    pub fn lay() -> Option<Self> {
        let may = Command::new("unshare").args(["--net", "--mount", "true"]).stderr(Stdio::null()).status();
        if !may.is_ok_and(|status| status.success()) {
            // Past the test harness, which keeps what a passing test prints.
            let _ = writeln!(std::io::stderr(), "SKIPPED: network namespaces need root: sudo .ci/run");
            return None;
        }
        let (watcher, server) = (Machine::start(), Machine::start());
        watcher.ip(&format!("link add eth0 type veth peer name eth0 netns {}", server.holder.id()));
        server.ip(&format!("address add {ROUTER}/24 dev eth0"));
        for address in FAR {
            server.ip(&format!("address add {address}/32 dev lo"));
        }
        server.ip(&format!("address add {OTHER_ROUTER}/24 dev eth0"));
        server.ip("link set eth0 up");
        watcher.ip(&format!("address add {WATCHER} dev eth0"));
        let cable = Self { watcher, server };
        cable.plug_in();
        cable.watcher.ask_names_of(ROUTER);
        Some(cable)
    }

    pub fn pull_out(&self) {
        self.watcher.ip("link set eth0 down");
    }

    /// With the route that a network manager would set.
    pub fn plug_in(&self) {
        self.watcher.ip("link set eth0 up");
        self.watcher.ip(&format!("route replace default via {ROUTER}"));
    }

    /// Nothing that the host sends arrives any more.
    pub fn silence(&self, host: &str) {
        self.server.ip(&format!("rule add from {host} blackhole"));
    }

    pub fn unsilence(&self, host: &str) {
        self.server.ip(&format!("rule del from {host} blackhole"));
    }

    /// One more network on the watching machine, and the way out leads through it.
    pub fn join_other_network(&self) {
        self.watcher.ip(&format!("address add {OTHER_WATCHER} dev eth0"));
        self.watcher.ip(&format!("route replace default via {OTHER_ROUTER}"));
    }

    /// The network that it began with goes.
    pub fn leave_first_network(&self) {
        self.watcher.ip(&format!("address del {WATCHER} dev eth0"));
    }
}
