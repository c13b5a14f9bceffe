//! Servers that send a gigabyte, one byte a second, nonsense or nothing: each ends in a named failure, within its deadline,
//! and in little memory.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot set up its peers has to fail")]

mod common;

use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use common::Watching;
use tokio::runtime::Runtime;
use url::Url;
use wirewatch::base::Clock;
use wirewatch::lab::{Lab, Options, Port};
use wirewatch::net::{Client, Limits, Received, Settings};
use wirewatch::profile::{Kind, Profile, Proxy};
use wirewatch::watch::{ClosedBy, EventBody, State};
use wirewatch::wire::{Headers, NetError, Purpose, WireRequest};

/// How long a peer that dawdles is given.
const SHORT: Duration = Duration::from_millis(400);
/// How long a peer that floods is given: more than any machine needs to reach the bound.
const LONG: Duration = Duration::from_secs(60);
/// How much longer than its deadline an exchange may take on a busy machine.
const SLACK: Duration = Duration::from_secs(5);
/// The most memory that one exchange may add, in bytes: a message of 16 MiB is copied once, with room for the lab's side.
const MEMORY: u64 = 64 * 1024 * 1024;

/// One at a time: the memory is the whole process's.
static TURN: Mutex<()> = Mutex::new(());
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
});
static LAB: LazyLock<Lab> =
    LazyLock::new(|| RUNTIME.block_on(Lab::start(Options::default())).expect("a lab on loopback"));

fn client() -> Client {
    let settings = Settings { proxy: Proxy::Direct, insecure: true, limits: Limits::default(), ..Settings::default() };
    Client::new(&settings).unwrap()
}

fn request(url: &Url) -> WireRequest {
    let mut headers = Headers::new();
    let purpose = if url.scheme().starts_with("ws") {
        headers.push("Connection", "Upgrade");
        headers.push("Upgrade", "websocket");
        headers.push("Sec-WebSocket-Version", "13");
        headers.push("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
        Purpose::Handshake
    } else {
        Purpose::Actual
    };
    WireRequest { purpose, method: "GET".into(), url: url.clone(), headers, body: Bytes::new() }
}

/// What becomes of an exchange with `url`, and of the WebSocket after it, within `within`.
async fn outcome(client: &Client, url: &Url, within: Duration) -> Result<String, NetError> {
    let deadline = Clock.mono() + within;
    if !url.scheme().starts_with("ws") {
        let response = client.exchange(request(url), deadline).await.result?;
        if let Some(error) = response.transfer.error {
            return Err(error);
        }
        return Ok(format!("{} and {} bytes", response.status, response.body_size));
    }
    let (exchange, upgraded) = client.upgrade(request(url), deadline).await;
    let status = exchange.result?.status;
    let Some(upgraded) = upgraded else { return Ok(status.to_string()) };
    let mut socket = upgraded.open().await;
    let listened = async {
        loop {
            if socket.next().await? == Received::End {
                return Ok::<_, NetError>("ended");
            }
        }
    };
    match tokio::time::timeout(within, listened).await {
        Ok(ended) => ended.map(str::to_owned),
        Err(_) => Ok("still open".to_owned()),
    }
}

/// The outcome of `url` as text is `expected`, it comes in time and in little memory.
#[track_caller]
fn check(url: &Url, within: Duration, expected: &str) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let (client, clock) = (client(), Clock);
    let before = resident_peak(true);
    let begun = clock.mono();
    let got = match RUNTIME.block_on(outcome(&client, url, within)) {
        Ok(got) => got,
        Err(NetError::Timeout { phase, after }) => {
            assert!(after <= within, "{url} had {after:?}");
            format!("Timeout {{ phase: {phase:?} }}")
        }
        Err(error) => format!("{error:?}"),
    };
    let took = clock.mono() - begun;
    assert_eq!(got, expected, "{url}");
    assert!(took < within + SLACK, "{url} took {took:?}");
    if let (Some(before), Some(after)) = (before, resident_peak(false)) {
        let grown = after.saturating_sub(before);
        println!("{grown:>10} bytes, {took:>10.1?}  {url}");
        assert!(grown < MEMORY, "{url} took {grown} bytes of memory");
    }
}

/// The most memory that this process has had resident, in bytes, `anew` from now on; `None` where the system does not say.
fn resident_peak(anew: bool) -> Option<u64> {
    if anew {
        // Linux: 5 sets the peak back to what is resident now.
        std::fs::write("/proc/self/clear_refs", "5").ok()?;
    }
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()? * 1024)
}

#[track_caller]
fn http(path: &str, within: Duration, expected: &str) {
    check(&LAB.http_url(path), within, expected);
}

#[track_caller]
fn https(path: &str, within: Duration, expected: &str) {
    check(&LAB.https_url(path), within, expected);
}

#[track_caller]
fn ws(path: &str, within: Duration, expected: &str) {
    check(&LAB.ws_url(path), within, expected);
}

#[test]
fn a_gigabyte_of_headers_is_too_much() {
    http("/?interims=100000000", LONG, "HeadersTooLarge { limit: 262144 }");
    // To a handshake every answer is final, as in Chromium.
    ws("/?interims=100000000&status=403", LONG, "103");
    for path in ["/?head-size=1g", "/?head-line=1g"] {
        http(path, LONG, "HeadersTooLarge { limit: 262144 }");
        ws(&format!("{path}&status=403"), LONG, "HeadersTooLarge { limit: 262144 }");
    }
}

#[test]
fn a_gigabyte_of_body_is_too_much() {
    for path in ["/?size=1g", "/?size=1g&length=none", "/?size=1g&length=chunked"] {
        http(path, LONG, "BodyTooLarge { limit: 10485760 }");
    }
    https("/?size=1g", LONG, "BodyTooLarge { limit: 10485760 }");
}

#[test]
fn one_byte_a_second_runs_out_of_time() {
    http("/?head-drip=1s", SHORT, "Timeout { phase: FirstByte }");
    http("/?drip=1s&body=slow", SHORT, "Timeout { phase: Body }");
    https("/?drip=1s&body=slow", SHORT, "Timeout { phase: Body }");
    ws("/?head-drip=1s", SHORT, "Timeout { phase: FirstByte }");
}

#[test]
fn nothing_at_all_runs_out_of_time() {
    http("/?end=stall", SHORT, "Timeout { phase: FirstByte }");
    http("/?end=stall-head", SHORT, "Timeout { phase: FirstByte }");
    http("/?end=stall-body&size=1k", SHORT, "Timeout { phase: Body }");
    https("/?end=stall", SHORT, "Timeout { phase: FirstByte }");
    ws("/?end=stall", SHORT, "Timeout { phase: FirstByte }");
    check(&LAB.url(Port::Silent, "http", "/"), SHORT, "Timeout { phase: FirstByte }");
    check(&LAB.url(Port::Silent, "https", "/"), SHORT, "Timeout { phase: Tls }");
    if cfg!(target_os = "linux") {
        check(&LAB.url(Port::Dropped, "http", "/"), SHORT, "ConnectTimeout");
    }
}

#[test]
fn a_refusal_with_a_gigabyte_after_it_is_still_that_refusal() {
    ws("/?status=403&size=1g", LONG, "403");
    ws("/?status=403&end=stall-body", LONG, "403");
}

#[test]
fn a_connection_that_breaks_off_says_where() {
    http("/?end=drop", LONG, "EmptyResponse");
    http("/?end=drop-head", LONG, "200 and 0 bytes");
    http("/?end=drop-body&size=1k", LONG, "IncompleteBody");
    http("/?end=reset", LONG, "ConnectionReset { phase: FirstByte }");
    http("/?end=reset-body&size=1k&body-wait=50ms", LONG, "ConnectionReset { phase: Body }");
    ws("/?end=drop", LONG, "EmptyResponse");
    ws("/?end=reset", LONG, "ConnectionReset { phase: FirstByte }");
    ws("/?do=reset", LONG, "ConnectionReset { phase: Open }");
}

#[test]
fn what_is_not_http_is_read_in_bounds() {
    // What it is to a browser is decided elsewhere; here it is all body.
    http("/?raw=SSH-2.0-OpenSSH_9.2%0D%0A", LONG, "200 and 21 bytes");
    http("/?raw=HTTP/1.1+200%00+OK%0D%0A%0D%0A", LONG, "200 and 0 bytes");
    // A line that is no field is passed over, as browsers do.
    http("/?bare&h=no-colon&h=Content-Length:+0", LONG, "200 and 0 bytes");
    http("/?bare&h=Content-Length:+1&h=Content-Length:+2", LONG, "200 and 1 bytes");
    let chunk = "/?raw=HTTP/1.1+200+OK%0D%0ATransfer-Encoding:+chunked%0D%0A%0D%0AFFFFFFFFFFFFFFFFFF%0D%0A";
    http(chunk, LONG, "InvalidChunks");
}

#[test]
fn a_plain_port_is_no_tls_server() {
    let mut url = LAB.http_url("/");
    url.set_scheme("https").unwrap();
    check(&url, LONG, "TlsProtocol");
}

#[test]
fn a_hundred_megabyte_message_is_too_large() {
    ws("/?do=big:100m", LONG, "MessageTooLarge { limit: 16777216 }");
    ws("/?do=part:1m&do=more:1m&do=loop:1", LONG, "MessageTooLarge { limit: 16777216 }");
}

#[test]
fn each_violation_of_rfc_6455_has_its_name() {
    for (bad, what) in [
        ("opcode", "unknown opcode"),
        ("rsv", "reserved bits"),
        ("masked", "masked frame"),
        ("utf8", "text is not UTF-8"),
        ("fragmented-ping", "fragmented control frame"),
        ("long-ping", "control frame too long"),
        ("close-1005", "close code"),
        ("close-short", "close frame of one byte"),
        ("close-utf8", "text is not UTF-8"),
        ("lone-continuation", "continuation of nothing"),
        ("interleaved", "message within a message"),
        ("huge-length", "frame length"),
    ] {
        ws(&format!("/?do=bad:{bad}&do=stall"), LONG, &format!("WebSocketProtocol {{ what: {what:?} }}"));
    }
}

/// A session with that path, impatient.
fn session(path: &str) -> Profile {
    let mut profile = Profile::new(path, Kind::WebSocket, LAB.ws_url(path));
    profile.timeout = Duration::from_secs(2);
    profile.websocket.ping = Some(Duration::from_millis(100));
    profile.websocket.idle = Some(Duration::from_secs(1));
    profile
}

#[test]
fn a_server_that_closes_and_never_hangs_up_is_left() {
    let mut watching = Watching::start([session("/?do=raw:880203e8&do=stall")]);
    let closed = watching.until("close", SLACK, |event| event.body.kind() == "closed");
    let EventBody::Closed { facts, .. } = &closed.body else { unreachable!("it is a close") };
    assert_eq!((facts.code, facts.by), (Some(1000), ClosedBy::Server));
    watching.until("retry", SLACK, |event| event.body.kind() == "retry");
}

#[test]
fn a_server_that_reads_and_says_nothing_more_is_found_dead() {
    for path in ["/?do=deaf", "/?do=stall", "/?pongs=no&closes=no"] {
        let mut watching = Watching::start([session(path)]);
        watching.until_state(State::Connected, SLACK);
        watching.until_state(State::Reconnecting, SLACK);
    }
}

#[test]
fn a_server_that_floods_takes_neither_memory_nor_the_others_time() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    for flood in ["/?do=text:x&do=loop", "/?do=ping:x&do=loop", "/?do=part:1&do=more:0&do=loop:1"] {
        let before = resident_peak(true);
        let mut other = Profile::new("other", Kind::Http, LAB.http_url("/?body=ok"));
        other.interval = Duration::from_millis(200);
        other.timeout = Duration::from_secs(5);
        let mut watching = Watching::start([session(flood), other]);
        let mut checks = 0;
        watching.until("tenth check of the other", Duration::from_secs(30), |event| {
            if let EventBody::Check(report) = &event.body {
                assert_eq!(report.state, State::Connected, "{flood}: {:?}", report.reason);
                checks += 1;
            }
            checks == 10
        });
        // What the test itself keeps of the story counts too.
        if let (Some(before), Some(after)) = (before, resident_peak(false)) {
            let (grown, kept) = (after.saturating_sub(before), watching.events.len());
            println!("{grown:>10} bytes with {kept} events kept  {flood}");
            assert!(grown < MEMORY, "{flood} took {grown} bytes of memory");
        }
    }
}
