//! The seeds kept for fuzzing, each with what becomes of it: `tests/corpus/engine-io.txt` and `socket-io.txt`.

use std::fmt::Write as _;
use std::path::PathBuf;

use base64::Engine as _;
use bytes::Bytes;

use super::engine_io::{Handshake, Packet, Packets, Refusal};
use super::socket_io::Assembler;
use super::{Fault, Limits, engine_io, socket_io};

const LIMITS: Limits = Limits { bytes: 8192, packets: 100, depth: 100, values: 1000, attachments: 10 };

fn corpus() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

/// Every seed of `folder`, by name.
pub(super) fn seeds(folder: &str) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(corpus().join(folder)).unwrap().map(Result::unwrap);
    let mut seeds: Vec<_> =
        entries.map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap())).collect();
    seeds.sort();
    seeds
}

/// Compares the outcome of every seed with the list of them, a line each.
#[track_caller]
fn check(folder: &str, outcome: impl Fn(&str, &[u8]) -> String) {
    let mut seen = String::new();
    for (name, bytes) in seeds(folder) {
        writeln!(seen, "{name}: {}", outcome(&name, &bytes)).unwrap();
    }
    let expected = std::fs::read_to_string(corpus().join(folder).with_extension("txt")).unwrap();
    for (seen, expected) in seen.lines().zip(expected.lines()) {
        assert_eq!(seen, expected);
    }
    assert_eq!(seen.lines().count(), expected.lines().count());
}

fn fault(fault: &Fault) -> String {
    match fault {
        Fault::PacketEmpty { at }
        | Fault::PacketType { at, .. }
        | Fault::PayloadLength { at }
        | Fault::PayloadSeparator { at }
        | Fault::PayloadMarker { at, .. }
        | Fault::LengthMismatch { at, .. }
        | Fault::NotUtf8 { at }
        | Fault::Base64 { at }
        | Fault::Json { at }
        | Fault::JsonCut { at } => format!("{} at {at}", fault.code()),
        _ => fault.code().to_owned(),
    }
}

fn packet(packet: &Packet<'_>) -> String {
    format!("{} {}", packet.kind.word(), packet.data.len())
}

/// Packets' types and sizes, and the fault that ended them.
fn of_engine_io(name: &str, bytes: &[u8]) -> String {
    let text = || std::str::from_utf8(bytes).unwrap();
    let revision = if name.starts_with("v3") { engine_io::Revision::V3 } else { engine_io::Revision::V4 };
    if name.starts_with("refusal") {
        return Refusal::decode(bytes).map_or("none".into(), |it| format!("{:?}", it.code));
    }
    if name.starts_with("handshake") {
        return Handshake::decode(text(), &LIMITS).map_or_else(|error| fault(&error), |it| format!("ok {}", it.sid));
    }
    if name.contains("-frame-") {
        let read = if name.contains("-text-") {
            Packet::decode_text(revision, text(), &LIMITS)
        } else {
            Packet::decode_binary(revision, bytes, &LIMITS)
        };
        return read.map_or_else(|error| fault(&error), |it| packet(&it));
    }
    let content_type = if name.contains("-bytes-") { "application/octet-stream" } else { "text/plain" };
    match Packets::of_body(revision, Some(content_type), bytes, &LIMITS) {
        Err(error) => fault(&error),
        Ok(packets) => {
            let read: Vec<_> = packets.map(|it| it.map_or_else(|error| fault(&error), |it| packet(&it))).collect();
            match read.as_slice() {
                [] => "nothing".into(),
                [first, .., last] if 5 < read.len() => format!("{first}, …, {last}"),
                all => all.join(", "),
            }
        }
    }
}

/// A line a message; one of `b` and base64 is binary. What comes of it in each revision.
fn of_socket_io(_: &str, bytes: &[u8]) -> String {
    let text = std::str::from_utf8(bytes).unwrap();
    let [v4, v5] = socket_io::Revision::ALL.map(|revision| {
        let mut assembler = Assembler::new(revision, LIMITS);
        let mut seen = Vec::new();
        let mut note = |read: Result<Option<socket_io::Packet>, Fault>| match read {
            Ok(Some(packet)) => seen.push(packet.word().to_owned()),
            Ok(None) => (),
            Err(error) => seen.push(fault(&error)),
        };
        for line in text.split('\n') {
            note(match line.strip_prefix('b') {
                Some(base64) => assembler.binary(Bytes::from(base64::prelude::BASE64_STANDARD.decode(base64).unwrap())),
                None => assembler.text(line),
            });
        }
        note(assembler.end().map(|()| None));
        seen.join(", ")
    });
    if v4 == v5 { v4 } else { format!("{v4} | {v5}") }
}

#[test]
fn every_engine_io_seed_ends_as_written_down() {
    check("engine-io", of_engine_io);
}

#[test]
fn every_socket_io_seed_ends_as_written_down() {
    check("socket-io", of_socket_io);
}
