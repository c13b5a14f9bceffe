//! nginx, Apache, Caddy and HAProxy, each passing everything on to one server, with lines of configuration to try.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::peers::{Process, free_port};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    Nginx,
    Apache,
    Caddy,
    Haproxy,
}

impl Server {
    pub const ALL: [Self; 4] = [Self::Nginx, Self::Apache, Self::Caddy, Self::Haproxy];

    /// As fixes name it.
    pub fn stack(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Apache => "apache",
            Self::Caddy => "caddy",
            Self::Haproxy => "haproxy",
        }
    }

    /// Its whole configuration, `lines` where they belong: nginx's `map` stands outside of the server.
    fn configuration(self, dir: &str, port: u16, backend: u16, lines: &str) -> String {
        let (maps, lines): (Vec<&str>, Vec<&str>) = lines.lines().partition(|line| line.starts_with("map "));
        let (maps, lines) = (maps.join("\n"), lines.join("\n"));
        match self {
            Self::Nginx => format!(
                "daemon off; master_process off; pid {dir}/pid; error_log stderr notice;\nevents {{}}\n\
                 http {{ access_log off; client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f;\n\
                 uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;\n{maps}\n\
                 server {{ listen 127.0.0.1:{port};\n{lines}\nlocation / {{ proxy_pass http://127.0.0.1:{backend}; }} }} }}\n"
            ),
            Self::Apache => {
                let modules = ["mpm_event", "authz_core", "unixd", "proxy", "proxy_http", "headers", "setenvif"];
                let load: String = modules
                    .iter()
                    .map(|name| (name, format!("/usr/lib/apache2/modules/mod_{name}.so")))
                    .filter(|(_, file)| std::path::Path::new(file).exists())
                    .map(|(name, file)| format!("LoadModule {name}_module {file}\n"))
                    .collect();
                format!(
                    "ServerRoot {dir}\nPidFile {dir}/pid\nServerName localhost\nErrorLog {dir}/log\nMutex pthread\n\
                     User www-data\nGroup www-data\n{load}Listen 127.0.0.1:{port}\n{lines}\nProxyPass / http://127.0.0.1:{backend}/\n"
                )
            }
            Self::Caddy => format!(
                "{{\n  admin off\n  auto_https off\n}}\nhttp://localhost:{port} {{\n{lines}\nreverse_proxy 127.0.0.1:{backend}\n}}\n"
            ),
            Self::Haproxy => format!(
                "defaults\n mode http\n timeout connect 2s\n timeout client 30s\n timeout server 30s\n\
                 frontend f\n bind 127.0.0.1:{port}\n{lines}\n default_backend b\nbackend b\n server s 127.0.0.1:{backend}\n"
            ),
        }
    }

    fn command(self, file: &str) -> Command {
        let (program, words) = match self {
            Self::Nginx => ("/usr/sbin/nginx", vec!["-e", "stderr", "-c", file]),
            Self::Apache => ("apache2", vec!["-X", "-f", file]),
            Self::Caddy => ("caddy", vec!["run", "--adapter", "caddyfile", "--config", file]),
            Self::Haproxy => ("haproxy", vec!["-db", "-q", "-f", file]),
        };
        let mut command = Command::new(program);
        command.args(words);
        command
    }
}

/// One of them, running.
pub struct Passing {
    _process: Process,
    _folder: TempDir,
    pub port: u16,
}

impl Passing {
    /// On to `backend`, with these lines.
    pub fn to(server: Server, backend: u16, lines: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let (dir, port) = (folder.path().to_str().unwrap().to_owned(), free_port());
        let file = format!("{dir}/configuration");
        std::fs::write(&file, server.configuration(&dir, port, backend, lines)).unwrap();
        let mut command = server.command(&file);
        let child = command
            .env("HOME", &dir)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(format!("{dir}/said")).unwrap())
            .spawn()
            .unwrap_or_else(|error| panic!("{server:?}: {error}"));
        let mut process = Process(child);
        let since = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = process.0.try_wait().unwrap().is_some();
            assert!(
                !ended && since.elapsed() < Duration::from_secs(20),
                "{server:?} does not start with\n{lines}\n{}",
                std::fs::read_to_string(format!("{dir}/said")).unwrap()
            );
            std::thread::yield_now();
        }
        Self { _process: process, _folder: folder, port }
    }
}
