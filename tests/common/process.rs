//! Servers as processes of their own.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A process that does not outlive its owner.
pub struct Process(pub Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to do.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Reads lines until one has `ready` in it; the rest is read and dropped, so that the process never blocks on it.
pub fn wait_for(out: impl std::io::Read + Send + 'static, ready: &str) -> String {
    let mut lines = BufReader::new(out).lines().map_while(Result::ok);
    let mut said = String::new();
    let found = lines.by_ref().find(|line| {
        let _ = writeln!(said, "{line}");
        line.contains(ready)
    });
    let found = found.unwrap_or_else(|| panic!("it ended without `{ready}`:\n{said}"));
    std::thread::spawn(move || lines.for_each(drop));
    found
}

/// nginx with that folder's `nginx.conf`, which keeps it in the foreground and sends `error_log` to stderr from `notice` on.
pub fn nginx(folder: &Path) -> Process {
    let program = ["/usr/sbin/nginx", "/usr/local/bin/nginx", "/opt/homebrew/bin/nginx"];
    let program = program.iter().find(|path| Path::new(path).exists()).expect("nginx is not installed");
    let mut child = Command::new(program)
        .arg("-p")
        .arg(folder)
        .args(["-e", "stderr", "-c", "nginx.conf"])
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stderr = child.stderr.take().unwrap();
    let process = Process(child);
    // Its ports are listening by the time it says this.
    wait_for(stderr, "getrlimit");
    process
}
