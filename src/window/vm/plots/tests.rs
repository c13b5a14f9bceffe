//! What the plots make of samples, segments and history.

use std::sync::Arc;

use super::*;
use crate::base::ProfileId;
use crate::model::{Fine, Live, Past, Sample, Segment};
use crate::profile::{Kind, Profile};
use crate::watch::{Code, Event, EventBody, PongBy, Reason};

const SECOND: i64 = 1_000_000;
/// 2023-11-14 22:13:20 UTC.
const NOW: i64 = 1_700_000_000;
const ID: ProfileId = ProfileId(1);

fn wall(secs_ago: i64) -> Wall {
    Wall((NOW - secs_ago) * SECOND)
}

fn good(secs_ago: i64, ms: f32) -> Sample {
    Sample::good(wall(secs_ago), ms, SampleKind::Check)
}

fn failed(secs_ago: i64) -> Sample {
    Sample::failed(wall(secs_ago), SampleKind::Check, true)
}

fn segment(from: i64, to: i64, state: State) -> Segment {
    let reason = (state == State::CorsError).then(|| Reason::new(Code::MissingAllowOriginHeader));
    Segment { from: wall(from), to: Some(wall(to)), state, reason }
}

fn live(past: Past) -> Live {
    let mut live = Live::new();
    let mut profile = Profile::new("Sales chat", Kind::Http, "https://api.test/".parse().unwrap());
    profile.interval = Duration::from_secs(10);
    live.set_profile(ID, Arc::new(profile));
    live.seed(ID, past);
    live
}

fn build(live: &Live, history: Option<&RangeData>, minutes: i64) -> PlotsVm {
    let view = View { from: wall(minutes * 60), to: wall(0) };
    let source = Source {
        watched: live.get(ID).unwrap(),
        history,
        loading: false,
        view,
        now: wall(0),
        width: 800.0,
        range: "last hour",
        zone: &TimeZone::UTC,
    };
    PlotsVm::build(source, &mut Caches::default())
}

#[test]
fn a_failure_is_a_mark_and_parts_nothing_but_itself_from_the_numbers() {
    let samples = vec![good(60, 10.0), good(50, 20.0), failed(40), good(30, 30.0)];
    let vm = build(&live(Past { samples, ..Past::default() }), None, 60);
    assert_eq!(vm.dots.iter().map(|[_, ms]| *ms).collect::<Vec<_>>(), [10.0, 20.0, 30.0]);
    assert_eq!(vm.failures, [FailureMark { x: wall(40).as_secs_f64(), count: 1 }]);
    assert_eq!(vm.latency_sentence, "latency of Sales chat, last hour: median 20 ms, p95 30 ms, 1 failure since 22:12");
}

#[test]
fn a_stretch_without_samples_parts_the_line() {
    let samples = (0..30).map(|n| good(3600 - n * 10, 5.0)).chain((0..30).map(|n| good(1200 - n * 10, 5.0))).collect();
    let vm = build(&live(Past { samples, ..Past::default() }), None, 60);
    assert_eq!(vm.runs.len(), 2);
    let hole = vm.runs[1].points[0].x - vm.runs[0].points.last().unwrap().x;
    assert!(1700.0 < hole, "the line is missing where nothing was watched: {hole}");
}

#[test]
fn history_and_memory_meet_without_counting_anything_twice() {
    let column = column_width(View { from: wall(7200), to: wall(0) }, 800.0, Duration::from_secs(10));
    let all: Vec<Sample> =
        (0..720).map(|n| if n % 9 == 0 { failed(7200 - n * 10) } else { good(7200 - n * 10, 5.0) }).collect();
    let history = RangeData {
        profile: ID,
        from: wall(7200),
        to: wall(1800),
        column,
        latency: crate::model::columns::columns(all.iter(), column, Which::Line),
        fine: None,
        handshakes: Vec::new(),
        heartbeats: Vec::new(),
        heartbeat_limit: None,
        segments: vec![segment(7200, 1800, State::Connected)],
        attempts: Vec::new(),
        cors: all
            .iter()
            .filter(|sample| sample.is_failure())
            .map(|sample| Bin { at: column_start(sample.at, column), count: 1 })
            .collect(),
        gaps: Vec::new(),
        first: Some(wall(9000)),
    };
    let memory = all.iter().filter(|sample| wall(2000) <= sample.at).copied().collect();
    let segments = vec![segment(2000, 0, State::Connected)];
    let live = live(Past { samples: memory, segments, ..Past::default() });
    let vm = build(&live, Some(&history), 120);
    let marked: u32 = vm.failures.iter().map(|mark| mark.count).sum();
    assert_eq!(marked, 80);
    assert_eq!(vm.cors.total, 80);
    assert_eq!(vm.runs.len(), 1, "the line goes on from history to memory");
    let covered: f64 = vm.blocks.iter().map(|block| block.to.since(block.from).as_secs_f64()).sum();
    assert!((7199.0..=7200.0).contains(&covered), "{covered}");
}

/// What the history says of those samples, its columns as wide as the plots'.
fn history(samples: &[Sample], minutes: i64, first: Wall) -> RangeData {
    let view = View { from: wall(minutes * 60), to: wall(0) };
    let column = column_width(view, 800.0, Duration::from_secs(10));
    let fine = fine_width(view, 800.0, column);
    let of = |width| crate::model::columns::columns(samples.iter(), width, Which::Line);
    RangeData {
        profile: ID,
        from: view.from,
        to: view.to,
        column,
        latency: of(column),
        fine: Some(Fine { width: fine, columns: of(fine) }),
        handshakes: Vec::new(),
        heartbeats: Vec::new(),
        heartbeat_limit: None,
        segments: Vec::new(),
        attempts: Vec::new(),
        cors: Vec::new(),
        gaps: Vec::new(),
        first: Some(first),
    }
}

#[test]
fn what_the_history_draws_is_as_fine_as_what_memory_draws() {
    let samples: Vec<Sample> = (0..60).map(|n| failed(3_600 - n * 10)).collect();
    let memory = vec![good(60, 5.0)];
    let vm = build(&live(Past { samples: memory, ..Past::default() }), Some(&history(&samples, 60, wall(9_000))), 60);
    assert_eq!(vm.failures.len(), 60);
}

#[test]
fn a_history_that_began_with_memory_adds_nothing_to_it() {
    let samples: Vec<Sample> = (0..20).map(|n| failed(200 - n)).collect();
    let history = history(&samples, 15, wall(200));
    let vm = build(&live(Past { samples, ..Past::default() }), Some(&history), 15);
    assert_eq!(vm.failures.len(), 20, "each by itself");
}

/// A Socket.IO session with a heartbeat each 25 s, one of them late.
fn beating() -> Live {
    let mut live = Live::new();
    let profile = Profile::new("Sales chat", Kind::SocketIo, "https://api.test/".parse().unwrap());
    live.set_profile(ID, Arc::new(profile));
    for n in 0..20 {
        let gap = Duration::from_secs(if n == 7 { 51 } else { 25 });
        let body = EventBody::Heartbeat { gap, limit: Duration::from_secs(45) };
        live.apply(&Arc::new(Event { seq: n, at: wall(600 - n as i64 * 25), profile: Some(ID), body }));
    }
    live
}

#[test]
fn heartbeats_stand_against_their_limit_and_are_no_latency() {
    let live = beating();
    let vm = build(&live, None, 15);
    let beats = vm.heartbeats.as_ref().unwrap();
    assert_eq!(beats.sentence, "heartbeats of Sales chat, last hour: longest gap 51 s of at most 45 s, 1 beyond it");
    assert_eq!((beats.gaps.len(), beats.limit_words().as_deref()), (20, Some("limit 45 s")));
    assert!(vm.dots.is_empty() && vm.runs.is_empty(), "nothing timed a round trip");
    assert!(vm.at(wall(600), &TimeZone::UTC).contains(&"heartbeat after 25 s, at most 45 s".to_owned()));
    let checked = self::live(Past { samples: vec![good(60, 10.0)], ..Past::default() });
    assert!(build(&checked, None, 15).heartbeats.is_none());
}

#[test]
fn a_socketio_sessions_latency_says_by_what_it_is_measured() {
    let mut live = beating();
    let body = EventBody::Pong { rtt: Duration::from_millis(12), by: PongBy::Ack };
    live.apply(&Arc::new(Event { seq: 90, at: wall(10), profile: Some(ID), body }));
    let vm = build(&live, None, 15);
    assert_eq!(vm.latency_sentence, "latency of Sales chat by acknowledged events, last hour: median 12 ms, p95 12 ms");
    assert_eq!(vm.measured_by, Some("acknowledged events"));
}

#[test]
fn a_history_that_had_nothing_when_it_was_asked_hides_nothing_of_memory() {
    let samples: Vec<Sample> = (0..12).map(|n| failed(60 - n * 5)).collect();
    let attempts = samples[1..].iter().map(|sample| sample.at).collect();
    let asked = RangeData { to: wall(60), first: None, ..history(&[], 60, wall(60)) };
    let vm = build(&live(Past { samples, attempts, ..Past::default() }), Some(&asked), 60);
    assert_eq!((vm.failures.len(), vm.attempts.total, vm.cors.total), (12, 11, 12));
    assert_eq!(vm.attempts_sentence, "reconnect attempts of Sales chat, last hour: 11");
}

#[test]
fn a_stretch_that_is_not_in_the_history_parts_the_line_however_short() {
    let samples: Vec<Sample> = (0..300).map(|n| good(3_600 - n * 10, 5.0)).collect();
    let live = live(Past { samples: vec![good(60, 5.0)], ..Past::default() });
    let mut history = history(&samples, 60, wall(9_000));
    let joined = build(&live, Some(&history), 60);
    history.gaps = vec![(wall(3_000), wall(2_999))];
    let parted = build(&live, Some(&history), 60);
    assert_eq!(parted.runs.len(), joined.runs.len() + 1);
    assert_eq!(parted.envelope.len(), joined.envelope.len() + 1);
}

#[test]
fn a_restart_that_memory_remembers_parts_the_line_too() {
    let samples = (0..300).map(|n| good(3_000 - n * 10, 5.0)).collect();
    let segments = vec![segment(3_000, 1_510, State::Connected), segment(1_500, 0, State::Connected)];
    let vm = build(&live(Past { samples, segments, ..Past::default() }), None, 60);
    assert_eq!(vm.runs.len(), 2);
}

#[test]
fn many_changes_within_a_pixel_are_one_block_with_the_worst_state() {
    let mut segments = vec![segment(3600, 1000, State::Connected)];
    for n in 0..20 {
        let state = if n == 7 { State::CorsError } else { State::Reconnecting };
        segments.push(Segment {
            from: Wall(wall(1000).0 + n * 1000),
            to: Some(Wall(wall(1000).0 + n * 1000 + 1000)),
            state,
            reason: None,
        });
    }
    segments.push(segment(999, 0, State::Connected));
    let vm = build(&live(Past { segments, ..Past::default() }), None, 60);
    let states: Vec<(State, u32)> = vm.blocks.iter().map(|block| (block.state, block.merged)).collect();
    assert_eq!(states, [(State::Connected, 1), (State::CorsError, 20), (State::Connected, 1)]);
}

#[test]
fn what_nobody_watched_is_in_no_block_and_the_pointer_finds_only_the_time() {
    let segments = vec![segment(3000, 2000, State::Connected), segment(1000, 0, State::CorsError)];
    let vm = build(&live(Past { segments, ..Past::default() }), None, 60);
    assert_eq!(vm.at(wall(1500), &TimeZone::UTC), ["Tue 14 Nov 2023, 21:48:20"]);
    assert_eq!(
        vm.at(wall(500), &TimeZone::UTC),
        ["Tue 14 Nov 2023, 22:05:00", "CORS error 21:56:40 – 22:13:20 (16 min)", "no Access-Control-Allow-Origin"]
    );
    assert_eq!(
        vm.lane_sentence,
        "state of Sales chat, last hour: Connected 50.0 %, CORS error 50.0 %; last CORS error since 21:56"
    );
}

#[test]
fn the_pointer_reads_exact_values() {
    let samples = (0..300).map(|n| good(3000 - n * 10, 10.0 + (n % 10) as f32)).collect();
    let vm = build(&live(Past { samples, ..Past::default() }), None, 60);
    let lines = vm.at(wall(1500), &TimeZone::UTC);
    assert_eq!(lines[1..], ["median 15 ms, p95 19 ms", "10 ms to 19 ms"]);
}

#[test]
fn an_empty_view_says_so() {
    let vm = build(&live(Past::default()), None, 15);
    assert!(vm.empty);
    assert_eq!(vm.latency_sentence, "latency of Sales chat, last hour: nothing measured");
    assert_eq!(vm.cors_sentence, "CORS failures of Sales chat, last hour: none");
}

#[test]
fn one_value_far_above_the_rest_does_not_flatten_them() {
    let mut samples: Vec<Sample> = (0..300).map(|n| good(3000 - n * 10, 10.0)).collect();
    samples[150] = good(1500, 9_000.0);
    let vm = build(&live(Past { samples, ..Past::default() }), None, 60);
    assert!(vm.top < 100.0 || vm.runs.iter().flat_map(|run| &run.points).any(|p| 1000.0 < p.spread.p95), "{}", vm.top);
}

#[test]
fn a_fine_column_is_about_a_pixel_and_divides_the_lines() {
    for secs in [60, 900, 3_600, 86_400, 7 * 86_400 + 77, 31 * 86_400] {
        let view = View { from: Wall(0), to: Wall(secs * SECOND) };
        let column = column_width(view, 800.0, Duration::from_secs(1));
        let fine = fine_width(view, 800.0, column);
        let pixel = view.length() / 800;
        assert!(pixel <= fine && fine <= pixel * 3, "{secs} s: {fine:?} for {pixel:?}");
        assert_eq!(column.as_micros() % fine.as_micros(), 0, "{secs} s");
    }
    let of = |ms: i64| {
        let view = View { from: Wall(0), to: Wall(ms * 1_000) };
        fine_width(view, 800.0, column_width(view, 800.0, Duration::from_secs(1)))
    };
    let mut widths: Vec<Duration> = (0..1_000).map(|n| of(100_000 + n)).collect();
    widths.dedup();
    assert!(widths.len() <= 2, "a percent of growth: {widths:?}");
}
