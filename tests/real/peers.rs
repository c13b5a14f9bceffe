//! nginx and a Python `websockets` server, started with a configuration of their own in a temporary folder, ended on drop.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::cable::Machine;
use crate::process::nginx;
pub use crate::process::{Process, free_port, wait_for};
use crate::stacks::python;

/// nginx on loopback, with and without TLS.
pub struct Nginx {
    _process: Process,
    folder: TempDir,
    port: u16,
    tls_port: u16,
}

impl Nginx {
    /// On its own.
    pub fn alone() -> Self {
        Self::before(free_port())
    }

    /// In front of a server on that port, on `/ws/`, `/no-upgrade/`, `/impatient/` and `/quiet/`.
    pub fn before(backend: u16) -> Self {
        Self::before_workers(&[backend])
    }

    /// In front of several, each asked in turn, whoever asks; Socket.IO's path too. `/turns/` and `/pinned/` name who answered; behind
    /// the latter an address stays with its worker.
    pub fn before_workers(backends: &[u16]) -> Self {
        let workers: String = backends.iter().map(|port| format!("server 127.0.0.1:{port}; ")).collect();
        let folder = TempDir::new().unwrap();
        let (port, tls_port, dead) = (free_port(), free_port(), free_port());
        let dir = folder.path().display();
        let key = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        std::fs::write(folder.path().join("cert.pem"), key.cert.pem()).unwrap();
        std::fs::write(folder.path().join("key.pem"), key.signing_key.serialize_pem()).unwrap();
        std::fs::create_dir(folder.path().join("www")).unwrap();
        std::fs::write(folder.path().join("www/ok"), "ok\n").unwrap();
        let upgrade = "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; \
                       proxy_set_header Connection upgrade; proxy_set_header Host $http_host;";
        let configuration = format!(
            "daemon off; master_process off; pid {dir}/pid; error_log stderr notice;
             events {{ worker_connections 256; }}
             http {{
               access_log off;
               client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f;
               uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
               upstream workers {{ {workers} }}
               upstream pinned {{ ip_hash; {workers} }}
               server {{
                 listen 127.0.0.1:{port};
                 listen 127.0.0.1:{tls_port} ssl http2;
                 ssl_certificate {dir}/cert.pem; ssl_certificate_key {dir}/key.pem;
                 root {dir}/www;
                 add_header Access-Control-Allow-Origin http://app.localhost;
                 location /dead {{ proxy_pass http://127.0.0.1:{dead}; }}
                 location /dead-always {{
                   add_header Access-Control-Allow-Origin http://app.localhost always;
                   proxy_pass http://127.0.0.1:{dead};
                 }}
                 location /private {{
                   add_header Access-Control-Allow-Origin http://app.localhost always;
                   auth_basic realm; auth_basic_user_file /dev/null;
                 }}
                 location /socket.io/ {{ add_header X-Proxy nginx; proxy_pass http://workers; {upgrade} }}
                 location /ws/ {{ proxy_pass http://workers/; {upgrade} }}
                 location /impatient/ {{ proxy_pass http://workers/; {upgrade} proxy_read_timeout 1s; }}
                 location /turns/ {{ proxy_pass http://workers/; add_header X-Backend $upstream_addr always; }}
                 location /pinned/ {{ proxy_pass http://pinned/; add_header X-Backend $upstream_addr always; }}
                 location /quiet/ {{ proxy_pass http://workers/; {upgrade} proxy_read_timeout 2s; }}
                 location /no-upgrade/ {{ proxy_pass http://workers/; proxy_http_version 1.1; }}
               }}
             }}"
        );
        std::fs::write(folder.path().join("nginx.conf"), configuration).unwrap();
        Self { _process: nginx(folder.path()), folder, port, tls_port }
    }

    /// Kills it and starts it again on the same ports.
    pub fn restart(self) -> Self {
        let Self { _process: process, folder, port, tls_port } = self;
        drop(process);
        Self { _process: nginx(folder.path()), folder, port, tls_port }
    }

    pub fn http(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub fn https(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.tls_port)
    }

    pub fn ws(&self, path: &str) -> String {
        format!("ws://127.0.0.1:{}{path}", self.port)
    }

    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }
}

/// A Python `websockets` server.
pub struct Websockets {
    _process: Process,
    pub port: u16,
}

impl Websockets {
    /// On loopback at that port, or at a free one where it is 0.
    pub fn start(port: u16) -> Self {
        Self::run(Command::new(python()), "127.0.0.1", port, &[])
    }

    /// As [`Websockets::start`], with permessage-deflate that refers to no earlier message, in narrow windows.
    pub fn start_alone() -> Self {
        Self::run(Command::new(python()), "127.0.0.1", 0, &["alone"])
    }

    /// On every address of that machine, at a free port.
    pub fn on(machine: &Machine) -> Self {
        Self::run(machine.command(python()), "0.0.0.0", 0, &[])
    }

    fn run(mut python: Command, address: &str, port: u16, more: &[&str]) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/real/server.py");
        let mut child = python
            .args(["-u", script, address, &port.to_string()])
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let process = Process(child);
        let line = wait_for(stdout, "port ");
        Self { _process: process, port: line.trim_start_matches("port ").trim().parse().unwrap() }
    }

    pub fn ws(&self, path: &str) -> String {
        format!("ws://127.0.0.1:{}{path}", self.port)
    }
}
