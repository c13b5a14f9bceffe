//! What real browsers did, case by case, against what the pure machine decides.
//!
//! Each line of `tests/cases/*.jsonl` is one request of a page and what the browser made of it, recorded from Chromium against
//! a scripted server. The script stands in the case's URL, so that server is played here by a function: no sockets.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has to fail")]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use serde_json::{Value, json};
use url::Url;
use wirewatch::base::Wall;
use wirewatch::browser::websocket::accept::accept_key;
use wirewatch::browser::websocket::{Ending, Handshake, Socket, close, script_close};
use wirewatch::browser::{Answer, Browser, Credentials, Fetch, Memory, Mode, Page, Redirect, ScriptRequest, Step};
use wirewatch::wire::{Exchange, Headers, HttpVersion, NetError, Phase, Phases, WireRequest, WireResponse};

/// The scripted server, and the network before it.
fn serve(request: &WireRequest) -> Result<WireResponse, NetError> {
    let url = &request.url;
    let tls = matches!(url.scheme(), "https" | "wss");
    if url.host_str().is_some_and(|host| host.ends_with(".invalid")) {
        return Err(NetError::NameNotResolved);
    }
    match (url.port_or_known_default().unwrap(), tls) {
        (80 | 17081..=17084, false) | (443 | 17443 | 17444, true) => {}
        (80 | 17081..=17084, true) => return Err(NetError::TlsProtocol),
        (443 | 17443..=17447, false) => return Err(NetError::EmptyResponse),
        (17445, true) => return Err(NetError::CertSelfSigned),
        (17446, true) => return Err(NetError::CertExpired),
        (17447, true) => return Err(NetError::CertWrongName),
        _ => return Err(NetError::ConnectionRefused),
    }
    let query = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let hop: usize = query("n").and_then(|n| n.parse().ok()).unwrap_or(0);
    let script = query("s").unwrap_or_default();
    let script: Value = match URL_SAFE_NO_PAD.decode(script.trim_end_matches('=')) {
        Ok(text) if !text.is_empty() => serde_json::from_slice(&text).unwrap(),
        _ => json!({"hops": [{"m": {"st": 404}}]}),
    };
    let hops = script["hops"].as_array().unwrap();
    let repeated = script["rep"].as_u64().unwrap_or(1) as usize;
    let here = &hops[(hop + 1).saturating_sub(repeated).min(hops.len() - 1)];
    let preflight = request.method == "OPTIONS" && request.headers.contains("access-control-request-method");
    let websocket = request.headers.first_str("upgrade") == Some("websocket");
    let not_found = json!({"st": 404});
    let answer = if preflight && here["o"].is_object() {
        &here["o"]
    } else if websocket && here["w"].is_object() {
        &here["w"]
    } else {
        here.get("m").unwrap_or(&not_found)
    };
    match answer["act"].as_str() {
        Some("close") => return Err(NetError::EmptyResponse),
        Some("reset") => return Err(NetError::ConnectionReset { phase: Phase::FirstByte }),
        Some(other) => panic!("{other}"),
        None => {}
    }
    let fill = |text: &str| fill(text, request, hop);
    let mut headers = Headers::new();
    let upgraded = websocket
        && here["w"].is_object()
        && (answer["st"].is_null() || answer["st"] == 101 || !answer["up"].is_null());
    let status = answer["st"].as_u64().unwrap_or(if upgraded { 101 } else { 200 }) as u16;
    if upgraded {
        let asked = |name: &str| request.headers.first_str(name).unwrap_or_default().to_owned();
        let mut put = |name: &str, key: &str, default: Option<&str>| {
            let value = match answer.get(key) {
                None => default.map(str::to_owned),
                Some(value) => value.as_str().map(str::to_owned),
            };
            if let Some(value) = value {
                let value = match (key, value.as_str()) {
                    ("ac", "good") => accept_key(&asked("sec-websocket-key")),
                    ("ac", "bad") => "AAAAAAAAAAAAAAAAAAAAAAAAAAA=".into(),
                    ("pr", "echo") => asked("sec-websocket-protocol").split(',').next().unwrap().trim().to_owned(),
                    _ => value,
                };
                if (key, value.as_str()) != ("pr", "") || answer["pr"] != "echo" {
                    headers.push(name, value);
                }
            }
        };
        put("Upgrade", "up", Some("websocket"));
        put("Connection", "co", Some("Upgrade"));
        put("Sec-WebSocket-Accept", "ac", Some("good"));
        put("Sec-WebSocket-Protocol", "pr", None);
    }
    for line in answer["h"].as_array().unwrap_or(&Vec::new()) {
        let line = line.as_str().unwrap();
        let line = match line.strip_prefix('~') {
            Some(rest) => format!("Access-Control-Allow-{rest}"),
            None => line.to_owned(),
        };
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        let value: Vec<u8> = fill(value).chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
        headers.push(name, value.trim_ascii());
    }
    let body = answer["b"].as_str().unwrap_or_default().to_owned();
    if !upgraded {
        if !matches!(status, 204 | 304) && 200 <= status && answer["cl"] != false {
            headers.push("Content-Length", answer["cl"].as_u64().unwrap_or(body.len() as u64).to_string());
        }
        headers.push("Connection", "close");
    }
    let body_size = body.len() as u64;
    let reason = answer["rs"].as_str().unwrap_or(phrase(status)).to_owned();
    Ok(WireResponse {
        version: HttpVersion::Http11,
        status,
        reason,
        headers,
        body: body.into(),
        body_size,
        transfer: wirewatch::wire::Transfer::plain(body_size),
    })
}

/// The scripted server's reason phrases.
fn phrase(status: u16) -> &'static str {
    match status {
        299 => "Odd",
        405 => "Method Not Allowed",
        200
        | 201
        | 204
        | 206
        | 300..=304
        | 307
        | 308
        | 400
        | 401
        | 403
        | 404
        | 418
        | 426
        | 429
        | 500
        | 502..=504
        | 101 => http::StatusCode::from_u16(status).unwrap().canonical_reason().unwrap(),
        _ => "Status",
    }
}

fn fill(text: &str, request: &WireRequest, hop: usize) -> String {
    let header = |name: &str| request.headers.first_str(name).unwrap_or_default().to_owned();
    let origin = request.headers.first_str("origin").unwrap_or("null").to_owned();
    let mut out = text
        .replace("{origin}", &origin)
        .replace("{acrm}", &header("access-control-request-method"))
        .replace("{acrh}", &header("access-control-request-headers"))
        .replace("{host}", &header("host"));
    while let Some(start) = out.find("{pad:") {
        let end = start + out[start..].find('}').unwrap();
        let count: usize = out[start + 5..end].parse().unwrap();
        out.replace_range(start..=end, &"a".repeat(count));
    }
    while let Some(start) = out.find("{next:") {
        let end = start + out[start..].find('}').unwrap();
        let query = |name: &str| request.url.query_pairs().find(|(key, _)| key == name).map(|(_, v)| v.into_owned());
        let script = query("s").map(|s| format!("&s={s}")).unwrap_or_default();
        let next = format!(
            "{}{}?id={}&n={}{script}",
            &out[start + 6..end],
            request.url.path(),
            query("id").unwrap_or_default(),
            hop + 1
        );
        out.replace_range(start..=end, &next);
    }
    out
}

fn exchange(request: WireRequest) -> Exchange {
    let result = serve(&request);
    Exchange { request, result, phases: Phases::default(), peer: None, tried: Vec::new(), tls: None, proxy: None }
}

/// Whether the server's log would have it.
fn reached(exchange: &Exchange) -> bool {
    match &exchange.result {
        Ok(_) => true,
        Err(NetError::EmptyResponse) => !matches!(exchange.request.url.port(), None | Some(17443..=17447)),
        Err(error) => matches!(error, NetError::ConnectionReset { .. }),
    }
}

fn page(case: &Value, browser: Browser) -> Page {
    let mut page = Page::new(Url::parse(case["page"].as_str().unwrap()).unwrap(), browser);
    page.abilities.deflate = true;
    page.with_csp(case["csp"].as_str(), case["csp_report_only"].as_str())
}

fn run_fetch(case: &Value, browser: Browser) -> Answer {
    let word = |name: &str| case[name].as_str().unwrap_or_default().to_owned();
    let request = ScriptRequest {
        url: Url::parse(&word("url")).unwrap(),
        method: case["method"].as_str().unwrap_or("GET").to_owned(),
        headers: match &case["headers"] {
            Value::Object(map) => map.iter().map(|(k, v)| (k.clone(), v.as_str().unwrap().to_owned())).collect(),
            Value::Array(list) => list
                .iter()
                .map(|pair| (pair[0].as_str().unwrap().to_owned(), pair[1].as_str().unwrap().to_owned()))
                .collect(),
            _ => Vec::new(),
        },
        body: case["body"].as_str().map(str::to_owned),
        mode: Mode::ALL.into_iter().find(|mode| mode.word() == word("mode")).unwrap_or_default(),
        credentials: Credentials::ALL.into_iter().find(|c| c.word() == word("credentials")).unwrap_or_default(),
        redirect: Redirect::ALL.into_iter().find(|r| r.word() == word("redirect")).unwrap_or_default(),
    };
    let (mut fetch, mut step) = Fetch::start(page(case, browser), request, Memory::default(), Wall(0));
    for _ in 0..60 {
        match step {
            Step::Done(answer) => return *answer,
            Step::Send(request) => step = fetch.on_exchange(exchange(*request), Wall(0)),
        }
    }
    panic!("{} does not end", case["id"]);
}

fn run_websocket(case: &Value, browser: Browser) -> (Answer, Value) {
    let protocols = case["protocols"]
        .as_array()
        .map_or_else(Vec::new, |list| list.iter().map(|one| one.as_str().unwrap().to_owned()).collect());
    let socket = Socket { url: Url::parse(case["url"].as_str().unwrap()).unwrap(), protocols, extra: Vec::new() };
    let (mut handshake, mut step) = Handshake::start(page(case, browser), socket, Memory::default(), [7; 16], Wall(0));
    let answer = loop {
        match step {
            Step::Done(answer) => break *answer,
            Step::Send(request) => step = handshake.on_exchange(exchange(*request), Wall(0)),
        }
    };
    let event = match &answer.fault {
        Some(fault) => close::never_opened(browser, fault),
        None => ending(case).map(|ending| script_close(browser, ending)),
    };
    let event = event.map_or(Value::Null, |e| json!({"code": e.code, "reason": e.reason, "clean": e.clean}));
    (answer, event)
}

/// How a scripted socket ends, where its frames are plain ones.
fn ending(case: &Value) -> Option<Ending<'_>> {
    let steps = case["ending"].as_array()?;
    match steps.first()?.as_str()? {
        "close" => {
            let code = steps.get(1).map(|code| u16::try_from(code.as_u64().unwrap()).unwrap());
            Some(Ending::Closed { code, reason: steps.get(2).and_then(Value::as_str).unwrap_or_default() })
        }
        "drop" | "reset" => Some(Ending::Cut),
        "violated" => Some(Ending::Violated),
        _ => None,
    }
}

/// The answer in `replay`'s form, as far as the case's truth has the field.
fn answer_of(case: &Value, browser: Browser) -> Value {
    let websocket = case["api"] == "websocket";
    let (answer, event) =
        if websocket { run_websocket(case, browser) } else { (run_fetch(case, browser), Value::Null) };
    let requests: Vec<Value> = answer
        .exchanges
        .iter()
        .filter(|exchange| reached(exchange))
        .map(|exchange| {
            let request = &exchange.request;
            let mut url = request.url.clone();
            let _ = (url.set_username(""), url.set_password(None)); // The log knows the Host field alone.
            json!([request.method, url.as_str(), request.headers.first_str("origin")])
        })
        .collect();
    json!({
        "outcome": answer.outcome.word(),
        "allowed": answer.fault.is_none(),
        "code": answer.code(),
        "status": answer.status,
        "preflighted": answer.preflighted,
        "requests": requests,
        "response_type": answer.response_type.map(|kind| kind.word()),
        "exposed_headers": answer.exposed_headers,
        "console": answer.console_line(),
        "close": event,
        "error": answer.exception(),
    })
}

/// Runs the cases of one file; each difference is a line. Only fields that the truth has are compared.
#[track_caller]
fn check(file: &str, browser: Browser, least: usize) {
    let text = std::fs::read_to_string(file).unwrap();
    let (mut count, mut differences) = (0, Vec::new());
    for line in text.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let got = answer_of(&case, browser);
        count += 1;
        for (field, expected) in case["expect"].as_object().unwrap() {
            if &got[field] != expected {
                differences.push(format!("{} {field}\n  is   {}\n  not  {expected}", case["id"], got[field]));
            }
        }
    }
    assert!(least <= count, "only {count} cases in {file}");
    assert!(differences.is_empty(), "{} differences in {count} cases:\n{}", differences.len(), differences.join("\n"));
}

#[test]
fn chromium_answers_these_cases_alike() {
    check("tests/cases/chrome.jsonl", Browser::Chrome, 300);
}

#[test]
fn firefox_answers_these_cases_alike() {
    check("tests/cases/firefox.jsonl", Browser::Firefox, 100);
}

#[test]
fn webkit_answers_these_cases_alike() {
    check("tests/cases/safari.jsonl", Browser::Safari, 150);
}

/// All that was recorded, for whoever works on it: `WIREWATCH_CASES=chrome:FILE cargo test --test browser`.
#[test]
fn the_cases_that_the_environment_names_are_answered_alike() {
    if let Ok(named) = std::env::var("WIREWATCH_CASES") {
        let (browser, file) = named.split_once(':').expect("WIREWATCH_CASES=chrome:FILE");
        let browser = Browser::ALL.into_iter().find(|one| one.word() == browser).expect("chrome, firefox or safari");
        check(file, browser, 1);
    }
}

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
