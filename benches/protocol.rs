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
const EVENTS: usize = 1000;
/// Packets of one polling body.
const BATCH: usize = 100;

/// A chat's message with an acknowledgement asked for: 307 bytes of JSON.
const JSON: &str = r#"["message",{"id":"7f2d9c1e-4b8a-4f6e-9a53-0c6d1e8b2f47","room":"team-berlin","user":{"id":1842,"name":"Zoë","roles":["member","admin"]},"text":"The new build is on the staging server — have a look? 🚀","at":1763737200123,"edited":false,"mentions":[17,1842],"thread":null,"reactions":{"+1":3,"eyes":1}}]"#;
/// The same without data beside an attachment of 1 KiB.
const BINARY: &str = r#"451-/admin,["upload",{"name":"a.png","data":{"_placeholder":true,"num":0}}]"#;

fn main() {
    let frame = format!("42/admin,12{JSON}");
    println!("one event of {} bytes of JSON, µs of CPU", JSON.len());
    let bare = measure("serde_json alone", || {
        black_box(serde_json::from_str::<Value>(black_box(JSON)).unwrap());
    });
    let limits = Limits::default();
    for revision in Revision::ALL {
        let mut assembler = Assembler::new(revision.socket_io(), limits);
        let took = measure(&format!("EIO={} text frame", revision.number()), || {
            let packet = Packet::decode_text(revision, black_box(&frame), &limits).unwrap();
            black_box(assembler.text(packet.data.text().unwrap()).unwrap().unwrap());
        });
        println!("    {:.2} of serde_json alone", took / bare);
        let packets = vec![Packet::text(Kind::Message, &frame[1..]); BATCH];
        let body = encode_payload(revision, Form::Text, &packets).unwrap();
        let mut assembler = Assembler::new(revision.socket_io(), limits);
        let took = measure(&format!("EIO={} polling body of {BATCH}", revision.number()), || {
            let mut packets = match black_box(&body) {
                Data::Text(text) => Packets::text(revision, text, &limits).unwrap(),
                Data::Binary(bytes) => Packets::binary(bytes, &limits).unwrap(),
            };
            let read = packets.try_fold(0, |count, packet| {
                black_box(assembler.text(packet?.data.text().unwrap_or_default())?);
                Ok::<_, wirewatch::protocol::Fault>(count + 1)
            });
            assert_eq!(read, Ok(BATCH));
        });
        println!("    {:.2} a packet, {:.2} of serde_json alone", took / BATCH as f64, took / BATCH as f64 / bare);
    }
    let attachment = Bytes::from(vec![7; 1024]);
    let mut assembler = Assembler::new(Revision::V4.socket_io(), limits);
    measure("a binary event, attachment of 1 KiB", || {
        let packet = Packet::decode_text(Revision::V4, black_box(BINARY), &limits).unwrap();
        assert_eq!(assembler.text(packet.data.text().unwrap()), Ok(None));
        black_box(assembler.binary(attachment.clone()).unwrap().unwrap());
    });
}

/// Median µs of CPU of one call.
fn measure(what: &str, mut once: impl FnMut()) -> f64 {
    let took = common::median(
        (0..ROUNDS)
            .map(|_| {
                let before = common::thread_cpu();
                (0..EVENTS).for_each(|_| once());
                (common::thread_cpu() - before).as_secs_f64() * 1e6 / EVENTS as f64
            })
            .collect(),
    );
    println!("  {what:36} {took:7.2}");
    took
}
