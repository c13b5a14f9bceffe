//! Packets of both revisions: the specifications' examples, and what breaks their rules.

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::protocol::corpus_tests::seeds;
use crate::protocol::{Fault, Limits};

const LIMITS: Limits = Limits { bytes: 256, packets: 4, depth: 4, values: 16, attachments: 2 };

fn shown(read: Result<Option<Packet>, Fault>) -> String {
    let packet = match read {
        Ok(Some(packet)) => packet,
        Ok(None) => return "attachments to come".into(),
        Err(fault) => return format!("{}: {fault}", fault.code()),
    };
    let mut text = format!("{} {}", packet.word(), packet.namespace);
    let tail = match &packet.body {
        Body::Connect { query, data } => format!("{query:?} {}", data.clone().map_or(Value::Null, Value::Object)),
        Body::Disconnect => String::new(),
        Body::Event { name, args, id } => format!("{name} {} {id:?}", Value::from(args.clone())),
        Body::Ack { args, id } => format!("{} {id:?}", Value::from(args.clone())),
        Body::ConnectError { data } => data.as_ref().map(Value::to_string).unwrap_or_default(),
    };
    text = format!("{text} {tail}").trim_end().to_owned();
    for attachment in &packet.attachments {
        text.push_str(&format!(" + {attachment:?}"));
    }
    text
}

/// Reads one text.
#[track_caller]
fn check(revision: Revision, text: &str, expected: &str) {
    assert_eq!(shown(Assembler::new(revision, LIMITS).text(text)), expected);
}

#[track_caller]
fn check_both(text: &str, expected: &str) {
    for revision in Revision::ALL {
        check(revision, text, expected);
    }
}

/// Reads the specification's example, and writes the packet again.
#[track_caller]
fn check_example(revision: Revision, text: &str, attachments: &[&'static [u8]], expected: &str) {
    let mut assembler = Assembler::new(revision, LIMITS);
    let mut read = assembler.text(text).unwrap();
    for attachment in attachments {
        assert_eq!(read, None);
        read = assembler.binary(Bytes::from_static(attachment)).unwrap();
    }
    assert_eq!(assembler.missing(), 0);
    let packet = read.unwrap();
    assert_eq!(packet.encode(revision).as_deref(), Ok(text));
    assert_eq!(shown(Ok(Some(packet))), expected);
}

#[test]
fn the_examples_of_revision_5_are_read_and_written() {
    let check = |text, expected| check_example(Revision::V5, text, &[], expected);
    check("0", "CONNECT / None null");
    check(r#"0/admin,{"sid":"oSO0OpakMV_3jnilAAAA"}"#, r#"CONNECT /admin None {"sid":"oSO0OpakMV_3jnilAAAA"}"#);
    check(r#"4{"message":"Not authorized"}"#, r#"CONNECT_ERROR / {"message":"Not authorized"}"#);
    check(r#"2["foo"]"#, "EVENT / foo [] None");
    check(r#"2/admin,["bar"]"#, "EVENT /admin bar [] None");
    check(r#"212["foo"]"#, "EVENT / foo [] Some(12)");
    check(r#"3/admin,13["bar"]"#, r#"ACK /admin ["bar"] Some(13)"#);
    check("1", "DISCONNECT /");
    check("1/admin,", "DISCONNECT /admin");
    check_example(
        Revision::V5,
        r#"51-["baz",{"_placeholder":true,"num":0}]"#,
        &[&[1, 2, 3, 4]],
        r#"BINARY_EVENT / baz [{"_placeholder":true,"num":0}] None + b"\x01\x02\x03\x04""#,
    );
    check_example(
        Revision::V5,
        r#"52-/admin,["baz",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#,
        &[&[1, 2], &[3, 4]],
        r#"BINARY_EVENT /admin baz [{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}] None + b"\x01\x02" + b"\x03\x04""#,
    );
    check_example(
        Revision::V5,
        r#"61-15["bar",{"_placeholder":true,"num":0}]"#,
        &[&[1, 2, 3, 4]],
        r#"BINARY_ACK / ["bar",{"_placeholder":true,"num":0}] Some(15) + b"\x01\x02\x03\x04""#,
    );
}

#[test]
fn the_examples_of_revision_4_are_read_and_written() {
    let check = |text, expected| check_example(Revision::V4, text, &[], expected);
    check("0", "CONNECT / None null");
    check("0/admin,", "CONNECT /admin None null");
    check("0/admin?token=1234&uid=abcd,", "CONNECT /admin Some(\"token=1234&uid=abcd\") null");
    check("1/admin,", "DISCONNECT /admin");
    check(r#"2["hello",1]"#, "EVENT / hello [1] None");
    check(r#"2/admin,456["project:delete",123]"#, "EVENT /admin project:delete [123] Some(456)");
    check("3/admin,456[]", "ACK /admin [] Some(456)");
    check(r#"4/admin,"Not authorized""#, "CONNECT_ERROR /admin \"Not authorized\"");
    check_example(
        Revision::V4,
        r#"51-/admin,456["project:delete",{"_placeholder":true,"num":0}]"#,
        &[&[1, 2, 3]],
        r#"BINARY_EVENT /admin project:delete [{"_placeholder":true,"num":0}] Some(456) + b"\x01\x02\x03""#,
    );
}

#[test]
fn where_the_revisions_differ_each_goes_its_own_way() {
    check(Revision::V4, "0/admin?a=1,", "CONNECT /admin Some(\"a=1\") null");
    check(Revision::V5, "0/admin?a=1,", "CONNECT /admin?a=1 None null");
    check_both("1/admin?a=1,", "DISCONNECT /admin?a=1");
    check(Revision::V4, r#"4["a"]"#, r#"CONNECT_ERROR / ["a"]"#);
    check(Revision::V5, r#"4["a"]"#, "connect-error-data: CONNECT_ERROR with data that says no reason at byte 1");
    check(Revision::V4, r#"2["connect"]"#, "EVENT / connect [] None");
    check(Revision::V5, r#"2["connect"]"#, "event-reserved: reserved event name: connect");
}

#[test]
fn what_a_page_would_take_is_taken() {
    check_both("0/admin", "CONNECT /admin None null");
    check_both("012", "CONNECT / None null");
    check_both("312", "ACK / [] Some(12)");
    check_both("2[5,1]", "EVENT / 5 [1] None");
    check_both(r#"2007["a"]"#, "EVENT / a [] Some(7)");
    check_both("4", "CONNECT_ERROR /");
    check_both(r#"3["a"]"#, r#"ACK / ["a"] None"#);
    check_both(r#"2["\ud83d"]"#, "EVENT / \u{fffd} [] None");
}

#[test]
fn a_packet_that_breaks_a_rule_is_named_and_placed() {
    check_both("", "packet-empty: empty packet at byte 0");
    check_both("7", "packet-type-unknown: unknown packet type at byte 0: '7'");
    check_both("é", "packet-type-unknown: unknown packet type at byte 0: 'é'");
    check_both("0[]", "connect-data: CONNECT with other data than an object at byte 1");
    check_both("0/admin,null", "connect-data: CONNECT with other data than an object at byte 8");
    check_both("1{}", "disconnect-data: DISCONNECT with data at byte 1");
    check_both("2", "event-data: EVENT without an array that begins with a name at byte 1");
    check_both("2[]", "event-data: EVENT without an array that begins with a name at byte 1");
    check_both("2/admin,7[null]", "event-data: EVENT without an array that begins with a name at byte 9");
    check_both(r#"2/admin["a"]"#, "event-data: EVENT without an array that begins with a name at byte 12");
    check_both("31{}", "ack-data: ACK with other data than an array at byte 2");
    check_both("4null", "connect-error-data: CONNECT_ERROR with data that says no reason at byte 1");
    check_both("299999999999999999999[]", "ack-id: acknowledgement number too large at byte 1");
    check_both("2/é,[\"a\",x]", "json: not JSON at byte 10");
    check_both("2[\"a", "json-cut: JSON ends too soon at byte 3");
    check_both("2[\"a\",[[[[]]]]]", "too-deep: JSON nested deeper than 4 at byte 9");
    check_both(
        &format!("2[\"a\"{}]", ",0".repeat(20)),
        "too-many-values: more than 16 values in one packet's JSON at byte 33",
    );
    check_both(&format!("2[\"{}\"]", "a".repeat(300)), "too-large: 305 bytes, more than 256");
}

#[test]
fn a_number_of_attachments_is_one_to_as_many_as_are_allowed() {
    let refused = "attachment-count: no number of attachments at byte 1";
    for text in ["5", "5-", "5[\"a\"]", "50-[\"a\"]", "5-1-[\"a\"]", "51[\"a\"]", "5a-[\"a\"]", "51.5-[\"a\"]"] {
        check_both(text, refused);
    }
    check_both("599999999999999999999-[\"a\"]", refused);
    check_both("63-[]", "too-many-attachments: 3 attachments announced, more than 2");
}

/// Takes texts and, where a word begins with `#`, attachments of that many bytes; what comes of each.
#[track_caller]
fn check_sequence(messages: &[&str], expected: &[&str]) {
    for revision in Revision::ALL {
        let mut assembler = Assembler::new(revision, LIMITS);
        let seen: Vec<_> = messages
            .iter()
            .map(|message| {
                shown(match message.strip_prefix('#') {
                    Some(size) => assembler.binary(vec![0; size.parse().unwrap()].into()),
                    None => assembler.text(message),
                })
            })
            .collect();
        assert_eq!(seen, expected);
    }
}

const ONE: &str = r#"51-["a",{"_placeholder":true,"num":0}]"#;
const TWO: &str = r#"52-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;

#[test]
fn attachments_that_come_out_of_turn_are_a_fault_and_the_next_packet_is_read() {
    check_sequence(
        &["#3", "2[\"b\"]"],
        &["attachment-unexpected: binary data of 3 bytes that no packet announced", "EVENT / b [] None"],
    );
    check_sequence(
        &[TWO, "#1", "2[\"b\"]", "2[\"c\"]", "#1"],
        &[
            "attachments to come",
            "attachments to come",
            "attachment-missing: 1 of 2 attachments",
            "EVENT / c [] None",
            "attachment-unexpected: binary data of 1 bytes that no packet announced",
        ],
    );
    check_sequence(
        &[TWO, "#200", "#57", "2[\"b\"]"],
        &["attachments to come", "attachments to come", "too-large: 257 bytes, more than 256", "EVENT / b [] None"],
    );
}

#[test]
fn what_is_missing_is_known() {
    let mut assembler = Assembler::new(Revision::V5, LIMITS);
    assembler.text(TWO).unwrap();
    assert_eq!(assembler.missing(), 2);
    assembler.binary(Bytes::new()).unwrap();
    assert_eq!(assembler.missing(), 1);
    assert_eq!(assembler.end(), Err(Fault::AttachmentMissing { expected: 2, got: 1 }));
    assert_eq!((assembler.missing(), assembler.end()), (0, Ok(())));
}

#[test]
fn a_placeholder_stands_for_one_of_the_attachments() {
    for number in ["1", "-1", "0.5", "\"0\"", "null"] {
        let text = ONE.replace(":0", &format!(":{number}"));
        check_both(&text, "placeholder: a placeholder for none of the 1 attachments");
    }
    check_both(r#"51-["a",{"_placeholder":true}]"#, "placeholder: a placeholder for none of the 1 attachments");
    check_both(
        r#"51-["a",[{"b":{"_placeholder":true,"num":1}}]]"#,
        "placeholder: a placeholder for none of the 1 attachments",
    );
    // A page lets these pass.
    check_both(r#"51-["a",{"_placeholder":false,"num":7}]"#, "attachments to come");
    check_both(r#"2["a",{"_placeholder":true,"num":7}]"#, "EVENT / a [{\"_placeholder\":true,\"num\":7}] None");
}

#[test]
fn the_bytes_behind_a_placeholder_are_found() {
    let args = vec![placeholder(1), placeholder(2), json!({ "_placeholder": true }), json!(1)];
    let packet = Packet::event(Revision::V5, "/", "a", args.clone(), None).unwrap();
    let packet = packet.with_attachments(vec![Bytes::from_static(b"x"), Bytes::from_static(b"y")]);
    let found: Vec<_> = args.iter().map(|arg| packet.attachment(arg).map(|bytes| &bytes[..])).collect();
    assert_eq!(found, [Some(&b"y"[..]), None, None, None]);
    assert_eq!(packet.encode(Revision::V5), Err(Fault::Placeholder { attachments: 2 }));
}

#[track_caller]
fn check_event(revision: Revision, name: &str, expected: &str) {
    let built = Packet::event(revision, "/", name, Vec::new(), None).and_then(|packet| packet.encode(revision));
    assert_eq!(built.unwrap_or_else(|fault| fault.code().into()), expected);
}

#[test]
fn an_event_with_a_reserved_name_is_not_built() {
    for name in ["connect", "connect_error", "disconnect"] {
        check_event(Revision::V4, name, "event-reserved");
        check_event(Revision::V5, name, "event-reserved");
    }
    check_event(Revision::V4, "ping", "event-reserved");
    check_event(Revision::V5, "ping", r#"2["ping"]"#);
    check_event(Revision::V4, "newListener", r#"2["newListener"]"#);
    check_event(Revision::V5, "newListener", "event-reserved");
}

#[test]
fn an_event_that_the_other_side_would_refuse_is_not_written() {
    let body = Body::Event { name: "connect".into(), args: Vec::new(), id: None };
    let packet = Packet { namespace: "/".into(), body, attachments: Vec::new() };
    assert_eq!(packet.encode(Revision::V5), Err(Fault::EventReserved { name: "connect".into() }));
    assert_eq!(packet.encode(Revision::V4).as_deref(), Ok(r#"2["connect"]"#));
    for namespace in ["", "admin", "/a,b"] {
        let refused = Packet::disconnect(namespace).encode(Revision::V5);
        assert_eq!(refused, Err(Fault::Namespace { got: namespace.into() }));
    }
}

#[test]
fn a_granted_namespace_has_a_session_id_in_revision_5() {
    let read =
        |json: Value| Connected::of(json.as_object()).map(|it| (it.sid, it.pid.map(|pid| pid.expose().to_owned())));
    assert_eq!(read(json!({ "sid": "a" })), Ok(("a".into(), None)));
    assert_eq!(read(json!({ "sid": "a", "pid": "b" })), Ok(("a".into(), Some("b".into()))));
    for json in [json!(null), json!({}), json!({ "sid": "" }), json!({ "sid": 1 })] {
        assert_eq!(read(json).unwrap_err().code(), "connect-sid-missing");
    }
}

#[test]
fn a_refused_namespace_has_the_servers_words() {
    let words = |data| Body::ConnectError { data }.refusal().map(str::to_owned);
    assert_eq!(words(Some(json!({ "message": "Not authorized" }))).as_deref(), Some("Not authorized"));
    assert_eq!(words(Some(json!("Not authorized"))).as_deref(), Some("Not authorized"));
    assert_eq!(words(Some(json!({ "data": 1 }))), None);
    assert_eq!(words(None), None);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        // Others may come back with another last bit.
        any::<i32>().prop_map(|number| Value::from(f64::from(number) / 8.0)),
        "[ -~é😀\u{0}-\u{1f}]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[a-z_\"]{0,4}", inner, 0..4).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

/// Packets as either side may send them.
fn any_packet(revision: Revision) -> impl Strategy<Value = Packet> {
    let namespace = prop_oneof![Just("/".to_owned()), "/[a-z0-9/\"\\[é]{1,6}"];
    let id = prop::option::of(any::<u64>());
    let args = || prop::collection::vec(any_json(), 0..4);
    let data = prop::option::of(any_json().prop_map(|value| serde_json::Map::from_iter([("a".to_owned(), value)])));
    let query = match revision {
        Revision::V4 => prop::option::of("[a-z0-9=&?%]{0,8}").boxed(),
        Revision::V5 => Just(None).boxed(),
    };
    let name = "[ -~é]{0,8}".prop_filter("reserved", move |name| !reserved(revision, name));
    let refusal = prop_oneof![
        Just(None),
        "[ -~]{0,8}".prop_map(|text| Some(text.into())),
        any_json().prop_map(|value| Some(json!({ "message": value })))
    ];
    let plain = prop_oneof![
        (query, data).prop_map(|(query, data)| Body::Connect { query, data }),
        Just(Body::Disconnect),
        (name.clone(), args(), id.clone()).prop_map(|(name, args, id)| Body::Event { name, args, id }),
        (args(), id.clone()).prop_map(|(args, id)| Body::Ack { args, id }),
        refusal.prop_map(|data| Body::ConnectError { data }),
    ];
    let plain =
        (namespace.clone(), plain).prop_map(|(namespace, body)| Packet { namespace, body, attachments: Vec::new() });
    let attachments = prop::collection::vec(prop::collection::vec(any::<u8>(), 0..8).prop_map(Bytes::from), 1..5);
    let binary = (namespace, any::<bool>(), name, args(), id, attachments).prop_map(
        |(namespace, event, name, mut args, id, attachments)| {
            args.extend((0..attachments.len()).rev().map(|number| json!([{ "data": placeholder(number) }])));
            let body = if event { Body::Event { name, args, id } } else { Body::Ack { args, id } };
            Packet { namespace, body, attachments }
        },
    );
    prop_oneof![3 => plain, 1 => binary]
}

fn with_revision() -> impl Strategy<Value = (Revision, Packet)> {
    prop::sample::select(Revision::ALL.to_vec()).prop_flat_map(|revision| (Just(revision), any_packet(revision)))
}

proptest! {
    #[test]
    fn what_is_written_is_read((revision, packet) in with_revision()) {
        let mut assembler = Assembler::new(revision, Limits::default());
        let mut read = assembler.text(&packet.encode(revision).unwrap());
        for attachment in &packet.attachments {
            prop_assert_eq!(read, Ok(None));
            read = assembler.binary(attachment.clone());
        }
        prop_assert_eq!(read, Ok(Some(packet)));
    }

    #[test]
    fn what_is_written_goes_through_a_payload_of_engine_io((revision, packet) in with_revision()) {
        let text = packet.encode(revision).unwrap();
        prop_assert!(!text.contains('\u{1e}'), "{text:?}");
    }

    #[test]
    fn a_packet_cut_anywhere_is_a_fault_or_says_less((revision, packet) in with_revision(), share in 0.0..1.0) {
        let text = packet.encode(revision).unwrap();
        let end = (text.chars().count() as f64 * share) as usize;
        let short: String = text.chars().take(end).collect();
        // Data is whole or not there: what is cut within it is no JSON.
        if let Ok(Some(read)) = Assembler::new(revision, Limits::default()).text(&short) {
            let data = match read.body {
                Body::Connect { data, .. } => data.is_some(),
                Body::Event { .. } => true,
                Body::ConnectError { data } => data.is_some(),
                Body::Ack { args, .. } => !args.is_empty(),
                Body::Disconnect => false,
            };
            prop_assert!(!data, "{short}");
        }
    }

    #[test]
    fn no_text_breaks_the_decoder(text in prop_oneof!["\\PC{0,32}", "[0-6][0-9/,\\-]{0,4}[\\[\\]{}\",:a0ud8\\\\]{0,24}"]) {
        for revision in Revision::ALL {
            holds_for_any(revision, &text);
        }
    }
}

#[test]
fn the_seeds_kept_for_fuzzing_break_no_decoder() {
    for folder in ["engine-io", "socket-io"] {
        for (_, bytes) in seeds(folder) {
            for revision in Revision::ALL {
                holds_for_any(revision, &String::from_utf8_lossy(&bytes));
            }
        }
    }
}

/// What must hold for any text: what is read can be written, and is read the same again.
#[track_caller]
fn holds_for_any(revision: Revision, text: &str) {
    let mut assembler = Assembler::new(revision, LIMITS);
    let Ok(Some(packet)) = assembler.text(text) else { return };
    let again = packet.encode(revision).unwrap();
    let limits = Limits { bytes: 6 * LIMITS.bytes, ..LIMITS };
    assert_eq!(Assembler::new(revision, limits).text(&again), Ok(Some(packet)), "{text}");
}
