//! permessage-deflate over a real connection, agreed on in every way: what is said arrives, and what is broken is told.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot set up its peers has to fail"
)]

mod common;

use std::time::Duration;

use url::Url;
use wirewatch::base::Clock;
use wirewatch::browser::websocket::Socket;
use wirewatch::browser::{Browser, Memory, Page};
use wirewatch::engine::exchange;
use wirewatch::lab::{Lab, Options};
use wirewatch::net::{Client, Received, Settings, WebSocket};
use wirewatch::profile::model::Proxy;
use wirewatch::profile::{Kind, Profile, Setting};
use wirewatch::watch::{ClosedBy, EventBody, State};
use wirewatch::wire::{Direction, Opcode};

use common::Watching;

const PAGE: &str = "http://app.localhost/";
/// Far beyond what a test needs; only a failing one waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

async fn lab() -> Lab {
    Lab::start(Options::default()).await.unwrap()
}

/// Opens it, and what the 101 agreed to.
async fn open(lab: &Lab, browser: Browser, query: &str) -> (WebSocket, Option<String>) {
    let client = Client::new(&Settings { proxy: Proxy::Direct, ..Settings::default() }).unwrap();
    let page = Page::new(Url::parse(PAGE).unwrap(), browser);
    let socket = Socket { url: lab.ws_url(query), protocols: Vec::new(), extra: Vec::new() };
    let deadline = Clock.mono() + PATIENCE;
    let (answer, socket, _) = exchange::open(page, socket, Memory::default(), &client, Clock, deadline).await;
    let headers = &answer.exchanges[0].response().unwrap().headers;
    let agreed = headers.joined("sec-websocket-extensions").map(|value| value.to_string());
    (socket.unwrap_or_else(|| panic!("{query}: {:?}", answer.fault)), agreed)
}

fn profile(lab: &Lab, browser: Browser, query: &str) -> Profile {
    let mut profile = Profile::new("compressed", Kind::WebSocket, lab.ws_url(query));
    profile.page = Some(Url::parse(PAGE).unwrap());
    profile.browser = browser;
    profile.timeout = Duration::from_secs(20);
    profile
}

#[tokio::test]
async fn what_is_said_comes_back_whatever_was_agreed_on() {
    let lab = lab().await;
    let long: String = (0..100_000_u32).map(|n| char::from(b'a' + (n.wrapping_mul(n) >> 7) as u8 % 26)).collect();
    for parameters in [
        "",
        "server_no_context_takeover",
        "client_no_context_takeover",
        "server_no_context_takeover; client_no_context_takeover",
        "server_max_window_bits=8",
        "server_max_window_bits=10; client_max_window_bits=9",
        "client_max_window_bits=8",
    ] {
        // The others don't offer to narrow their own window.
        let browsers = if parameters.contains("client_max") { &[Browser::Chrome][..] } else { &Browser::ALL };
        for browser in browsers {
            let (mut socket, agreed) = open(&lab, *browser, &format!("/?echo&deflate={parameters}")).await;
            assert!(agreed.unwrap().starts_with("permessage-deflate"));
            for text in ["to be or not to be", "", "é", &long, "to be or not to be", &long] {
                socket.send_text(text).await.unwrap();
                let got = socket.next().await;
                assert!(got == Ok(Received::Text(text.into())), "{browser:?} {parameters}: {} bytes", text.len());
            }
        }
    }
}

#[tokio::test]
async fn a_message_refers_to_earlier_ones_only_where_that_was_agreed_on() {
    let lab = lab().await;
    for (parameters, shrinks) in [("", true), ("server_no_context_takeover", false)] {
        let query = format!("/?do=text:hello+hello&do=text:hello+hello&deflate={parameters}");
        let (mut socket, _) = open(&lab, Browser::Chrome, &query).await;
        let mut sizes = Vec::new();
        for _ in 0..2 {
            assert_eq!(socket.next().await, Ok(Received::Text("hello hello".into())));
            sizes.push(socket.message_wire_size().unwrap());
        }
        assert_eq!(sizes[1] < sizes[0], shrinks, "{parameters}: {sizes:?}");
    }
}

#[tokio::test]
async fn parts_and_big_messages_are_put_together_and_inflated() {
    let lab = lab().await;
    let (mut socket, _) = open(&lab, Browser::Safari, "/?do=split:in+two+parts&do=big:5m&do=binary:00ff&deflate").await;
    assert_eq!(socket.next().await, Ok(Received::Text("in two parts".into())));
    let Ok(Received::Text(big)) = socket.next().await else { panic!("no big message") };
    assert!(big.len() == 5 << 20 && big.bytes().all(|byte| byte == b'x'));
    assert!(socket.message_wire_size().unwrap() < 10_000);
    assert_eq!(socket.next().await, Ok(Received::Binary(vec![0, 0xff].into())));
}

#[tokio::test]
async fn a_check_reads_what_it_expects_through_the_compression() {
    let lab = lab().await;
    for browser in Browser::ALL {
        let mut profile = profile(&lab, browser, "/?do=text:{\"type\":\"welcome\"}&deflate");
        profile.websocket.expect = Some("\"welcome\"".into());
        let report = common::check(profile, Duration::ZERO).await;
        assert_eq!(common::in_short(&report), "connected 101 ok", "{browser:?}");
    }
}

#[tokio::test]
async fn what_cant_be_inflated_is_told_by_a_check() {
    let lab = lab().await;
    for browser in Browser::ALL {
        for (query, expected) in [
            ("/?do=bad:deflate&deflate", "error 101 websocket_protocol"),
            ("/?do=bad:deflate-twice&deflate", "error 101 websocket_protocol"),
            // Nobody agreed on anything.
            ("/?do=bad:deflate", "error 101 websocket_protocol"),
            // 20 KiB on the wire, and more than the engine takes.
            ("/?do=big:17m&deflate", "error 101 message_too_large"),
            ("/?deflate=server_max_window_bits=7", "error 101 HandshakeInvalid"),
            ("/?deflate=unknown=1", "error 101 HandshakeInvalid"),
        ] {
            let report = common::check(profile(&lab, browser, query), PATIENCE).await;
            assert_eq!(common::in_short(&report), expected, "{browser:?} {query}");
        }
    }
}

#[test]
fn a_session_records_what_was_said_and_not_how() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let lab = runtime.block_on(lab());
    let mut profile = profile(&lab, Browser::Chrome, "/?echo&every=10ms:tick&deflate");
    profile.websocket.send = vec![Setting::Plain("to be or not to be".into())];
    let mut watching = Watching::start([profile]);
    for (direction, text) in [
        (Direction::Out, "to be or not to be"),
        (Direction::In, "to be or not to be"),
        (Direction::In, "tick"),
        (Direction::In, "tick"),
    ] {
        watching.until(text, PATIENCE, |event| match &event.body {
            EventBody::Frame(frame) => {
                frame.direction == direction
                    && frame.opcode == Opcode::Text
                    && frame.text() == Some(text)
                    && frame.size == text.len() as u64
            }
            _ => false,
        });
    }
}

#[test]
fn a_session_tells_that_a_broken_message_ended_it_and_tries_again() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let lab = runtime.block_on(lab());
    let mut profile = profile(&lab, Browser::Firefox, "/?do=text:hello&do=bad:deflate&deflate");
    profile.interval = Duration::from_millis(50);
    let mut watching = Watching::start([profile]);
    watching.until_state(State::Connected, PATIENCE);
    let closed = watching.until("close", PATIENCE, |event| event.body.kind() == "closed");
    let EventBody::Closed { facts, .. } = &closed.body else { panic!("{closed:?}") };
    assert_eq!((facts.code, facts.by, facts.script.code), (None, ClosedBy::Client, 1006));
    let state = watching.until_state(State::Error, PATIENCE);
    let reason = state.body.reason().unwrap();
    assert_eq!((reason.code.as_str(), reason.detail.as_deref()), ("websocket_protocol", Some("compressed message")));
    watching.until("new attempt", PATIENCE, |event| event.body.kind() == "attempt");
}
