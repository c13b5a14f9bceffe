//! The configurations of the real proxies that `check` is held to (`tests/real/scenarios/proxies`), read without a server: the
//! cause that the wire shows is found at its line, and no healthy one is accused.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has to fail")]

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use wirewatch::serverconf::{self, Files, Input, Severity};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/real/scenarios/proxies");
const UPGRADE: &str = "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; \
                       proxy_set_header Connection upgrade; proxy_set_header Host $http_host;";

struct Table(HashMap<PathBuf, String>);

impl Files for Table {
    fn read(&self, path: &Path, _most: usize) -> io::Result<Vec<u8>> {
        self.0.get(path).map(|text| text.clone().into_bytes()).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }

    fn list(&self, _folder: &Path) -> io::Result<Vec<String>> {
        Ok(Vec::new())
    }

    fn is_there(&self, path: &Path) -> bool {
        self.0.contains_key(path)
    }

    fn variable(&self, _name: &str) -> Option<String> {
        None
    }
}

/// The section of that id, filled in.
fn section(file: &str, id: &str) -> String {
    let text = std::fs::read_to_string(format!("{FOLDER}/{file}")).unwrap();
    let begin = text.find(&format!("#= {id}\n")).unwrap_or_else(|| panic!("no {id} in {file}"));
    let part = text[begin..].lines().skip(1).take_while(|line| !line.starts_with("#= "));
    let text: String = part.map(|line| format!("{line}\n")).collect();
    let text = text.replace("@upgrade@", UPGRADE).replace("@port@", "8080").replace("@dir@", "/srv");
    // The ports of what stands behind.
    text.split('@').enumerate().map(|(index, part)| if index % 2 == 0 { part } else { "5000" }).collect()
}

/// What is found, notes aside, by the cause that it shows as.
fn found(file: &str, id: &str, env: &str) -> Vec<&'static str> {
    let name = if file == "apache.conf" { "apache2.conf" } else { file };
    let files = [(PathBuf::from(".env"), env.to_owned()), (PathBuf::from(name), section(file, id))];
    let inputs: Vec<Input> = files.iter().map(|(path, _)| Input { path: path.clone(), form: None }).collect();
    let reading = serverconf::read(&inputs, &Table(files.into_iter().collect()));
    assert_eq!(reading.problems, [], "{id}");
    let wrong = reading.findings.iter().filter(|finding| Severity::Note < finding.severity);
    let mut causes: Vec<&str> = wrong.map(|finding| finding.rule.as_str()).collect();
    causes.sort_unstable();
    causes.dedup();
    causes
}

/// Pages of a development host, to Flask-SocketIO.
const SOCKETIO: &str = "SOCKETIO_CORS_ORIGINS=http://localhost:3000,http://127.0.0.1:3000\n";
/// A raw WebSocket through the proxy.
const SOCKET: &str = "VITE_WS_URL=ws://localhost:8080/ws\n";

#[test]
fn what_is_broken_on_the_wire_is_found_in_the_configuration() {
    for (file, id, env, cause) in [
        ("nginx.conf", "nginx-no-upgrade-flask", SOCKETIO, "proxy-drops-upgrade"),
        ("nginx.conf", "nginx-no-upgrade-fastapi", SOCKET, "proxy-drops-upgrade"),
        ("nginx.conf", "nginx-no-upgrade-websockets", SOCKET, "proxy-drops-upgrade"),
        ("nginx.conf", "nginx-double-cors", SOCKETIO, "duplicate-cors-headers"),
        ("nginx.conf", "nginx-no-always", "", "error-response-without-cors"),
        ("nginx.conf", "nginx-origin-stripped-polling", SOCKETIO, "origin-stripped-by-proxy"),
        ("nginx.conf", "nginx-origin-stripped-ws", SOCKET, "origin-stripped-by-proxy"),
        ("nginx.conf", "nginx-http-to-https-sio", SOCKET, "redirect-on-upgrade"),
        ("nginx.conf", "nginx-gzip-stream", "", "proxy-buffering"),
        ("nginx.conf", "nginx-limit-req-503", SOCKETIO, "proxy-rate-limit-503"),
        ("nginx.conf", "nginx-basic-auth", SOCKETIO, "http-auth-required"),
        ("nginx.conf", "nginx-503-maintenance", "", "service-unavailable"),
        ("nginx.conf", "nginx-cookie-path-rewrite", SOCKETIO, "cookie-path-mismatch"),
        ("nginx.conf", "nginx-413", "", "body-too-large"),
        ("nginx.conf", "nginx-path-not-proxied", SOCKETIO, "path-not-proxied"),
        // The wire shows who answers in its stead.
        ("nginx.conf", "nginx-spa-fallback", SOCKETIO, "path-not-proxied"),
        ("nginx.conf", "nginx-host-not-forwarded", "FLASK_HOST=0.0.0.0", "host-not-forwarded"),
        ("nginx.conf", "nginx-host-without-port", "FLASK_HOST=0.0.0.0", "host-not-forwarded"),
        ("nginx.conf", "nginx-read-timeout", SOCKET, "proxy-idle-timeout"),
        ("nginx.conf", "nginx-sticky-loss", SOCKETIO, "sticky-sessions-missing"),
        ("apache.conf", "apache-no-tunnel", SOCKETIO, "proxy-drops-upgrade"),
        ("apache.conf", "apache-double-cors", SOCKETIO, "duplicate-cors-headers"),
        ("apache.conf", "apache-origin-stripped", SOCKETIO, "origin-stripped-by-proxy"),
        ("apache.conf", "apache-path-not-proxied", SOCKETIO, "path-not-proxied"),
        ("apache.conf", "apache-redirect", SOCKET, "redirect-on-upgrade"),
    ] {
        assert!(found(file, id, env).contains(&cause), "{id}: {:?}", found(file, id, env));
    }
}

#[test]
fn what_is_healthy_on_the_wire_is_accused_of_nothing() {
    for (file, id, env) in [
        ("nginx.conf", "nginx-ok", SOCKETIO),
        ("nginx.conf", "nginx-buffering-off-ok", ""),
        ("apache.conf", "apache-upgrade-param-ok", SOCKETIO),
        ("apache.conf", "apache-host-forwarded-otherwise-ok", "FLASK_HOST=0.0.0.0"),
    ] {
        assert_eq!(found(file, id, env), Vec::<&str>::new(), "{id}");
    }
}
