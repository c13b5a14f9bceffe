//! What goes in comes back, whatever happens in between.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::fixture::*;
use crate::base::{Clock, ProfileId, Wall};
use crate::profile::Kind;
use crate::store::*;
use crate::watch::{EventBody, Outcome, PongBy, State};
use crate::wire::WireResponse;

#[test]
fn every_kind_of_event_reads_back_as_it_was() {
    let mut rig = Rig::new();
    let mut sent = Vec::new();
    for (index, body) in every_body().into_iter().enumerate() {
        let profile = (index != 0).then_some(ID);
        sent.push(rig.send_of(Wall(index as i64 * SECOND + 1), profile, body));
    }
    let reader = rig.reader();
    let got = all(&reader, &Filter::default());
    assert_eq!(got.len(), sent.len());
    for (got, sent) in got.iter().zip(&sent) {
        assert_eq!(got, &**sent);
    }
    let named = all(&reader, &Filter { profile: Some(ID), ..Filter::default() });
    assert_eq!(named.len(), sent.len() - 1);
    assert!(named.iter().zip(&sent[1..]).all(|(got, sent)| got == &**sent));
}

#[test]
fn every_kind_has_a_number() {
    for body in every_body() {
        assert!(kinds::kind_number(body.kind()).is_some(), "{} has none", body.kind());
    }
    let mut numbers: Vec<i64> = kinds::KINDS.iter().map(|(number, _)| *number).collect();
    numbers.dedup();
    assert_eq!(numbers.len(), kinds::KINDS.len());
}

#[test]
fn events_are_acknowledged_while_the_writer_runs_and_a_reader_sees_them() {
    let mut rig = Rig::new();
    rig.send(1, EventBody::Attempt { attempt: 1 });
    let last = rig.send(2, EventBody::Attempt { attempt: 2 });
    rig.acknowledged(last.seq);
    let reader = rig.writer.as_ref().unwrap().reader().unwrap();
    assert_eq!(reader.last_seq().unwrap(), last.seq);
    assert_eq!(reader.interner().unwrap().get("chat"), Some(ID));
    assert!(0 < rig.writer.as_ref().unwrap().status().size());
}

#[test]
fn numbers_go_on_after_a_restart_and_a_second_writer_is_refused() {
    let mut rig = Rig::new();
    rig.send(1, EventBody::Stopped);
    match Store::open(Config::new(rig.path()), Clock) {
        Err(StoreError::InUse { pid, .. }) => assert_eq!(pid, Some(std::process::id())),
        other => panic!("{other:?}"),
    }
    rig.stop();
    rig.start(|_| {});
    assert_eq!(rig.next, 2);
}

#[test]
fn a_number_seen_before_is_not_written_or_counted_twice() {
    let mut rig = Rig::new();
    rig.send(1, EventBody::Pong { rtt: ms(4), by: PongBy::Frame });
    rig.next = 1;
    rig.send(2, EventBody::Pong { rtt: ms(9), by: PongBy::Frame });
    let reader = rig.reader();
    assert_eq!(all(&reader, &Filter::default()).len(), 1);
    let data = reader.range(ID, Wall(0), Wall(600 * SECOND), Duration::from_secs(300)).unwrap();
    assert_eq!(data.latency.iter().map(|column| column.good).sum::<u32>(), 1);
}

#[test]
fn a_check_that_repeats_the_one_before_leaves_its_exchanges_to_the_last_report() {
    let mut rig = Rig::new();
    for at in 0..3 {
        rig.send(at, EventBody::Check(Arc::new(report(Outcome::Up, 5))));
    }
    let last = rig.send(3, EventBody::Check(Arc::new(report(Outcome::Up, 6))));
    let reader = rig.reader();
    let exchanges: Vec<usize> = all(&reader, &Filter::default())
        .iter()
        .map(|event| match &event.body {
            EventBody::Check(report) => report.exchanges.len(),
            _ => 0,
        })
        .collect();
    assert_eq!(exchanges, [2, 0, 0, 0]);
    let (at, report) = reader.last_check(ID).unwrap().unwrap();
    assert_eq!((at, &EventBody::Check(report)), (last.at, &last.body));
}

#[test]
fn a_failure_that_goes_on_keeps_its_exchanges_once_a_minute_and_large_bodies_are_cut() {
    let mut rig = Rig::new();
    let mut big = report(Outcome::Down, 5);
    let body = "é".repeat(20_000);
    let answer = WireResponse { body: body.clone().into(), body_size: 40_000, ..response() };
    big.exchanges = vec![Arc::new(exchange(Ok(answer)))];
    for at in [0, 30, 61] {
        rig.send(at, EventBody::Check(Arc::new(big.clone())));
    }
    let reader = rig.reader();
    let kept: Vec<Option<usize>> = all(&reader, &Filter::default())
        .iter()
        .map(|event| match &event.body {
            EventBody::Check(report) => Some(report.exchanges.first()?.response()?.body.len()),
            _ => None,
        })
        .collect();
    assert_eq!(kept, [Some(2048), None, Some(2048)]);
    let (_, report) = reader.last_check(ID).unwrap().unwrap();
    assert_eq!(report.exchanges[0].response().unwrap().body.len(), 40_000);
}

#[test]
fn a_full_disk_stops_recording_and_room_brings_it_back_with_nothing_lost() {
    let mut rig = Rig::with(|_| {});
    rig.send(0, EventBody::Attempt { attempt: 0 });
    rig.acknowledged(1);
    rig.stop();
    // No page more than the file has.
    let pages = u32::try_from(std::fs::metadata(rig.path()).unwrap().len() / 4096).unwrap();
    let limit = Arc::new(std::sync::atomic::AtomicU32::new(pages));
    rig.start(|config| config.page_limit = Arc::clone(&limit));
    let status = rig.writer.as_ref().unwrap().status();
    let mut last = 0;
    for at in 1..200 {
        last = rig.send(at, frame(&"x".repeat(4_000))).seq;
    }
    wait_until(|| matches!(status.health(), Health::NotRecording { problem: Trouble::DiskFull, .. }));
    assert!(status.acknowledged() < last);
    assert_eq!(*rig.changes.lock().unwrap(), [HealthChange::Lost(Trouble::DiskFull)]);
    // Watching goes on meanwhile.
    last = rig.send(200, EventBody::Attempt { attempt: 1 }).seq;
    limit.store(0, Ordering::Relaxed);
    rig.acknowledged(last);
    wait_until(|| status.health() == Health::Recording);
    assert_eq!(rig.changes.lock().unwrap()[1..], [HealthChange::Resumed { dropped: 0 }]);
    assert_eq!(all(&rig.reader(), &Filter::default()).len(), 201);
}

#[test]
fn a_backlog_is_bounded_and_what_it_lets_go_is_counted() {
    let mut rig = Rig::new();
    rig.send(0, EventBody::Attempt { attempt: 0 });
    rig.stop();
    let pages = u32::try_from(std::fs::metadata(rig.path()).unwrap().len() / 4096).unwrap();
    let limit = Arc::new(std::sync::atomic::AtomicU32::new(pages));
    rig.start(|config| {
        config.page_limit = Arc::clone(&limit);
        config.backlog = 50;
    });
    let status = rig.writer.as_ref().unwrap().status();
    // Each batch fills more than the file has room for.
    for at in 0..100 {
        rig.send(at, frame(&"x".repeat(4_000)));
    }
    wait_until(|| status.health() != Health::Recording && 50 <= status.dropped());
    limit.store(0, Ordering::Relaxed);
    wait_until(|| status.health() == Health::Recording);
    let dropped = status.dropped();
    assert_eq!(all(&rig.reader(), &Filter::default()).len() as u64, 101 - dropped);
    assert!(
        matches!(rig.changes.lock().unwrap()[..], [HealthChange::Lost(_), HealthChange::Resumed { dropped: d }] if d <= dropped)
    );
}

#[test]
fn what_was_let_go_is_a_gap_and_the_states_go_on_behind_it() {
    const OTHER: ProfileId = ProfileId(2);
    let limit = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let mut rig = Rig::with(|config| {
        config.page_limit = Arc::clone(&limit);
        config.backlog = 50;
    });
    let other = Named { id: OTHER, key: "other".into(), name: "Other".into(), kind: Kind::Http };
    rig.writer.as_ref().unwrap().know(other);
    rig.send_of(Wall(0), None, EventBody::Started { version: "1".into() });
    rig.send(1, state(State::Connecting, State::Connected));
    let last = rig.send_of(Wall(2 * SECOND), Some(OTHER), state(State::Connecting, State::Connected)).seq;
    rig.acknowledged(last);
    // SQLite takes it for as many pages as there are.
    limit.store(1, Ordering::Relaxed);
    let status = rig.writer.as_ref().unwrap().status();
    rig.send(10, state(State::Connected, State::CorsError));
    for at in 11..100 {
        rig.send(at, frame(&"x".repeat(4_000)));
    }
    wait_until(|| 40 <= status.dropped());
    limit.store(0, Ordering::Relaxed);
    wait_until(|| status.health() == Health::Recording);
    let dropped = i64::try_from(status.dropped()).unwrap();
    let reader = rig.reader();
    let lane = |id| {
        let data = reader.range(id, Wall(0), Wall(200 * SECOND), Duration::from_secs(1)).unwrap();
        let seconds = |at: Wall| at.0 / SECOND;
        let gaps: Vec<_> = data.gaps.iter().map(|(from, to)| (seconds(*from), seconds(*to))).collect();
        assert_eq!(gaps, [(10, 9 + dropped)]);
        data.segments.iter().map(|one| (seconds(one.from), one.to.map(seconds), one.state)).collect::<Vec<_>>()
    };
    assert_eq!(lane(ID), [(1, Some(10), State::Connected), (9 + dropped, None, State::CorsError)]);
    assert_eq!(lane(OTHER), [(2, Some(10), State::Connected), (9 + dropped, None, State::Connected)]);
}

#[test]
fn the_old_goes_by_age_and_by_size_and_the_roll_ups_stay() {
    let mut rig = Rig::new();
    an_hour(&mut rig);
    rig.stop();
    let mut db = schema::open_to_write(&rig.path()).unwrap();
    let keep =
        Retention { events: Duration::from_secs(1_800), five_minutes: FOREVER, hours: FOREVER, max_bytes: u64::MAX };
    let now = Wall(3_600 * SECOND);
    let mut steps = 0;
    while 0 < retention::step(&mut db, &keep, now, 50).unwrap() {
        steps += 1;
        assert!(steps < 100);
    }
    let reader = Reader::open(&rig.path()).unwrap();
    assert!(all(&reader, &Filter::default()).iter().all(|event| Wall(1_800 * SECOND) <= event.at));
    // The samples are gone where the events are, and the roll-ups answer in their place.
    let data = reader.range(ID, Wall(0), now, Duration::from_secs(1)).unwrap();
    assert_eq!(data.column.as_secs(), 300);
    assert_eq!(data.latency.iter().map(|column| column.good + column.failures).sum::<u32>(), 360);

    let small = Retention { max_bytes: 64 * 1024, ..keep };
    for _ in 0..100 {
        retention::step(&mut db, &small, Wall(2 * 24 * 3_600 * SECOND), 50).unwrap();
    }
    assert!(reader.page(&Filter::default(), None, 10).unwrap().events.is_empty());
}

#[test]
fn old_states_go_but_never_the_newest() {
    let mut rig = Rig::new();
    an_hour(&mut rig);
    rig.stop();
    let mut db = schema::open_to_write(&rig.path()).unwrap();
    let keep = Retention { events: FOREVER, five_minutes: ms(1), hours: FOREVER, max_bytes: u64::MAX };
    while 0 < retention::step(&mut db, &keep, Wall(1_000_000 * SECOND), 50).unwrap() {}
    let left: i64 = db.query_row("SELECT count(*) FROM lane", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 1);
}

#[test]
fn a_burst_is_written_whole() {
    let mut rig = Rig::new();
    for at in 0..30_000 {
        rig.send(at, EventBody::Pong { rtt: ms(1), by: PongBy::Frame });
    }
    assert_eq!(rig.reader().last_seq().unwrap(), 30_000);
}
