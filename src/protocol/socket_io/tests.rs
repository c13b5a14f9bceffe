//! Packets of both revisions: the specifications' examples, and what breaks their rules.

use bytes::Bytes;
use serde_json::{Value, json};

use super::*;
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
        Body::ConnectError { data } => data.clone().unwrap_or_default().to_string(),
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
fn json_helpers_are_used() {
    let packet = Packet::event(Revision::V5, "/", "a", vec![placeholder(0), json!(1)], None).unwrap();
    let packet = packet.with_attachments(vec![Bytes::from_static(b"x")]);
    let Body::Event { args, .. } = &packet.body else { panic!("no event") };
    assert_eq!(packet.attachment(&args[0]).map(|bytes| &bytes[..]), Some(&b"x"[..]));
    assert_eq!(packet.attachment(&args[1]), None);
    check_both("7", "packet-type-unknown: unknown packet type at byte 0: '7'");
}
