//! The engine against the lab: what it publishes about real connections on loopback.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has to fail")]

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use wirewatch::base::{Clock, ProfileId, Secret};
use wirewatch::engine::{Bus, Command, Config, Engine, PER_HOST, SecretSource, Tap};
use wirewatch::lab::{Fault, Lab, Options};
use wirewatch::profile::{AnswerRule, Auth, Kind, Profile, Setting};
use wirewatch::watch::{Code, Event, EventBody, Outcome, State};

const ID: ProfileId = ProfileId(7);
/// Far beyond what any test needs; only a failing one waits so long.
const PATIENCE: Duration = Duration::from_secs(20);

/// A lab, an engine, and all that was published.
struct World {
    lab: Option<Lab>,
    runtime: tokio::runtime::Runtime,
    engine: Option<Engine>,
    tap: Tap,
    events: Vec<Arc<Event>>,
}

impl World {
    fn new() -> Self {
        Self::with_secrets(Arc::new(
            |names: &[String]| {
                if names.is_empty() { Ok(HashMap::new()) } else { Err(names.to_vec()) }
            },
        ))
    }

    fn with_secrets(secrets: SecretSource) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let lab = runtime.block_on(Lab::start(Options::default())).unwrap();
        let bus = Arc::new(Bus::new(1, Clock));
        let tap = bus.tap("test", 100_000);
        let engine = Engine::start(Config { bus, clock: Clock, secrets, per_host: PER_HOST }).unwrap();
        Self { lab: Some(lab), runtime, engine: Some(engine), tap, events: Vec::new() }
    }

    fn lab(&self) -> &Lab {
        self.lab.as_ref().unwrap()
    }

    fn send(&self, command: Command) {
        self.engine.as_ref().unwrap().send(command).unwrap();
    }

    fn watch(&self, profile: Profile) {
        self.send(Command::Watch { id: ID, profile: Arc::new(profile) });
    }

    fn fault(&self, fault: Fault) -> Profile {
        let mut profile = fault.profile(self.lab());
        profile.interval = Duration::from_millis(200);
        profile.reconnect.delay = Duration::from_millis(20);
        profile.reconnect.delay_max = Duration::from_millis(100);
        profile
    }

    /// Reads events until one fits, and gives what `pick` made of it.
    #[track_caller]
    fn until<T>(&mut self, what: &str, pick: impl Fn(&EventBody) -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            if let Ok(Some(event)) = self.tap.recv_timeout(left) {
                self.events.push(Arc::clone(&event));
                if let Some(found) = pick(&event.body) {
                    return found;
                }
            }
        }
        let seen: Vec<_> = self.events.iter().map(|event| word(&event.body)).collect();
        panic!("{what} did not come; there came: {seen:#?}");
    }

    #[track_caller]
    fn until_state(&mut self, state: State) -> Option<wirewatch::watch::Reason> {
        self.until(state.code(), |body| match body {
            EventBody::State { to, reason, .. } if *to == state => Some(reason.clone()),
            _ => None,
        })
    }

    #[track_caller]
    fn until_check(&mut self) -> Arc<wirewatch::watch::CheckReport> {
        self.until("a check", |body| match body {
            EventBody::Check(report) => Some(Arc::clone(report)),
            _ => None,
        })
    }

    /// Ends the engine and reads what is left.
    fn end(&mut self) {
        if let Some(engine) = self.engine.take() {
            engine.shutdown();
        }
        while let Ok(Some(event)) = self.tap.try_recv() {
            self.events.push(event);
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.engine = None;
        if let Some(lab) = self.lab.take() {
            let _inside = self.runtime.enter();
            drop(lab);
        }
    }
}

fn word(body: &EventBody) -> String {
    match body {
        EventBody::State { from, to, reason, .. } => format!("{} > {} {reason:?}", from.code(), to.code()),
        EventBody::Check(report) => format!("check {} {:?}", report.outcome.code(), report.reason),
        other => other.kind().to_owned(),
    }
}

/// The first verdict of a fault's profile.
#[track_caller]
fn check(fault: Fault, outcome: Outcome, state: State, code: Option<Code>) {
    let mut world = World::new();
    let profile = world.fault(fault);
    world.watch(profile);
    let report = world.until_check();
    let got = (report.outcome, report.state, report.reason.as_ref().map(|reason| reason.code));
    assert_eq!(got, (outcome, state, code), "{fault:?}: {:?}", report.reason);
    assert!(report.phases.total.is_some());
}

#[test]
fn a_healthy_endpoint_is_checked_again_and_again_and_connected() {
    let mut world = World::new();
    let profile = world.fault(Fault::Healthy);
    world.watch(profile);
    world.until_state(State::Connecting);
    let report = world.until_check();
    assert_eq!((report.outcome, report.status), (Outcome::Up, Some(200)), "{:?}", report.reason);
    assert!(report.phases.connect.is_some() && report.phases.tls.is_none(), "{:?}", report.phases);
    world.until_state(State::Connected);
    world.until_check();
    world.until_check();
    let status = world.engine.as_ref().unwrap().status();
    assert!(3 <= status.checks && status.lateness.is_some(), "{status:?}");
}

#[test]
fn each_http_fault_has_its_own_verdict() {
    check(Fault::OriginNotAllowedHttp, Outcome::Down, State::CorsError, Some(Code::MissingAllowOriginHeader));
    check(Fault::ErrorsWithoutCors, Outcome::Down, State::CorsError, Some(Code::MissingAllowOriginHeader));
    check(Fault::PreflightRefused, Outcome::Down, State::CorsError, Some(Code::PreflightMissingAllowOriginHeader));
    check(Fault::Unauthorized, Outcome::Down, State::AuthRequired, Some(Code::AuthRequired));
    check(Fault::Reset, Outcome::Down, State::Error, Some(Code::ConnectionReset));
    check(Fault::Refused, Outcome::Down, State::Error, Some(Code::ConnectionRefused));
    check(Fault::TlsSelfSigned, Outcome::Down, State::Error, Some(Code::CertSelfSigned));
    check(Fault::Slow, Outcome::Degraded, State::Connected, Some(Code::Slow));
}

#[test]
fn an_incident_opens_after_so_many_failures_and_closes_when_it_is_over() {
    let mut world = World::new();
    let mut profile = world.fault(Fault::Healthy);
    profile.url = world.lab().http_url("/incident?allow=any&fail-first=3");
    profile.alert.after = 2;
    world.watch(profile);
    let failures = world.until("an incident", |body| match body {
        EventBody::IncidentOpened { failures, .. } => Some(*failures),
        _ => None,
    });
    assert_eq!(failures, 2);
    world.until("its end", |body| matches!(body, EventBody::IncidentClosed { .. }).then_some(()));
}

#[test]
fn a_session_opens_hears_speaks_and_says_farewell() {
    let mut world = World::new();
    let mut profile = world.fault(Fault::HealthySocket);
    profile.url = world.lab().ws_url("/ws?allow=any&echo&every=100ms:{\"type\":\"ping\"}");
    profile.websocket.send = vec![Setting::Plain("hello".into())];
    profile.websocket.ping = Some(Duration::from_millis(50));
    profile.websocket.answers =
        vec![AnswerRule { when: r#""type":"ping""#.into(), send: Setting::Plain("pong!".into()) }];
    world.watch(profile);
    world.until_state(State::Connecting);
    world.until_state(State::Connected);
    world.until("a pong", |body| matches!(body, EventBody::Pong { .. }).then_some(()));
    let text = |wanted: &'static str, heartbeat: bool| {
        move |body: &EventBody| match body {
            EventBody::Frame(frame) => (frame.text() == Some(wanted) && frame.heartbeat == heartbeat).then_some(()),
            _ => None,
        }
    };
    world.until("the heartbeat's answer", text("pong!", true));
    world.send(Command::SendText { id: ID, text: "typed".into() });
    world.until("the echo of what was typed", text("typed", false));
    assert_eq!(world.engine.as_ref().unwrap().status().open, 1);
    world.send(Command::Disconnect(ID));
    let facts = world.until("the close", |body| match body {
        EventBody::Closed { facts, .. } => Some(facts.clone()),
        _ => None,
    });
    assert_eq!((facts.code, facts.script.clean), (Some(1000), true));
    world.until_state(State::Disconnected);
    world.send(Command::Connect(ID));
    world.until_state(State::Connected);
    world.end();
    let tail: Vec<String> = world.events.iter().rev().take(3).rev().map(|event| word(&event.body)).collect();
    assert_eq!(tail.last().map(String::as_str), Some("stopped"), "{tail:?}");
}

#[test]
fn each_socket_fault_has_its_own_state() {
    for (fault, state, code) in [
        (Fault::OriginNotAllowed, State::CorsError, Code::OriginRefused),
        (Fault::UnauthorizedSocket, State::AuthRequired, Code::AuthRequired),
        (Fault::HandshakeInvalid, State::Error, Code::HandshakeInvalid),
        (Fault::UpgradeIgnored, State::Error, Code::HandshakeStatus),
        (Fault::RedirectOnUpgrade, State::Error, Code::HandshakeStatus),
        (Fault::Close1008, State::AuthRequired, Code::Closed),
        (Fault::InvalidFrame, State::Error, Code::WebSocketProtocol),
    ] {
        let mut world = World::new();
        let profile = world.fault(fault);
        world.watch(profile);
        let reason = world.until_state(state);
        assert_eq!(reason.map(|reason| reason.code), Some(code), "{fault:?}");
    }
}

#[test]
fn a_lost_session_comes_back_and_used_up_attempts_suspend_it() {
    let mut world = World::new();
    let mut profile = world.fault(Fault::HealthySocket);
    profile.url = world.lab().ws_url("/drops?do=wait:50ms&do=drop");
    world.watch(profile);
    world.until_state(State::Connected);
    let reason = world.until_state(State::Reconnecting).unwrap();
    assert_eq!((reason.code, reason.close), (Code::ClosedAbnormally, Some(1006)));
    world.until("a retry", |body| matches!(body, EventBody::Retry { attempt: 1, .. }).then_some(()));
    world.until_state(State::Connected);

    let mut profile = world.fault(Fault::Refused);
    profile.kind = Kind::WebSocket;
    profile.url.set_scheme("ws").unwrap();
    profile.reconnect.attempts = 2;
    world.watch(profile);
    let reason = world.until_state(State::Suspended).unwrap();
    assert_eq!((reason.code, reason.detail.as_deref()), (Code::AttemptsExhausted, Some("connection_refused")));
}

#[test]
fn a_person_pauses_resumes_and_forgets() {
    let mut world = World::new();
    let profile = world.fault(Fault::Healthy);
    world.watch(profile.clone());
    world.until_state(State::Connected);
    world.send(Command::Pause(ID));
    assert_eq!(world.until_state(State::Suspended).unwrap().code, Code::Paused);
    world.send(Command::CheckNow(ID));
    world.until_check();
    world.send(Command::Resume(ID));
    world.until_state(State::Connecting);
    world.until_state(State::Connected);
    world.watch(Profile { enabled: false, ..profile.clone() });
    world.until_state(State::Disconnected);
    world.watch(profile);
    world.until_state(State::Connected);
    world.send(Command::Forget(ID));
    world.end();
}

#[test]
fn a_check_of_a_socket_profile_is_made_beside_its_session() {
    let mut world = World::new();
    let profile = world.fault(Fault::HealthySocket);
    world.watch(profile);
    world.until_state(State::Connected);
    world.send(Command::CheckNow(ID));
    let report = world.until_check();
    assert_eq!((report.outcome, report.status), (Outcome::Up, Some(101)), "{:?}", report.reason);
    assert_eq!(world.engine.as_ref().unwrap().status().open, 1);
}

#[test]
fn a_check_of_a_socket_stays_to_see_how_it_ends() {
    let mut world = World::new();
    let mut profile = world.fault(Fault::Close1008);
    profile.enabled = false;
    profile.observe = Duration::from_secs(5);
    world.watch(profile);
    world.send(Command::CheckNow(ID));
    let report = world.until_check();
    assert_eq!(report.state, State::AuthRequired);
    assert_eq!(report.close.as_ref().and_then(|facts| facts.code), Some(1008));
}

#[test]
fn a_missing_secret_is_unknown_and_says_which() {
    let mut world = World::new();
    let mut profile = world.fault(Fault::Healthy);
    profile.auth = Auth::Bearer(Setting::Secret("api-token".into()));
    world.watch(profile);
    let report = world.until_check();
    let reason = report.reason.as_ref().unwrap();
    assert_eq!((report.outcome, reason.code), (Outcome::Unknown, Code::SecretMissing));
    assert_eq!(reason.detail.as_deref(), Some("api-token"));
    assert!(report.exchanges.is_empty() && world.lab().seen().is_empty());
}

/// A source that has every secret once it is told so.
fn a_source_that_fills() -> (SecretSource, Arc<AtomicBool>) {
    let filled = Arc::new(AtomicBool::new(false));
    let source: SecretSource = Arc::new({
        let filled = Arc::clone(&filled);
        move |names: &[String]| {
            if filled.load(Ordering::Relaxed) {
                Ok(names.iter().map(|name| (name.clone(), Secret::new("value-5f2c"))).collect())
            } else {
                Err(names.to_vec())
            }
        }
    });
    (source, filled)
}

#[test]
fn a_secret_that_comes_later_is_found_without_the_profile_being_touched() {
    for fault in [Fault::Healthy, Fault::HealthySocket] {
        let (source, filled) = a_source_that_fills();
        let mut world = World::with_secrets(source);
        let mut profile = world.fault(fault);
        profile.request.headers.push(("X-Key".into(), Setting::Secret("api-token".into())));
        world.watch(profile);
        let reason = world.until_state(State::Error).unwrap();
        assert_eq!(reason.code, Code::SecretMissing);
        assert!(world.lab().seen().is_empty());
        filled.store(true, Ordering::Relaxed);
        world.until_state(State::Connected);
    }
}

#[test]
fn a_profile_whose_preparation_panics_is_said_and_made_ready_again() {
    let panicked = Arc::new(AtomicBool::new(false));
    let mut world = World::with_secrets(Arc::new({
        let panicked = Arc::clone(&panicked);
        move |_: &[String]| {
            assert!(panicked.swap(true, Ordering::Relaxed), "a keyring that bites");
            Ok(HashMap::from([("api-token".into(), Secret::new("value-5f2c"))]))
        }
    }));
    let mut profile = world.fault(Fault::HealthySocket);
    profile.request.headers.push(("X-Key".into(), Setting::Secret("api-token".into())));
    world.watch(profile);
    let message = world.until("the panic", |body| match body {
        EventBody::Panicked { message, .. } => Some(message.to_string()),
        _ => None,
    });
    assert_eq!(message, "a keyring that bites");
    world.until_state(State::Connected);
}

#[test]
fn no_event_holds_a_secret_that_went_out() {
    const CANARY: &str = "canary-7f3a91";
    let mut world = World::with_secrets(Arc::new(|names: &[String]| {
        Ok(names.iter().map(|name| (name.clone(), Secret::new(CANARY))).collect())
    }));
    let mut profile = world.fault(Fault::Healthy);
    // The server sends back all that it got.
    profile.url = world.lab().http_url("/r?allow=any&reflect&h=X-Back:+{origin}");
    profile.auth = Auth::Query(vec![("token".into(), Setting::Secret("jwt".into()))]);
    profile.request.headers = vec![("X-Key".into(), Setting::Secret("jwt".into()))];
    world.watch(profile.clone());
    let report = world.until_check();
    assert!(!report.exchanges.is_empty());

    profile.kind = Kind::WebSocket;
    profile.url = world.lab().ws_url("/e?echo");
    profile.request.headers.clear();
    profile.websocket.send = vec![Setting::Secret("jwt".into())];
    world.watch(profile);
    world.until("the echo", |body| match body {
        EventBody::Frame(frame) => {
            (frame.direction == wirewatch::wire::Direction::In && frame.size == CANARY.len() as u64).then_some(())
        }
        _ => None,
    });
    let sent = world.lab().seen().iter().any(|seen| seen.target.contains(CANARY));
    assert!(sent, "the secret has to go out");
    world.end();
    for event in &world.events {
        let text = format!("{event:?}");
        assert!(!text.contains(CANARY), "{text}");
    }
}

#[test]
fn a_flood_of_frames_holds_up_nobody_and_is_said() {
    let mut world = World::new();
    let mut profile = world.fault(Fault::HealthySocket);
    profile.url = world.lab().ws_url("/flood?do=text:x&do=text:x&do=text:x&do=text:x&do=loop");
    world.watch(profile);
    world.until_state(State::Connected);
    let healthy = world.fault(Fault::Healthy);
    world.send(Command::Watch { id: ProfileId(8), profile: Arc::new(healthy) });
    let report = world.until_check();
    assert_eq!(report.outcome, Outcome::Up);
    world.send(Command::Pause(ID));
    world.until_state(State::Suspended);
}

#[test]
fn a_thousand_commands_at_once_are_all_taken() {
    let mut world = World::new();
    let profile = Arc::new(Profile { enabled: false, ..world.fault(Fault::Healthy) });
    for id in 1..=1000 {
        world.send(Command::Watch { id: ProfileId(id), profile: Arc::clone(&profile) });
    }
    world.send(Command::CheckNow(ProfileId(1000)));
    assert_eq!(world.until_check().outcome, Outcome::Up);
}
