//! No input panics the browser's machines, and each of them ends. What they decide is held to real browsers' answers in
//! `tests/recorded.rs`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has to fail")]

use proptest::prelude::*;
use url::Url;
use wirewatch::base::Wall;
use wirewatch::browser::cookie::{Excluded, Trail};
use wirewatch::browser::websocket::{Handshake, Socket};
use wirewatch::browser::{Browser, Credentials, Fetch, Memory, Mode, Page, Redirect, ScriptRequest, Step, Xhr};
use wirewatch::wire::{Exchange, Headers, HttpVersion, NetError, Phases, WireRequest, WireResponse};

/// Header fields that matter, with values near the ones that are right and far from them.
fn fields() -> impl Strategy<Value = Vec<(String, Vec<u8>)>> {
    let name = prop_oneof![
        Just("Access-Control-Allow-Origin"),
        Just("Access-Control-Allow-Credentials"),
        Just("Access-Control-Allow-Methods"),
        Just("Access-Control-Allow-Headers"),
        Just("Access-Control-Expose-Headers"),
        Just("Location"),
        Just("Content-Length"),
        Just("Cross-Origin-Resource-Policy"),
        Just("Upgrade"),
        Just("Connection"),
        Just("Sec-WebSocket-Accept"),
        Just("Sec-WebSocket-Protocol"),
        Just("Sec-WebSocket-Extensions"),
        Just("\u{e9}"),
    ];
    let value = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        "(\\*|null|true|http://app.test|/x|//b.test|http://u:p@c.test:25/|data:,x|foo:bar|websocket|upgrade|a, b;c=\"d\"|,;=)*"
            .prop_map(String::into_bytes),
    ];
    prop::collection::vec((name.prop_map(str::to_owned), value), 0..8)
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["\\PC{0,20}", "(GET|PUT|post|x-a|Accept|Range|Content-Type|bytes=|text/plain|;|,| |\u{ff}){0,6}"]
}

fn urls() -> impl Strategy<Value = Url> {
    "(http|https|ws|wss|foo|data)://(u:p@)?(app.test|localhost|127.0.0.1|\\[::1\\]|xn--a.test|1.2|%41)(:[0-9]{1,5})?/[a-z#?]{0,6}"
        .prop_filter_map("no URL", |text| Url::parse(&text).ok())
}

proptest! {
    #[test]
    fn no_input_panics_and_every_fetch_ends(
        page in urls(), url in urls(), method in text(), headers in prop::collection::vec((text(), text()), 0..5),
        body in prop::option::of(text()), mode in 0..3_usize, credentials in 0..3_usize, redirect in 0..3_usize,
        browser in 0..3_usize, status in prop_oneof![100..600_u16, Just(200), Just(302), Just(307)], answer in fields(),
        failed in any::<bool>(),
    ) {
        let page = Page::new(page, Browser::ALL[browser]);
        let request = ScriptRequest {
            url, method, headers, body, mode: Mode::ALL[mode], credentials: Credentials::ALL[credentials],
            redirect: Redirect::ALL[redirect],
        };
        let (mut fetch, mut step) = Fetch::start(page, request, Memory::default(), Wall(0));
        let mut sent = 0;
        while let Step::Send(request) = step {
            sent += 1;
            prop_assert!(sent <= 43, "it does not end");
            step = fetch.on_exchange(answered(*request, status, &answer, failed), Wall(0));
        }
        let Step::Done(answer) = step else { unreachable!() };
        prop_assert_eq!(answer.fault.is_none(), answer.response_type.is_some());
        prop_assert_eq!(answer.exchanges.len(), sent);
    }

    #[test]
    fn no_handshake_panics(
        page in urls(), url in urls(), protocols in prop::collection::vec(text(), 0..4), browser in 0..3_usize,
        status in prop_oneof![Just(101), 100..600_u16], answer in fields(), failed in any::<bool>(),
    ) {
        let page = Page::new(page, Browser::ALL[browser]);
        let socket = Socket { url, protocols, extra: Vec::new() };
        let (mut handshake, step) = Handshake::start(page, socket, Memory::default(), [1; 16], Wall(0));
        if let Step::Send(request) = step {
            let step = handshake.on_exchange(answered(*request, status, &answer, failed), Wall(0));
            prop_assert!(matches!(step, Step::Done(_)));
        }
    }
}

/// The lines of `tests/corpus/NAME.txt` as bytes: `\\xff`, `\\t`, `\\n`, `\\\\` and `\\u{e9}` (as UTF-8) stand for what no line can hold.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let text = std::fs::read_to_string(format!("tests/corpus/{name}.txt")).unwrap();
    text.lines().map(unescaped).collect()
}

fn unescaped(line: &str) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::new(), line);
    while let Some((before, after)) = rest.split_once('\\') {
        out.extend(before.bytes());
        let (bytes, length) = match &after[..1] {
            "x" => (vec![u8::from_str_radix(&after[1..3], 16).unwrap()], 3),
            "t" => (vec![b'\t'], 1),
            "n" => (vec![b'\n'], 1),
            "u" => {
                let end = after.find('}').unwrap();
                let character = char::from_u32(u32::from_str_radix(&after[2..end], 16).unwrap()).unwrap();
                (character.to_string().into_bytes(), end + 1)
            }
            _ => (vec![b'\\'], 1),
        };
        out.extend(bytes);
        rest = &after[length..];
    }
    out.extend(rest.bytes());
    out
}

/// A fetch, an XMLHttpRequest and a handshake of a page under that policy, with that cookie in the jar, each answered with that
/// field again and again.
fn take(browser: Browser, url: &Url, csp: &str, cookie: &[u8], (name, value): (&str, &[u8])) {
    let page = Page::new(Url::parse("https://app.test/page").unwrap(), browser).with_csp(Some(csp), Some(csp));
    let mut memory = Memory::default();
    let _ = memory.jar.set_from_navigation(browser, url, cookie, Wall(0));
    let fields =
        [(name.to_owned(), value.to_vec()), ("Access-Control-Allow-Origin".to_owned(), b"https://app.test".to_vec())];
    for status in [101, 200, 204, 302, 404] {
        let mut script = ScriptRequest::get(url.clone());
        script.method = "PUT".into();
        script.credentials = Credentials::Include;
        let xhr = Xhr {
            url: url.clone(),
            method: "GET".into(),
            headers: vec![("X-A".into(), "\u{e9}".into())],
            body: None,
            with_credentials: true,
        };
        for (mut fetch, mut step) in [
            Fetch::start(page.clone(), script, memory.clone(), Wall(0)),
            Fetch::xhr(page.clone(), xhr, memory.clone(), Wall(0)),
        ] {
            for _ in 0..50 {
                let Step::Send(request) = step else { break };
                step = fetch.on_exchange(answered(*request, status, &fields, false), Wall(1_000_000));
            }
            assert!(matches!(step, Step::Done(_)), "it does not end");
        }
        let socket = Socket { url: url.clone(), protocols: Vec::new(), extra: Vec::new() };
        let (mut handshake, step) = Handshake::start(page.clone(), socket, memory.clone(), [1; 16], Wall(0));
        if let Step::Send(request) = step {
            let step = handshake.on_exchange(answered(*request, status, &fields, false), Wall(0));
            assert!(matches!(step, Step::Done(_)));
        }
    }
}

#[test]
fn nothing_of_the_corpus_panics() {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let urls: Vec<Url> = corpus("urls").iter().filter_map(|url| Url::parse(&text(url)).ok()).collect();
    let headers = corpus("headers");
    let field = |line: &[u8]| {
        let at = line.iter().position(|byte| *byte == b':').unwrap();
        (text(&line[..at]), line[at + 1..].trim_ascii().to_vec())
    };
    let plain = Url::parse("https://api.test/").unwrap();
    for browser in Browser::ALL {
        let nothing = ("X-Nothing", &b""[..]);
        urls.iter().for_each(|url| take(browser, url, "connect-src 'self' *.test", b"a=b", nothing));
        corpus("csp").iter().for_each(|csp| take(browser, &plain, &text(csp), b"a=b", nothing));
        corpus("cookies").iter().for_each(|cookie| take(browser, &plain, "", cookie, nothing));
        for line in &headers {
            let (name, value) = field(line);
            take(browser, &plain, "", b"a=b", (&name, &value));
        }
    }
}

proptest! {
    #[test]
    fn no_policy_and_no_cookie_panics(
        page in urls(), url in urls(), browser in 0..3_usize,
        csp in "(connect-src|default-src|sandbox|upgrade-insecure-requests|;|,| |'self'|'none'|\\*|http:|//|[a-z.]{1,5}|:[0-9*]{1,6}|\\PC){0,20}",
        cookie in "(a|=|;| |__Host-|__Secure-|Domain|Path|SameSite|None|Lax|Secure|Max-Age|Expires|[0-9]{1,12}|\\PC){0,20}",
    ) {
        let page = Page::new(page, Browser::ALL[browser]).with_csp(Some(&csp), Some(&csp));
        let mut memory = Memory::default();
        let _ = memory.jar.set_from_navigation(Browser::ALL[browser], &url, cookie.as_bytes(), Wall(0));
        let (_, step) = Fetch::start(page, ScriptRequest::get(url), memory, Wall(1));
        prop_assert!(matches!(step, Step::Send(_) | Step::Done(_)));
    }
}

/// What must hold for any field: the jar sends no more than was set, once, and nothing that a field can't hold.
#[track_caller]
fn holds_for_any(browser: Browser, field: &[u8]) {
    let url = |host: &str| Url::parse(&format!("{host}.test/")).unwrap();
    let (home, now) = (url("https://app"), Wall(1_800_000_000_000_000));
    let mut memory = Memory::default();
    let stored = memory.jar.set_from_navigation(browser, &home, field, now).is_ok();
    assert!(memory.jar.len() <= usize::from(stored));
    let page = Page::new(home, browser);
    let mut answer = Headers::new();
    answer.push("Set-Cookie", field);
    let mut trail = Trail::default();
    trail.receive(&mut memory.jar, &page, &[url("https://api")], &answer, now, 0);
    for at in ["https://app", "https://www.app", "https://api", "http://app"] {
        if let Some(sent) = trail.send(&mut memory, &page, &[url(at)], now, 1) {
            assert!(!sent.contains(&b';') && sent.len() <= field.len() + 1, "{field:?} {sent:?}");
        }
    }
    assert!(trail.excluded.len() <= Excluded::MOST);
    assert!(trail.excluded.iter().all(|it| it.name.chars().count() <= 64));
}

/// Fields as servers might write them, and worse.
fn any_field() -> impl Strategy<Value = Vec<u8>> {
    let word = prop::sample::select(vec![
        "a",
        "=",
        ";",
        " ",
        "\t",
        "Expires",
        "Max-Age",
        "Domain",
        "Path",
        "Secure",
        "HttpOnly",
        "SameSite",
        "Partitioned",
        "None",
        "Lax",
        "Strict",
        "__Host-",
        "__Secure-",
        "/",
        "app.test",
        ".test",
        "0",
        "-1",
        "99999999999999999999",
        "Wed, 21 Oct 2015 07:28:00 GMT",
        "32 Foo 99999 99:99:99",
        "\u{1}",
        "é",
        ".",
        "%",
        "[::1]",
    ]);
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        prop::collection::vec(word, 0..30).prop_map(|words| words.concat().into_bytes()),
    ]
}

proptest! {
    #[test]
    fn no_set_cookie_breaks_the_jar(field in any_field(), browser in prop::sample::select(Browser::ALL.to_vec())) {
        holds_for_any(browser, &field);
    }
}

#[test]
fn what_holds_for_any_cookie_holds_for_the_corpus() {
    for field in corpus("cookies") {
        Browser::ALL.iter().for_each(|browser| holds_for_any(*browser, &field));
    }
}

fn answered(request: WireRequest, status: u16, fields: &[(String, Vec<u8>)], failed: bool) -> Exchange {
    let response = WireResponse {
        version: HttpVersion::Http11,
        status,
        reason: String::new(),
        headers: fields.iter().cloned().collect(),
        body: Default::default(),
        body_size: 0,
        transfer: wirewatch::wire::Transfer::plain(0),
    };
    let result = if failed { Err(NetError::EmptyResponse) } else { Ok(response) };
    Exchange { request, result, phases: Phases::default(), peer: None, tried: Vec::new(), tls: None, proxy: None }
}
