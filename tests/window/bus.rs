//! A session bus, and what a screen reader reads over it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::screen::Screen;

/// A session bus of its own.
pub struct Bus {
    daemon: Child,
    pub address: String,
}

impl Bus {
    pub fn start(screen: &Screen) -> Self {
        let mut daemon = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--print-address"])
            // What it starts finds the screen by this.
            .env("DISPLAY", &screen.display)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("dbus-daemon can't be started ({error}): apt-get install dbus"));
        let mut address = String::new();
        BufReader::new(daemon.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Self { daemon, address: address.trim().to_owned() }
    }

    /// Everything that is in the window now.
    #[track_caller]
    pub fn tree(&self, args: &[&str]) -> Vec<Value> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/window/tree.py");
        let out = Command::new("/usr/bin/python3")
            .arg(script)
            .args(args)
            .env("DBUS_SESSION_BUS_ADDRESS", &self.address)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success(), "apt-get install at-spi2-core python3-pyatspi\n{said}");
        String::from_utf8(out.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}
