//! TLS, the network, the protocol of WebSockets, mixed content: nginx before Flask-SocketIO, and servers that break the rules.

mod fronts;
mod tls;

use std::process::{Command, Stdio};
use std::sync::LazyLock;

use serde_json::{Value, json};

use super::{Scenario, all_hold, snippet, sources};
use crate::peers::{Process, wait_for};
use crate::stacks::{Rooms, Stack, python};
use fronts::{Passing, Server};
use tls::{Fault, Front};

/// A server of `odd.py`, which says there what it takes.
struct Odd {
    _process: Process,
    port: u16,
}

impl Odd {
    fn start(words: &[&str]) -> Self {
        let mut child = Command::new(python())
            .args(["-u", &format!("{}/odd.py", sources("wire"))])
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let process = Process(child);
        let port = wait_for(stdout, "port ").trim_start_matches("port ").trim().parse().unwrap();
        Self { _process: process, port }
    }

    /// Holds back what comes from `port`, each chunk by so many seconds.
    fn relay(port: u16, least: &str, most: &str) -> Self {
        Self::start(&["relay", &format!("127.0.0.1:{port}"), least, most])
    }
}

/// A Flask-SocketIO server that lets those pages in.
fn rooms() -> Rooms {
    let pages = ["https://localhost:3000", "http://localhost:3000", "https://app.example.test"];
    Rooms::start(Stack::FlaskThreads, json!({ "origins": pages }))
}

/// One that the list hasn't, in its words.
fn another(id: &str, page: &str, url: String, cause: &str, category: &str, fix: &[&str], more: Value) -> Scenario {
    let api = if url.starts_with("ws") { "websocket" } else { "socketio" };
    let expected = json!({ "healthy": cause == "ok", "category": category, "cause": cause, "fix_contains": fix });
    let mut given = json!({ "id": id, "page": page, "url": url, "api": api, "expected": expected });
    given.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    Scenario::of(given)
}

const PAGE: &str = "http://localhost:3000";
const SECURE_PAGE: &str = "https://localhost:3000";

#[test]
#[ignore = "needs nginx and Python: .ci/run installs them and runs cargo test --test real -- --ignored"]
fn what_is_wrong_with_tls_is_named() {
    let rooms = rooms();
    let front = Front::before(rooms.port);
    let listed = |id: &str, fault| Scenario::named(id).on(front.port(fault)).with_ca(&front.ca());
    let other = |id: &str, page: &str, scheme: &str, fault, cause: &str, category: &str, fix: &[&str]| {
        let path = if scheme.starts_with("ws") { "/socket.io/?EIO=4&transport=websocket" } else { "" };
        let url = format!("{scheme}://localhost:{}{path}", front.port(fault));
        let one = another(id, page, url, cause, category, fix, json!({}));
        if fault == Fault::SelfSigned || cause == "certificate-untrusted" { one } else { one.with_ca(&front.ca()) }
    };
    let elsewhere = |scheme: &str| {
        let url = format!("{scheme}://api.example.test:{}/", front.port(Fault::Plain));
        let (cause, fix) = match scheme {
            "ws" => ("insecure-websocket-from-https-page", "wss://"),
            _ => ("insecure-request-from-https-page", "https://"),
        };
        let resolve = json!({ "resolve": ["api.example.test:*:127.0.0.1"] });
        another(cause, "https://app.example.test", url, cause, "mixed_content", &[fix, "TLS"], resolve)
    };
    let mut cases = vec![
        listed("tls-expired", Fault::Expired),
        listed("tls-wrong-name", Fault::WrongName),
        listed("tls-not-yet-valid", Fault::NotYetValid),
        listed("tls-client-cert", Fault::ClientCertificate),
        listed("tls-old-protocol", Fault::OldProtocol),
        listed("tls-plain-to-tls", Fault::None),
        listed("mixed-content-ws", Fault::Plain),
        listed("mixed-content-fixed-ok", Fault::None),
        elsewhere("ws"),
        elsewhere("http"),
        other("ok", SECURE_PAGE, "wss", Fault::None, "ok", "none", &[]),
    ];
    for scheme in ["https", "wss"] {
        let of = |fault, cause: &str, fix: &[&str]| {
            other(&format!("{cause}-{scheme}"), SECURE_PAGE, scheme, fault, cause, "tls", fix)
        };
        cases.push(of(Fault::SelfSigned, "certificate-self-signed", &["issuer"]));
        cases.push(of(Fault::None, "certificate-untrusted", &["issuer", "fullchain"]));
        cases.push(of(Fault::Plain, "tls-to-plain-port", &["TLS", "development"]));
        cases.push(of(Fault::OldProtocol, "tls-version-unsupported", &["TLS 1.2"]));
        cases.push(of(Fault::ClientCertificate, "client-certificate-required", &["client certificate"]));
    }
    for fault in [Fault::None, Fault::ClientCertificate, Fault::OldProtocol] {
        for (scheme, secure) in [("http", "https://"), ("ws", "wss://")] {
            let id = format!("{scheme} to a port that is {fault:?}");
            cases.push(other(&id, PAGE, scheme, fault, "plain-http-to-tls-port", "tls", &[secure]));
        }
    }
    all_hold(&cases);
}

#[test]
#[ignore = "needs nginx and Python: .ci/run installs them and runs cargo test --test real -- --ignored"]
fn what_is_offered_against_tls_faults_mends_a_real_nginx() {
    let rooms = rooms();
    let mut front = Front::before(rooms.port);
    for (id, fault) in [
        ("tls-expired", Fault::Expired),
        ("tls-wrong-name", Fault::WrongName),
        ("tls-not-yet-valid", Fault::NotYetValid),
        ("tls-old-protocol", Fault::OldProtocol),
    ] {
        let scenario = Scenario::named(id).on(front.port(fault)).with_ca(&front.ca());
        let mut lines = snippet(&scenario.checked(), "nginx");
        if fault == Fault::OldProtocol {
            lines.push_str("ssl_certificate fullchain.pem; ssl_certificate_key privkey.pem;");
        }
        front = front.mended(fault, &lines);
        healthy(&scenario);
    }
    // What asks without TLS is answered on the same port once nginx has it there.
    let port = front.port(Fault::Plain);
    let page = Scenario::named("mixed-content-ws").on(port).with_ca(&front.ca());
    let page = page.with("url", format!("ws://api.example.test:{port}/socket.io/?EIO=4&transport=websocket").into());
    let document = page.checked();
    front = front.mended(Fault::Plain, &snippet(&document, "nginx"));
    healthy(&page.with("url", in_quotes(&snippet(&document, "any"))));

    let plain = Scenario::named("tls-plain-to-tls").on(front.port(Fault::None)).with_ca(&front.ca());
    let fix = snippet(&plain.checked(), "any");
    healthy(&plain.with("url", in_quotes(&fix)));
}

/// What is in a snippet's first double quotes.
fn in_quotes(snippet: &str) -> Value {
    snippet.split('"').nth(1).unwrap_or_else(|| panic!("{snippet}")).into()
}

#[track_caller]
fn healthy(scenario: &Scenario) {
    let document = scenario.check();
    assert_eq!(document["cause"], "ok", "{}: {document:#}", scenario.id);
}

#[test]
#[ignore = "needs Python: .ci/run installs it and runs cargo test --test real -- --ignored"]
fn a_server_that_breaks_the_rules_of_websockets_is_told_by_the_rule() {
    let sockets = Odd::start(&["sockets"]);
    let of = |path: &str, cause: &str, category: &str, fix: &[&str]| {
        let url = format!("ws://localhost:{}/{path}", sockets.port);
        another(path, PAGE, url, cause, category, fix, json!({ "observe_s": 1 }))
    };
    let mut cases: Vec<Scenario> = ["ws-masked", "ws-rsv", "ws-bigcontrol", "ws-text-then-drop", "ws-no-pong"]
        .map(|id| Scenario::named(id).on(sockets.port).with_timeout("2s"))
        .into();
    for path in ["opcode", "fragcontrol", "continuation", "interleaved", "badutf8", "badclose", "closecode"] {
        cases.push(of(path, "invalid-frame", "protocol", &["frame"]));
    }
    for path in ["wrong-accept", "no-accept", "no-upgrade", "no-connection", "extension"] {
        cases.push(of(path, "handshake-invalid", "protocol", &["handshake", "Sec-WebSocket-Accept"]));
    }
    cases.extend([
        of("any", "ok", "none", &[]),
        of("text-then-reset", "abnormal-close", "connection", &["1006"]),
        of("subprotocol", "subprotocol-not-offered", "protocol", &["chat.v9", "subprotocol"]),
        of("version", "websocket-version-unsupported", "protocol", &["13"]),
        of("ignored", "upgrade-ignored", "transport", &["Upgrade"]),
    ]);
    all_hold(&cases);

    // The page's own remedy, as it is offered.
    let unasked = of("subprotocol", "subprotocol-not-offered", "protocol", &[]);
    let fix = snippet(&unasked.checked(), "any");
    let offered = fix.split('"').nth(3).unwrap_or_else(|| panic!("{fix}"));
    healthy(&unasked.with("websocket", json!({ "protocols": [offered] })));
}

#[test]
#[ignore = "needs Python: .ci/run installs it and runs cargo test --test real -- --ignored"]
fn what_holds_a_port_and_speaks_no_http_is_told_apart() {
    let held = ["ssh", "smtp", "mysql", "redis"].map(|what| (what, Odd::start(&["port", what])));
    let ends = ["close", "reset", "silent"].map(|what| (what, Odd::start(&["port", what])));
    let full = Odd::start(&["full"]);
    let of = |scheme: &str, what: &str, port: u16, cause: &str, fix: &[&str]| {
        let page = if scheme.ends_with('s') { SECURE_PAGE } else { PAGE };
        let url = format!("{scheme}://localhost:{port}/");
        another(&format!("{scheme} {what}"), page, url, cause, "connection", fix, json!({})).with_timeout("2s")
    };
    let mut cases = vec![
        Scenario::named("port-ssh").on(held[0].1.port),
        Scenario::named("port-redis").on(held[3].1.port),
        Scenario::named("accept-no-answer-ws").on(ends[2].1.port).with_timeout("2s"),
    ];
    for scheme in ["http", "ws"] {
        cases.extend(
            held.iter().map(|(what, odd)| of(scheme, what, odd.port, "port-held-by-other-program", &["lsof", "port"])),
        );
        for ((what, odd), cause) in ends.iter().zip(["connection-closed", "connection-reset", "read-timeout"]) {
            cases.push(of(scheme, what, odd.port, cause, &["server"]));
        }
        cases.push(of(scheme, "full", full.port, "connect-timeout", &["firewall"]));
        cases.push(of(scheme, "nothing", crate::peers::free_port(), "connection-refused", &["port"]));
        let nowhere = format!("{scheme}://no-such-host.invalid/");
        cases.push(another("no such name", PAGE, nowhere, "dns-failure", "connection", &["DNS"], json!({})));
    }
    for (what, odd) in held.iter().take(2) {
        cases.push(of("https", what, odd.port, "port-held-by-other-program", &["lsof", "port"]));
        cases.push(of("wss", what, odd.port, "port-held-by-other-program", &["lsof", "port"]));
    }
    cases.push(of("https", "silent", ends[2].1.port, "read-timeout", &["server"]));
    all_hold(&cases);
}

#[test]
#[ignore = "needs Python: .ci/run installs it and runs cargo test --test real -- --ignored"]
fn a_slow_network_is_told_from_one_that_varies() {
    static ROOMS: LazyLock<Rooms> = LazyLock::new(rooms);
    let sockets = Odd::start(&["sockets"]);
    let far = Odd::relay(sockets.port, "0.8", "0.8");
    let shaky = Odd::relay(sockets.port, "0.01", "1.2");
    let (far_rooms, shaky_rooms) = (Odd::relay(ROOMS.port, "0.8", "0.8"), Odd::relay(ROOMS.port, "0.01", "1.2"));
    let of = |what: &str, url: String, cause: &str, more: Value| {
        another(what, PAGE, url, cause, "performance", &["latency"], more)
    };
    all_hold(&[
        Scenario::named("slow-800ms-ws").on(far.port),
        Scenario::named("jitter").on(shaky_rooms.port).with_timeout("20s"),
        of("far rooms", format!("http://localhost:{}", far_rooms.port), "high-latency", json!({})).with_timeout("20s"),
        of("a socket that varies", format!("ws://localhost:{}/any", shaky.port), "high-jitter", json!({ "repeat": 4 })),
    ]);
}

/// A request of the page to that port, by `fetch()`.
fn fetched(id: &str, port: u16, path: &str, cause: &str, more: Value) -> Scenario {
    let url = format!("http://localhost:{port}{path}");
    let category = if cause == "ok" { "none" } else { "cors" };
    let mut fields = json!({ "api": "http" });
    fields.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    another(id, PAGE, url, cause, category, &[], fields)
}

#[test]
#[ignore = "needs nginx, Apache, Caddy and HAProxy: .ci/run installs them and runs cargo test --test real -- --ignored"]
fn what_is_offered_against_missing_cors_headers_mends_each_proxy() {
    let backend = Odd::start(&["http", ""]);
    let with = json!({ "http": { "credentials": "include" } });
    let before = Passing::to(Server::Nginx, backend.port, "");
    let document = fetched("no CORS at all", before.port, "/", "cors-headers-missing", with.clone()).checked();
    for server in Server::ALL {
        let mended = Passing::to(server, backend.port, &snippet(&document, server.stack()));
        healthy(&fetched(server.stack(), mended.port, "/", "ok", with.clone()));
        // Nobody else has leave.
        let other = fetched("another page", mended.port, "/", "origin-not-allowed", with.clone());
        other.with("page", "http://localhost:4000".into()).checked();
    }
}

#[test]
#[ignore = "needs nginx and Python: .ci/run installs them and runs cargo test --test real -- --ignored"]
fn what_is_offered_against_errors_without_cors_headers_mends_nginx() {
    let bare = Odd::start(&["http", ""]);
    let careless = "add_header Access-Control-Allow-Origin http://localhost:3000;";
    let front = Passing::to(Server::Nginx, bare.port, careless);
    healthy(&fetched("success", front.port, "/", "ok", json!({})));
    let unreadable = fetched("a 404", front.port, "/missing", "error-response-without-cors", json!({}));
    let lines = snippet(&unreadable.checked(), "nginx");
    let front = Passing::to(Server::Nginx, bare.port, &lines);
    let document = fetched("a 404 that can be read", front.port, "/missing", "not-found", json!({})).check();
    assert_eq!(document["cause"], "not-found", "{document:#}");
}
