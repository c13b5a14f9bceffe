//! What a received event costs: Engine.IO and Socket.IO decoded, against serde_json's share of it.

#![allow(clippy::unwrap_used, reason = "a benchmark that can't measure has to stop")]

mod common;

use std::hint::black_box;

use bytes::Bytes;
use serde_json::Value;
use wirewatch::protocol::Limits;
use wirewatch::protocol::engine_io::{Data, Form, Kind, Packet, Packets, Revision, encode_payload};
use wirewatch::protocol::socket_io::Assembler;

const ROUNDS: usize = 51;
/// Of each round: many of the clock's ticks.
const EVENTS: usize = 10_000;
/// Packets of one polling body.
const BATCH: usize = 100;

/// A chat's message with an acknowledgement asked for: 307 bytes of JSON.
const JSON: &str = r#"["message",{"id":"7f2d9c1e-4b8a-4f6e-9a53-0c6d1e8b2f47","room":"team-berlin","user":{"id":1842,"name":"Zoë","roles":["member","admin"]},"text":"The new build is on the staging server — have a look? 🚀","at":1763737200123,"edited":false,"mentions":[17,1842],"thread":null,"reactions":{"+1":3,"eyes":1}}]"#;
/// The same without data beside an attachment of 1 KiB.
const BINARY: &str = r#"451-/admin,["upload",{"name":"a.png","data":{"_placeholder":true,"num":0}}]"#;

/// What is measured: its name, the events that one call reads, the call.
type Case<'a> = (String, usize, Box<dyn FnMut() + 'a>);

fn main() {
    let limits = Limits::default();
    let frame = format!("42/admin,12{JSON}");
    let packets = vec![Packet::text(Kind::Message, &frame[1..]); BATCH];
    let bodies = Revision::ALL.map(|revision| encode_payload(revision, Form::Text, &packets).unwrap());
    let bare = || drop(black_box(serde_json::from_str::<Value>(black_box(JSON)).unwrap()));
    let mut cases: Vec<Case<'_>> = vec![("serde_json alone".into(), 1, Box::new(bare))];
    for (revision, body) in Revision::ALL.into_iter().zip(&bodies) {
        let (number, frame) = (revision.number(), &frame);
        let mut assembler = Assembler::new(revision.socket_io(), limits);
        let read = move || {
            let packet = Packet::decode_text(revision, black_box(frame), &limits).unwrap();
            black_box(assembler.text(packet.data.text().unwrap()).unwrap().unwrap());
        };
        cases.push((format!("EIO={number} text frame"), 1, Box::new(read)));
        let mut assembler = Assembler::new(revision.socket_io(), limits);
        let read = move || {
            let Data::Text(text) = black_box(body) else { unreachable!("a text payload") };
            let mut count = 0;
            for packet in Packets::text(revision, text, &limits).unwrap() {
                black_box(assembler.text(packet.unwrap().data.text().unwrap()).unwrap().unwrap());
                count += 1;
            }
            assert_eq!(count, BATCH);
        };
        cases.push((format!("EIO={number} polling body of {BATCH}"), BATCH, Box::new(read)));
    }
    let attachment = Bytes::from(vec![7; 1024]);
    let mut assembler = Assembler::new(Revision::V4.socket_io(), limits);
    let read = move || {
        let packet = Packet::decode_text(Revision::V4, black_box(BINARY), &limits).unwrap();
        assert_eq!(assembler.text(packet.data.text().unwrap()), Ok(None));
        black_box(assembler.binary(attachment.clone()).unwrap().unwrap());
    };
    cases.push(("EIO=4 binary event, attachment of 1 KiB".into(), 1, Box::new(read)));

    let mut took = vec![Vec::new(); cases.len()];
    for _ in 0..ROUNDS {
        for ((_, events, read), took) in cases.iter_mut().zip(&mut took) {
            let before = common::thread_cpu();
            (0..EVENTS / *events).for_each(|_| read());
            took.push((common::thread_cpu() - before).as_secs_f64() * 1e6 / EVENTS as f64);
        }
    }
    println!("one event of {} bytes of JSON, µs of CPU", JSON.len());
    let medians: Vec<f64> = took.into_iter().map(common::median).collect();
    for ((what, ..), median) in cases.iter().zip(&medians) {
        println!("  {what:40} {median:6.2}   {:.2} of serde_json alone", median / medians[0]);
    }
}
