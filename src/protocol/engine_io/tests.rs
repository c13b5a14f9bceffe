//! Packets, payloads, handshakes and refusals: the specifications' examples, and what breaks their rules.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::protocol::corpus_tests::seeds;
use crate::protocol::{Fault, Limits};

const BYTES: &str = "application/octet-stream";
const LIMITS: Limits = Limits { bytes: 64, packets: 4, depth: 4, values: 16, attachments: 2 };

/// `message "hello"`, `message <01 02>`; a fault is its code and its place.
fn shown(packet: Result<Packet<'_>, Fault>) -> String {
    match packet {
        Ok(Packet { kind, data: Data::Text(text) }) if text.is_empty() => kind.word().into(),
        Ok(Packet { kind, data: Data::Text(text) }) => format!("{} {text:?}", kind.word()),
        Ok(Packet { kind, data: Data::Binary(bytes) }) => format!("{} <{}>", kind.word(), hex(&bytes)),
        Err(fault) => format!("{}: {fault}", fault.code()),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

fn of_hex(text: &str) -> Vec<u8> {
    text.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
}

#[track_caller]
fn check_text(revision: Revision, frame: &str, expected: &str) {
    assert_eq!(shown(Packet::decode_text(revision, frame, &LIMITS)), expected);
}

#[track_caller]
fn check_binary(revision: Revision, frame: &str, expected: &str) {
    assert_eq!(shown(Packet::decode_binary(revision, &of_hex(frame), &LIMITS)), expected);
}

/// `expected` holds a line a packet.
#[track_caller]
fn check_body(revision: Revision, content_type: &str, body: &[u8], expected: &str) {
    let lines: Vec<_> = match Packets::of_body(revision, Some(content_type), body, &LIMITS) {
        Ok(packets) => packets.map(shown).collect(),
        Err(fault) => vec![shown(Err(fault))],
    };
    assert_eq!(lines.join("\n"), expected);
}

#[track_caller]
fn check_v4(body: &str, expected: &str) {
    check_body(Revision::V4, "text/plain; charset=UTF-8", body.as_bytes(), expected);
}

#[track_caller]
fn check_v3(body: &str, expected: &str) {
    check_body(Revision::V3, "text/plain; charset=UTF-8", body.as_bytes(), expected);
}

#[track_caller]
fn check_v3_bytes(body: &str, expected: &str) {
    check_body(Revision::V3, BYTES, &of_hex(body), expected);
}

/// Written and read again.
#[track_caller]
fn check_written(revision: Revision, form: Form, packets: &[Packet<'_>], expected: &[u8]) {
    let body = encode_payload(revision, form, packets).unwrap();
    let (content_type, bytes) = match &body {
        Data::Text(text) => ("text/plain", text.as_bytes()),
        Data::Binary(bytes) => (BYTES, &**bytes),
    };
    assert_eq!(bytes, expected);
    let read: Result<Vec<_>, _> = Packets::of_body(revision, Some(content_type), bytes, &LIMITS).unwrap().collect();
    assert_eq!(read.unwrap(), packets);
}

#[test]
fn a_text_frame_is_a_type_and_its_data() {
    for revision in Revision::ALL {
        check_text(revision, "2probe", "ping \"probe\"");
        check_text(revision, "3probe", "pong \"probe\"");
        check_text(revision, "4HelloWorld", "message \"HelloWorld\"");
        check_text(revision, "5", "upgrade");
        check_text(revision, "6", "noop");
        check_text(revision, "1", "close");
        check_text(revision, "4€", "message \"€\"");
    }
}

#[test]
fn a_binary_frame_is_a_message_and_has_its_type_in_revision_3() {
    check_binary(Revision::V4, "01 02 03 04", "message <01 02 03 04>");
    check_binary(Revision::V4, "", "message <>");
    check_binary(Revision::V3, "04 00 01 02 03 04 05", "message <00 01 02 03 04 05>");
    check_binary(Revision::V3, "03 01", "pong <01>");
    check_binary(Revision::V3, "", "packet-empty: empty packet at byte 0");
    check_binary(Revision::V3, "07 01", "packet-type-unknown: unknown packet type at byte 0: '\\u{7}'");
    check_binary(Revision::V3, "34 01", "packet-type-unknown: unknown packet type at byte 0: '4'");
}

#[test]
fn base64_in_a_text_frame_is_binary_data() {
    check_text(Revision::V4, "bAQIDBA==", "message <01 02 03 04>");
    check_text(Revision::V4, "bAQIDBA", "message <01 02 03 04>");
    check_text(Revision::V4, "b", "message <>");
    check_text(Revision::V3, "b4AQIDBA==", "message <01 02 03 04>");
    check_text(Revision::V3, "b3AQ", "pong <01>");
    check_text(Revision::V4, "bAQ_DBA==", "base64: not base64 at byte 3");
    check_text(Revision::V4, "bAQID BA==", "base64: not base64 at byte 5");
    check_text(Revision::V4, "bAQIDB", "base64: not base64 at byte 6");
    check_text(Revision::V3, "b4é", "base64: not base64 at byte 2");
    check_text(Revision::V3, "b", "packet-empty: empty packet at byte 1");
    check_text(Revision::V3, "b9AQ", "packet-type-unknown: unknown packet type at byte 1: '9'");
}

#[test]
fn a_frame_of_no_type_is_a_fault() {
    for revision in Revision::ALL {
        check_text(revision, "", "packet-empty: empty packet at byte 0");
        check_text(revision, "7", "packet-type-unknown: unknown packet type at byte 0: '7'");
        check_text(revision, "€", "packet-type-unknown: unknown packet type at byte 0: '€'");
        check_text(revision, "{\"a\":1}", "packet-type-unknown: unknown packet type at byte 0: '{'");
        check_text(revision, &"4".repeat(65), "too-large: 65 bytes, more than 64");
    }
}

#[test]
fn a_payload_of_revision_4_is_packets_with_separators() {
    check_v4("4hello\x1e2\x1e4world", "message \"hello\"\nping\nmessage \"world\"");
    check_v4("4hello\x1ebAQIDBA==", "message \"hello\"\nmessage <01 02 03 04>");
    check_v4("", "packet-empty: empty packet at byte 0");
    check_v4("4a\x1e", "message \"a\"\npacket-empty: empty packet at byte 3");
    check_v4("4a\x1e\x1e4b", "message \"a\"\npacket-empty: empty packet at byte 3");
    check_v4("4a\x1e9\x1e4b", "message \"a\"\npacket-type-unknown: unknown packet type at byte 3: '9'");
    check_v4("4€\x1eb!", "message \"€\"\nbase64: not base64 at byte 6");
    check_v4("2\x1e2\x1e2\x1e2", "ping\nping\nping\nping");
    check_v4(
        "2\x1e2\x1e2\x1e2\x1e2\x1e2",
        "ping\nping\nping\nping\ntoo-many-packets: more than 4 packets in one payload",
    );
    check_v4(&"4".repeat(65), "too-large: 65 bytes, more than 64");
    check_body(Revision::V4, BYTES, b"4a", "message \"a\"");
    check_body(Revision::V4, "text/plain", b"4a\xff", "not-utf-8: not UTF-8 at byte 2");
}

#[test]
fn a_text_payload_of_revision_3_counts_utf_16() {
    check_v3("6:4hello2:4€", "message \"hello\"\nmessage \"€\"");
    check_v3("2:4€10:b4AQIDBA==", "message \"€\"\nmessage <01 02 03 04>");
    check_v3("3:4😀1:2", "message \"😀\"\nping");
    check_v3("0:", "");
    check_v3("0:1:20:", "ping");
    check_v3("", "packet-empty: empty packet at byte 0");
    check_v3("1:2x", "ping\npayload-length: no packet length at byte 3");
    check_v3("1:21", "ping\npayload-separator: no separator after the packet length at byte 4");
    check_v3("-1:2", "payload-length: no packet length at byte 0");
    check_v3("+1:2", "payload-length: no packet length at byte 0");
    check_v3(":2", "payload-length: no packet length at byte 0");
    check_v3("99999999999999999999:2", "payload-length: no packet length at byte 0");
    check_v3("18446744073709551615:2", "length-mismatch: the packet at byte 21 is not 18446744073709551615 long");
    check_v3("6:4€", "length-mismatch: the packet at byte 2 is not 6 long");
    check_v3("2:4😀", "length-mismatch: the packet at byte 2 is not 2 long");
    check_v3("1:21:92:4a", "ping\npacket-type-unknown: unknown packet type at byte 5: '9'");
    check_v3("00:", "packet-empty: empty packet at byte 3");
    check_v3("1:21:21:21:21:2", "ping\nping\nping\nping\ntoo-many-packets: more than 4 packets in one payload");
}

#[test]
fn a_binary_payload_of_revision_3_counts_bytes() {
    check_v3_bytes("00 04 ff 34 e2 82 ac 01 05 ff 04 01 02 03 04", "message \"€\"\nmessage <01 02 03 04>");
    check_v3_bytes("00 01 02 ff 34 61 61 61 61 61 61 61 61 61 61 61", "message \"aaaaaaaaaaa\"");
    check_v3_bytes("00 08 ff 62 34 41 51 49 44 42 41", "message <01 02 03 04>");
    check_v3_bytes("", "");
    check_v3_bytes("02 01 ff 32", "payload-marker: byte 0 is neither 0 nor 1: 2");
    check_v3_bytes("00 ff 32", "payload-length: no packet length at byte 1");
    check_v3_bytes("00 01", "payload-separator: no separator after the packet length at byte 2");
    check_v3_bytes("00 01 0a ff 32", "payload-separator: no separator after the packet length at byte 2");
    check_v3_bytes("00 02 ff 32", "length-mismatch: the packet at byte 3 is not 2 long");
    check_v3_bytes("00 00 ff", "packet-empty: empty packet at byte 3");
    check_v3_bytes("01 00 ff", "packet-empty: empty packet at byte 3");
    check_v3_bytes("01 01 ff 09", "packet-type-unknown: unknown packet type at byte 3: '\\t'");
    check_v3_bytes("00 01 ff 32 00 02 ff 34 e2", "ping\nnot-utf-8: not UTF-8 at byte 8");
    check_v3_bytes(&format!("00 {} ff", "09 ".repeat(20)), "payload-length: no packet length at byte 1");
}

#[test]
fn payloads_are_written_as_the_specifications_show_them() {
    let euro = || Packet::text(Kind::Message, "€");
    let buffer = || Packet::binary(&[1, 2, 3, 4][..]);
    check_written(Revision::V4, Form::Text, &[Packet::text(Kind::Message, "hello"), buffer()], b"4hello\x1ebAQIDBA==");
    check_written(Revision::V4, Form::Binary, &[Packet::text(Kind::Ping, "")], b"2");
    check_written(Revision::V3, Form::Text, &[Packet::text(Kind::Message, "hello"), euro()], "6:4hello2:4€".as_bytes());
    check_written(Revision::V3, Form::Text, &[euro(), buffer()], "2:4€10:b4AQIDBA==".as_bytes());
    let bytes = of_hex("00 04 ff 34 e2 82 ac 01 05 ff 04 01 02 03 04");
    check_written(Revision::V3, Form::Binary, &[euro(), buffer()], &bytes);
    check_written(Revision::V3, Form::Text, &[], b"0:");
    check_written(Revision::V3, Form::Binary, &[], b"");
}

#[test]
fn text_that_holds_the_separator_is_not_sent_in_a_payload() {
    let packets = [Packet::text(Kind::Message, "a\x1eb")];
    let refused = encode_payload(Revision::V4, Form::Text, &packets).unwrap_err();
    assert_eq!(refused.to_string(), "separator within a packet's text at byte 1");
    assert!(encode_payload(Revision::V3, Form::Text, &packets).is_ok());
}

#[track_caller]
fn check_handshake(json: &str, expected: &str) {
    let read = match Handshake::decode(json, &Limits::default()) {
        Ok(it) => {
            let (upgrades, most) = (it.upgrades.join("+"), it.max_payload);
            format!("{} [{upgrades}] {:?} {:?} {most:?}", it.sid, it.ping_interval, it.ping_timeout)
        }
        Err(fault) => format!("{}: {fault}", fault.code()),
    };
    assert_eq!(read, expected);
}

#[test]
fn a_handshake_is_read_as_the_specifications_show_it() {
    check_handshake(
        r#"{"sid":"lv_VI97HAXpY6yYWAAAC","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#,
        "lv_VI97HAXpY6yYWAAAC [websocket] 25s 20s Some(1000000)",
    );
    check_handshake(r#"{"sid":"a","pingInterval":25000,"pingTimeout":5000}"#, "a [] 25s 5s None");
    check_handshake(r#"{"sid":"a","pingInterval":0.5,"pingTimeout":5e3,"maxPayload":null}"#, "a [] 500µs 5s None");
}

#[test]
fn a_handshake_that_says_too_little_or_nonsense_is_a_fault() {
    check_handshake("", "json-cut: JSON ends too soon at byte 1");
    check_handshake("hello", "json: not JSON at byte 1");
    check_handshake("[]", "handshake-shape: the handshake is no object");
    check_handshake("{}", "handshake-sid-missing: the handshake lacks sid");
    check_handshake(r#"{"sid":""}"#, "handshake-field-value: sid of the handshake: \"\"");
    check_handshake(r#"{"sid":7}"#, "handshake-field-value: sid of the handshake: 7");
    check_handshake(r#"{"sid":"a"}"#, "handshake-field-missing: the handshake lacks pingInterval");
    check_handshake(
        r#"{"sid":"a","upgrades":"websocket"}"#,
        "handshake-field-value: upgrades of the handshake: \"websocket\"",
    );
    check_handshake(r#"{"sid":"a","upgrades":[1]}"#, "handshake-field-value: upgrades of the handshake: [1]");
    check_handshake(r#"{"sid":"a","pingInterval":-5}"#, "handshake-field-value: pingInterval of the handshake: -5");
    check_handshake(
        r#"{"sid":"a","pingInterval":1e300}"#,
        "handshake-field-value: pingInterval of the handshake: 1e+300",
    );
    check_handshake(
        r#"{"sid":"a","pingInterval":1,"pingTimeout":"20000, and then some more characters"}"#,
        "handshake-field-value: pingTimeout of the handshake: \"20000, and then some more chara…",
    );
    check_handshake(
        r#"{"sid":"a","pingInterval":1,"pingTimeout":1,"maxPayload":-1}"#,
        "handshake-field-value: maxPayload of the handshake: -1",
    );
}

#[track_caller]
fn check_open(revision: Revision, body: &[u8], expected: &str) {
    let content_type = if body[0] < 2 { BYTES } else { "text/plain" };
    let read = match open(revision, Some(content_type), body, &Limits::default()) {
        Ok((handshake, packets)) => {
            format!("{}, {}", handshake.sid, packets.map(shown).collect::<Vec<_>>().join(", "))
        }
        Err(fault) => format!("{}: {fault}", fault.code()),
    };
    assert_eq!(read, expected);
}

#[test]
fn the_body_that_opens_a_session_names_the_revision_that_the_server_speaks() {
    let json = r#"{"sid":"a","upgrades":[],"pingInterval":25000,"pingTimeout":5000}"#;
    let v4 = format!("0{json}\x1e40");
    let v3 = format!("{}:0{json}2:40", json.len() + 1);
    let mut bytes = vec![0];
    bytes.extend((json.len() + 1).to_string().bytes().map(|digit| digit - b'0'));
    bytes.extend(b"\xff0");
    bytes.extend(json.as_bytes());
    check_open(Revision::V4, v4.as_bytes(), "a, message \"0\"");
    check_open(Revision::V3, v3.as_bytes(), "a, message \"0\"");
    check_open(Revision::V3, &bytes, "a, ");
    check_open(Revision::V3, v4.as_bytes(), "other-revision: the server speaks revision 4");
    check_open(Revision::V4, v3.as_bytes(), "other-revision: the server speaks revision 3");
    check_open(Revision::V4, &bytes, "other-revision: the server speaks revision 3");
    check_open(Revision::V4, b"40", "not-open: message in place of open");
    check_open(Revision::V3, b"0:", "packet-empty: empty packet at byte 0");
    check_open(Revision::V4, b"<html>", "packet-type-unknown: unknown packet type at byte 0: '<'");
    check_open(Revision::V3, b"<html>", "payload-length: no packet length at byte 0");
}

#[track_caller]
fn check_refusal(body: &str, expected: &str) {
    let read = Refusal::decode(body.as_bytes()).map(|it| format!("{:?} {}", it.code, it.message));
    assert_eq!(read.as_deref().unwrap_or("none"), expected);
}

#[test]
fn a_refusal_is_read_in_each_servers_words() {
    for code in RefusalCode::ALL {
        let refusal = Refusal { code: Some(code), message: code.message().into() };
        check_refusal(&refusal.encode(), &format!("Some({code:?}) {}", code.message()));
    }
    check_refusal(r#"{"code":1,"message":"Session ID unknown"}"#, "Some(SessionIdUnknown) Session ID unknown");
    check_refusal(r#"{"code":"3","message":"Bad request"}"#, "Some(BadRequest) Bad request");
    check_refusal(r#"{"code":42,"message":"of our own"}"#, "None of our own");
    check_refusal(r#""Invalid session abc""#, "Some(SessionIdUnknown) Invalid session abc");
    check_refusal(r#""Invalid transport""#, "Some(TransportUnknown) Invalid transport");
    check_refusal(r#""Not an accepted origin.""#, "Some(Forbidden) Not an accepted origin.");
    check_refusal(
        r#""https://app.test is not an accepted origin.""#,
        "Some(Forbidden) https://app.test is not an accepted origin.",
    );
    check_refusal(
        r#""The client is using an unsupported version of the Socket.IO or Engine.IO protocols""#,
        "Some(UnsupportedProtocolVersion) The client is using an unsupported version of the Socket.IO or Engine.IO protocols",
    );
    check_refusal(r#""Bad Request""#, "Some(BadRequest) Bad Request");
    check_refusal(r#""Invalid JSONP index number""#, "None Invalid JSONP index number");
    check_refusal("<html><body>400 Bad Request</body></html>", "none");
    check_refusal(r#"{"message":"no code"}"#, "none");
    check_refusal(&format!("\"{}\"", "x".repeat(5000)), "none");
    check_refusal("", "none");
}

#[test]
fn a_handshake_is_written_as_nodes_servers_do() {
    let handshake = Handshake {
        sid: "lv".into(),
        upgrades: vec!["websocket".into()],
        ping_interval: Duration::from_secs(25),
        ping_timeout: Duration::from_secs(20),
        max_payload: Some(1_000_000),
    };
    let json = r#"{"sid":"lv","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;
    assert_eq!(handshake.encode(), json);
    assert_eq!(Handshake::decode(json, &Limits::default()), Ok(handshake));
}

fn any_packet(revision: Revision) -> impl Strategy<Value = Packet<'static>> {
    let kind = prop::sample::select(Kind::ALL.to_vec());
    // All that a text may hold but the separator; what looks like a length or a type more often.
    let text = prop_oneof!["[ -~€😀é]{0,12}", "[0-9:b]{0,6}", "[^\u{1e}]{0,8}"];
    let bytes = prop::collection::vec(any::<u8>(), 0..12);
    (
        kind,
        prop_oneof![text.prop_map(|text| Data::Text(text.into())), bytes.prop_map(|bytes| Data::Binary(bytes.into()))],
    )
        .prop_map(move |(kind, data)| match (&data, revision) {
            (Data::Binary(_), Revision::V4) => Packet { kind: Kind::Message, data },
            _ => Packet { kind, data },
        })
}

fn any_payload() -> impl Strategy<Value = (Revision, Form, Vec<Packet<'static>>)> {
    let revision = prop::sample::select(Revision::ALL.to_vec());
    let form = prop::sample::select(vec![Form::Text, Form::Binary]);
    (revision, form).prop_flat_map(|(revision, form)| {
        // Revision 4 has no word for an empty payload.
        prop::collection::vec(any_packet(revision), 1..8).prop_map(move |packets| (revision, form, packets))
    })
}

/// The packets of a whole body, or its fault.
fn read_all<'a>(revision: Revision, body: &'a Data<'_>) -> Result<Vec<Packet<'a>>, Fault> {
    match body {
        Data::Text(text) => Packets::text(revision, text, &Limits::default())?.collect(),
        Data::Binary(bytes) => Packets::binary(bytes, &Limits::default())?.collect(),
    }
}

/// The front of `body`, up to a character's edge; never all of it.
fn cut(body: &Data<'_>, share: f64) -> Data<'static> {
    let end = |whole: usize| (whole as f64 * share) as usize;
    match body {
        Data::Text(text) => Data::Text(text.chars().take(end(text.chars().count())).collect::<String>().into()),
        Data::Binary(bytes) => Data::Binary(bytes[..end(bytes.len())].to_vec().into()),
    }
}

proptest! {
    #[test]
    fn what_is_written_into_a_frame_is_read_from_it(
        (revision, packet) in prop::sample::select(Revision::ALL.to_vec())
            .prop_flat_map(|revision| (Just(revision), any_packet(revision))),
    ) {
        let frame = packet.encode(revision);
        let limits = Limits::default();
        let read = match &frame {
            Data::Text(text) => Packet::decode_text(revision, text, &limits),
            Data::Binary(bytes) => Packet::decode_binary(revision, bytes, &limits),
        };
        prop_assert_eq!(read, Ok(packet.clone()));
    }

    #[test]
    fn what_is_written_into_a_payload_is_read_from_it((revision, form, packets) in any_payload()) {
        let body = encode_payload(revision, form, &packets).unwrap();
        prop_assert_eq!(read_all(revision, &body), Ok(packets));
    }

    #[test]
    fn a_payload_cut_anywhere_is_a_fault_or_holds_fewer((revision, form, packets) in any_payload(), share in 0.0..1.0) {
        let body = encode_payload(revision, form, &packets).unwrap();
        let short = cut(&body, share);
        if let Ok(read) = read_all(revision, &short) {
            prop_assert!(read.len() <= packets.len());
            // All but the last are whole; revision 3 knows the last one's length too.
            let whole = match revision {
                Revision::V3 => read.len(),
                Revision::V4 => read.len().saturating_sub(1),
            };
            prop_assert_eq!(&read[..whole], &packets[..whole]);
            prop_assert!(revision == Revision::V4 || read.len() < packets.len());
        }
    }

    #[test]
    fn no_bytes_break_a_decoder(bytes in prop_oneof![
        prop::collection::vec(any::<u8>(), 0..64),
        "[0-9b:{}\"\u{1e}sid€😀]{0,24}".prop_map(String::into_bytes),
        prop::collection::vec(prop::sample::select(vec![0, 1, 2, 9, 0x34, 0xff, 0xe2]), 0..24),
    ]) {
        holds_for_any(&bytes);
    }
}

#[test]
fn the_seeds_kept_for_fuzzing_break_no_decoder() {
    for folder in ["engine-io", "socket-io"] {
        for (_, bytes) in seeds(folder) {
            holds_for_any(&bytes);
        }
    }
}

/// What must hold for any bytes: no panic, nothing after a fault, places within what was read.
fn holds_for_any(bytes: &[u8]) {
    for revision in Revision::ALL {
        for content_type in [None, Some(BYTES)] {
            let Ok(packets) = Packets::of_body(revision, content_type, bytes, &LIMITS) else { continue };
            let read: Vec<_> = packets.collect();
            assert!(read.len() <= LIMITS.packets + 1);
            assert!(read.iter().rev().skip(1).all(Result::is_ok), "{read:?}");
        }
        let _ = open(revision, Some(BYTES), bytes, &LIMITS);
        let _ = Packet::decode_binary(revision, bytes, &LIMITS);
        if let Ok(text) = std::str::from_utf8(bytes) {
            let _ = Packet::decode_text(revision, text, &LIMITS);
            let _ = Handshake::decode(text, &LIMITS);
        }
    }
    let _ = Refusal::decode(bytes);
}
