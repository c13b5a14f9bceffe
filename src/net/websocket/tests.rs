//! Tests of an open WebSocket, against a server that plays bytes.

use super::*;
use crate::base::Clock;
use crate::net::peer::{self, play, request};
use crate::net::{Client, Limits, Settings};
use crate::wire::{Exchange, Purpose};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinHandle;

const SWITCH: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";

async fn upgrade(address: SocketAddr) -> (Exchange, Option<Upgraded>) {
    upgrade_within(address, Duration::from_secs(10)).await
}

async fn upgrade_within(address: SocketAddr, wait: Duration) -> (Exchange, Option<Upgraded>) {
    let limits = Limits { message: 1000, ..Limits::default() };
    let client = Client::new(&Settings { limits, ..Settings::default() }).unwrap();
    let request = request("GET", &format!("ws://{address}/ws"), &[("Upgrade", "websocket")], "");
    assert_eq!(request.purpose, Purpose::Handshake);
    client.upgrade(request, Clock.mono() + wait).await
}

/// A session with a server that sends these bytes behind its 101, in one piece with it or not, and ends. The handle
/// gives what the server read.
async fn session(frames: &[u8], in_one_piece: bool) -> (WebSocket, JoinHandle<Vec<u8>>) {
    let frames = frames.to_vec();
    let (address, played) = play(move |mut stream| async move {
        peer::read_head(&mut stream).await;
        let mut answer = SWITCH.as_bytes().to_vec();
        if in_one_piece {
            answer.extend_from_slice(&frames);
            stream.write_all(&answer).await.unwrap();
        } else {
            stream.write_all(&answer).await.unwrap();
            stream.write_all(&frames).await.unwrap();
        }
        stream.shutdown().await.unwrap();
        let mut got = Vec::new();
        let _ = stream.read_to_end(&mut got).await;
        got
    })
    .await;
    let (exchange, upgraded) = upgrade(address).await;
    assert_eq!(exchange.status(), Some(101));
    assert!(exchange.phases.first_byte.is_some() && exchange.phases.body.is_none());
    (upgraded.unwrap().open().await, played)
}

/// What a client reads of these bytes.
async fn check(frames: &[u8], expected: &[Result<Received, NetError>]) {
    for in_one_piece in [true, false] {
        let (mut session, _) = session(frames, in_one_piece).await;
        for each in expected {
            assert_eq!(&session.next().await, each, "{frames:02x?}, in one piece: {in_one_piece}");
        }
        assert_eq!(session.next().await, Ok(Received::End));
        assert_eq!(session.next().await, Ok(Received::End));
    }
}

fn text(text: &str) -> Result<Received, NetError> {
    Ok(Received::Text(text.into()))
}

fn close(code: Option<u16>, reason: &str) -> Result<Received, NetError> {
    Ok(Received::Close { code, reason: reason.to_owned() })
}

async fn check_breach(frames: &[u8], what: &'static str) {
    check(frames, &[Err(NetError::WebSocketProtocol { what })]).await;
}

#[tokio::test]
async fn messages_and_control_frames_come_in_order_fragments_put_together() {
    check(
        b"\x81\x02hi\x82\x01\xff\x89\x01p\x8a\x00\x01\x02ab\x89\x00\x80\x02cd",
        &[
            text("hi"),
            Ok(Received::Binary(Bytes::from_static(b"\xff"))),
            Ok(Received::Ping(Bytes::from_static(b"p"))),
            Ok(Received::Pong(Bytes::new())),
            Ok(Received::Ping(Bytes::new())),
            text("abcd"),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_close_keeps_the_code_and_reason_of_the_wire() {
    check(b"\x88\x05\x03\xe9bye", &[close(Some(1001), "bye")]).await;
    check(b"\x88\x00", &[close(None, "")]).await;
    check(b"\x88\x02\x0f\xa0", &[close(Some(4000), "")]).await;
    // Unregistered, and yet what a script is told.
    check(b"\x88\x03\x07\xd0x", &[close(Some(2000), "x")]).await;
    let after = Err(NetError::WebSocketProtocol { what: "frame after the close" });
    check(b"\x81\x01a\x88\x02\x03\xe8\x81\x01b", &[text("a"), close(Some(1000), ""), after]).await;
    // No code of any registry, and yet Chrome hands them on.
    check(b"\x88\x02\x13\x88", &[close(Some(5000), "")]).await;
    check(b"\x88\x02\x00\x00", &[close(Some(0), "")]).await;
}

#[tokio::test]
async fn each_breach_of_the_protocol_has_its_word() {
    check_breach(b"\xc1\x02hi", "reserved bits").await;
    check_breach(b"\x81\x82\x01\x02\x03\x04hi", "masked frame").await;
    check_breach(b"\x83\x00", "unknown opcode").await;
    check_breach(b"\x8b\x00", "unknown opcode").await;
    check_breach(b"\x09\x00", "fragmented control frame").await;
    check_breach(&[&b"\x89\x7e\x00\x7e"[..], &[b'x'; 126]].concat(), "control frame too long").await;
    check_breach(b"\x80\x02hi", "continuation of nothing").await;
    check(b"\x01\x02hi\x81\x02ho", &[Err(NetError::WebSocketProtocol { what: "message within a message" })]).await;
    check_breach(b"\x81\x02\xc3\x28", "text is not UTF-8").await;
    check_breach(b"\x88\x01\x03", "close frame of one byte").await;
    check_breach(b"\x88\x04\x03\xe8\xc3\x28", "text is not UTF-8").await;
    for code in [1005_u16, 1006, 1015] {
        let [high, low] = code.to_be_bytes();
        check_breach(&[0x88, 2, high, low], "close code").await;
    }
}

#[tokio::test]
async fn a_message_past_the_limit_is_refused_before_it_has_come() {
    let too_large = || Err(NetError::MessageTooLarge { limit: 1000 });
    // A hundred mebibytes announced, two bytes sent.
    check(b"\x82\x7f\x00\x00\x00\x00\x06\x40\x00\x00hi", &[too_large()]).await;
    let half = [&b"\x01\x7e\x02\x58"[..], &[b'x'; 600]].concat();
    let rest = [&b"\x80\x7e\x02\x58"[..], &[b'x'; 600]].concat();
    check(&[half, rest].concat(), &[too_large()]).await;
}

#[tokio::test]
async fn an_end_without_a_close_is_an_end_and_a_reset_is_told() {
    check(b"\x81\x02hi", &[text("hi")]).await;
    check(b"\x81\x05hi", &[]).await;
    let (address, _) = play(|mut stream| async move {
        peer::read_head(&mut stream).await;
        stream.write_all(SWITCH.as_bytes()).await.unwrap();
        stream.read_u8().await.unwrap();
        stream.set_zero_linger().unwrap();
    })
    .await;
    let mut session = upgrade(address).await.1.unwrap().open().await;
    session.send_text("go").await.unwrap();
    assert_eq!(session.next().await, Err(NetError::ConnectionReset { phase: Phase::Open }));
    assert_eq!(session.next().await, Ok(Received::End));
}

/// The frames in these bytes, unmasked: the first byte of each and its payload.
fn frames(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut out = Vec::new();
    while let [first, second, rest @ ..] = bytes {
        assert_eq!(second & 0x80, 0x80, "a client masks");
        let length = usize::from(second & 0x7f);
        let (mask, rest) = rest.split_at(4);
        let (payload, rest) = rest.split_at(length);
        out.push((*first, payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect()));
        bytes = rest;
    }
    out
}

#[tokio::test]
async fn what_we_send_goes_out_at_once_as_single_masked_frames() {
    let (mut session, played) = session(b"\x89\x01p\x88\x02\x03\xe8", false).await;
    session.send_text("hi").await.unwrap();
    session.send_binary(vec![1]).await.unwrap();
    session.send_ping(&b"t"[..]).await.unwrap();
    assert_eq!(session.next().await, Ok(Received::Ping(Bytes::from_static(b"p"))));
    assert_eq!(session.next().await, close(Some(1000), ""));
    assert_eq!(session.next().await, Ok(Received::End));
    let closed = NetError::ConnectionClosed { phase: Phase::Open };
    assert_eq!(session.send_text("late").await, Err(closed));
    drop(session);
    let sent = frames(&played.await.unwrap());
    let expected = [(0x81, &b"hi"[..]), (0x82, b"\x01"), (0x89, b"t"), (0x8a, b"p"), (0x88, b"\x03\xe8")];
    assert_eq!(sent, expected.map(|(first, payload)| (first, payload.to_vec())));
}

#[tokio::test]
async fn our_close_says_its_code_and_reason_and_the_servers_answer_comes() {
    let (mut session, played) = session(b"\x88\x02\x03\xe8", false).await;
    session.close(1001, &"é".repeat(100)).await.unwrap();
    assert_eq!(session.next().await, close(Some(1000), ""));
    assert_eq!(session.next().await, Ok(Received::End));
    drop(session);
    let sent = frames(&played.await.unwrap());
    let [(0x88, payload)] = &sent[..] else { panic!("{sent:?}") };
    assert_eq!((&payload[..2], payload.len()), (&b"\x03\xe9"[..], 2 + 122));
}

#[tokio::test]
async fn a_server_that_breaks_the_protocol_is_told_so() {
    let check = async |bytes: &[u8], code: u16| {
        let (mut session, played) = session(bytes, false).await;
        assert!(session.next().await.is_err());
        drop(session);
        assert_eq!(frames(&played.await.unwrap()), [(0x88, code.to_be_bytes().to_vec())]);
    };
    check(b"\x83\x00", 1002).await;
    check(b"\x81\x02\xc3\x28", 1002).await;
    check(b"\x82\x7f\x00\x00\x00\x00\x06\x40\x00\x00", 1009).await;
}

#[tokio::test]
async fn where_deflate_is_agreed_on_messages_are_inflated_and_ours_go_out_compressed() {
    let (address, played) = play(|mut stream| async move {
        peer::read_head(&mut stream).await;
        stream.write_all(SWITCH.as_bytes()).await.unwrap();
        stream
            .write_all(b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00\xc1\x05\xf2\x00\x11\x00\x00\x88\x02\x03\xe8")
            .await
            .unwrap();
        let mut got = Vec::new();
        let _ = stream.read_to_end(&mut got).await;
        got
    })
    .await;
    let agreed = Agreed { client_max_window_bits: 9, ..Agreed::default() };
    let upgraded = upgrade(address).await.1.unwrap();
    let mut session = upgraded.open_as(Browser::Chrome, Some(agreed)).await;
    let said = "to be or not to be, ".repeat(5);
    session.send_text(said.as_str()).await.unwrap();
    assert_eq!(session.next().await, text("Hello"));
    assert_eq!(session.message_wire_size(), Some(7));
    assert_eq!(session.next().await, text("Hello"));
    assert_eq!(session.message_wire_size(), Some(5));
    assert_eq!(session.next().await, close(Some(1000), ""));
    drop(session);
    let sent = frames(&played.await.unwrap());
    let [(0xc1, payload), ..] = &sent[..] else { panic!("{sent:?}") };
    assert!(payload.len() < said.len() / 2);
    let (mut inflater, mut out) = (deflate::Inflater::new(agreed), Vec::new());
    inflater.part(payload, &mut out, 1000).unwrap();
    inflater.finish(&mut out, 1000).unwrap();
    assert_eq!(out, said.as_bytes());
}

#[tokio::test]
async fn next_may_be_dropped_halfway_through_a_message() {
    let (address, _) = play(|mut stream| async move {
        peer::read_head(&mut stream).await;
        stream.write_all(SWITCH.as_bytes()).await.unwrap();
        stream.write_all(b"\x81\x04ab").await.unwrap();
        stream.read_u8().await.unwrap();
        stream.write_all(b"cd").await.unwrap();
    })
    .await;
    let mut session = upgrade(address).await.1.unwrap().open().await;
    let halfway = tokio::time::timeout(Duration::from_millis(20), session.next()).await;
    assert!(halfway.is_err());
    session.send_text("go on").await.unwrap();
    assert_eq!(session.next().await, text("abcd"));
}

#[tokio::test]
async fn a_refused_handshake_keeps_status_headers_and_a_body_that_comes_late_or_not_whole() {
    let check = async |rest: &'static str, body: &str| {
        let (address, _) = play(move |mut stream| async move {
            peer::read_head(&mut stream).await;
            stream.write_all(b"HTTP/1.1 403 Forbidden\r\nX-Why: origin\r\nContent-Length: 6\r\n\r\n").await.unwrap();
            tokio::task::yield_now().await;
            stream.write_all(rest.as_bytes()).await.unwrap();
        })
        .await;
        let (exchange, upgraded) = upgrade(address).await;
        assert!(upgraded.is_none());
        let response = exchange.response().unwrap();
        assert_eq!((response.status, &*response.reason), (403, "Forbidden"));
        assert_eq!(response.headers.first_str("x-why"), Some("origin"));
        assert_eq!(&*response.body, body.as_bytes());
    };
    check("denied", "denied").await;
    check("den", "den").await;
}

#[tokio::test]
async fn a_refusal_whose_body_never_comes_is_told_all_the_same() {
    let (address, played) = play(|mut stream| async move {
        peer::read_head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 6\r\n\r\n").await.unwrap();
        std::future::pending::<()>().await;
    })
    .await;
    let (exchange, _) = upgrade_within(address, Duration::from_millis(80)).await;
    assert_eq!(exchange.status(), Some(403));
    played.abort();
}
