//! Lines that people paste and that servers log: each is explained, by its cause and by what it does not mean.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has to fail")]

use wirewatch::diagnosis::explain::{self, Explained, Log, Source, Splitter};
use wirewatch::diagnosis::{CauseId, fixes::Fix};
use wirewatch::watch::Category;

#[track_caller]
fn explained(line: &str) -> Explained {
    explain::line(line, None).unwrap_or_else(|| panic!("not known: {line}"))
}

/// Who writes it, and the likeliest cause (`-`: none).
#[track_caller]
fn check(line: &str, source: Source, cause: &str) {
    let known = explained(line).known;
    let first = known.causes.first().map_or("-", |(cause, _)| cause.as_str());
    assert_eq!((known.source, first), (source, cause), "{line}");
}

#[test]
fn every_line_that_people_paste_is_explained() {
    use Source::{Application, Console, SocketIoClient};
    for (line, source, cause) in [
        ("CORS error: Origin 'http://localhost:3000' not allowed", Application, "origin-not-allowed"),
        ("WebSocket connection failed: CORS policy violation", Application, "origin-not-allowed"),
        ("Access to XMLHttpRequest blocked by CORS policy", Application, "cors-headers-missing"),
        ("XMLHttpRequest cannot load due to access control checks", Application, "cors-headers-missing"),
        ("Preflight request failed: Method OPTIONS not allowed", Application, "preflight-options-405"),
        ("Access-Control-Allow-Methods missing required method", Application, "preflight-method-not-allowed"),
        (
            "Mixed Content: The page at 'https://…' was loaded over HTTPS, but attempted to connect to the insecure WebSocket endpoint 'ws://…'",
            Console,
            "insecure-websocket-from-https-page",
        ),
        ("WebSocket connection timeout after 60 seconds", Application, "proxy-idle-timeout"),
        ("WebSocket transport failed, attempting fallback", Application, "proxy-drops-upgrade"),
        ("Polling transport not available", Application, "polling-transport-disabled"),
        ("WebSocket authentication failed: Invalid session", Application, "session-missing"),
        ("User not authenticated for WebSocket connection", Application, "session-missing"),
        ("Connection rejected: Rate limit exceeded", Application, "too-many-connections"),
        ("Too many connection attempts from IP", Application, "too-many-connections"),
        (
            "Failed to load resource: You do not have permission to access the requested resources.",
            Application,
            "insufficient-permissions",
        ),
        ("ERROR: CORS origin validation failed for: http://evil.test", Application, "origin-not-allowed"),
        ("WARNING: Preflight request missing required headers", Application, "preflight-header-not-allowed"),
        ("WARNING: Transport fallback activated for session: 8af", Application, "proxy-drops-upgrade"),
        ("xhr poll error", SocketIoClient, "connection-refused"),
        ("websocket_rejected_invalid_origin", Application, "origin-not-allowed"),
        ("WARNING: WebSocket origin rejected", Application, "origin-not-allowed"),
        ("Connection error. Trying to reconnect…", Application, "connection-refused"),
    ] {
        check(line, source, cause);
    }
}

#[test]
fn the_clients_own_errors_are_explained() {
    for (line, cause) in [
        ("connect_error Error: websocket error", "proxy-drops-upgrade"),
        ("timeout", "read-timeout"),
        ("server error", "engineio-version-mismatch"),
        ("parse error", "engineio-version-mismatch"),
        ("disconnect: transport close", "abnormal-close"),
        ("transport error", "abnormal-close"),
        ("ping timeout", "no-pong"),
        ("io server disconnect", "server-disconnects-client"),
        ("Invalid namespace", "namespace-unknown"),
    ] {
        check(line, Source::SocketIoClient, cause);
    }
    check("Unauthorized", Source::Application, "auth-required");
    check("{\"code\":1,\"message\":\"Session ID unknown\"}", Source::Node, "sticky-sessions-missing");
    let poll = explained("Error: xhr poll error").known;
    assert!(poll.causes.len() >= 5 && poll.not.unwrap().contains("not CORS"));
}

#[test]
fn server_logs_are_explained() {
    use Source::{Access, Apache, Django, EngineIo, Gunicorn, HaProxy, Nginx, Node, Uvicorn};
    for (line, source, cause) in [
        (
            "2026/11/21 20:41:12 [error] 7#7: *1 upstream prematurely closed connection while reading response header from upstream, client: 10.0.0.1, server: a.test, request: \"GET / HTTP/1.1\"",
            Nginx,
            "server-exception",
        ),
        (
            "2026/11/21 20:41:12 [error] 7#7: *1 connect() failed (111: Connection refused) while connecting to upstream, client: 10.0.0.1",
            Nginx,
            "backend-down",
        ),
        (
            "upstream timed out (110: Connection timed out) while reading response header from upstream",
            Nginx,
            "backend-timeout",
        ),
        (
            "upstream timed out (110: Connection timed out) while proxying upgraded connection",
            Nginx,
            "proxy-idle-timeout",
        ),
        ("client intended to send too large body: 10485761 bytes", Nginx, "body-too-large"),
        ("limiting requests, excess: 5.540 by zone \"one\", client: 10.0.0.1", Nginx, "proxy-rate-limit-503"),
        (
            "SSL_do_handshake() failed (SSL: error:0A00010B:SSL routines::wrong version number) while SSL handshaking to upstream",
            Nginx,
            "tls-to-plain-port",
        ),
        ("10.0.0.1 - - [21/Nov/2026:20:41:12 +0000] \"GET /ws HTTP/1.1\" 101 512 \"-\" \"Mozilla/5.0\"", Access, "-"),
        (
            "10.0.0.1 - - [21/Nov/2026:20:41:12 +0000] \"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\" 400 28",
            Access,
            "proxy-drops-upgrade",
        ),
        ("10.0.0.1 - - [21/Nov/2026:20:41:12 +0000] \"GET /ws/chat/ HTTP/1.1\" 403 0", Access, "origin-not-allowed"),
        ("10.0.0.1 - - [21/Nov/2026:20:41:12 +0000] \"POST /api HTTP/2.0\" 502 157", Access, "backend-down"),
        ("127.0.0.1 - - \"OPTIONS /api HTTP/1.1\" 405 -", Access, "preflight-options-405"),
        (
            "[proxy:error] [pid 7] (111)Connection refused: AH00957: http: attempt to connect to 127.0.0.1:5000 (localhost) failed",
            Apache,
            "backend-down",
        ),
        ("AH01144: No protocol handler was valid for the URL /ws (scheme 'ws')", Apache, "proxy-drops-upgrade"),
        (
            "haproxy[7]: 10.0.0.1:5 [21/Nov/2026:20:41:12.123] web app/<NOSRV> 0/-1/-1/-1/0 503 212 - - SC-- 1/1/0/0/0 0/0 \"GET / HTTP/1.1\"",
            HaProxy,
            "backend-down",
        ),
        (
            "haproxy[7]: 10.0.0.1:5 [21/Nov/2026:20:41:12.123] web app/s1 0/0/1/-1/30001 504 194 - - sH-- 1/1/0/0/0 0/0 \"GET / HTTP/1.1\"",
            HaProxy,
            "backend-timeout",
        ),
        ("[2026-11-21 20:41:12 +0000] [7] [CRITICAL] WORKER TIMEOUT (pid:9)", Gunicorn, "backend-timeout"),
        ("INFO:     127.0.0.1:5 - \"WebSocket /ws\" 403", Uvicorn, "token-invalid"),
        ("INFO:     connection rejected (403 Forbidden)", Uvicorn, "token-invalid"),
        (
            "WARNING:  No supported WebSocket library detected. Please use \"pip install 'uvicorn[standard]'\"",
            Uvicorn,
            "server-lacks-websocket-support",
        ),
        (
            "Invalid HTTP_HOST header: 'api.test'. You may need to add 'api.test' to ALLOWED_HOSTS.",
            Django,
            "host-not-allowed",
        ),
        (
            "Forbidden (Origin checking failed - https://a.test does not match any trusted origins.): /login",
            Django,
            "csrf-failed",
        ),
        ("Forbidden (CSRF cookie not set.): /login", Django, "csrf-failed"),
        ("127.0.0.1:5 - - [21/Nov/2026:20:41:12] \"WSREJECT /ws/chat/\" - -", Django, "origin-not-allowed"),
        ("WebSocket DISCONNECT /ws/chat/ [127.0.0.1:5]", Django, "-"),
        ("http://localhost:3000 is not an accepted origin.", EngineIo, "origin-not-allowed"),
        ("Invalid session 8afd", EngineIo, "sticky-sessions-missing"),
        (
            "The client is using an unsupported version of the Socket.IO or Engine.IO protocols",
            EngineIo,
            "engineio-version-mismatch",
        ),
        ("Error: listen EADDRINUSE: address already in use :::3000", Node, "port-held-by-other-program"),
        ("Error: Not allowed by CORS", Node, "origin-not-allowed"),
    ] {
        check(line, source, cause);
    }
}

#[test]
fn a_console_line_is_explained_by_its_code_its_status_and_its_twins() {
    let line = |reason: &str| {
        format!(
            "Access to fetch at 'http://api.test:5000/x' from origin 'http://app.test' has been blocked by CORS policy: {reason}"
        )
    };
    let told = |value: &str| {
        line(&format!(
            "The 'Access-Control-Allow-Origin' header has a value '{value}' that is not equal to the supplied origin."
        ))
    };
    check(&told("https://other.test"), Source::Console, "origin-not-allowed");
    check(&told("https://app.test"), Source::Console, "origin-scheme-mismatch");
    check(&told("http://app.test:80"), Source::Console, "origin-port-mismatch");
    let behind = "Cross-Origin Request Blocked: The Same Origin Policy disallows reading the remote resource at https://api.test/x. \
                  (Reason: CORS header ‘Access-Control-Allow-Origin’ missing). Status code: 502.";
    let known = explained(behind).known;
    let causes: Vec<CauseId> = known.causes.iter().take(2).map(|(cause, _)| *cause).collect();
    assert_eq!(causes, [CauseId::BackendDown, CauseId::ErrorResponseWithoutCors]);
    check(
        "Firefox can’t establish a connection to the server at wss://a.test/ws.",
        Source::Console,
        "connection-refused",
    );
    check("POST https://a.test/ads.js net::ERR_BLOCKED_BY_CLIENT", Source::Console, "-");
}

#[test]
fn every_recorded_console_line_is_explained() {
    let mut read = 0;
    for file in std::fs::read_dir("tests/cases").unwrap().map(|entry| entry.unwrap().path()) {
        if file.extension().is_none_or(|ending| ending != "jsonl") {
            continue;
        }
        for line in std::fs::read_to_string(&file).unwrap().lines() {
            let answer: serde_json::Value = serde_json::from_str(&line.replace("{s}", "eyJ9")).unwrap();
            let Some(console) = answer["console"].as_str() else { continue };
            let known = explain::recognise(console).unwrap_or_else(|| panic!("not known: {console}"));
            assert_eq!(known.source, Source::Console, "{console}");
            assert!(!known.means.is_empty());
            read += 1;
        }
    }
    assert!(2_000 < read, "the recordings were not found");
}

#[test]
fn the_fix_has_the_lines_own_values_and_is_for_the_stack_named() {
    let line = "Access to fetch at 'https://api.test/x' from origin 'https://app.test' has been blocked by CORS policy: Request header \
                field x-tenant is not allowed by Access-Control-Allow-Headers in preflight response.";
    let all = |fixes: &[Fix]| format!("{fixes:?}");
    let explained = explain::line(line, Some("fastapi")).unwrap();
    assert!(all(&explained.fixes).contains("x-tenant") && !explained.by_example, "{:?}", explained.fixes);
    assert!(explained.fixes.iter().all(|fix| ["any", "fastapi"].contains(&fix.stack)), "{:?}", explained.fixes);
    let origin = explain::line("CORS error: Origin 'http://localhost:3000' not allowed", None).unwrap();
    assert!(all(&origin.fixes).contains("http://localhost:3000") && origin.by_example, "{:?}", origin.fixes);
    for line in ["--disable-web-security", "Rate limit exceeded", line] {
        let fixes = all(&explain::line(line, None).unwrap().fixes);
        assert!(!fixes.contains("disable-web-security") && !fixes.contains("origins=\"*\""), "{fixes}");
    }
}

#[test]
fn no_secret_of_a_line_is_shown() {
    for line in [
        "WebSocket connection to 'wss://a.test/ws?token=canary-123&x=1' failed: Error during WebSocket handshake: Unexpected response code: 403",
        "10.0.0.1 - - [21/Nov/2026:20:41:12 +0000] \"GET /ws?access_token=canary-123 HTTP/1.1\" 401 0",
        "Forbidden: Authorization: Bearer canary-123456",
        "Unauthorized {\"password\": \"canary-123\"}",
        "jwt expired eyJhbGciOi.canary-123.sig",
        "Unauthorized Cookie: sessionid=canary-123; theme=dark",
        "ECONNREFUSED redis://user:canary-123@cache:6379",
    ] {
        let shown = explained(line).line;
        assert!(!shown.contains("canary") && shown.contains("[redacted]"), "{shown}");
    }
    let kept =
        "WebSocket connection to 'wss://a.test/ws?x=1' failed: Connection closed before receiving a handshake response";
    assert_eq!(explained(kept).line, kept);
}

fn log_of(bytes: &[u8]) -> Log {
    let (mut log, mut splitter) = (Log::default(), Splitter::default());
    // In odd pieces.
    for piece in bytes.chunks(65_521) {
        splitter.feed(piece, |line, is_cut| drop(log.take(line, is_cut)));
    }
    splitter.finish(|line, is_cut| drop(log.take(line, is_cut)));
    log
}

#[test]
fn a_log_is_counted_by_kind_and_minute() {
    let mut text = String::new();
    for minute in 0..3 {
        for _ in 0..=minute {
            text.push_str(&format!("2026/11/21 20:4{minute}:12 [error] 7#7: *1 connect() failed (111: Connection refused) while connecting to upstream\n"));
        }
    }
    text.push_str("10.0.0.1 - - [21/Nov/2026:20:45:12 +0000] \"GET /ok HTTP/1.1\" 200 5\nsomething else\n");
    let log = log_of(text.as_bytes());
    assert_eq!((log.lines, log.well, log.unknown), (8, 1, 1));
    let [kind] = log.kinds()[..] else { panic!("one kind") };
    let times: Vec<String> = kind.times.iter().map(|(at, count)| format!("{at} {count}")).collect();
    assert_eq!(times, ["2026-11-21T20:40 1", "2026-11-21T20:41 2", "2026-11-21T20:42 3"]);
    assert_eq!(log.categories().into_iter().collect::<Vec<_>>(), [(Category::Proxy, 6)]);
}

#[test]
fn lines_of_ten_megabytes_and_binary_ones_are_counted_and_harm_nothing() {
    let mut bytes = vec![b'x'; 10 << 20];
    bytes.push(b'\n');
    bytes.extend([0, 159, 146, 150, b'\n', 0xff, 0xfe, b'a', b'\n']);
    bytes.extend(b"xhr poll error");
    let log = log_of(&bytes);
    assert_eq!((log.lines, log.cut, log.binary, log.kinds().len()), (4, 1, 1, 1));
}

proptest::proptest! {
    #[test]
    fn no_line_panics(line in "(\\PC|\"| HTTP/1.1\" |GET |4|03|0/0/1/-1/5 |SC-- |Origin '|\\[|21/Nov/2026:20:4|token=|Cookie: |\u{e9}){0,30}") {
        explain::line(&line, Some("nginx"));
        log_of(line.as_bytes());
    }
}
