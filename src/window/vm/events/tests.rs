//! What the tables make of events.

use std::time::Duration;

use super::row::LowerWord as _;
use super::*;
use crate::profile::{Kind, Profile};
use crate::watch::{CloseFacts, ClosedBy, Code, PongBy, Reason, ScriptClose, State};
use crate::wire::{Direction, Frame, Opcode};

const ID: ProfileId = ProfileId(1);
const SECOND: i64 = 1_000_000;
const WHOLE: View = View { from: Wall(0), to: Wall(i64::MAX) };

fn frame(direction: Direction, opcode: Opcode, payload: &str) -> EventBody {
    EventBody::Frame(Frame {
        direction,
        opcode,
        size: payload.len() as u64,
        payload: payload.as_bytes().into(),
        heartbeat: matches!(opcode, Opcode::Ping | Opcode::Pong),
    })
}

fn live(bodies: Vec<EventBody>) -> Live {
    let mut live = Live::new();
    live.set_profile(ID, Arc::new(Profile::new("chat", Kind::WebSocket, "wss://api.test/".parse().unwrap())));
    add(&mut live, bodies);
    live
}

fn add(live: &mut Live, bodies: Vec<EventBody>) {
    for body in bodies {
        let seq = live.last_seq() + 1;
        let global = matches!(body, EventBody::Online { .. });
        let at = Wall(seq as i64 * SECOND);
        live.apply(&Arc::new(Event { seq, at, profile: (!global).then_some(ID), body }));
    }
}

fn shown(table: &Table) -> Vec<String> {
    (0..table.len()).map(|index| table.get(index).unwrap()).map(|row| format!("{} {}", row.kind, row.what)).collect()
}

fn enter(to: State, code: Code) -> EventBody {
    EventBody::State { from: State::Connected, to, reason: Some(Reason::new(code)), attempt: 0 }
}

#[test]
fn events_of_the_profile_and_of_the_machine_stand_in_one_order_without_frames() {
    let live = live(vec![
        enter(State::Reconnecting, Code::ClosedAbnormally),
        EventBody::Online { after: Duration::from_secs(60) },
        frame(Direction::In, Opcode::Text, "hi"),
        EventBody::Attempt { attempt: 2 },
    ]);
    let mut table = Table::new(Which::Events);
    table.refresh(&live, ID, WHOLE, &TimeZone::UTC);
    assert_eq!(
        shown(&table),
        [
            "state Reconnecting, was connected",
            "network This machine is online again after 1 min",
            "attempt Attempt 2 begins"
        ]
    );
    table.typed = "kind:frame dir:in".into();
    table.refresh(&live, ID, WHOLE, &TimeZone::UTC);
    assert_eq!(shown(&table), ["frame ← text 2 B hi"]);
}

#[test]
fn what_is_new_is_added_and_a_view_cuts() {
    let mut live = live(vec![EventBody::Attempt { attempt: 1 }]);
    let mut table = Table::new(Which::Events);
    table.refresh(&live, ID, WHOLE, &TimeZone::UTC);
    let before = table.version;
    table.refresh(&live, ID, WHOLE, &TimeZone::UTC);
    assert_eq!(table.version, before, "nothing new, nothing built");
    add(&mut live, vec![EventBody::Attempt { attempt: 2 }, EventBody::Attempt { attempt: 3 }]);
    table.refresh(&live, ID, WHOLE, &TimeZone::UTC);
    assert_eq!(table.len(), 3);
    table.refresh(&live, ID, View { from: Wall(2 * SECOND), to: Wall(2 * SECOND) }, &TimeZone::UTC);
    assert_eq!(shown(&table), ["attempt Attempt 2 begins"]);
    assert_eq!(table.nearest(Wall(0)), Some(0));
    assert!(table.by_seq(2).is_some() && table.by_seq(3).is_none());
}

#[test]
fn the_history_stands_before_memory_and_nothing_twice() {
    let live = live(vec![EventBody::Attempt { attempt: 1 }, EventBody::Attempt { attempt: 2 }]);
    let mut recent = Live::new();
    recent.set_profile(ID, live.get(ID).unwrap().profile.clone().unwrap());
    let all: Vec<Arc<Event>> = live.get(ID).unwrap().events.iter().cloned().collect();
    recent.apply(&all[1]);
    let mut table = Table::new(Which::Events);
    table.refresh(&recent, ID, WHOLE, &TimeZone::UTC);
    table.set_past(&all, &TimeZone::UTC);
    table.refresh(&recent, ID, WHOLE, &TimeZone::UTC);
    assert_eq!(shown(&table), ["attempt Attempt 1 begins", "attempt Attempt 2 begins"]);
}

#[test]
fn chips_pick_kinds() {
    let facts = CloseFacts {
        code: Some(1000),
        reason: "bye".into(),
        by: ClosedBy::Server,
        script: ScriptClose { code: 1000, reason: "bye".into(), clean: true },
    };
    let live = live(vec![
        enter(State::Error, Code::CertExpired),
        EventBody::Closed { facts, open_for: Duration::from_secs(90) },
        EventBody::Pong { rtt: Duration::from_micros(400), by: PongBy::Frame },
    ]);
    let mut table = Table::new(Which::Events);
    table.chip = Some(Chip::Problems);
    table.refresh(&live, ID, WHOLE, &TimeZone::UTC);
    assert_eq!(shown(&table), ["state Error, was connected"]);
    table.chip = Some(Chip::Session);
    table.refresh(&live, ID, WHOLE, &TimeZone::UTC);
    assert_eq!(
        shown(&table),
        [
            "closed Closed by the server with 1000 (normal) “bye”; the page's script sees 1000, clean; was open for 1 min",
            "round trip 0.4 ms, by ping frames"
        ]
    );
}

#[test]
fn heartbeats_are_hidden_among_frames_until_asked_for() {
    let live = live(vec![
        frame(Direction::Out, Opcode::Ping, ""),
        frame(Direction::In, Opcode::Pong, ""),
        frame(Direction::In, Opcode::Text, "{\"a\":1}"),
    ]);
    let mut table = Table::new(Which::Frames);
    table.refresh(&live, ID, WHOLE, &TimeZone::UTC);
    assert_eq!(table.len(), 1);
    table.hide_heartbeats = false;
    table.refresh(&live, ID, WHOLE, &TimeZone::UTC);
    assert_eq!(table.len(), 3);
}

#[test]
fn a_payload_reads_as_json_text_or_bytes() {
    let body = |payload: &[u8], size: u64| Frame {
        direction: Direction::In,
        opcode: Opcode::Text,
        size,
        payload: payload.into(),
        heartbeat: false,
    };
    assert_eq!(pretty(&body(b"{\"b\":1,\"a\":[2]}", 15)), "{\n  \"b\": 1,\n  \"a\": [\n    2\n  ]\n}");
    assert_eq!(pretty(&body(b"plain", 5)), "plain");
    assert_eq!(pretty(&body(&[0xff, 0x00, b'A'], 3)), format!("0000  {:<47}  ..A", "ff 00 41"));
    assert_eq!(pretty(&body(b"{\"cut", 9_000)), "{\"cut\n… the first 5 B of 9.0 kB");
    assert_eq!(preview(&body(b"two\nlines", 9)), "two lines");
}

#[test]
fn a_state_that_is_a_name_keeps_its_capitals() {
    assert_eq!("CORS error".to_lowercase_word(), "CORS error");
    assert_eq!("Sign-in required".to_lowercase_word(), "sign-in required");
}
