//! Configuration read here against the servers themselves: python-dotenv's values, what nginx refuses to start with, and whom
//! nginx and Apache let in.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use wirewatch::serverconf::{self, Files, Finding, Form, Guarded, Input, Reading, Rule, Severity, dotenv};

use crate::peers::{Process, free_port};
use crate::stacks::python_with;

const REQUIREMENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/real/serverconf/requirements.txt");

/// Texts in, what `dotenv_values` makes of each out.
const READER: &str = "
import io, json, os, sys
from dotenv import dotenv_values
import logging
logging.disable(logging.CRITICAL)
os.environ.clear()
texts = json.load(sys.stdin)
json.dump([dotenv_values(stream=io.StringIO(text, newline=None)) for text in texts], sys.stdout)
";

type Values = BTreeMap<String, Option<String>>;

/// Short texts of the letters that the grammar knows.
fn random_texts(count: usize) -> impl Iterator<Item = String> {
    const PARTS: &[&str] = &[
        "A", "B", "=", "=", "'", "\"", "#", " ", "\n", "\n", "${", "}", ":-", "\\", "export ", "\t", "x", "\u{85}", "é",
    ];
    let mut rng = fastrand::Rng::with_seed(7);
    std::iter::repeat_with(move || (0..rng.usize(0..24)).map(|_| PARTS[rng.usize(0..PARTS.len())]).collect())
        .take(count)
}

#[test]
#[ignore = "needs Python: .ci/run installs it and runs cargo test --test real -- --ignored"]
fn python_dotenv_reads_the_same_values() {
    let corpus = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/dotenv.txt")).unwrap();
    let texts: Vec<String> = corpus.split("====\n").map(str::to_owned).chain(random_texts(20_000)).collect();
    let mut child = Command::new(python_with("dotenv", REQUIREMENTS))
        .args(["-c", READER])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let sent = serde_json::to_vec(&texts).unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(&sent).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let expected: Vec<Values> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(expected.len(), texts.len());
    for (text, expected) in texts.iter().zip(expected) {
        let read = dotenv::parse(text, &|_| None);
        let got: Values = read.entries.into_iter().map(|entry| (entry.name, entry.value)).collect();
        assert_eq!(got, expected, "{text:?}");
    }
}

struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path, _most: usize) -> std::io::Result<Vec<u8>> {
        std::fs::read(path)
    }

    fn list(&self, folder: &Path) -> std::io::Result<Vec<String>> {
        Ok(std::fs::read_dir(folder)?.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect())
    }

    fn is_there(&self, path: &Path) -> bool {
        path.is_file()
    }

    fn variable(&self, _name: &str) -> Option<String> {
        None
    }
}

fn read(path: PathBuf, form: Form) -> Reading {
    serverconf::read(&[Input { path, form: Some(form) }], &Disk)
}

/// A server's program, wherever the system has it.
fn program(names: &[&str]) -> String {
    let there = |name: &&&str| Path::new(name).exists();
    (*names.iter().find(there).unwrap_or_else(|| panic!("none of {names:?} is installed"))).to_owned()
}

fn nginx() -> String {
    program(&["/usr/sbin/nginx", "/usr/local/bin/nginx", "/opt/homebrew/bin/nginx"])
}

#[test]
#[ignore = "needs nginx: .ci/run installs it and runs cargo test --test real -- --ignored"]
fn nginx_refuses_what_is_refused_here() {
    let http = |inside: &str| format!("events {{}}\nhttp {{\n{inside}\n}}\n");
    let texts = [
        http("server {\n listen 127.0.0.1:1;\n"),
        http("server { listen 127.0.0.1:1; } }"),
        http("server {\n add_header X 'open;\n}"),
        http("server {\n add_header X \"a\"b;\n}"),
        http("server {\n add_header X y\n}"),
        http("{ }"),
        http(";"),
        http(&format!("server {{\n add_header X {};\n}}", "y".repeat(5000))),
        http("include \"here.conf\";"),
    ];
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("here.conf");
    for text in texts {
        std::fs::write(&path, &text).unwrap();
        let run = Command::new(nginx()).arg("-t").arg("-p").arg(folder.path()).arg("-c").arg(&path).output().unwrap();
        let said = String::from_utf8_lossy(&run.stderr);
        assert!(!run.status.success(), "nginx takes {text:?}");
        let problems = read(path.clone(), Form::Nginx).problems;
        assert_eq!(problems.len(), 1, "{text:?} is taken here; nginx: {said}");
    }
}

/// The pages that ask.
const PAGES: &[&str] = &[
    "https://app.example.com",
    "https://www.example.com",
    "https://b.example",
    "http://app.example.com",
    "https://app.example.com:8443",
    "https://app.example.com.evil.test",
    "https://evilexample.com",
    "https://appxexample.com",
    "null",
];

/// The status and every `Access-Control-Allow-Origin` of an answer to a page.
fn ask(port: u16, path: &str, page: &str) -> (u16, Vec<String>) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost:{port}\r\nOrigin: {page}\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let head = answer.split("\r\n\r\n").next().unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let values = head.lines().filter_map(|line| line.split_once(": "));
    let values = values.filter(|(name, _)| name.eq_ignore_ascii_case("access-control-allow-origin"));
    (status, values.map(|(_, value)| value.to_owned()).collect())
}

/// Who is let in, whether two values go out, and whether a 404 has the header: as read and as answered.
fn agree(name: &str, port: u16, reading: &Reading) {
    assert_eq!(reading.problems, [], "{name}");
    let found = |rule| reading.findings.iter().any(|finding| finding.rule == rule);
    let guard = reading.policy.guards.iter().find(|guard| guard.thing == Guarded::HttpCors).unwrap();
    let mut twice = false;
    for page in PAGES {
        let (status, values) = ask(port, "/ok", page);
        assert_eq!(status, 200, "{name}");
        let let_in = values.iter().any(|value| value == page || value == "*");
        assert_eq!(guard.origins.lets_in(page), let_in, "{name}: {page} is answered {values:?}; {:?}", guard.origins);
        twice |= 1 < values.len() || values.iter().any(|value| value.contains(','));
    }
    assert_eq!(found(Rule::DuplicateCorsHeaders), twice, "{name}");
    let named = PAGES.iter().find(|page| guard.origins.lets_in(page));
    if let Some(page) = named.filter(|_| !twice) {
        let (status, values) = ask(port, "/missing", page);
        assert_eq!((status, found(Rule::ErrorResponseWithoutCors)), (404, values.is_empty()), "{name}: {values:?}");
    }
}

/// A server that takes every handshake and says in its answers what reached it: `Host`, `Origin` and the path.
fn backend() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let (mut head, mut byte) = (Vec::new(), [0]);
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| 0 < read) {
                head.push(byte[0]);
            }
            let head = String::from_utf8_lossy(&head).into_owned();
            let value = |name: &str| {
                let line = head.lines().find(|line| line.to_lowercase().starts_with(&format!("{name}: ")));
                line.and_then(|line| line.split_once(": ")).map_or("", |(_, value)| value).to_owned()
            };
            let asked = value("upgrade") == "websocket" && value("connection").to_lowercase().contains("upgrade");
            let first = if asked {
                "101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade"
            } else {
                "200 OK\r\nContent-Length: 0"
            };
            let path = head.split(' ').nth(1).unwrap_or_default();
            let (host, origin) = (value("host"), value("origin"));
            // The proxy may have gone.
            let _ =
                write!(stream, "HTTP/1.1 {first}\r\nX-Host: {host}\r\nX-Origin: {origin}\r\nX-Path: {path}\r\n\r\n");
        }
    });
    port
}

/// What a handshake through a proxy came to, and what is said of its configuration.
fn through(name: &str, port: u16, path: &str, reading: &Reading) {
    assert_eq!(reading.problems, [], "{name}");
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: https://app.example.com\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    .unwrap();
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        assert_eq!(stream.read(&mut byte).unwrap(), 1, "{name}: {}", String::from_utf8_lossy(&head));
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let value = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    let agrees = |rule: Rule, seen: bool| {
        // HTTP/1.0 to the server behind is a note of the same rule, and does no harm here.
        let harmless = |finding: &Finding| rule == Rule::ProxyDropsUpgrade && finding.severity == Severity::Note;
        let told = reading.findings.iter().any(|finding| finding.rule == rule && !harmless(finding));
        assert_eq!(told, seen, "{name}: {rule}, {head}");
    };
    agrees(Rule::ProxyDropsUpgrade, head.split(' ').nth(1) != Some("101"));
    agrees(Rule::HostNotForwarded, value("X-Host: ") != format!("127.0.0.1:{port}"));
    agrees(Rule::OriginStrippedByProxy, value("X-Origin: ").is_empty());
    agrees(Rule::OriginNotValidated, !["", "https://app.example.com"].contains(&value("X-Origin: ")));
    agrees(Rule::WrongSocketioPath, path.starts_with("/socket.io/") && !value("X-Path: ").contains("/socket.io/"));
}

/// Waits until a server listens.
fn until_listening(port: u16) {
    let since = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(since.elapsed() < Duration::from_secs(20), "nothing listens on {port}");
        std::thread::yield_now();
    }
}

/// What stands in `http {}` and in the server, by name.
const NGINX: &[(&str, &str, &str)] = &[
    ("one origin", "", "add_header Access-Control-Allow-Origin https://app.example.com always;"),
    ("without always", "", "add_header Access-Control-Allow-Origin https://app.example.com;"),
    ("everyone", "", "add_header Access-Control-Allow-Origin * always;"),
    ("reflected", "", "add_header Access-Control-Allow-Origin $http_origin always; add_header Vary Origin always;"),
    ("a slash", "", "add_header Access-Control-Allow-Origin https://app.example.com/ always;"),
    (
        "two headers",
        "",
        "add_header Access-Control-Allow-Origin https://app.example.com always;
         add_header Access-Control-Allow-Origin https://b.example always;",
    ),
    (
        "a map",
        "map $http_origin $cors { default ''; https://app.example.com $http_origin; '~^https://(www\\.example\\.com|b\\.example)$' $http_origin; }",
        "add_header Access-Control-Allow-Origin $cors always;",
    ),
    (
        "a map that is too wide",
        "map $http_origin $cors { '~*example\\.com$' $http_origin; }",
        "add_header Access-Control-Allow-Origin $cors always;",
    ),
    (
        "a map with a dot for any letter",
        "map $http_origin $cors { '~^https://app.example.com$' $http_origin; }",
        "add_header Access-Control-Allow-Origin $cors always;",
    ),
    (
        "an if",
        "",
        "set $cors ''; if ($http_origin ~ '^https://(app|www)\\.example\\.com$') { set $cors $http_origin; }
         add_header Access-Control-Allow-Origin $cors always;",
    ),
    (
        "an if without regard to case",
        "",
        "set $cors ''; if ($http_origin ~* '^https://app\\.example\\.com$') { set $cors $http_origin; }
         add_header Access-Control-Allow-Origin $cors always;",
    ),
    (
        "a flag",
        "",
        "set $ok ''; if ($http_origin = https://b.example) { set $ok yes; }
         location /ok { if ($ok = yes) { add_header Access-Control-Allow-Origin $http_origin; } }
         location /missing { if ($ok = yes) { add_header Access-Control-Allow-Origin $http_origin; } }",
    ),
];

/// nginx with this inside `http {}`, the server at a free port, until it is dropped.
fn start_nginx(http: &str, server: &str) -> (Process, TempDir, u16) {
    let folder = TempDir::new().unwrap();
    let (dir, port) = (folder.path().display(), free_port());
    std::fs::create_dir(folder.path().join("www")).unwrap();
    std::fs::write(folder.path().join("www/ok"), "ok").unwrap();
    let site = format!("{http}\nserver {{ listen 127.0.0.1:{port}; root {dir}/www; {server} }}");
    std::fs::write(folder.path().join("site.conf"), site).unwrap();
    let text = format!(
        "daemon off; master_process off; pid {dir}/pid; error_log stderr; events {{}}
         http {{ access_log off; client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f;
         uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s; include sit*.conf; }}"
    );
    let path = folder.path().join("nginx.conf");
    std::fs::write(&path, text).unwrap();
    let mut command = Command::new(nginx());
    command.arg("-p").arg(folder.path()).arg("-e").arg("stderr").arg("-c").arg(&path);
    let process = Process(command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    until_listening(port);
    (process, folder, port)
}

#[test]
#[ignore = "needs nginx: .ci/run installs it and runs cargo test --test real -- --ignored"]
fn nginx_lets_in_whom_its_configuration_is_read_to_let_in() {
    for (name, http, server) in NGINX {
        let (_process, folder, port) = start_nginx(http, server);
        agree(name, port, &read(folder.path().join("nginx.conf"), Form::Nginx));
    }
}

#[test]
#[ignore = "needs nginx: .ci/run installs it and runs cargo test --test real -- --ignored"]
fn nginx_passes_sockets_on_as_its_configuration_is_read() {
    const HEADERS: &str =
        "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;";
    const HOST: &str = "proxy_set_header Host $http_host;";
    const SOCKET_IO: &str = "/socket.io/?EIO=4&transport=websocket";
    let backend = backend();
    let pass = format!("proxy_pass http://127.0.0.1:{backend};");
    let all = format!("{pass} {HEADERS} {HOST}");
    let map = "map $http_upgrade $upgrading { default upgrade; '' close; }";
    let moved = all.replace(&format!("{backend};"), &format!("{backend}/;"));
    for (name, http, server, path) in [
        ("right", "", format!("location /ws {{ {all} }}"), "/ws"),
        ("no headers", "", format!("location /ws {{ {pass} {HOST} }}"), "/ws"),
        ("HTTP/1.0", "", format!("location /ws {{ {} }}", all.replace("proxy_http_version 1.1;", "")), "/ws"),
        ("closed", "", format!("location /ws {{ {} }}", all.replace("Connection upgrade", "Connection close")), "/ws"),
        ("inherited", "", format!("{HEADERS} {HOST} location /ws {{ {pass} }}"), "/ws"),
        ("not inherited", "", format!("{HEADERS} location /ws {{ {pass} {HOST} }}"), "/ws"),
        (
            "a map",
            map,
            format!("location /ws {{ {} }}", all.replace("Connection upgrade", "Connection $upgrading")),
            "/ws",
        ),
        ("no host", "", format!("location /ws {{ {pass} {HEADERS} }}"), "/ws"),
        ("host without port", "", format!("location /ws {{ {} }}", all.replace("$http_host", "$host")), "/ws"),
        ("no origin", "", format!("location /ws {{ {all} proxy_set_header Origin ''; }}"), "/ws"),
        ("another origin", "", format!("location /ws {{ {all} proxy_set_header Origin http://127.0.0.1; }}"), "/ws"),
        ("Socket.IO", "", format!("location /socket.io/ {{ {all} }}"), SOCKET_IO),
        ("Socket.IO elsewhere", "", format!("location /socket.io/ {{ {moved} }}"), SOCKET_IO),
        ("an expression", "", format!("location / {{ {pass} }} location ~ ^/socket\\.io/ {{ {all} }}"), SOCKET_IO),
    ] {
        let (_process, folder, port) = start_nginx(http, &server);
        through(name, port, path, &read(folder.path().join("nginx.conf"), Form::Nginx));
    }
}

/// What stands in the server, by name.
const APACHE: &[(&str, &str)] = &[
    ("one origin", "Header always set Access-Control-Allow-Origin https://app.example.com"),
    ("without always", "Header set Access-Control-Allow-Origin https://app.example.com"),
    ("everyone", "Header always set Access-Control-Allow-Origin \"*\""),
    ("a slash", "Header always set Access-Control-Allow-Origin https://app.example.com/"),
    ("reflected", "Header always set Access-Control-Allow-Origin expr=%{req:Origin}"),
    (
        "a variable",
        "SetEnvIf Origin \"^https://(app|www)\\.example\\.com$\" CORS=$0\n\
         Header always set Access-Control-Allow-Origin \"%{CORS}e\" env=CORS",
    ),
    (
        "a variable without regard to case",
        "SetEnvIfNoCase Origin \"^https://app\\.example\\.com$\" CORS=$0\n\
         Header always set Access-Control-Allow-Origin \"%{CORS}e\" env=CORS",
    ),
    (
        "a variable that is too wide",
        "SetEnvIf Origin \"example\\.com\" OK\nHeader always set Access-Control-Allow-Origin expr=%{req:Origin} env=OK",
    ),
    (
        "both tables",
        "Header set Access-Control-Allow-Origin https://b.example\n\
         Header always set Access-Control-Allow-Origin https://app.example.com",
    ),
    (
        "set and added",
        "Header always set Access-Control-Allow-Origin https://app.example.com\n\
         Header always add Access-Control-Allow-Origin https://b.example",
    ),
    (
        "set twice",
        "Header always set Access-Control-Allow-Origin https://app.example.com\n\
         Header always set Access-Control-Allow-Origin https://b.example",
    ),
    (
        "a rewriting rule",
        "RewriteEngine On\nRewriteCond %{HTTP:Origin} ^https://b\\.example$\nRewriteRule .* - [E=CORS:%{HTTP:Origin}]\n\
         Header always set Access-Control-Allow-Origin \"%{CORS}e\" env=CORS",
    ),
];

/// Apache with this inside its virtual host at a free port, until it is dropped.
fn start_apache(server: &str) -> (Process, TempDir, u16) {
    let apache = program(&["/usr/sbin/apache2", "/usr/sbin/httpd", "/usr/local/bin/httpd", "/opt/homebrew/bin/httpd"]);
    let modules = program(&[
        "/usr/lib/apache2/modules",
        "/usr/lib64/httpd/modules",
        "/usr/local/lib/httpd/modules",
        "/opt/homebrew/lib/httpd/modules",
    ]);
    let folder = TempDir::new().unwrap();
    let (dir, port) = (folder.path().display(), free_port());
    std::fs::create_dir(folder.path().join("www")).unwrap();
    std::fs::write(folder.path().join("www/ok"), "ok").unwrap();
    let there = |module: &str| Path::new(&format!("{modules}/mod_{module}.so")).exists();
    let mpm = if there("mpm_event") { "mpm_event" } else { "mpm_prefork" };
    let wanted = [mpm, "authz_core", "headers", "setenvif", "rewrite", "proxy", "proxy_http", "proxy_wstunnel"];
    let load: String = wanted
        .iter()
        .filter(|module| there(module))
        .map(|module| format!("LoadModule {module}_module {modules}/mod_{module}.so\n"))
        .collect();
    let site = format!("<VirtualHost *:{port}>\nDocumentRoot {dir}/www\n{server}\n</VirtualHost>\n");
    std::fs::write(folder.path().join("site.conf"), site).unwrap();
    let text = format!(
        "{load}ServerName localhost\nListen 127.0.0.1:{port}\nPidFile {dir}/pid\nErrorLog {dir}/log\n\
         DefaultRuntimeDir {dir}\nMutex file:{dir} default\n<Directory />\nRequire all granted\n</Directory>\n\
         Include {dir}/sit*.conf\n"
    );
    let path = folder.path().join("apache2.conf");
    std::fs::write(&path, text).unwrap();
    let mut command = Command::new(&apache);
    command.arg("-X").arg("-d").arg(folder.path()).arg("-f").arg(&path);
    let process = Process(command.stdin(Stdio::null()).spawn().unwrap());
    until_listening(port);
    (process, folder, port)
}

#[test]
#[ignore = "needs Apache: .ci/run installs it and runs cargo test --test real -- --ignored"]
fn apache_lets_in_whom_its_configuration_is_read_to_let_in() {
    for (name, server) in APACHE {
        let (_process, folder, port) = start_apache(server);
        agree(name, port, &read(folder.path().join("apache2.conf"), Form::Apache));
    }
}

#[test]
#[ignore = "needs Apache: .ci/run installs it and runs cargo test --test real -- --ignored"]
fn apache_passes_sockets_on_as_its_configuration_is_read() {
    const HOST: &str = "ProxyPreserveHost On";
    let to = format!("127.0.0.1:{}", backend());
    let asked = format!("ProxyPass /ws http://{to}/ws upgrade=websocket");
    let plain = format!("ProxyPass /ws http://{to}/ws");
    let rewritten = format!(
        "RewriteEngine On\nRewriteCond %{{HTTP:Upgrade}} websocket [NC]\nRewriteRule ^/(.*) ws://{to}/$1 [P,L]\n{plain}"
    );
    for (name, server) in [
        ("asked for", format!("{HOST}\n{asked}")),
        ("a socket's address", format!("{HOST}\nProxyPass /ws ws://{to}/ws")),
        ("not asked for", format!("{HOST}\n{plain}")),
        ("taken by another", format!("{HOST}\nProxyPass / http://{to}/\nProxyPass /ws ws://{to}/ws")),
        ("in a section", format!("{HOST}\n<Location /ws>\nProxyPass http://{to}/ws upgrade=websocket\n</Location>")),
        ("rewritten", format!("{HOST}\n{rewritten}")),
        ("no host", asked.clone()),
        ("no origin", format!("{HOST}\nRequestHeader unset Origin\n{asked}")),
        ("another origin", format!("{HOST}\nRequestHeader set Origin http://a.example\n{asked}")),
    ] {
        let (_process, folder, port) = start_apache(&server);
        through(name, port, "/ws", &read(folder.path().join("apache2.conf"), Form::Apache));
    }
}
