//! No input panics the browser's machines, and each of them ends. What they decide is held to real browsers' answers in
//! `tests/recorded.rs`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has to fail")]

use proptest::prelude::*;
use url::Url;
use wirewatch::base::Wall;
use wirewatch::browser::websocket::{Handshake, Socket};
use wirewatch::browser::{Browser, Credentials, Fetch, Memory, Mode, Page, Redirect, ScriptRequest, Step};
use wirewatch::wire::{Exchange, HttpVersion, NetError, Phases, WireRequest, WireResponse};

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
