//! Peers that no one here wrote: nginx, Python's `websockets`, Flask-SocketIO, python-socketio and socket.io on Node, each
//! watched through its restarts.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot set up its peers has to fail"
)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/process.rs"]
mod process;

mod audit;
mod cable;
mod idle;
mod matrix;
mod offline;
mod peers;
mod scenarios;
mod serverconf;
mod sites;
mod socketio;
mod stacks;
mod watcher;

use std::time::Duration;

use common::Watching;
use peers::{Nginx, Websockets};
use url::Url;
use wirewatch::base::{Clock, ProfileId};
use wirewatch::browser::websocket::Socket;
use wirewatch::browser::{Browser, Memory, Page};
use wirewatch::engine::exchange;
use wirewatch::export::{EventWriter, Format, Names};
use wirewatch::net::{Client, Received, Settings};
use wirewatch::profile::model::Proxy;
use wirewatch::profile::{Credentials, Kind, Profile, Setting};
use wirewatch::watch::{CheckReport, ClosedBy, EventBody, State};
use wirewatch::wire::HttpVersion;

const PAGE: &str = "http://app.localhost/";
const SOON: Duration = Duration::from_secs(20);

fn profile(kind: Kind, url: &str) -> Profile {
    let mut profile = Profile::new("real", kind, Url::parse(url).unwrap());
    profile.page = Some(Url::parse(PAGE).unwrap());
    profile.interval = Duration::from_secs(1);
    profile.timeout = Duration::from_secs(5);
    profile.reconnect.delay = Duration::from_millis(100);
    profile.reconnect.delay_max = Duration::from_millis(400);
    profile.websocket.ping = Some(Duration::from_millis(200));
    profile
}

/// One check of a profile.
fn check(profile: Profile) -> CheckReport {
    tokio::runtime::Runtime::new().unwrap().block_on(common::check(profile, Duration::ZERO))
}

/// State, status and reason of one check of a profile.
#[track_caller]
fn checked(profile: Profile, expected: &str) {
    assert_eq!(common::in_short(&check(profile)), expected);
}

#[test]
#[ignore = "needs nginx: .ci/run installs it and runs cargo test --test real -- --ignored"]
fn nginx_answers_over_http_1_1_with_its_headers_as_they_are() {
    let nginx = Nginx::alone();
    let report = check(profile(Kind::Http, &nginx.http("/ok")));
    assert_eq!((report.state, report.status), (State::Connected, Some(200)));
    let response = report.exchanges[0].response().unwrap();
    assert_eq!(response.version, HttpVersion::Http11);
    let names: Vec<&str> = response.headers.iter().map(|(name, _)| name).collect();
    let order = ["Server", "Date", "Content-Type", "Content-Length", "Last-Modified", "Connection", "ETag"];
    assert_eq!(names[..7], order);
    assert_eq!(response.headers.first_str("access-control-allow-origin"), Some("http://app.localhost"));
    assert!(report.phases.connect.is_some() && report.phases.first_byte.is_some() && report.phases.tls.is_none());
}

#[test]
#[ignore = "needs nginx: .ci/run installs it and runs cargo test --test real -- --ignored"]
fn nginx_speaks_http_2_over_tls() {
    let nginx = Nginx::alone();
    let mut profile = profile(Kind::Http, &nginx.https("/ok"));
    profile.network.ca_file = Some(nginx.certificate());
    let report = check(profile);
    assert_eq!((report.state, report.status), (State::Connected, Some(200)));
    assert_eq!(report.exchanges[0].response().unwrap().version, HttpVersion::H2);
    assert!(report.phases.tls.is_some());
    assert_eq!(report.exchanges[0].tls.as_ref().unwrap().alpn.as_deref(), Some("h2"));
}

#[test]
#[ignore = "needs nginx: .ci/run installs it and runs cargo test --test real -- --ignored"]
fn an_unknown_issuer_is_an_error_of_tls() {
    let nginx = Nginx::alone();
    checked(profile(Kind::Http, &nginx.https("/ok")), "error - cert_self_signed");
}

#[test]
#[ignore = "needs nginx: .ci/run installs it and runs cargo test --test real -- --ignored"]
fn what_nginx_refuses_is_told_as_a_browser_would() {
    let nginx = Nginx::alone();
    // A backend that is down: nginx's 502 has no CORS headers, unless `always` says so.
    checked(profile(Kind::Http, &nginx.http("/dead")), "cors_error 502 MissingAllowOriginHeader");
    checked(profile(Kind::Http, &nginx.http("/dead-always")), "error 502 status");
    // basic authentication
    checked(profile(Kind::Http, &nginx.http("/private")), "auth_required 401 auth_required");
    let mut preflighted = profile(Kind::Http, &nginx.http("/ok"));
    preflighted.request.headers.push(("X-Requested-With".into(), Setting::Plain("XMLHttpRequest".into())));
    preflighted.request.credentials = Credentials::Omit;
    // nginx answers OPTIONS on a file with 405.
    checked(preflighted, "cors_error 405 PreflightMissingAllowOriginHeader");
}

#[test]
#[ignore = "needs nginx and Python: .ci/run installs them and runs cargo test --test real -- --ignored"]
fn a_proxy_that_forgets_the_upgrade_is_seen() {
    let backend = Websockets::start(0);
    let nginx = Nginx::before(backend.port);
    checked(profile(Kind::WebSocket, &nginx.ws("/no-upgrade/echo")), "error 426 HandshakeStatus");
}

#[test]
#[ignore = "needs Python: .ci/run installs it and runs cargo test --test real -- --ignored"]
fn what_websockets_refuses_is_told_apart() {
    let server = Websockets::start(0);
    checked(profile(Kind::WebSocket, &server.ws("/echo")), "connected 101 ok");
    checked(profile(Kind::WebSocket, &server.ws("/private")), "auth_required 401 auth_required");
    checked(profile(Kind::WebSocket, &server.ws("/missing")), "error 404 HandshakeStatus");
    let mut elsewhere = profile(Kind::WebSocket, &server.ws("/echo"));
    elsewhere.page = Some(Url::parse("http://evil.localhost/").unwrap());
    checked(elsewhere, "cors_error 403 origin_refused");
}

/// Says things to `server` and hears them back; `agreed` is in its answer to the offer. The size on the wire of a message that
/// comes for the second time.
async fn echoes(server: &Websockets, browser: Browser, agreed: &[&str]) -> u64 {
    const SAID: &str = "to be or not to be";
    let big: String = (0..3_000_000_u32).map(|n| char::from(b'a' + (n.wrapping_mul(n) >> 11) as u8 % 26)).collect();
    let client = Client::new(&Settings { proxy: Proxy::Direct, ..Settings::default() }).unwrap();
    let page = Page::new(Url::parse(PAGE).unwrap(), browser);
    let socket = Socket { url: Url::parse(&server.ws("/echo")).unwrap(), protocols: Vec::new(), extra: Vec::new() };
    let deadline = Clock.mono() + SOON;
    let (answer, socket, _) = exchange::open(page, socket, Memory::default(), &client, Clock, deadline).await;
    let extensions = answer.exchanges[0].response().unwrap().headers.joined("sec-websocket-extensions").unwrap();
    assert!(agreed.iter().all(|word| extensions.contains(word)), "{browser:?}: {extensions}");
    let mut socket = socket.unwrap();
    for text in [SAID, &"é".repeat(5_000), "", &big, SAID, SAID] {
        socket.send_text(text).await.unwrap();
        assert!(socket.next().await == Ok(Received::Text(text.into())), "{browser:?}: {} bytes", text.len());
    }
    socket.message_wire_size().unwrap()
}

#[test]
#[ignore = "needs Python websockets: .ci/run installs it and runs cargo test --test real -- --ignored"]
fn websockets_and_we_read_each_others_compressed_messages() {
    let (takeover, alone) = (Websockets::start(0), Websockets::start_alone());
    let words = ["server_no_context_takeover", "client_no_context_takeover", "server_max_window_bits=10"];
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        for browser in Browser::ALL {
            let again = echoes(&takeover, browser, &["server_max_window_bits=12"]).await;
            let by_itself = echoes(&alone, browser, &words).await;
            assert!(again < 10 && 10 < by_itself, "{browser:?}: {again} bytes, {by_itself} without takeover");
        }
    });
}

#[test]
#[ignore = "needs Python: .ci/run installs it and runs cargo test --test real -- --ignored"]
fn a_session_is_timed_and_its_end_is_told_from_both_sides() {
    let server = Websockets::start(0);
    let mut watching = Watching::start([profile(Kind::WebSocket, &server.ws("/bye?code=1012&after=1"))]);
    watching.until_state(State::Connected, SOON);
    watching.until("pong", SOON, |event| event.body.kind() == "pong");
    let closed = watching.until("close", SOON, |event| event.body.kind() == "closed");
    let EventBody::Closed { facts, .. } = &closed.body else { panic!("{closed:?}") };
    assert_eq!((facts.code, facts.by), (Some(1012), ClosedBy::Server));
    assert_eq!((facts.script.code, facts.script.clean), (1012, true));
    assert_eq!(&*facts.reason, "see you");
}

#[test]
#[ignore = "needs nginx and Python: .ci/run installs them and runs cargo test --test real -- --ignored"]
fn a_quiet_connection_is_cut_by_the_proxy_without_a_close_frame() {
    let backend = Websockets::start(0);
    let nginx = Nginx::before(backend.port);
    let mut quiet = profile(Kind::WebSocket, &nginx.ws("/impatient/quiet"));
    quiet.websocket.ping = None;
    let mut watching = Watching::start([quiet]);
    watching.until_state(State::Connected, SOON);
    let closed = watching.until("close", SOON, |event| event.body.kind() == "closed");
    let EventBody::Closed { facts, .. } = &closed.body else { panic!("{closed:?}") };
    assert_eq!((facts.code, facts.by, facts.script.code), (None, ClosedBy::Network, 1006));
}

#[test]
#[ignore = "needs nginx and Python: .ci/run installs them and runs cargo test --test real -- --ignored"]
fn a_session_behind_nginx_lives_through_a_restart_of_the_server_and_of_nginx() {
    let backend = Websockets::start(0);
    let port = backend.port;
    let nginx = Nginx::before(port);
    let mut watching = Watching::start([profile(Kind::WebSocket, &nginx.ws("/ws/ticks"))]);
    watching.until_state(State::Connected, SOON);

    drop(backend);
    watching.until_state(State::Reconnecting, SOON);
    // The proxy stands, its backend does not.
    watching.until("502", SOON, |event| match &event.body {
        EventBody::Handshake { exchange, reason, .. } => exchange.status() == Some(502) && reason.is_some(),
        _ => false,
    });
    let _backend = Websockets::start(port);
    watching.until_state(State::Connected, SOON);

    let nginx = nginx.restart();
    watching.until_state(State::Reconnecting, SOON);
    watching.until_state(State::Connected, SOON);
    drop(nginx);
    watching.until_state(State::Reconnecting, SOON);

    let count = |wanted: &str| watching.events.iter().filter(|event| event.body.kind() == wanted).count();
    assert_eq!(count("closed"), 3, "{:#?}", watching.story());
    assert!(count("attempt") >= 4 && count("retry") >= 3, "{:#?}", watching.story());
    exported_tells_the_same(&watching);
}

/// What an export writes as JSONL has the same states, attempts and waits in the same order.
#[track_caller]
fn exported_tells_the_same(watching: &Watching) {
    let names: Names = [(ProfileId(1), "real".to_owned())].into_iter().collect();
    let mut writer = EventWriter::new(Vec::new(), Format::Jsonl, names).unwrap();
    watching.events.iter().for_each(|event| writer.write(event).unwrap());
    let text = String::from_utf8(writer.finish().unwrap()).unwrap();
    let told: Vec<String> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter_map(|record| match record["kind"].as_str()? {
            "state" => Some(format!("{} -> {}", record["from"].as_str()?, record["state"].as_str()?)),
            "attempt" => Some(format!("attempt {}", record["attempt"])),
            "retry" => Some(format!("retry {}", record["attempt"])),
            "closed" => Some(format!("closed, script {}", record["closed"]["script_code"])),
            _ => None,
        })
        .collect();
    let heard: Vec<String> = watching
        .events
        .iter()
        .filter_map(|event| match &event.body {
            EventBody::State { from, to, .. } => Some(format!("{} -> {}", from.code(), to.code())),
            EventBody::Attempt { attempt } => Some(format!("attempt {attempt}")),
            EventBody::Retry { attempt, .. } => Some(format!("retry {attempt}")),
            EventBody::Closed { facts, .. } => Some(format!("closed, script {}", facts.script.code)),
            _ => None,
        })
        .collect();
    assert_eq!(told, heard);
}
