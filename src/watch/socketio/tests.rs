//! The client, driven by a script of inputs and manual time.

use super::*;
use crate::base::{Clock, Secret, Wall};
use crate::profile::model::{Emit, ExpectEvent, JsonSetting, Kind, Profile};
use crate::watch::{ClosedBy, Code, NamespaceChange, ScriptClose, TransportStep};
use url::Url;

const OPEN: &str =
    r#"0{"sid":"abc","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;
const GRANT: &str = r#"40{"sid":"s1"}"#;

struct Play {
    client: Client,
    now: Moment,
}

impl Play {
    fn new(change: impl FnOnce(&mut Profile)) -> Self {
        let mut profile = Profile::new("chat", Kind::SocketIo, Url::parse("http://api.test/").unwrap());
        profile.websocket.ping = None;
        change(&mut profile);
        let secrets = profile.secret_names().into_iter().map(|name| (name.clone(), Secret::new(format!("<{name}>"))));
        let plan = Plan::new(&Arc::new(profile.clone()), secrets);
        let now = Moment { mono: Clock.mono(), wall: Wall(0) };
        Self { client: Client::new(Arc::new(plan)), now }
    }

    fn give(&mut self, input: Input<'_>) -> String {
        let mut out = Vec::new();
        self.client.on(input, self.now, &mut out);
        out.iter().filter_map(word).collect::<Vec<_>>().join(", ")
    }

    fn got(&mut self, body: &str) -> String {
        self.give(Input::Polled { content_type: Some("text/plain"), body: body.as_bytes() })
    }

    fn posted(&mut self) -> String {
        self.give(Input::Posted { took: Duration::from_millis(3) })
    }

    /// Lets time pass up to the client's own deadline, which must be `after` away.
    #[track_caller]
    fn sleep(&mut self, after: Duration) -> String {
        let due = self.client.deadline().expect("the client waits for nothing");
        assert_eq!(due.saturating_duration_since(self.now.mono), after);
        self.now = self.now.plus(after);
        self.give(Input::Tick)
    }

    fn pass(&mut self, seconds: u64) {
        self.now = self.now.plus(Duration::from_secs(seconds));
    }

    /// Up by polling, its upgrade under way.
    fn up(change: impl FnOnce(&mut Profile)) -> Self {
        let mut play = Self::new(change);
        play.give(Input::Start);
        play.got(OPEN);
        play.posted();
        play.got(GRANT);
        play
    }

    /// Up over a WebSocket that was opened first.
    fn direct(change: impl FnOnce(&mut Profile)) -> Self {
        let mut play = Self::new(|profile| {
            profile.socketio.transports = vec![Transport::WebSocket];
            change(profile);
        });
        play.give(Input::Start);
        play.give(Input::Opened);
        play.give(Input::Text(OPEN));
        play.give(Input::Text(GRANT));
        play
    }
}

/// One effect in a word; packets that are shown beside their sending are left out.
fn word(effect: &Effect) -> Option<String> {
    let query = |query: &Query| {
        let pairs = query.pairs(0);
        let text: Vec<_> = pairs.iter().filter(|(name, _)| *name != "t").map(|(_, value)| value.as_str()).collect();
        text.join("/")
    };
    Some(match effect {
        Effect::Get(asked) => format!("GET {}", query(asked)),
        Effect::Post(asked, body) => format!("POST {} {}", query(asked), body.replace('\x1e', "|")),
        Effect::Open(asked) => format!("open {}", query(asked)),
        Effect::SendText(text) => format!("send {text}"),
        Effect::SendBinary(bytes) => format!("send {} bytes", bytes.len()),
        Effect::Ping { nonce } => format!("ping {nonce}"),
        Effect::DropSocket => "drop socket".into(),
        Effect::Drop { politely } => (if *politely { "leave" } else { "drop" }).into(),
        Effect::Packet { .. } => return None,
        Effect::Message(message) => {
            let Message { kind, namespace, event, data, attachments, id, .. } = &**message;
            let id = id.map(|id| format!(" #{id}")).unwrap_or_default();
            let bytes = if 0 < *attachments { format!(" +{attachments}") } else { String::new() };
            format!("{} {namespace} {event}{id} {data}{bytes}", kind.code())
        }
        Effect::Tell(EventBody::Transport { transport, step }) => {
            let why = match step {
                TransportStep::Stuck { why, .. } => format!(" {}", why.code()),
                _ => String::new(),
            };
            let reason = step.reason().map(|reason| format!(" {}", reason.code)).unwrap_or_default();
            format!("{} {}{why}{reason}", transport.word(), step.code())
        }
        Effect::Tell(EventBody::Namespace { namespace, change }) => {
            let more = match change {
                NamespaceChange::Joined { recovered: true, .. } => " recovered".to_owned(),
                NamespaceChange::Refused { reason, .. } => format!(" {}", reason.code),
                _ => String::new(),
            };
            format!("{namespace} {}{more}", change.code())
        }
        Effect::Tell(EventBody::Heartbeat { gap, limit }) => format!("beat {}/{}", gap.as_secs(), limit.as_secs()),
        Effect::Tell(EventBody::Pong { rtt, by }) => format!("rtt {} {}", by.code(), rtt.as_millis()),
        Effect::Tell(other) => other.kind().into(),
        Effect::Up { lacking: None } => "UP".into(),
        Effect::Up { lacking: Some(reason) } => format!("UP lacking {}", reason.code),
        Effect::Lacking(reason) => {
            format!("lacking {}", reason.as_ref().map_or("nothing", |reason| reason.code.as_str()))
        }
        Effect::Over { reason, another_way, .. } => {
            format!("OVER {}{}", reason.code, if *another_way { " another way" } else { "" })
        }
    })
}

#[test]
fn polling_opens_joins_and_moves_to_the_websocket() {
    let mut play = Play::new(|_| ());
    assert_eq!(play.give(Input::Start), "GET 4/polling");
    assert_eq!(
        play.got(OPEN),
        "polling opened, websocket probing, open 4/websocket/abc, POST 4/polling/abc 40, GET 4/polling/abc"
    );
    assert_eq!(play.posted(), "rtt post 3");
    assert_eq!(play.got(GRANT), "/ joined, UP, GET 4/polling/abc");
    assert_eq!(play.give(Input::Opened), "send 2probe");
    assert_eq!(play.give(Input::Text("3probe")), "");
    // The server answers the GET that is under way with a noop; only then is polling over.
    assert_eq!(play.got("6"), "send 5, websocket upgraded");
    assert_eq!(play.give(Input::Text(r#"42["hello",{"room":"r1"}]"#)), r#"event / hello [{"room":"r1"}]"#);
}

#[test]
fn what_is_emitted_during_the_move_goes_out_once_and_afterwards() {
    let mut play = Play::up(|_| ());
    play.give(Input::Opened);
    play.give(Input::Text("3probe"));
    let wanted = Wanted { namespace: "/".into(), event: "a".into(), data: vec![1.into()], ack: true, volatile: false };
    assert_eq!(play.give(Input::Emit(Arc::new(wanted))), "event / a #0 [1]");
    assert_eq!(play.got("6"), r#"send 5, websocket upgraded, send 420["a",1]"#);
    play.now = play.now.plus(Duration::from_millis(7));
    assert_eq!(play.give(Input::Text("430[true]")), "ack / a #0 [true], rtt ack 7");
}

#[test]
fn the_session_says_why_it_stays_on_polling() {
    let mut play = Play::new(|profile| profile.socketio.transports = vec![Transport::Polling]);
    play.give(Input::Start);
    assert_eq!(play.got(OPEN), "polling opened, polling stuck not_wanted, POST 4/polling/abc 40, GET 4/polling/abc");

    let mut play = Play::new(|_| ());
    play.give(Input::Start);
    let bare = OPEN.replace("\"websocket\"", "");
    assert!(play.got(&bare).contains("polling stuck not_offered"));

    let refused = Reason::new(Code::HandshakeStatus).with_status(400);
    let mut play = Play::up(|_| ());
    assert_eq!(play.give(Input::OpenFailed { reason: refused }), "drop socket, polling stuck refused HandshakeStatus");

    let mut play = Play::up(|_| ());
    play.give(Input::Opened);
    assert_eq!(play.sleep(Duration::from_secs(10)), "drop socket, polling stuck unanswered");

    let mut play = Play::up(|_| ());
    play.give(Input::Opened);
    assert_eq!(play.give(Input::Text("3nonsense")), "drop socket, polling stuck wrong_answer packet_invalid");

    let mut play = Play::up(|_| ());
    play.give(Input::Opened);
    assert_eq!(play.give(cut()), "drop socket, polling stuck lost closed_abnormally");
}

fn cut() -> Input<'static> {
    let script = ScriptClose { code: 1006, reason: "".into(), clean: false };
    let facts = CloseFacts { code: None, reason: "".into(), by: ClosedBy::Network, script };
    Input::Ended { facts, reason: Reason::new(Code::ClosedAbnormally) }
}

#[test]
fn polling_only_is_a_persons_wish_and_taken_back() {
    let mut play = Play::new(|profile| profile.socketio.transports = vec![Transport::WebSocket, Transport::Polling]);
    assert_eq!(play.give(Input::Start), "open 4/websocket");
    play.give(Input::PollingOnly(true));
    play.client.forget();
    assert_eq!(play.give(Input::Start), "GET 4/polling");
    assert!(play.got(OPEN).contains("polling stuck not_wanted"));
    play.give(Input::PollingOnly(false));
    play.client.forget();
    assert_eq!(play.give(Input::Start), "open 4/websocket");
}

#[test]
fn a_transport_that_fails_gives_way_to_the_next_and_comes_back_after_a_connection() {
    let mut play = Play::new(|profile| profile.socketio.transports = vec![Transport::WebSocket, Transport::Polling]);
    play.give(Input::Start);
    let refused = Reason::new(Code::HandshakeStatus).with_status(400);
    assert_eq!(
        play.give(Input::OpenFailed { reason: refused }),
        "polling fell_back HandshakeStatus, drop, OVER HandshakeStatus another way"
    );
    assert_eq!(play.give(Input::Start), "GET 4/polling");
    play.got(OPEN);
    play.posted();
    play.got(GRANT);
    assert_eq!(
        play.give(Input::PollFailed { reason: Reason::new(Code::ConnectionReset) }),
        "drop, OVER connection_reset"
    );
    assert_eq!(play.give(Input::Start), "open 4/websocket");
}

#[test]
fn nobody_falls_back_for_what_another_transport_would_share() {
    for code in [Code::ConnectionRefused, Code::MissingAllowOriginHeader, Code::AuthRequired, Code::RateLimited] {
        let mut play = Play::new(|_| ());
        play.give(Input::Start);
        let text = play.give(Input::PollFailed { reason: Reason::new(code) });
        assert_eq!(text, format!("drop, OVER {code}"));
        assert_eq!(play.give(Input::Start), "GET 4/polling");
    }
}

#[test]
fn each_namespace_is_joined_with_its_auth_and_a_refusal_leaves_the_others() {
    let mut play = Play::new(|profile| {
        profile.socketio.namespaces = vec!["/".into(), "/admin".into()];
        profile.socketio.auth = vec![("token".into(), JsonSetting::Secret("jwt".into()))];
    });
    play.give(Input::Start);
    let text = play.got(OPEN);
    assert!(text.contains(r#"POST 4/polling/abc 40{"token":"<jwt>"}|40/admin,{"token":"<jwt>"}"#), "{text}");
    play.posted();
    let refusal = r#"44/admin,{"message":"authentication required"}"#;
    assert_eq!(
        play.got(&format!("{GRANT}\x1e{refusal}")),
        "/ joined, /admin refused auth_required, UP lacking auth_required, GET 4/polling/abc"
    );
    // Asked again at the profile's interval.
    play.pass(30);
    assert_eq!(
        play.give(Input::Tick),
        "drop socket, polling stuck refused timeout, POST 4/polling/abc 40/admin,{\"token\":\"<jwt>\"}"
    );
    assert_eq!(play.got(r#"40/admin,{"sid":"s2"}"#), "/admin joined, lacking nothing, GET 4/polling/abc");
}

#[test]
fn a_connection_without_any_namespace_is_over() {
    let mut play = Play::new(|_| ());
    play.give(Input::Start);
    play.got(OPEN);
    assert_eq!(play.got(r#"44{"message":"Rate limit exceeded"}"#), "/ refused rate_limited, drop, OVER rate_limited");
    let mut play = Play::up(|_| ());
    assert_eq!(play.got("41"), "/ left, drop, OVER server_disconnect");
}

#[test]
fn a_namespace_that_never_answers_ends_the_attempt() {
    let mut play = Play::new(|profile| profile.socketio.transports = vec![Transport::WebSocket]);
    play.give(Input::Start);
    play.give(Input::Opened);
    play.give(Input::Text(OPEN));
    assert_eq!(play.sleep(Duration::from_secs(11)), "drop, OVER silent");
}

#[test]
fn the_servers_heartbeat_is_answered_measured_and_missed() {
    let mut play = Play::direct(|_| ());
    play.pass(25);
    assert_eq!(play.give(Input::Text("2")), "beat 25/45, send 3");
    assert_eq!(play.sleep(Duration::from_secs(45)), "drop, OVER ping_timeout");
}

#[test]
fn a_flood_of_heartbeats_is_a_fault() {
    let mut play = Play::direct(|_| ());
    for _ in 0..10 {
        assert!(play.give(Input::Text("2")).ends_with("send 3"));
    }
    assert_eq!(play.give(Input::Text("2")), "beat 0/45, drop, OVER packet_invalid");
}

#[test]
fn revision_3_pings_itself_and_joins_the_root_unasked() {
    let mut play = Play::new(|profile| {
        profile.socketio.protocol = Some(3);
        profile.socketio.namespaces = vec!["/".into(), "/admin".into()];
        profile.socketio.auth = vec![("token".into(), JsonSetting::Value("a b".into()))];
    });
    assert_eq!(play.give(Input::Start), "GET 3/polling");
    let text = play.got(&format!("{}:{OPEN}2:40", OPEN.len()));
    assert!(text.contains("/ joined") && text.contains("POST 3/polling/abc 19:40/admin?token=a+b"), "{text}");
    play.posted();
    assert_eq!(play.got("8:40/admin"), "/admin joined, UP, GET 3/polling/abc");
    play.give(Input::OpenFailed { reason: Reason::new(Code::ConnectionReset) });
    assert_eq!(play.sleep(Duration::from_secs(25)), "POST 3/polling/abc 1:2");
    play.now = play.now.plus(Duration::from_millis(5));
    assert_eq!(play.got("1:3"), "rtt engine_ping 5, beat 25/45, GET 3/polling/abc");
    play.posted();
    assert_eq!(play.sleep(Duration::from_millis(24_995)), "POST 3/polling/abc 1:2");
    assert_eq!(play.sleep(Duration::from_secs(20)), "drop, OVER ping_timeout");
}

#[test]
fn the_revision_is_found_out_where_the_profile_leaves_it_open() {
    // A server of Socket.IO 2 ignores EIO=4 and answers in its own way.
    let mut play = Play::new(|_| ());
    play.give(Input::Start);
    let text = play.got(&format!("{}:{OPEN}2:40", OPEN.len()));
    assert!(text.contains("polling opened") && text.ends_with("GET 3/polling/abc, / joined, UP"), "{text}");
    // One that says so is asked again.
    let mut play = Play::new(|_| ());
    play.give(Input::Start);
    let reason = Reason::new(Code::UnsupportedProtocolVersion).with_status(400);
    assert_eq!(play.give(Input::PollFailed { reason: reason.clone() }), "drop, GET 3/polling");
    assert_eq!(play.give(Input::PollFailed { reason: reason.clone() }), "drop, OVER unsupported_protocol_version");
    // Where it is given, the mismatch is the reason.
    let mut play = Play::new(|profile| profile.socketio.protocol = Some(4));
    play.give(Input::Start);
    assert_eq!(play.got(&format!("{}:{OPEN}", OPEN.len())), "drop, OVER unsupported_protocol_version");
}

#[test]
fn several_sessions_that_the_server_forgot_are_missing_stickiness_and_one_is_not() {
    let mut play = Play::new(|_| ());
    let unknown = || Input::PollFailed { reason: Reason::new(Code::UnknownSession).with_status(400) };
    play.give(Input::Start);
    play.got(OPEN);
    assert!(play.give(unknown()).ends_with("OVER unknown_session"));
    play.give(Input::Start);
    play.got(OPEN);
    assert!(play.give(unknown()).ends_with("OVER sticky_sessions_missing"));
    // Its upgrade and its poll may both be told so: that is one session.
    let mut play = Play::up(|_| ());
    let told = play.give(Input::OpenFailed { reason: Reason::new(Code::UnknownSession).with_status(400) });
    assert!(told.ends_with("stuck refused unknown_session"), "{told}");
    assert!(play.give(unknown()).ends_with("OVER unknown_session"));
    // One that lasts past a heartbeat clears the suspicion.
    let mut play = Play::up(|_| ());
    play.give(unknown());
    play.give(Input::Start);
    play.got(OPEN);
    play.got(GRANT);
    play.pass(25);
    play.got("2");
    assert!(play.give(unknown()).ends_with("OVER unknown_session"));
}

#[test]
fn bytes_travel_beside_their_event_both_ways() {
    let mut play = Play::direct(|_| ());
    assert_eq!(play.give(Input::Text(r#"451-["b",{"_placeholder":true,"num":0}]"#)), "");
    assert_eq!(play.give(Input::Binary(&[1, 2, 3])), r#"event / b [{"_placeholder":true,"num":0}] +1"#);
    let data = vec![serde_json::json!({"x": {"$binary": "AQID"}})];
    let wanted = Wanted { namespace: "/".into(), event: "up".into(), data, ack: false, volatile: false };
    let text = play.give(Input::Emit(Arc::new(wanted)));
    assert!(text.ends_with(r#"send 451-["up",{"x":{"_placeholder":true,"num":0}}], send 3 bytes"#), "{text}");
}

#[test]
fn what_breaks_the_protocol_ends_the_connection_and_says_what() {
    for broken in ["9", "47", r#"42["a""#, "451-[\"a\",{\"_placeholder\":true,\"num\":0}]\u{0}", "0{}", "5", "3"] {
        let mut play = Play::direct(|_| ());
        let mut text = play.give(Input::Text(broken));
        if text.is_empty() {
            text = play.give(Input::Text("42[\"b\"]"));
        }
        assert!(text.ends_with("drop, OVER packet_invalid"), "{broken}: {text}");
    }
    let mut play = Play::direct(|_| ());
    assert!(play.give(Input::Binary(&[1])).ends_with("OVER packet_invalid"));
}

#[test]
fn what_is_no_engine_io_is_said_to_be_none() {
    for body in ["<html>", "", "hello", "{\"code\":0}"] {
        let mut play = Play::new(|profile| profile.reconnect.fallback = false);
        play.give(Input::Start);
        assert_eq!(play.got(body), "drop, OVER not_engine_io", "{body}");
    }
    let mut play = Play::new(|_| ());
    play.give(Input::Start);
    assert_eq!(play.got(r#"0{"upgrades":[]}"#), "drop, OVER packet_invalid");
}

#[test]
fn an_acknowledgement_that_does_not_come_is_said() {
    let mut play = Play::direct(|profile| profile.timeout = Duration::from_secs(4));
    let wanted = Wanted { namespace: "/".into(), event: "a".into(), data: vec![], ack: true, volatile: false };
    play.give(Input::Emit(Arc::new(wanted)));
    assert_eq!(play.sleep(Duration::from_secs(4)), "ack_missing / a #0 []");
    // Late, it is still shown, and nothing is measured by it.
    assert_eq!(play.give(Input::Text("430[]")), "ack /  #0 []");
}

#[test]
fn a_session_is_recovered_by_its_pid_and_last_offset_and_emits_only_anew() {
    let mut play = Play::direct(|profile| {
        let data = vec![JsonSetting::Value("room-1".into())];
        profile.socketio.emit = vec![Emit { namespace: "/".into(), event: "join".into(), data }];
    });
    play.client.forget();
    play.give(Input::Start);
    play.give(Input::Opened);
    play.give(Input::Text(OPEN));
    let text = play.give(Input::Text(r#"40{"sid":"s1","pid":"p1"}"#));
    assert!(text.contains(r#"send 42["join","room-1"]"#), "{text}");
    play.give(Input::Text(r#"42["news",1,"off-7"]"#));
    play.give(cut());
    play.give(Input::Start);
    play.give(Input::Opened);
    assert!(play.give(Input::Text(OPEN)).ends_with(r#"send 40{"pid":"p1","offset":"off-7"}"#));
    assert_eq!(play.give(Input::Text(r#"40{"sid":"s1","pid":"p1"}"#)), "/ joined recovered, UP");
}

#[test]
fn an_expected_event_has_to_come() {
    let expects = |profile: &mut Profile| {
        profile.socketio.expect = vec![ExpectEvent { namespace: "/".into(), event: "ready".into() }];
    };
    let mut play = Play::direct(expects);
    assert!(!play.client.has_what_it_expects());
    assert_eq!(play.sleep(Duration::from_secs(10)), "drop, OVER expected_message_missing");
    let mut play = Play::direct(expects);
    play.give(Input::Text(r#"42["ready"]"#));
    assert!(play.client.has_what_it_expects());
}

#[test]
fn leaving_says_so_to_every_namespace() {
    let mut play = Play::direct(|_| ());
    assert_eq!(play.give(Input::Close), "/ left, send 41, leave");
    let mut play = Play::up(|_| ());
    assert_eq!(play.give(Input::Close), "/ left, POST 4/polling/abc 41, leave");
}

#[test]
fn a_payload_is_no_larger_than_the_server_takes() {
    let mut play = Play::new(|profile| profile.socketio.transports = vec![Transport::Polling]);
    play.give(Input::Start);
    play.got(&OPEN.replace("1000000", "60"));
    play.posted();
    play.got(GRANT);
    let wanted = |event: &str| {
        Arc::new(Wanted {
            namespace: "/".into(),
            event: event.into(),
            data: vec!["x".repeat(20).into()],
            ack: false,
            volatile: false,
        })
    };
    assert!(play.give(Input::Emit(wanted("a"))).contains("POST"));
    assert!(!play.give(Input::Emit(wanted("b"))).contains("POST"));
    assert!(!play.give(Input::Emit(wanted("c"))).contains("POST"));
    assert!(play.posted().ends_with(r#"42["b","xxxxxxxxxxxxxxxxxxxx"]"#));
    assert!(play.posted().ends_with(r#"42["c","xxxxxxxxxxxxxxxxxxxx"]"#));
}

proptest::proptest! {
    #[test]
    fn no_server_breaks_the_client(
        revision in 3_u8..=4,
        script in proptest::collection::vec(("[0-6b]?[0-6]?.{0,12}|42\\[\"a\"\\]|40\\{\"sid\":\"s\"\\}|3probe", 0_u8..7), 0..24),
    ) {
        let mut play = Play::new(|profile| profile.socketio.protocol = Some(revision));
        play.give(Input::Start);
        play.got(OPEN);
        let mut overs = 0;
        for (text, how) in &script {
            let told = match how {
                0 | 1 => play.got(text),
                2 => play.give(Input::Text(text)),
                3 => play.give(Input::Binary(text.as_bytes())),
                4 => play.give(Input::Opened),
                5 => play.posted(),
                _ => { play.pass(3); play.give(Input::Tick) }
            };
            overs += told.matches("OVER").count();
        }
        proptest::prop_assert!(overs <= 1);
    }
}
