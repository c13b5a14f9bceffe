//! What the live picture makes of events.

use super::*;
use crate::model::{Sample, SampleKind, Segment};
use crate::profile::Kind;
use crate::watch::{CheckReport, Code, Outcome, PongBy, Reason, State};
use crate::wire::{Ask, Direction, Exchange, Frame, Headers, NetError, Opcode, Phases, Purpose, WireRequest};

const SECOND: i64 = 1_000_000;
const ID: ProfileId = ProfileId(1);

struct Bench {
    live: Live,
    seq: u64,
}

impl Bench {
    fn new(kind: Kind) -> Self {
        let mut live = Live::with_limits(Limits { events: 5, ..Limits::default() });
        live.set_profile(ID, profile("Sales chat", kind, &[]));
        Self { live, seq: 0 }
    }

    fn on(&mut self, at_secs: i64, body: EventBody) -> &mut Self {
        self.seq += 1;
        let global = matches!(body, EventBody::Started { .. } | EventBody::Offline { .. } | EventBody::Lost { .. });
        let event = Event { seq: self.seq, at: Wall(at_secs * SECOND), profile: (!global).then_some(ID), body };
        self.live.apply(&Arc::new(event));
        self
    }

    fn row(&self) -> &Watched {
        self.live.get(ID).unwrap()
    }
}

fn profile(name: &str, kind: Kind, group: &[&str]) -> Arc<Profile> {
    let url = match kind {
        Kind::WebSocket => "wss://api.test/ws",
        Kind::Http | Kind::SocketIo => "https://api.test/",
    };
    let mut profile = Profile::new(name, kind, url.parse().unwrap());
    profile.group = group.iter().map(|level| (*level).to_owned()).collect();
    Arc::new(profile)
}

fn check(outcome: Outcome, state: State, code: Option<Code>) -> EventBody {
    EventBody::Check(Arc::new(CheckReport {
        outcome,
        state,
        reason: code.map(Reason::new),
        scheduled: Wall(0),
        lateness: Duration::from_millis(3),
        phases: Phases { total: Some(Duration::from_millis(34)), ..Phases::default() },
        status: None,
        exchanges: Vec::new(),
        preflighted: false,
        console: None,
        close: None,
        steps: Vec::new(),
        further: Vec::new(),
    }))
}

fn state(from: State, to: State, code: Option<Code>) -> EventBody {
    EventBody::State { from, to, reason: code.map(Reason::new), attempt: 0 }
}

fn frame(size: usize) -> EventBody {
    EventBody::Frame(Frame {
        direction: Direction::In,
        opcode: Opcode::Text,
        size: size as u64,
        payload: vec![b'x'; size].into(),
        heartbeat: false,
    })
}

#[test]
fn memory_knows_nothing_before_what_was_brought_whole() {
    let mut live = Live::new();
    let sample = |at| Sample::good(Wall(at), 1.0, SampleKind::Check);
    let segments = vec![Segment { from: Wall(1), to: Some(Wall(90)), state: State::Connected, reason: None }];
    let past = Past { samples: vec![sample(50), sample(60)], segments, ..Past::default() };
    live.seed(ProfileId(1), past.clone());
    live.seed(ProfileId(2), Past { whole_from: Some(Wall(50)), ..past });
    let known = |id| live.get(ProfileId(id)).unwrap().known_since();
    assert_eq!((known(1), known(2)), (Some(Wall(1)), Some(Wall(50))));
}

#[test]
fn a_check_makes_a_beat_a_sample_and_counts_for_success() {
    let mut bench = Bench::new(Kind::Http);
    bench.on(1, check(Outcome::Up, State::Connected, None));
    bench.on(2, check(Outcome::Down, State::CorsError, Some(Code::MissingAllowOriginHeader)));
    bench.on(3, check(Outcome::Unknown, State::Suspended, Some(Code::Offline)));
    let row = bench.row();
    assert_eq!(row.success(Wall(3 * SECOND)), Some(0.5));
    assert_eq!(row.series.len(), 2, "an unknown check is no sample");
    assert_eq!(
        row.beats.iter().map(|beat| beat.state).collect::<Vec<_>>(),
        [Some(State::Connected), Some(State::CorsError), None]
    );
    assert_eq!(row.cors.iter().copied().collect::<Vec<_>>(), [Wall(2 * SECOND)]);
    assert_eq!(row.sparkline().collect::<Vec<_>>(), [Some(34.0), None, None]);
    assert_eq!(bench.live.lateness(0.99), Some(Duration::from_millis(3)));
}

#[test]
fn what_was_asked_about_a_failure_stands_while_it_lasts() {
    let mut bench = Bench::new(Kind::Http);
    let failed = |code, asked: bool| {
        let EventBody::Check(report) = check(Outcome::Down, State::CorsError, Some(code)) else { panic!("no check") };
        let mut report = CheckReport::clone(&report);
        if asked {
            report.further.push(Arc::new(answer()));
        }
        EventBody::Check(Arc::new(report))
    };
    let known = |bench: &Bench| bench.row().last_check.as_ref().unwrap().1.further.len();
    bench.on(1, failed(Code::MissingAllowOriginHeader, true));
    bench.on(2, failed(Code::MissingAllowOriginHeader, false));
    bench.on(3, failed(Code::MissingAllowOriginHeader, false));
    assert_eq!(known(&bench), 1);
    bench.on(4, failed(Code::Status, false));
    assert_eq!(known(&bench), 0, "it fails by something else");
    bench.on(5, failed(Code::MissingAllowOriginHeader, true));
    bench.on(6, check(Outcome::Up, State::Connected, None));
    assert_eq!(known(&bench), 0, "it came out well");
}

/// What came of a question that was asked besides.
fn answer() -> Exchange {
    let url = "https://api.test/".parse().unwrap();
    let purpose = Purpose::Asked(Ask::TwinHost);
    Exchange {
        request: WireRequest { purpose, method: "GET".into(), url, headers: Headers::new(), body: Default::default() },
        result: Err(NetError::EmptyResponse),
        phases: Phases::default(),
        peer: None,
        tried: Vec::new(),
        tls: None,
        proxy: None,
    }
}

#[test]
fn only_attempts_after_a_loss_are_reconnects() {
    let mut bench = Bench::new(Kind::WebSocket);
    bench.on(0, state(State::Disconnected, State::Connecting, None));
    bench.on(0, EventBody::Attempt { attempt: 1 });
    bench.on(1, state(State::Connecting, State::Connected, None));
    bench.on(60, state(State::Connected, State::Reconnecting, Some(Code::ClosedAbnormally)));
    let until = Wall(62 * SECOND);
    bench.on(60, EventBody::Retry { attempt: 1, wait: Duration::from_secs(2), until });
    assert_eq!(bench.row().retry.map(|retry| retry.until), Some(until));
    bench.on(62, EventBody::Attempt { attempt: 1 });
    let row = bench.row();
    assert_eq!(row.attempts.iter().copied().collect::<Vec<_>>(), [Wall(62 * SECOND)]);
    assert_eq!((row.retry, row.attempt), (None, 1));
    assert_eq!(row.series.counts(), (0, 1), "the loss is a failure");
}

#[test]
fn a_start_ends_what_was_open_where_it_was_last_heard_of() {
    let mut bench = Bench::new(Kind::WebSocket);
    bench.on(0, state(State::Connecting, State::Connected, None));
    bench.on(10, EventBody::Pong { rtt: Duration::from_millis(1), by: PongBy::Frame });
    bench.on(500, EventBody::Started { version: "1".into() });
    let row = bench.row();
    assert_eq!(row.lane.last().and_then(|segment| segment.to), Some(Wall(10 * SECOND)));
    assert_eq!((row.state, row.since), (State::Disconnected, None));
    bench.on(501, state(State::Disconnected, State::Connected, None));
    let states: Vec<_> = bench.row().beats.iter().map(|beat| beat.state).collect();
    assert_eq!(states.first(), Some(&Some(State::Connected)));
    assert!(states.contains(&None), "the time between is nothing: {states:?}");
}

#[test]
fn frames_never_push_events_out_and_both_are_bounded() {
    let mut bench = Bench::new(Kind::WebSocket);
    bench.on(0, state(State::Connecting, State::Connected, None));
    for at in 0..5_000 {
        bench.on(at, frame(10));
    }
    let row = bench.row();
    assert_eq!((row.events.len(), row.frames.len()), (1, Limits::default().frames));
    for at in 0..9 {
        bench.on(at, check(Outcome::Up, State::Connected, None));
    }
    assert_eq!(bench.row().events.len(), 5);
}

#[test]
fn events_of_all_profiles_together_are_bounded_by_their_weight() {
    let mut live = Live::with_limits(Limits { event_bytes: 100_000, ..Limits::default() });
    for seq in 0..1_000 {
        let id = ProfileId((seq % 10) as u32);
        live.apply(&Arc::new(Event { seq, at: Wall(seq as i64), profile: Some(id), body: frame(4_000) }));
    }
    let kept: usize = live.profiles.values().map(|row| row.frames.len()).sum();
    assert!((20..=24).contains(&kept), "{kept} frames of 4 kB are kept in 100 kB");
    assert!(live.profiles.values().all(|row| row.frames.len() <= 3), "the oldest of all go first");
    assert_eq!(live.event_bytes, kept * 4_192);
}

#[test]
fn what_the_program_says_of_itself_is_kept() {
    let mut bench = Bench::new(Kind::Http);
    bench.on(5, EventBody::Offline { phase: Some(Phase::Dns), affected: 3 });
    bench.on(6, EventBody::Lost { consumer: "store".into(), count: 4 });
    bench.on(7, EventBody::Recording { on: false, problem: Some("disk full".into()) });
    let live = &bench.live;
    assert_eq!(live.offline().map(|offline| offline.since), Some(Wall(5 * SECOND)));
    assert_eq!(live.lost().get("store"), Some(&4));
    assert_eq!(live.recording_problem().map(|problem| &*problem.problem), Some("disk full"));
}

#[test]
fn a_removed_profile_comes_back_with_its_past() {
    let mut bench = Bench::new(Kind::Http);
    bench.on(1, check(Outcome::Up, State::Connected, None));
    let kept = bench.row().profile.clone().unwrap();
    bench.live.remove(ID);
    assert_eq!(bench.live.iter().count(), 0);
    bench.live.set_profile(ID, kept);
    assert_eq!(bench.row().beats.len(), 1);
}

#[test]
fn versions_rise_only_for_what_changed() {
    let mut bench = Bench::new(Kind::Http);
    bench.live.set_profile(ProfileId(2), profile("Other", Kind::Http, &[]));
    let other = bench.live.get(ProfileId(2)).unwrap().version;
    let (own, roster) = (bench.row().version, bench.live.roster_version());
    bench.on(1, check(Outcome::Up, State::Connected, None));
    assert!(own < bench.row().version);
    assert_eq!(bench.live.get(ProfileId(2)).unwrap().version, other);
    assert_eq!(bench.live.roster_version(), roster, "a check alone moves no row");
    bench.on(1, state(State::Disconnected, State::Connected, None));
    assert!(roster < bench.live.roster_version());
}

#[test]
fn the_worst_come_first_and_then_the_alphabet() {
    let mut live = Live::new();
    let rows = [
        ("zebra", "b", Some(State::Connected)),
        ("Apple", "b", Some(State::Connected)),
        ("chat", "b", Some(State::CorsError)),
        ("alone", "", Some(State::Connected)),
        ("lamp", "a", Some(State::Connected)),
        ("socket", "c", Some(State::Error)),
    ];
    for (index, (name, group, to)) in rows.into_iter().enumerate() {
        let id = ProfileId(index as u32);
        let group: &[&str] = if group.is_empty() { &[] } else { &[group] };
        live.set_profile(id, profile(name, Kind::Http, group));
        let body = state(State::Connecting, to.unwrap(), None);
        live.apply(&Arc::new(Event { seq: index as u64, at: Wall(1), profile: Some(id), body }));
    }
    live.set_broken(ProfileId(9), "broken", vec![]);
    let text = |order| {
        let roster = live.roster(order);
        let names = roster.groups.iter().map(|group| {
            let names: Vec<&str> = group.rows.iter().map(|id| &*live.get(*id).unwrap().name).collect();
            format!("{}: {}", group.label(), names.join(" "))
        });
        names.collect::<Vec<_>>()
    };
    assert_eq!(text(Order::WorstFirst), [": broken alone", "c: socket", "b: chat Apple zebra", "a: lamp"]);
    assert_eq!(text(Order::Name), [": alone broken", "a: lamp", "b: Apple chat zebra", "c: socket"]);
    let counts = live.roster(Order::Name).counts;
    assert_eq!((counts.of(State::Connected), counts.worst(), counts.broken), (4, Some(State::Error), 1));
}
