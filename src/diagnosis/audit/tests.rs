//! Servers with one policy each, and what has to be found of it.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::trials::origins;
use super::*;
use crate::base::Wall;
use crate::diagnosis::Facts;
use crate::profile::model::{Kind, Profile};
use crate::watch::{CheckReport, Outcome, State};
use crate::wire::{Exchange, Headers, HttpVersion, Phases, Purpose, Transfer, WireRequest, WireResponse};

const PAGE: &str = "https://app.example.com/";

/// A server: what it answers to a request, a status and header lines.
type Server = fn(&WireRequest) -> (u16, String);

fn answered(request: WireRequest, server: Server) -> Exchange {
    let (status, head) = server(&request);
    let body = head.lines().find_map(|line| line.strip_prefix("Heard: ")).unwrap_or_default().to_owned();
    let headers: Headers = head.lines().filter_map(|line| line.split_once(": ")).collect();
    let response = WireResponse {
        version: HttpVersion::Http11,
        status,
        reason: String::new(),
        headers,
        body: body.into(),
        body_size: 0,
        transfer: Transfer::plain(0),
    };
    let (phases, tried) = (Phases::default(), Vec::new());
    Exchange { request, result: Ok(response), phases, peer: None, tried, tls: None, proxy: None }
}

/// The findings' ids with their severity, as an audit of that server from [`PAGE`] has them.
#[track_caller]
fn check(kind: Kind, cookie: Option<&str>, server: Server, expected: &[&str]) {
    let url = if kind == Kind::WebSocket { "wss://api.example.com/ws" } else { "https://api.example.com/me" };
    let mut profile = Profile::new("audited", kind, Url::parse(url).unwrap());
    profile.page = Some(Url::parse(PAGE).unwrap());
    let purpose = if kind == Kind::WebSocket { Purpose::Handshake } else { Purpose::Actual };
    let mut headers: Headers = [("Origin", "https://app.example.com")].into_iter().collect();
    if let Some(cookie) = cookie {
        headers.push("Cookie", cookie);
    }
    let own =
        WireRequest { purpose, method: "GET".into(), url: profile.url.clone(), headers, body: Default::default() };
    let report = CheckReport {
        outcome: Outcome::Up,
        state: State::Connected,
        reason: None,
        scheduled: Wall(1_780_000_000_000_000),
        lateness: Duration::ZERO,
        phases: Phases::default(),
        status: None,
        exchanges: vec![Arc::new(answered(own, server))],
        preflighted: false,
        console: None,
        close: None,
        steps: Vec::new(),
        further: Vec::new(),
    };
    let facts = Facts::of_check(&profile, &report);
    let mut seen: Vec<Seen> = Vec::new();
    for probe in probes(&facts) {
        let exchange = answered(probe.request.clone(), server);
        let one = probe.seen(exchange, &seen);
        seen.push(one);
    }
    let mut found: Vec<String> =
        findings(&facts, &seen).iter().map(|one| format!("{} {}", one.severity.word(), one.id)).collect();
    found.dedup();
    assert_eq!(found, expected);
}

fn origin(request: &WireRequest) -> &str {
    request.headers.first_str("origin").unwrap_or_default()
}

fn allow(origin: &str) -> (u16, String) {
    (200, format!("Access-Control-Allow-Origin: {origin}\nAccess-Control-Allow-Credentials: true\nVary: Origin"))
}

const NOBODY: (u16, String) = (200, String::new());

fn refused() -> (u16, String) {
    (200, "Vary: Origin".to_owned())
}

#[test]
fn a_list_of_exact_origins_has_nothing_to_find() {
    check(
        Kind::Http,
        Some("s=1"),
        |request| if origin(request) == &PAGE[..PAGE.len() - 1] { allow(origin(request)) } else { refused() },
        &[],
    );
}

#[test]
fn whoever_asks_is_allowed_and_his_neighbours_are_not_told_of_again() {
    check(
        Kind::Http,
        Some("s=1"),
        |request| if origin(request).is_empty() { NOBODY } else { allow(origin(request)) },
        &["high reflects-any-origin-with-credentials"],
    );
    check(Kind::Http, None, |_| (200, "Access-Control-Allow-Origin: *".to_owned()), &["low any-origin-allowed"]);
}

#[test]
fn each_way_of_comparing_a_part_is_told_by_its_own_name() {
    let of = |server: Server, expected: &[&str]| check(Kind::Http, Some("s=1"), server, expected);
    of(
        |request| match origin(request) {
            who if who.starts_with("https://app.example.com") => allow(who),
            _ => refused(),
        },
        &["high origin-prefix-matched"],
    );
    of(
        |request| match origin(request) {
            who if who.ends_with("example.com") && who.starts_with("https") => allow(who),
            _ => refused(),
        },
        &["high origin-suffix-matched"],
    );
    of(
        |request| match origin(request) {
            who @ ("https://app.example.com" | "https://appxexample.com") => allow(who),
            _ => refused(),
        },
        &["high origin-dot-unescaped"],
    );
    of(
        |request| match origin(request) {
            who @ ("https://app.example.com" | "null") => allow(who),
            _ => refused(),
        },
        &["high null-origin-allowed"],
    );
    of(
        |request| match origin(request) {
            who @ ("https://app.example.com" | "http://app.example.com") => allow(who),
            _ => refused(),
        },
        &["medium insecure-origin-allowed"],
    );
}

#[test]
fn a_socket_that_any_page_opens_is_grave_where_a_cookie_goes_along() {
    check(Kind::WebSocket, Some("session=1"), |_| (101, String::new()), &["high origin-not-validated"]);
    check(Kind::WebSocket, None, |_| (101, String::new()), &["low origin-not-validated"]);
    check(
        Kind::WebSocket,
        Some("session=1"),
        |request| {
            if matches!(origin(request), "" | "https://app.example.com") {
                (101, String::new())
            } else {
                (403, String::new())
            }
        },
        &["low absent-origin-allowed"],
    );
}

#[test]
fn who_is_sent_away_at_once_was_not_let_in() {
    check(
        Kind::WebSocket,
        Some("session=1"),
        |request| {
            (101, if origin(request) == &PAGE[..PAGE.len() - 1] { "" } else { "Heard: [close 1008 origin]" }.into())
        },
        &[],
    );
    // A server that ends everybody's socket says nothing about origins by it.
    check(Kind::WebSocket, Some("session=1"), |_| (101, "Heard: [end]".into()), &["high origin-not-validated"]);
}

#[test]
fn a_cache_never_keeps_an_answer_to_a_trial_under_the_pages_own_url() {
    let of = |url: &str| -> Vec<String> {
        let own = WireRequest {
            purpose: Purpose::Actual,
            method: "GET".into(),
            url: Url::parse(url).unwrap(),
            headers: Headers::new(),
            body: Default::default(),
        };
        let mut profile = Profile::new("kept", Kind::Http, own.url.clone());
        profile.page = Some(Url::parse(PAGE).unwrap());
        let mut facts = Facts::of_session(&profile, None, None, None, Wall(0));
        let exchange = answered(own, |_| NOBODY);
        facts.exchanges.push(&exchange);
        let gets = probes(&facts).into_iter().filter(|probe| probe.surface == Surface::Get);
        gets.map(|probe| probe.request.url.query().unwrap_or_default().to_owned()).take(3).collect()
    };
    assert_eq!(of("https://api.example.com/me"), ["origin-check=0", "origin-check=1", "origin-check=2"]);
    assert_eq!(of("https://api.example.com/me?sig=1"), ["sig=1", "sig=1", "sig=1"]);
}

#[test]
fn an_error_is_no_leave_and_no_refusal() {
    check(Kind::WebSocket, Some("session=1"), |_| (503, String::new()), &[]);
}

#[test]
fn answers_that_depend_on_the_origin_say_so_to_caches() {
    let server: Server = |request| {
        let cached = "Cache-Control: public, max-age=600";
        match origin(request) {
            who @ "https://app.example.com" => (200, format!("Access-Control-Allow-Origin: {who}\n{cached}")),
            _ => (200, cached.to_owned()),
        }
    };
    check(Kind::Http, None, server, &["medium allow-origin-cached"]);
}

#[test]
fn a_cookies_missing_flags_are_told() {
    let server: Server = |request| {
        let cookies = "Set-Cookie: sessionid=abc; Path=/\nSet-Cookie: theme=dark; SameSite=None";
        if origin(request) == "https://app.example.com" {
            (200, format!("{cookies}\n{}", allow(origin(request)).1))
        } else {
            refused()
        }
    };
    check(
        Kind::Http,
        Some("s=1"),
        server,
        &["medium cookie-without-secure", "medium cookie-without-httponly", "medium samesite-none-without-secure"],
    );
}

#[test]
fn the_origins_that_are_tried_come_from_the_pages_own() {
    let of = |page: &str| -> Vec<String> {
        origins(&Url::parse(page).unwrap()).into_iter().filter_map(|(_, origin)| origin).collect()
    };
    assert_eq!(
        of(PAGE),
        [
            "https://app.example.com",
            "https://origin-check.invalid",
            "null",
            "https://app.example.com.origin-check.invalid",
            "https://notexample.com",
            "https://appxexample.com",
            "https://origin-check.example.com",
            "https://origin-check.app.example.com",
            "http://app.example.com",
            "https://app.example.com:8081",
        ]
    );
    // Each dot by itself, and none that stands before what nobody can register.
    let dotted = of("https://www.shop.org/");
    assert!(dotted.contains(&"https://wwwxshop.org".to_owned()), "{dotted:?}");
    assert!(!of("https://shop.org/").iter().any(|origin| origin.contains('x')));
    let dotted = of("https://www.shop.co.uk/");
    assert!(["https://wwwxshop.co.uk", "https://www.shopxco.uk"].iter().all(|one| dotted.contains(&(*one).to_owned())));
    assert_eq!(
        of("http://127.0.0.1:3000/"),
        [
            "http://127.0.0.1:3000",
            "https://origin-check.invalid",
            "null",
            "http://127.0.0.1.origin-check.invalid:3000",
            "http://127.0.0.1:8081",
        ]
    );
}

#[test]
fn a_request_that_may_change_something_is_not_sent_again() {
    let mut profile = Profile::new("post", Kind::Http, Url::parse("https://api.example.com/pay").unwrap());
    profile.page = Some(Url::parse(PAGE).unwrap());
    profile.request.method = "POST".into();
    let own = WireRequest {
        purpose: Purpose::Actual,
        method: "POST".into(),
        url: profile.url.clone(),
        headers: Headers::new(),
        body: "amount=1".into(),
    };
    let mut report_exchanges = vec![answered(own, |_| (200, String::new()))];
    let report = CheckReport {
        outcome: Outcome::Up,
        state: State::Connected,
        reason: None,
        scheduled: Wall(0),
        lateness: Duration::ZERO,
        phases: Phases::default(),
        status: None,
        exchanges: report_exchanges.drain(..).map(Arc::new).collect(),
        preflighted: false,
        console: None,
        close: None,
        steps: Vec::new(),
        further: Vec::new(),
    };
    let all = probes(&Facts::of_check(&profile, &report));
    assert!(all.iter().all(|probe| probe.request.method == "OPTIONS" && probe.request.body.is_empty()), "{all:?}");
    assert!(!all.is_empty());
}
