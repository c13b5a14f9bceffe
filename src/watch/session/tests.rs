//! The session machine, driven by a script of inputs and manual time.

use super::*;
use crate::base::Wall;
use crate::profile::model::{AnswerRule, Auth, Kind, Login, Profile, Setting};
use crate::watch::{ClosedBy, ScriptClose};
use crate::wire::{Direction, Headers, Opcode, Phases, Purpose, WireRequest};
use bytes::Bytes;
use regex::Regex;
use url::Url;

/// A session with a clock of its own and a log of what it did, one word an effect.
struct Play {
    session: Session,
    now: Moment,
    rng: fastrand::Rng,
}

impl Play {
    fn new(change: impl FnOnce(&mut Profile)) -> Self {
        let mut profile = Profile::new("chat", Kind::WebSocket, Url::parse("ws://api.test/ws").unwrap());
        profile.reconnect.jitter = 0.0;
        change(&mut profile);
        let profile = Arc::new(profile);
        let fill = |setting: &Setting| match setting {
            Setting::Plain(text) => Secret::new(Arc::clone(text)),
            Setting::Secret(name) => Secret::new(name.as_str()),
        };
        let rules = SessionRules::new(&profile, fill, |text| Regex::new(text).map(Arc::new)).unwrap();
        let now = Moment { mono: crate::base::Clock.mono(), wall: Wall(0) };
        Self { session: Session::new(Arc::new(rules)), now, rng: fastrand::Rng::with_seed(3) }
    }

    fn give(&mut self, input: Input<'_>) -> String {
        let mut out = Vec::new();
        self.session.on(input, self.now, &mut self.rng, &mut out);
        out.iter().map(word).collect::<Vec<_>>().join(", ")
    }

    /// Lets time pass up to the machine's own deadline, which must be `after` away.
    #[track_caller]
    fn sleep(&mut self, after: Duration) -> String {
        let due = self.session.deadline().expect("the machine waits for nothing");
        assert_eq!(due.saturating_duration_since(self.now.mono), after);
        self.now = self.now.plus(after);
        self.give(Input::Tick)
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now.plus(time);
    }

    fn open(&mut self) -> String {
        self.give(Input::Opened { exchange: exchange(), protocol: None, lacking: None })
    }

    fn fail(&mut self, reason: Reason) -> String {
        self.give(Input::Failed { exchange: Some(exchange()), reason, retry_after: None, another_way: false })
    }

    fn connected(change: impl FnOnce(&mut Profile)) -> Self {
        let mut play = Self::new(change);
        play.give(Input::Connect);
        play.open();
        play
    }

    fn message(&mut self, text: &str) -> String {
        self.give(Input::Message { text: Some(text), frame: frame(Opcode::Text) })
    }
}

fn exchange() -> Arc<Exchange> {
    Arc::new(Exchange {
        request: WireRequest {
            purpose: Purpose::Handshake,
            method: "GET".into(),
            url: Url::parse("ws://api.test/ws").unwrap(),
            headers: Headers::new(),
            body: Bytes::new(),
        },
        result: Err(NetError::EmptyResponse),
        phases: Phases::default(),
        peer: None,
        tried: Vec::new(),
        tls: None,
        proxy: None,
    })
}

fn frame(opcode: Opcode) -> Frame {
    Frame { direction: Direction::In, opcode, size: 0, payload: Box::default(), heartbeat: false }
}

fn word(effect: &Effect) -> String {
    match effect {
        Effect::Dial => "dial".into(),
        Effect::Send { text, heartbeat } => format!("send {}{}", text.expose(), if *heartbeat { " ♥" } else { "" }),
        Effect::Ping { nonce } => format!("ping {nonce}"),
        Effect::HangUp { code } => format!("hang up {code:?}"),
        Effect::SignOut => "sign out".into(),
        Effect::Emit(EventBody::State { from, to, reason, .. }) => {
            let why = reason.as_ref().map_or("-", |reason| reason.code.as_str());
            format!("{}>{} {why}", from.code(), to.code())
        }
        Effect::Emit(EventBody::Attempt { attempt }) => format!("attempt {attempt}"),
        Effect::Emit(EventBody::Retry { attempt, wait, .. }) => format!("retry {attempt} in {}", wait.as_millis()),
        Effect::Emit(EventBody::Closed { facts, open_for }) => {
            format!("closed {} by {} after {}", facts.script.code, facts.by.code(), open_for.as_secs())
        }
        Effect::Emit(EventBody::Frame(frame)) => format!("frame{}", if frame.heartbeat { " ♥" } else { "" }),
        Effect::Emit(EventBody::Pong { rtt, .. }) => format!("pong {}", rtt.as_millis()),
        Effect::Emit(body) => body.kind().into(),
    }
}

fn lost() -> Input<'static> {
    let script = ScriptClose { code: 1006, reason: "".into(), clean: false };
    Input::Ended { facts: CloseFacts { code: None, reason: "".into(), by: ClosedBy::Network, script }, error: None }
}

fn closed_with(code: u16, reason: &str) -> Input<'static> {
    let script = ScriptClose { code, reason: reason.into(), clean: true };
    let facts = CloseFacts { code: Some(code), reason: reason.into(), by: ClosedBy::Server, script };
    Input::Ended { facts, error: None }
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_first_connection_goes_from_disconnected_over_connecting_to_connected() {
    let mut play = Play::new(|_| ());
    assert_eq!(play.session.state(), State::Disconnected);
    assert_eq!(play.give(Input::Connect), "disconnected>connecting -, attempt 1, dial");
    assert_eq!(play.open(), "handshake, connecting>connected -");
    assert_eq!(play.give(Input::Connect), "");
}

#[test]
fn a_lost_connection_comes_back_with_the_back_off_of_socket_io_client() {
    let mut play = Play::connected(|_| ());
    play.pass(SECOND * 9);
    assert_eq!(
        play.give(lost()),
        "closed 1006 by network after 9, connected>reconnecting closed_abnormally, retry 1 in 1000"
    );
    assert_eq!(play.sleep(SECOND), "attempt 1, dial");
    let refused = Reason::new(Code::ConnectionRefused);
    assert_eq!(play.fail(refused.clone()), "handshake, reconnecting>reconnecting connection_refused, retry 2 in 2000");
    assert_eq!(play.sleep(SECOND * 2), "attempt 2, dial");
    assert_eq!(play.fail(refused.clone()), "handshake, retry 3 in 4000");
    play.sleep(SECOND * 4);
    assert_eq!(play.fail(refused), "handshake, retry 4 in 5000");
    play.sleep(SECOND * 5);
    assert_eq!(play.open(), "handshake, reconnecting>connected -");
    // Once open, the back-off begins anew.
    assert!(play.give(lost()).ends_with("retry 1 in 1000"));
}

#[test]
fn used_up_attempts_suspend_the_session_until_a_person_asks() {
    let mut play = Play::new(|profile| profile.reconnect.attempts = 1);
    play.give(Input::Connect);
    assert_eq!(
        play.fail(Reason::new(Code::ConnectionRefused)),
        "handshake, connecting>reconnecting connection_refused, retry 2 in 1000"
    );
    play.sleep(SECOND);
    assert_eq!(play.fail(Reason::new(Code::ConnectionRefused)), "handshake, reconnecting>suspended attempts_exhausted");
    assert_eq!(play.session.deadline(), None);
    assert_eq!(play.session.reason().unwrap().detail.as_deref(), Some("connection_refused"));
    assert_eq!(play.give(Input::Connect), "suspended>connecting -, attempt 1, dial");
}

#[test]
fn a_lasting_failure_keeps_its_word_and_is_tried_again_slowly() {
    let mut play = Play::new(|profile| profile.interval = SECOND * 30);
    play.give(Input::Connect);
    let text = play.fail(Reason::new(Code::CertExpired));
    assert!(text.starts_with("handshake, connecting>error cert_expired, retry 2 in "), "{text}");
    let wait = play.session.deadline().unwrap() - play.now.mono;
    assert!((SECOND * 27..=SECOND * 33).contains(&wait), "{wait:?}");
    assert_eq!(play.sleep(wait), "attempt 2, dial");
    assert_eq!(play.session.state(), State::Error);
    assert_eq!(play.open(), "handshake, error>connected -");
}

fn with_login(profile: &mut Profile) {
    let url = Url::parse("http://api.test/login").unwrap();
    profile.auth = Auth::Login(Login { url, fields: Vec::new(), csrf: None, check: None });
}

#[test]
fn a_session_that_is_over_is_signed_in_again_at_once_and_connected() {
    let mut play = Play::connected(with_login);
    play.pass(SECOND * 9);
    assert_eq!(
        play.give(closed_with(4401, "session expired")),
        "closed 4401 by server after 9, connected>auth_required closed, sign out, sign_in, attempt 1, dial"
    );
    assert_eq!(play.open(), "handshake");
    assert_eq!(play.sleep(SECOND * 3), "auth_required>connected -");
    // Proved: the next time it is done again.
    assert!(play.give(closed_with(4401, "session expired")).ends_with("sign out, sign_in, attempt 1, dial"));
}

#[test]
fn a_refused_handshake_leads_to_the_login_and_the_second_in_a_row_rests() {
    let mut play = Play::new(|profile| {
        with_login(profile);
        profile.interval = SECOND * 30;
    });
    play.give(Input::Connect);
    let refused = || Reason::new(Code::AuthRequired).with_status(401);
    assert_eq!(
        play.fail(refused()),
        "handshake, connecting>auth_required auth_required, sign out, sign_in, attempt 2, dial"
    );
    let text = play.fail(refused());
    assert!(text.starts_with("handshake, sign out, sign_in, retry 3 in "), "{text}");
    let wait = play.session.deadline().unwrap() - play.now.mono;
    assert!((SECOND * 27..=SECOND * 33).contains(&wait), "{wait:?}");
    assert_eq!(play.sleep(wait), "attempt 3, dial");
    assert_eq!(play.open(), "handshake, auth_required>connected -");
    assert!(play.give(closed_with(1008, "")).ends_with("sign out, sign_in, attempt 1, dial"));
    play.open();
    // Accepted and closed again, still on probation: the second in a row.
    assert!(play.give(closed_with(1008, "")).contains("sign out, sign_in, retry 2 in "));
}

#[test]
fn a_namespace_that_wants_a_sign_in_gets_one_and_the_second_refusal_leaves_the_connection() {
    let mut play = Play::connected(with_login);
    let lacks = || Input::Lacking(Some(Reason::new(Code::AuthRequired).with_detail("unauthorized")));
    assert_eq!(
        play.give(lacks()),
        "hang up Some(1000), closed 1000 by client after 0, connected>auth_required auth_required, sign out, sign_in, \
         attempt 1, dial"
    );
    play.give(Input::Opened { exchange: exchange(), protocol: None, lacking: None });
    let mut play = Play::connected(with_login);
    play.give(lacks());
    let refused = Some(Reason::new(Code::AuthRequired).with_detail("unauthorized"));
    play.give(Input::Opened { exchange: exchange(), protocol: None, lacking: refused });
    assert!(play.session.is_open());
    assert_eq!(play.give(lacks()), "");
    assert_eq!((play.session.state(), play.session.is_open()), (State::AuthRequired, true));
    assert_eq!(play.give(Input::Lacking(None)), "auth_required>connected -");
}

#[test]
fn what_no_login_mends_leads_to_none() {
    let mut play = Play::connected(with_login);
    assert!(play.give(closed_with(1008, "origin not allowed")).contains("connected>cors_error closed, retry 1 in "));
    let mut play = Play::new(with_login);
    play.give(Input::Connect);
    let text = play.fail(Reason::new(Code::LoginFailed).with_detail("form_again"));
    assert!(text.starts_with("handshake, connecting>auth_required login_failed, retry 2 in "), "{text}");
    let mut play = Play::new(with_login);
    play.give(Input::Connect);
    let text = play.fail(Reason::new(Code::LoginFailed).with_status(503));
    assert_eq!(text, "handshake, connecting>reconnecting login_failed, retry 2 in 1000");
    // A 403 that says nothing may be a session that is over; after a fresh sign-in it is what it is.
    let mut play = Play::new(with_login);
    play.give(Input::Connect);
    let forbidden = || Reason::new(Code::HandshakeStatus).with_status(403);
    assert!(play.fail(forbidden()).contains("connecting>auth_required HandshakeStatus, sign out, sign_in, attempt 2"));
    assert!(play.fail(forbidden()).contains("sign out, sign_in, auth_required>error HandshakeStatus, retry 3 in "));
    // Without a login nothing changes.
    let mut play = Play::connected(|_| ());
    assert!(play.give(closed_with(4401, "")).contains("connected>auth_required closed, retry 1 in "));
}

#[test]
fn a_paused_session_is_not_signed_in_again() {
    let mut play = Play::connected(with_login);
    play.give(Input::Pause);
    assert_eq!(play.give(closed_with(4401, "")), "");
}

#[test]
fn a_server_that_accepts_and_then_closes_does_not_flap_between_two_states() {
    let mut play = Play::connected(|_| ());
    play.pass(SECOND);
    let text = play.give(closed_with(1008, "sign in first"));
    assert!(text.starts_with("closed 1008 by server after 1, connected>auth_required closed, retry 1 in "), "{text}");
    let wait = play.session.deadline().unwrap() - play.now.mono;
    play.sleep(wait);
    assert_eq!(play.open(), "handshake");
    assert_eq!(play.session.state(), State::AuthRequired);
    assert!(play.give(closed_with(1008, "sign in first")).starts_with("closed 1008 by server after 0, retry 2 in "));
    let wait = play.session.deadline().unwrap() - play.now.mono;
    play.sleep(wait);
    play.open();
    // This time it stays.
    assert_eq!(play.sleep(SECOND * 3), "auth_required>connected -");
}

#[test]
fn pings_are_timed_and_a_missing_pong_ends_the_connection() {
    let mut play = Play::connected(|profile| {
        profile.websocket.ping = Some(SECOND * 15);
        profile.websocket.idle = None;
    });
    assert_eq!(play.sleep(SECOND * 15), "ping 1");
    play.pass(Duration::from_millis(40));
    assert_eq!(play.give(Input::Pong { nonce: Some(1), frame: frame(Opcode::Pong) }), "frame, pong 40");
    // The cadence counts from the ping.
    assert_eq!(play.sleep(Duration::from_millis(14_960)), "ping 2");
    // An old pong, or one that nobody asked for, is no answer.
    assert_eq!(play.give(Input::Pong { nonce: Some(1), frame: frame(Opcode::Pong) }), "frame");
    assert_eq!(
        play.sleep(SECOND * 10),
        "hang up None, closed 1006 by client after 40, connected>reconnecting no_pong, retry 1 in 1000"
    );
}

#[test]
fn silence_longer_than_idle_is_death_and_any_frame_is_life() {
    let mut play = Play::connected(|profile| {
        profile.websocket.ping = None;
        profile.websocket.idle = Some(SECOND * 60);
    });
    play.pass(SECOND * 50);
    assert_eq!(play.give(Input::Ping { frame: frame(Opcode::Ping) }), "frame");
    assert_eq!(
        play.sleep(SECOND * 60),
        "hang up None, closed 1006 by client after 110, connected>reconnecting idle, retry 1 in 1000"
    );
}

#[test]
fn application_heartbeats_are_answered_and_marked() {
    let mut play = Play::new(|profile| {
        profile.websocket.send = vec![Setting::Plain("hello".into())];
        profile.websocket.answers =
            vec![AnswerRule { when: r#""type":\s*"ping""#.into(), send: Setting::Plain("PONG".into()) }];
    });
    play.give(Input::Connect);
    assert_eq!(play.open(), "handshake, connecting>connected -, send hello");
    assert_eq!(play.message(r#"{"type": "ping"}"#), "frame ♥, send PONG ♥");
    assert_eq!(play.message(r#"{"type": "chat"}"#), "frame");
}

#[test]
fn an_expected_message_that_does_not_come_is_an_error() {
    let change = |profile: &mut Profile| profile.websocket.expect = Some("welcome".into());
    let mut play = Play::connected(change);
    play.message("noise");
    let text = play.sleep(SECOND * 10);
    assert!(
        text.starts_with(
            "hang up Some(1000), closed 1000 by client after 10, connected>error expected_message_missing"
        ),
        "{text}"
    );
    let wait = play.session.deadline().unwrap() - play.now.mono;
    play.sleep(wait);
    assert_eq!(play.open(), "handshake");
    assert_eq!(play.message("welcome"), "frame, error>connected -");
}

#[test]
fn a_person_disconnects_pauses_resumes_and_forces() {
    let mut play = Play::connected(|_| ());
    assert_eq!(
        play.give(Input::Pause),
        "hang up Some(1000), closed 1000 by client after 0, connected>suspended paused"
    );
    assert_eq!(play.give(Input::Woke), "");
    assert_eq!(play.give(Input::Resume), "suspended>connecting -, attempt 1, dial");
    assert_eq!(play.give(Input::Reconnect), "hang up None, attempt 1, dial");
    play.open();
    assert_eq!(
        play.give(Input::Reconnect),
        "hang up Some(1000), closed 1000 by client after 0, connected>connecting -, attempt 1, dial"
    );
    assert_eq!(play.give(Input::Disconnect), "hang up None, connecting>disconnected asked");
    assert_eq!(play.give(Input::Resume), "");
    assert_eq!(play.fail(Reason::new(Code::Timeout)), "");
    assert_eq!(play.open(), "hang up Some(1000)");
}

#[test]
fn offline_suspends_and_online_brings_back_spread() {
    let mut play = Play::connected(|_| ());
    assert_eq!(play.give(Input::Offline), "");
    assert_eq!(play.give(lost()), "closed 1006 by network after 0, connected>suspended offline");
    let text = play.give(Input::Online);
    assert!(text.starts_with("retry 1 in "), "{text}");
    let wait = play.session.deadline().unwrap() - play.now.mono;
    assert!(wait <= SECOND, "{wait:?}");
    assert_eq!(play.sleep(wait), "suspended>reconnecting offline, attempt 1, dial");
}

#[test]
fn after_sleep_an_open_session_is_dropped_and_dialled_at_once() {
    let mut play = Play::connected(|_| ());
    let text = play.give(Input::Woke);
    assert!(
        text.starts_with("hang up None, closed 1006 by client after 0, connected>suspended woke, retry 1 in "),
        "{text}"
    );
    let wait = play.session.deadline().unwrap() - play.now.mono;
    assert!(wait <= SECOND);
    assert_eq!(play.sleep(wait), "suspended>reconnecting woke, attempt 1, dial");
}

#[test]
fn a_session_whose_address_went_with_the_network_is_dialled_anew_at_once() {
    let mut play = Play::connected(|_| ());
    let text = play.give(Input::AddressLost);
    let expected = "hang up None, closed 1006 by client after 0, connected>suspended offline, retry 1 in ";
    assert!(text.starts_with(expected), "{text}");
    assert!(play.session.deadline().unwrap() - play.now.mono <= SECOND);
}

#[test]
fn a_changed_network_is_put_to_the_proof_before_an_open_session_is_dropped() {
    let mut play = Play::connected(|_| ());
    assert_eq!(play.give(Input::NetworkChanged), "ping 1");
    assert_eq!(
        play.sleep(SECOND * 5),
        "hang up None, closed 1006 by client after 5, connected>reconnecting no_pong, retry 1 in 1000"
    );
    assert!(play.give(Input::NetworkChanged).starts_with("retry 1 in "));
}

#[test]
fn a_protocol_violation_is_an_error_and_not_an_abnormal_end() {
    let mut play = Play::connected(|_| ());
    let script = ScriptClose { code: 1006, reason: "".into(), clean: false };
    let facts = CloseFacts { code: None, reason: "".into(), by: ClosedBy::Client, script };
    let text = play.give(Input::Ended { facts, error: Some(NetError::WebSocketProtocol { what: "reserved bits" }) });
    assert!(text.contains("connected>error websocket_protocol"), "{text}");
}

#[test]
fn a_person_speaks_only_on_an_open_session() {
    let mut play = Play::new(|_| ());
    assert_eq!(play.give(Input::Say(Secret::new("x"))), "");
    play.give(Input::Connect);
    play.open();
    assert_eq!(play.give(Input::Say(Secret::new("x"))), "send x");
}
