//! What the history answers.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::fixture::*;
use crate::base::{ProfileId, Wall};
use crate::model::{Answer, Column, Query};
use crate::profile::{Kind, Profile};
use crate::store::*;
use crate::watch::{Class, EventBody, PongBy, State};

#[test]
fn samples_and_roll_ups_tell_the_same_story() {
    let mut rig = Rig::new();
    an_hour(&mut rig);
    let reader = rig.reader();
    let end = Wall(3_599 * SECOND);
    let fine = reader.range(ID, Wall(0), end, Duration::from_secs(60)).unwrap();
    let coarse = reader.range(ID, Wall(0), end, Duration::from_secs(300)).unwrap();
    let hourly = reader.range(ID, Wall(0), end, Duration::from_secs(4000)).unwrap();
    assert_eq!([&fine, &coarse, &hourly].map(|data| data.column.as_secs()), [60, 300, 7200]);
    for data in [&fine, &coarse, &hourly] {
        let good: u32 = data.latency.iter().map(|column| column.good).sum();
        let failed: u32 = data.latency.iter().map(|column| column.failures).sum();
        let cors: u32 = data.cors.iter().map(|bin| bin.count).sum();
        let attempts: u32 = data.attempts.iter().map(|bin| bin.count).sum();
        assert_eq!((good, failed, cors, attempts), (324, 36, 36, 36));
        assert_eq!(data.segments.len(), 73);
        assert_eq!(data.first, Some(Wall(0)));
        let low =
            data.latency.iter().filter_map(|column| column.spread).map(|spread| spread.low).fold(f32::MAX, f32::min);
        assert_eq!(low, 10.0);
    }
    let (exact, rolled) = (fine.latency.len(), coarse.latency.len());
    assert_eq!((exact, rolled), (60, 12));
    // Column by column, the histogram's quantiles are within their steps of the true ones.
    let truth = reader.range(ID, Wall(0), Wall(299 * SECOND), Duration::from_secs(299)).unwrap().latency[0];
    let rolled = coarse.latency[0];
    assert_eq!((truth.good, truth.failures), (rolled.good, rolled.failures));
    let (truth, rolled) = (truth.spread.unwrap(), rolled.spread.unwrap());
    assert!((truth.p50 - rolled.p50).abs() < truth.p50 * 0.07, "{truth:?} {rolled:?}");
    assert!((truth.p95 - rolled.p95).abs() < truth.p95 * 0.07, "{truth:?} {rolled:?}");
}

#[test]
fn a_range_has_its_latency_once_more_in_fine_columns() {
    let mut rig = Rig::new();
    an_hour(&mut rig);
    let reader = rig.reader();
    // Of samples, and of roll-ups, where the width that was asked for does not divide the column.
    for (column, fine, expected) in [(60, 10, 10), (3_600, 700, 900), (300, 60, 0)] {
        let seconds = Duration::from_secs;
        let data = reader.range_and_fine(ID, Wall(0), Wall(3_599 * SECOND), (seconds(column), seconds(fine))).unwrap();
        let failures = |columns: &[Column]| columns.iter().map(|column| column.failures).sum::<u32>();
        assert_eq!(failures(&data.latency), 36);
        let Some(fine) = data.fine else {
            assert_eq!(expected, 0);
            continue;
        };
        assert_eq!((fine.width.as_secs(), failures(&fine.columns)), (expected, 36));
        assert_eq!(fine.columns.len() as u64, 3_600 / expected);
    }
}

#[test]
fn a_range_sums_up_to_what_its_columns_hold() {
    let mut rig = Rig::new();
    an_hour(&mut rig);
    let reader = rig.reader();
    let all = reader.summary(ID, Wall(0), Wall(3_599 * SECOND)).unwrap().unwrap();
    assert_eq!((all.good, all.failures), (324, 36));
    let spread = all.spread.unwrap();
    assert_eq!((spread.low, spread.high), (10.0, 368.0));
    assert!((185.0..195.0).contains(&spread.p50), "{spread:?}");
    assert_eq!(reader.summary(ProfileId(9), Wall(0), Wall(SECOND)).unwrap(), None);
}

#[test]
fn heartbeats_have_columns_of_their_own_and_are_no_latency() {
    let mut rig = Rig::new();
    rig.writer.as_ref().unwrap().know(Named { id: ID, key: "chat".into(), name: "x".into(), kind: Kind::SocketIo });
    for at in 0..40 {
        let gap = ms(if at == 9 { 50_000 } else { 25_000 });
        rig.send(at * 25, EventBody::Heartbeat { gap, limit: ms(45_000) });
    }
    let reader = rig.reader();
    for column in [60, 300] {
        let data = reader.range(ID, Wall(0), Wall(1_000 * SECOND), Duration::from_secs(column)).unwrap();
        let highest = data.heartbeats.iter().filter_map(|column| column.spread).map(|spread| spread.high);
        assert_eq!(highest.fold(0.0, f32::max), 50_000.0);
        assert_eq!(data.heartbeats.iter().map(|column| column.good).sum::<u32>(), 40);
        assert_eq!((data.latency.len(), data.heartbeat_limit), (0, Some(ms(45_000))));
    }
}

#[test]
fn messages_are_found_by_what_they_say_and_kept_apart_from_frames() {
    let mut rig = Rig::new();
    rig.send(1, frame("chat"));
    for (at, text) in [(2, r#"["hello"]"#), (3, r#"["good bye"]"#)] {
        rig.send(at, EventBody::Message(Arc::new(message("chat", text))));
    }
    let reader = rig.reader();
    let found = |text: &str, kinds: &[&str]| {
        let kinds = kinds.iter().map(|kind| (*kind).to_owned()).collect();
        let filter = Filter { profile: Some(ID), text: text.into(), kinds, ..Filter::default() };
        all(&reader, &filter).into_iter().map(|event| event.seq).collect::<Vec<_>>()
    };
    assert_eq!(found("good bye", &[]), [3]);
    assert_eq!(found("chat", &[]), [1, 2, 3], "an event's name is part of what it says");
    assert_eq!(found("", &["message"]), [2, 3]);
    let page = reader.events(ID, Wall(0), Wall(9 * SECOND), 10, &[Class::Messages]).unwrap();
    assert_eq!(page.events.iter().map(|event| event.seq).collect::<Vec<_>>(), [2, 3]);
}

#[test]
fn roll_ups_go_on_where_a_restart_or_a_failed_batch_left_them() {
    let mut rig = Rig::new();
    rig.send(1, EventBody::Pong { rtt: ms(4), by: PongBy::Frame });
    rig.stop();
    rig.start(|_| {});
    rig.send(2, EventBody::Pong { rtt: ms(6), by: PongBy::Frame });
    let data = rig.reader().range(ID, Wall(0), Wall(9 * SECOND), Duration::from_secs(300)).unwrap();
    assert_eq!(data.latency[0].good, 2);
}

#[test]
fn what_lies_between_two_runs_is_a_gap_and_in_no_state() {
    let mut rig = Rig::new();
    rig.send_of(Wall(0), None, EventBody::Started { version: "1".into() });
    rig.send(1, state(State::Connecting, State::Connected));
    rig.send_of(Wall(5 * SECOND), None, EventBody::Stopped);
    rig.send_of(Wall(20 * SECOND), None, EventBody::Started { version: "1".into() });
    rig.send(21, state(State::Connecting, State::Error));
    rig.send(25, EventBody::Attempt { attempt: 1 });
    // Killed: no word of the end.
    rig.stop();
    rig.start(|_| {});
    rig.send_of(Wall(40 * SECOND), None, EventBody::Started { version: "1".into() });
    rig.send(41, state(State::Connecting, State::Connected));
    let reader = rig.reader();
    let data = reader.range(ID, Wall(0), Wall(60 * SECOND), Duration::from_secs(1)).unwrap();
    let seconds = |at: Wall| at.0 / SECOND;
    assert_eq!(data.gaps.iter().map(|(a, b)| (seconds(*a), seconds(*b))).collect::<Vec<_>>(), [(5, 20), (25, 40)]);
    let lane: Vec<_> = data.segments.iter().map(|s| (seconds(s.from), s.to.map(seconds), s.state)).collect();
    assert_eq!(lane, [(1, Some(5), State::Connected), (21, Some(25), State::Error), (41, None, State::Connected)]);
    let past = reader.past(ID, None, PastLimits::default()).unwrap();
    assert_eq!(past.segments.last().unwrap().to, Some(Wall(41 * SECOND)));
}

const EVERYTHING: PastLimits =
    PastLimits { beats: 60, samples: 5_000, segments: 5_000, events: 5_000, frames: 5_000, messages: 5_000 };

#[test]
fn the_past_has_the_newest_of_everything() {
    let mut rig = Rig::new();
    an_hour(&mut rig);
    rig.send(3_600, EventBody::Closed { facts: close(), open_for: ms(5) });
    rig.send(
        3_601,
        EventBody::Handshake {
            attempt: 5,
            exchange: Arc::new(exchange(Ok(response()))),
            reason: Some(reason()),
            protocol: None,
        },
    );
    rig.send(3_602, frame("hello"));
    let reader = rig.reader();
    let past = reader
        .past(ID, None, PastLimits { beats: 60, samples: 100, segments: 10, events: 20, frames: 5, messages: 5 })
        .unwrap();
    assert_eq!(past.beats.len(), 60);
    assert!(past.beats.windows(2).all(|pair| pair[0].at < pair[1].at));
    assert_eq!(past.beats.last().unwrap().at, Wall(3_590 * SECOND));
    assert_eq!(past.events.len(), 21);
    assert_eq!(past.events.last().unwrap().body, frame("hello"));
    assert_eq!(past.last_check.unwrap().0, Wall(3_590 * SECOND));
    assert_eq!(past.last_close.unwrap().1, close());
    let handshake = past.last_handshake.unwrap();
    assert_eq!((handshake.attempt, handshake.reason), (5, Some(reason())));
    assert!(past.segments.len() <= 10 && !past.attempts.is_empty());
    // It has every event from the 20 newest on, and less of nothing else.
    assert_eq!(past.whole_from.map(|at| at <= past.events[1].at && past.samples[0].at < at), Some(true));
    assert_eq!(reader.past(ID, None, EVERYTHING).unwrap().whole_from, None);
    let nothing = PastLimits { events: 0, frames: 0, ..EVERYTHING };
    assert_eq!(reader.past(ID, None, nothing).unwrap().whole_from, Some(Wall(3_602 * SECOND + 1)));
    assert!(past.samples.windows(2).all(|pair| pair[0].at <= pair[1].at));
}

#[test]
fn a_sessions_beats_come_from_its_states_and_round_trips() {
    let mut rig = Rig::new();
    let mut profile = Profile::new("Sales chat", Kind::WebSocket, Url::parse("wss://api.test/").unwrap());
    profile.interval = Duration::from_secs(10);
    rig.writer.as_ref().unwrap().know(Named { id: ID, key: "chat".into(), name: "x".into(), kind: Kind::WebSocket });
    rig.send_of(Wall(0), None, EventBody::Started { version: "1".into() });
    rig.send(0, EventBody::State { from: State::Connecting, to: State::Connected, reason: None, attempt: 0 });
    for at in 1..10 {
        rig.send(at * 5, EventBody::Pong { rtt: ms(at.unsigned_abs()), by: PongBy::Frame });
    }
    rig.send(45, state(State::Connected, State::Reconnecting));
    rig.send(59, EventBody::Attempt { attempt: 2 });
    let past = rig.reader().past(ID, Some(&profile), PastLimits::default()).unwrap();
    let beats: Vec<_> =
        past.beats.iter().map(|b| (b.at.0 / SECOND, b.state, b.latency.map(|l| l.as_millis()))).collect();
    assert_eq!(beats[0], (0, Some(State::Connected), Some(1)));
    assert_eq!(beats[1], (10, Some(State::Connected), Some(3)));
    assert_eq!(beats[4].1, Some(State::Reconnecting));
    assert_eq!(beats.len(), 6);
    assert_eq!(past.samples.len(), 10);
}

#[test]
fn pages_follow_each_other_whole_and_filters_pick() {
    let mut rig = Rig::new();
    an_hour(&mut rig);
    let reader = rig.reader();
    let everything = all(&reader, &Filter::default());
    assert!(everything.windows(2).all(|pair| (pair[0].at, pair[0].seq) < (pair[1].at, pair[1].seq)));
    assert_eq!(everything.len(), 2 + 360 + 3 * 36);
    let of = |change: &dyn Fn(&mut Filter)| {
        let mut filter = Filter { profile: Some(ID), ..Filter::default() };
        change(&mut filter);
        all(&reader, &filter).len()
    };
    assert_eq!(of(&|f| f.kinds = vec!["attempt".into()]), 36);
    assert_eq!(of(&|f| f.kinds = vec!["nonsense".into()]), 0);
    assert_eq!(of(&|f| f.text = "AllowOriginMismatch".into()), 36 * 3 + 1);
    assert_eq!(
        of(&|f| {
            f.from = Some(Wall(10 * SECOND));
            f.to = Some(Wall(20 * SECOND));
        }),
        2
    );
    assert_eq!(of(&|f| f.profile = Some(ProfileId(9))), 0);
}

#[test]
fn the_events_around_an_instant_are_those_on_both_sides_of_it() {
    let mut rig = Rig::new();
    an_hour(&mut rig);
    let reader = rig.reader();
    let times: Vec<i64> = reader.around(ID, Wall(1_000 * SECOND), 2).unwrap().iter().map(|e| e.at.0 / SECOND).collect();
    assert_eq!(times, [992, 993, 1000, 1010]);
}

#[test]
fn the_windows_questions_are_answered() {
    let mut rig = Rig::new();
    an_hour(&mut rig);
    let reader = rig.reader();
    let (from, to) = (Wall(0), Wall(100 * SECOND));
    match reader.answer(&Query::Events { profile: ID, from, to, limit: 5, classes: vec![Class::Events, Class::Frames] })
    {
        Answer::Events(page) => assert_eq!((page.events.len(), page.more), (5, true)),
        other => panic!("{other:?}"),
    }
    match reader.answer(&Query::Range {
        profile: ID,
        from,
        to,
        column: Duration::from_secs(1),
        fine: Duration::from_secs(1),
    }) {
        Answer::Range(data) => assert_eq!(data.latency.len(), 11),
        other => panic!("{other:?}"),
    }
    match reader.answer(&Query::Range {
        profile: ProfileId(99),
        from: Wall(i64::MIN),
        to: Wall(i64::MAX),
        column: Duration::ZERO,
        fine: Duration::ZERO,
    }) {
        Answer::Range(data) => assert!(data.latency.is_empty()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_damaged_or_missing_history_is_told_by_its_cause() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.sqlite3");
    #[track_caller]
    fn check(path: &Path, expected: &str) {
        let error = Reader::open(path).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(!error.hint().is_empty());
    }
    check(&path, "no history yet");
    std::fs::write(&path, "x").unwrap();
    check(&path, "damaged");
}
