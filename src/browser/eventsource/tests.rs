//! The machine by its inputs: types, redirects, reconnection, giving up.

use super::*;
use crate::browser::Cookies;
use crate::wire::{Headers, HttpVersion, Phase, Phases, Transfer};

const NOW: Wall = Wall(0);

fn source(browser: Browser, url: &str) -> (EventSource, Next) {
    let page = Page::new(Url::parse("https://app.test/").unwrap(), browser);
    let source = Source { url: Url::parse(url).unwrap(), with_credentials: false };
    EventSource::start(page, source, Memory::from(Cookies::None), NOW)
}

fn request(next: Next) -> WireRequest {
    match next {
        Next::Send(request) => *request,
        other => panic!("{other:?}"),
    }
}

fn exchange(request: WireRequest, result: Result<WireResponse, NetError>) -> Exchange {
    let phases = Phases::default();
    Exchange { request, result, phases, peer: None, tried: Vec::new(), tls: None, proxy: None }
}

/// An answer's head: `200 Content-Type: x; Other: y`.
fn head(text: &str) -> WireResponse {
    let (status, fields) = text.split_once(' ').unwrap_or((text, ""));
    let headers: Headers = fields
        .split("; ")
        .filter_map(|field| field.split_once(": "))
        .chain([("Access-Control-Allow-Origin", "*")])
        .collect();
    WireResponse {
        version: HttpVersion::Http11,
        status: status.parse().unwrap(),
        reason: "Reason".into(),
        headers,
        body: Default::default(),
        body_size: 0,
        transfer: Transfer::default(),
    }
}

const STREAM: &str = "200 Content-Type: text/event-stream";

/// Plays answers and streams to it: `head` lines, `< bytes`, `end`, `broken`, `wait`, `reset`; says what it wanted after each.
#[track_caller]
fn check(browser: Browser, script: &[&str], expected: &str) {
    let (mut machine, mut next) = source(browser, "https://api.test/e");
    let mut seen = Vec::new();
    for step in script {
        next = match *step {
            "end" => machine.on_end(Ok(())),
            "broken" => machine.on_end(Err(NetError::IncompleteBody)),
            "garbled" => machine.on_end(Err(NetError::InvalidChunks)),
            "wait" => machine.on_timer(NOW),
            "reset" => {
                let error = NetError::ConnectionReset { phase: Phase::FirstByte };
                machine.on_exchange(exchange(request(next), Err(error)), NOW)
            }
            head_or_body => match head_or_body.strip_prefix("< ") {
                Some(bytes) => machine.on_body(bytes.as_bytes()),
                None => machine.on_exchange(exchange(request(next), Ok(head(head_or_body))), NOW),
            },
        };
        seen.push(match &next {
            Next::Send(request) => {
                format!(
                    "send {}{}",
                    request.url,
                    match request.headers.first_str("last-event-id") {
                        Some(id) => format!(" after {id}"),
                        None => String::new(),
                    }
                )
            }
            Next::Read => "read".into(),
            Next::Wait(time) => format!("wait {}", time.as_millis()),
            Next::Closed => "closed".into(),
        });
    }
    let (answer, _) = machine.finish();
    let state = answer.ready_state.unwrap();
    let lines = answer.console.lines.join(" / ");
    let code = answer.code().unwrap_or("-");
    assert_eq!(
        format!("{} | {} {code} {state} | {lines}", seen.join(", "), answer.outcome.word()),
        expected,
        "{script:?}"
    );
}

#[test]
fn a_connection_asks_for_an_event_stream_and_never_for_leave() {
    for browser in Browser::ALL {
        let request = request(source(browser, "https://api.test/e").1);
        assert_eq!((request.method.as_str(), request.purpose), ("GET", crate::wire::Purpose::Actual));
        assert_eq!(request.headers.first_str("accept"), Some("text/event-stream"));
        assert_eq!(request.headers.first_str("cache-control"), Some("no-cache"));
        assert_eq!(request.headers.first_str("origin"), Some("https://app.test"));
        assert!(!request.headers.contains("last-event-id"));
    }
}

#[test]
fn a_stream_that_ends_is_taken_up_again_where_it_was() {
    let script = [STREAM, "< retry: 600\nid: 7\nda", "< ta: x\n\nid: 8\n", "end", "wait", STREAM, "end"];
    let expected = "read, read, read, wait 600, send https://api.test/e after 7, read, wait 600 | allowed - 0 | ";
    check(Browser::Chrome, &script, expected);
    check(Browser::Safari, &script, expected);
    check(Browser::Firefox, &script, expected);
    check(Browser::Chrome, &[STREAM, "end"], "read, wait 3000 | allowed - 0 | ");
    check(Browser::Firefox, &[STREAM, "end"], "read, wait 5000 | allowed - 0 | ");
    check(Browser::Firefox, &[STREAM, "< retry: 1\n", "end"], "read, read, wait 500 | allowed - 0 | ");
}

#[test]
fn a_status_or_a_type_that_is_none_of_a_stream_ends_it_for_good() {
    let status = "Failed to load resource: the server responded with a status of 404 (Reason)";
    let cannot = "Firefox can’t establish a connection to the server at https://api.test/e.";
    check(Browser::Chrome, &["404"], &format!("closed | failed HandshakeStatus 2 | {status}"));
    check(Browser::Chrome, &["204"], "closed | failed HandshakeStatus 2 | ");
    check(Browser::Safari, &["404"], "closed | failed HandshakeStatus 2 | ");
    check(Browser::Firefox, &["404", "end"], &format!("read, closed | failed HandshakeStatus 2 | {cannot}"));
    let html = "200 Content-Type: text/html";
    let mime = "EventSource's response has a MIME type (\"text/html\") that is not \"text/event-stream\". Aborting the \
                connection.";
    check(Browser::Chrome, &[html], &format!("closed | failed HandshakeInvalid 2 | {mime}"));
    check(Browser::Safari, &[html], &format!("closed | failed HandshakeInvalid 2 | {mime}"));
    check(Browser::Firefox, &[html, "< x"], &format!("read, closed | failed HandshakeInvalid 2 | {cannot}"));
    // After it was open once.
    let again = format!("read, wait 3000, send https://api.test/e, closed | allowed - 2 | {status}");
    check(Browser::Chrome, &[STREAM, "end", "wait", "404"], &again);
}

#[test]
fn without_a_type_chrome_reads_before_it_decides() {
    let mime = "EventSource's response has a MIME type (\"text/plain\") that is not \"text/event-stream\". Aborting the \
                connection.";
    let expected = format!("read, read, closed | failed HandshakeInvalid 2 | {mime}");
    check(Browser::Chrome, &["200", "< data: x\n\n", "end"], &expected);
}

#[test]
fn after_a_failure_of_the_network_chrome_and_safari_try_again_and_firefox_gives_up_abroad() {
    let reset = "Failed to load resource: net::ERR_CONNECTION_RESET";
    let code = "net::ERR_CONNECTION_RESET";
    check(Browser::Chrome, &["reset"], &format!("wait 3000 | failed {code} 0 | {reset}"));
    check(Browser::Safari, &["reset"], &format!("wait 3000 | failed {code} 0 | "));
    let lines = "Cross-Origin Request Blocked: The Same Origin Policy disallows reading the remote resource at \
                 https://api.test/e. (Reason: CORS request did not succeed). Status code: (null). / Firefox can’t \
                 establish a connection to the server at https://api.test/e.";
    check(Browser::Firefox, &["reset"], &format!("closed | failed {code} 2 | {lines}"));
    check(
        Browser::Firefox,
        &[STREAM, "garbled"],
        &format!("read, closed | failed net::ERR_INVALID_CHUNKED_ENCODING 2 | {lines}"),
    );
    let (mut machine, next) = source(Browser::Firefox, "https://app.test/e");
    let error = NetError::ConnectionReset { phase: Phase::FirstByte };
    assert_eq!(machine.on_exchange(exchange(request(next), Err(error)), NOW), Next::Wait(Duration::from_secs(5)));
    assert_eq!(machine.finish().0.console.lines, Vec::<String>::new());
}

#[test]
fn a_stream_that_breaks_is_taken_up_again() {
    let line = "Failed to load resource: net::ERR_CONTENT_LENGTH_MISMATCH";
    check(Browser::Chrome, &[STREAM, "broken"], &format!("read, wait 3000 | allowed - 0 | {line}"));
    check(Browser::Firefox, &[STREAM, "< \n", "broken"], "read, read, wait 5000 | allowed - 0 | ");
    let line = "The connection to https://api.test/e was interrupted while the page was loading.";
    check(Browser::Firefox, &[STREAM, "< \n", "garbled"], &format!("read, read, closed | allowed - 2 | {line}"));
}

#[test]
fn after_a_redirect_each_browser_comes_again_to_another_place() {
    let there = |status: u16| format!("{status} Location: https://app.test/there");
    let play = |browser, status| {
        let answer = there(status);
        let (mut machine, next) = source(browser, "https://api.test/e");
        let next = machine.on_exchange(exchange(request(next), Ok(head(&answer))), NOW);
        machine.on_exchange(exchange(request(next), Ok(head(STREAM))), NOW);
        machine.on_body(b"\n");
        machine.on_end(Ok(()));
        request(machine.on_timer(NOW)).url.path().to_owned()
    };
    assert_eq!((play(Browser::Chrome, 302), play(Browser::Chrome, 301)), ("/there".into(), "/there".into()));
    assert_eq!((play(Browser::Firefox, 302), play(Browser::Firefox, 301)), ("/e".into(), "/there".into()));
    assert_eq!((play(Browser::Safari, 302), play(Browser::Safari, 301)), ("/e".into(), "/e".into()));
}

#[test]
fn a_username_is_refused_by_chrome_without_a_word() {
    let (machine, next) = source(Browser::Chrome, "https://u:p@api.test/");
    assert_eq!(next, Next::Closed);
    let (answer, _) = machine.finish();
    assert_eq!((answer.code(), answer.ready_state), (Some("net::ERR_ABORTED"), Some(2)));
    assert!(answer.console.lines.is_empty());
    assert!(matches!(source(Browser::Firefox, "https://u:p@api.test/").1, Next::Send(_)));
}

#[test]
fn a_data_url_is_read_at_once() {
    let (machine, next) = source(Browser::Chrome, "data:text/event-stream,data:x%0a%0aretry:50%0a");
    assert_eq!((next, machine.messages()), (Next::Wait(Duration::from_millis(50)), 1));
    let (machine, next) = source(Browser::Chrome, "data:text/event-stream;base64,ZGF0YTp4Cgo=");
    assert_eq!((next, machine.messages()), (Next::Wait(Duration::from_secs(3)), 1));
    let (machine, next) = source(Browser::Chrome, "data:,x");
    assert_eq!((next, machine.finish().0.code()), (Next::Closed, Some("HandshakeInvalid")));
}

#[test]
fn a_stream_that_ends_at_once_is_not_taken_up_without_end() {
    let (mut machine, mut next) = source(Browser::Chrome, "https://api.test/e");
    for _ in 0..CONNECTIONS {
        machine.on_exchange(exchange(request(next), Ok(head(STREAM))), NOW);
        machine.on_body(b"retry: 0\n");
        machine.on_end(Ok(()));
        next = machine.on_timer(NOW);
    }
    assert!(matches!(next, Next::Wait(time) if Duration::from_secs(3600) < time));
    assert_eq!(machine.finish().0.exchanges.len(), CONNECTIONS);
}

#[test]
fn what_was_under_way_as_the_time_was_up_counts_as_sent() {
    let (mut machine, next) = source(Browser::Chrome, "https://api.test/e");
    machine.on_exchange(exchange(request(next), Ok(head(STREAM))), NOW);
    machine.on_end(Ok(()));
    let next = machine.on_timer(NOW);
    let error = NetError::Timeout { phase: Phase::FirstByte, after: Duration::ZERO };
    machine.on_abandoned(exchange(request(next), Err(error)));
    let (answer, _) = machine.finish();
    assert_eq!((answer.exchanges.len(), answer.ready_state, answer.code()), (2, Some(0), None));
}

proptest::proptest! {
    #[test]
    fn nothing_that_a_server_says_breaks_it(
        status in 0_u16..1000,
        mime in ".{0,20}|text/event-stream[;, a-z=]{0,12}",
        pieces in proptest::collection::vec("(data|id|retry|:|[0-9]{0,22}|\r|\n|.){0,12}", 0..6),
        broken: bool,
    ) {
        for browser in Browser::ALL {
            let (mut machine, mut next) = source(browser, "https://api.test/e");
            for _ in 0..3 {
                let Next::Send(request) = next else { break };
                let mut answer = head(&status.to_string());
                answer.headers.push("Content-Type", mime.as_str());
                machine.on_exchange(exchange(*request, Ok(answer)), NOW);
                for piece in &pieces {
                    machine.on_body(piece.as_bytes());
                }
                next = if broken { machine.on_end(Err(NetError::IncompleteBody)) } else { machine.on_end(Ok(())) };
                if let Next::Wait(_) = next {
                    next = machine.on_timer(NOW);
                }
            }
            let state = machine.ready_state();
            let (answer, _) = machine.finish();
            proptest::prop_assert_eq!(answer.ready_state, state.map(ReadyState::number));
        }
    }
}
