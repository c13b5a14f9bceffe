//! The detail side as its accessible names tell it.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use egui::{Event as Input, Modifiers, PointerButton, Pos2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use jiff::tz::TimeZone;

use super::*;
use crate::base::{ProfileId, Wall};
use crate::model::Live;
use crate::profile::model::Transport;
use crate::profile::{Kind, Profile};
use crate::watch::{
    CheckReport, Code, Event, EventBody, Message, MessageKind, NamespaceChange, Outcome, PongBy, Reason, State, Stuck,
    TransportStep, Wanted,
};
use crate::window::testing::{broken, harness};
use crate::window::theme::Look;
use crate::wire::{
    Direction, Exchange, Frame as WireFrame, HttpVersion, Opcode, Phases, Purpose, WireRequest, WireResponse,
};

const ID: ProfileId = ProfileId(1);
/// 2023-11-14 22:13:20 UTC.
const NOW: Wall = Wall(1_700_000_000_000_000);

fn ago(secs: u64) -> Wall {
    NOW.minus(Duration::from_secs(secs))
}

fn empty(kind: Kind) -> Live {
    let mut live = Live::new();
    let url = if kind == Kind::WebSocket { "wss://api.test/ws/" } else { "https://api.test/v1/" };
    let mut profile = Profile::new("Sales chat", kind, url.parse().unwrap());
    profile.page = Some("https://example.com/".parse().unwrap());
    live.set_profile(ID, Arc::new(profile));
    live
}

fn add(live: &mut Live, at: Wall, body: EventBody) {
    let seq = live.last_seq() + 1;
    live.apply(&Arc::new(Event { seq, at, profile: Some(ID), body }));
}

fn check(outcome: Outcome, ms: u64) -> EventBody {
    let took = |ms| Some(Duration::from_millis(ms));
    let phases =
        Phases { connect: took(1), tls: took(2), first_byte: took(ms - 3), total: took(ms), ..Phases::default() };
    let down = outcome == Outcome::Down;
    let status = if down { 502 } else { 200 };
    let exchange = Exchange {
        request: WireRequest {
            purpose: Purpose::Actual,
            method: "GET".into(),
            url: "https://api.test/v1/".parse().unwrap(),
            headers: [("Host", "api.test"), ("Origin", "https://example.com")].into_iter().collect(),
            body: bytes::Bytes::new(),
        },
        result: Ok(WireResponse {
            version: HttpVersion::Http11,
            status,
            reason: "Bad Gateway".into(),
            headers: [("Server", "nginx")].into_iter().collect(),
            body: bytes::Bytes::from_static(b"bad gateway"),
            body_size: 11,
            transfer: crate::wire::Transfer::plain(11),
        }),
        phases,
        peer: None,
        tried: Vec::new(),
        tls: None,
        proxy: None,
    };
    EventBody::Check(Arc::new(CheckReport {
        outcome,
        state: if down { State::CorsError } else { State::Connected },
        reason: down.then(|| Reason::new(Code::MissingAllowOriginHeader).with_status(502)),
        scheduled: NOW,
        lateness: Duration::ZERO,
        phases,
        status: Some(status),
        exchanges: vec![Arc::new(exchange)],
        preflighted: false,
        console: None,
        close: None,
        steps: Vec::new(),
        further: Vec::new(),
    }))
}

/// An hour of checks, the last six of them refused.
fn http() -> Live {
    let mut live = empty(Kind::Http);
    let entered = |from, to, reason| EventBody::State { from, to, reason, attempt: 0 };
    add(&mut live, ago(3_500), entered(State::Connecting, State::Connected, None));
    for n in 0..110 {
        add(&mut live, ago(3_480 - n * 30), check(Outcome::Up, 30 + n % 10));
    }
    let reason = Some(Reason::new(Code::MissingAllowOriginHeader).with_status(502));
    add(&mut live, ago(170), entered(State::Connected, State::CorsError, reason));
    for n in 0..6 {
        add(&mut live, ago(170 - n * 28), check(Outcome::Down, 20));
    }
    live
}

/// An open session that has had some frames.
fn session() -> Live {
    let mut live = empty(Kind::WebSocket);
    add(
        &mut live,
        ago(600),
        EventBody::State { from: State::Connecting, to: State::Connected, reason: None, attempt: 0 },
    );
    for n in 0..20 {
        add(&mut live, ago(590 - n * 15), EventBody::Pong { rtt: Duration::from_millis(4 + n % 3), by: PongBy::Frame });
    }
    for (direction, payload, heartbeat) in
        [(Direction::Out, "{\"type\":\"hello\"}", false), (Direction::In, "{\"type\":\"ping\"}", true)]
    {
        add(
            &mut live,
            ago(60),
            EventBody::Frame(WireFrame {
                direction,
                opcode: Opcode::Text,
                size: payload.len() as u64,
                payload: payload.as_bytes().into(),
                heartbeat,
            }),
        );
    }
    live
}

fn message(direction: Direction, kind: MessageKind, namespace: &str, event: &str, data: &str) -> EventBody {
    EventBody::Message(Arc::new(Message {
        direction,
        kind,
        namespace: namespace.into(),
        event: event.into(),
        data: data.into(),
        size: data.len() as u64,
        attachments: 0,
        id: (event == "chat").then_some(7),
        took: (kind == MessageKind::Ack).then(|| Duration::from_millis(12)),
        room: None,
        user: None,
        sid: Some("x7Yk".into()),
    }))
}

/// A Socket.IO session that stays on polling, one of its namespaces refused.
fn socketio() -> Live {
    let mut live = Live::new();
    let mut profile = Profile::new("Sales chat", Kind::SocketIo, "https://api.test/".parse().unwrap());
    profile.socketio.namespaces = vec!["/".into(), "/admin".into()];
    live.set_profile(ID, Arc::new(profile));
    let on = |step| EventBody::Transport { transport: Transport::Polling, step };
    let namespace = |name: &str, change| EventBody::Namespace { namespace: name.into(), change };
    let took = Duration::from_millis(9);
    let refused = Reason::new(Code::AuthRequired);
    let bodies = [
        EventBody::State { from: State::Connecting, to: State::Connected, reason: None, attempt: 0 },
        on(TransportStep::Opened {
            revision: 4,
            upgradable: true,
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(20),
            max_payload: None,
            took,
        }),
        on(TransportStep::Stuck {
            why: Stuck::Refused,
            reason: Some(Reason::new(Code::HandshakeStatus).with_status(400)),
        }),
        namespace("/", NamespaceChange::Joined { sid: Some("x7Yk".into()), took, recovered: false }),
        namespace("/admin", NamespaceChange::Refused { reason: refused, data: "{\"message\":\"no\"}".into() }),
        message(Direction::In, MessageKind::Event, "/", "news", "[{\"a\":1}]"),
        message(Direction::In, MessageKind::Event, "/admin", "audit", "[]"),
    ];
    for (index, body) in bodies.into_iter().enumerate() {
        add(&mut live, ago(300 - index as u64), body);
    }
    for n in 0..10 {
        let gap = Duration::from_millis(25_000 + n);
        add(&mut live, ago(250 - n * 25), EventBody::Heartbeat { gap, limit: Duration::from_secs(45) });
    }
    live
}

/// A window on that picture; wishes that are the detail side's own are granted, the others kept.
struct Shown {
    wishes: RefCell<Vec<Action>>,
    state: RefCell<DetailState>,
    live: RefCell<Live>,
}

impl Shown {
    fn new(live: Live) -> Self {
        let state = DetailState::new(TimeZone::UTC).without_history();
        Self { wishes: RefCell::default(), state: RefCell::new(state), live: RefCell::new(live) }
    }

    fn harness(&self) -> Harness<'_> {
        let theme = Theme::new(Look::Dark);
        let mut harness = harness(1000.0, 900.0, Look::Dark, move |ui| {
            let mut state = self.state.borrow_mut();
            state.refresh(&self.live.borrow(), Some(ID), NOW);
            let mut profile_tab = |ui: &mut Ui| {
                ui.label("The editor");
                None
            };
            let mut ctx = DetailCtx { theme: &theme, aside: None, profile_tab: &mut profile_tab };
            if let Some(wish) = super::ui(ui, &mut state, &mut ctx)
                && !state.act(&wish)
            {
                self.wishes.borrow_mut().push(wish);
            }
        });
        harness.run();
        harness
    }

    #[track_caller]
    fn wished(&self, expected: &[Action]) {
        assert_eq!(self.wishes.borrow().as_slice(), expected);
    }
}

/// Clicks at that place, each within one frame's time.
fn clicks(harness: &mut Harness<'_>, pos: Pos2, count: usize) {
    harness.event(Input::PointerMoved(pos));
    harness.run();
    for _ in 0..count {
        for pressed in [true, false] {
            let modifiers = Modifiers::NONE;
            harness.event(Input::PointerButton { pos, button: PointerButton::Primary, pressed, modifiers });
        }
        harness.step();
    }
    harness.run();
}

#[test]
fn a_good_state_that_depends_on_a_persons_leave_says_so_in_the_head_and_in_the_last_check() {
    let mut live = empty(Kind::Http);
    let EventBody::Check(mut report) = check(Outcome::Up, 20) else { panic!("a check") };
    let exchange = Arc::get_mut(&mut Arc::get_mut(&mut report).unwrap().exchanges[0]).unwrap();
    exchange.peer = Some("192.168.1.2:443".parse().unwrap());
    let connected = EventBody::State { from: State::Connecting, to: State::Connected, reason: None, attempt: 0 };
    add(&mut live, ago(60), connected);
    add(&mut live, ago(60), EventBody::Check(report));
    let shown = Shown::new(live);
    shown.state.borrow_mut().tab = Tab::LastCheck;
    let harness = shown.harness();
    let leave = "Chrome asks the person whether https://example.com may reach the local network, and sends nothing until \
                 they allow it";
    harness.get_by_label(&format!("If the page is served from the internet, {leave}."));
    harness.get_by_label("Local network");
    harness.get_by_label(&format!("If the page is served from the internet, {leave}"));
    harness.get_by_label("Not known here");
}

#[test]
fn the_plots_say_what_they_show_and_idle_asks_for_no_frame() {
    let shown = Shown::new(http());
    let harness = shown.harness();
    harness.get_by_label("latency of Sales chat, last hour: median 34 ms, p95 39 ms, 6 failures since 22:10");
    harness.get_by_label(
        "state of Sales chat, last hour: Connected 95.1 %, CORS error 4.8 %; last CORS error since 22:10",
    );
    harness.get_by_label("reconnect attempts of Sales chat, last hour: none");
    harness.get_by_label("CORS failures of Sales chat, last hour: 6");
    harness.get_by_label("Sales chat: CORS error, since 22:10:30 (2 min)");
}

#[test]
fn why_stands_there_only_when_something_is_wrong() {
    let wrong = Shown::new(http());
    let mut harness = wrong.harness();
    harness.get_by_label_contains("Why: api.test answered 502 Bad Gateway");
    harness.get_by_label("How to mend it, and what else it may be").click();
    harness.run();
    harness.get_by_label_contains("It may also be:");
    let well = Shown::new(session());
    assert!(well.harness().query_by_label_contains("Why:").is_none());
}

#[test]
fn the_buttons_are_wishes() {
    let shown = Shown::new(http());
    let mut harness = shown.harness();
    harness.get_by_label("Check now").click();
    harness.run();
    harness.get_by_label("Pause").click();
    harness.run();
    shown.wished(&[Action::CheckNow(ID), Action::Pause(ID)]);
}

#[test]
fn a_sessions_menu_offers_reconnect_disconnect_and_pause() {
    let shown = Shown::new(session());
    let mut harness = shown.harness();
    harness.get_by_label("Reconnect, disconnect, pause").click();
    harness.run();
    harness.get_by_label("Drop and reconnect now").click();
    harness.run();
    shown.wished(&[Action::Reconnect(ID)]);
}

#[test]
fn chips_change_the_range_and_freezing_says_so() {
    let shown = Shown::new(http());
    let mut harness = shown.harness();
    harness.get_by_label("6h").click();
    harness.run();
    harness.get_by_label_contains("latency of Sales chat, last 6 hours");
    harness.get_by_label("Pinned to now").click();
    harness.run();
    harness.get_by_label_contains("Frozen at 22:1");
}

#[test]
fn a_drag_zooms_and_a_double_click_goes_back() {
    let shown = Shown::new(http());
    let mut harness = shown.harness();
    let plot = harness.get_by_label_contains("latency of Sales chat").rect();
    let at = |share: f32| Pos2::new(plot.left() + plot.width() * share, plot.center().y);
    let press = |harness: &mut Harness<'_>, pos: Pos2, pressed: bool| {
        harness.event(Input::PointerMoved(pos));
        harness.event(Input::PointerButton {
            pos,
            button: PointerButton::Primary,
            pressed,
            modifiers: Modifiers::NONE,
        });
        harness.run();
    };
    press(&mut harness, at(0.25), true);
    harness.event(Input::PointerMoved(at(0.5)));
    harness.run();
    press(&mut harness, at(0.75), false);
    let length = shown.state.borrow().view.length().as_secs();
    assert!((1_790..=1_810).contains(&length), "half of the hour is on view: {length} s");
    // The harness makes a quarter of a second pass with each event.
    harness.ctx.options_mut(|options| options.input_options.max_double_click_delay = 5.0);
    clicks(&mut harness, at(0.5), 2);
    assert_eq!(shown.state.borrow().zoomed(), 0);
}

#[test]
fn a_click_in_the_plots_opens_the_events_of_that_instant() {
    let shown = Shown::new(http());
    shown.state.borrow_mut().tab = Tab::Profile;
    let mut harness = shown.harness();
    harness.get_by_label("The editor");
    let plot = harness.get_by_label_contains("CORS failures of").rect();
    let pos = Pos2::new(plot.right() - plot.width() * 170.0 / 3_600.0, plot.center().y);
    clicks(&mut harness, pos, 1);
    assert_eq!(shown.state.borrow().tab, Tab::Events);
    assert!(shown.state.borrow().instant.is_some());
    harness.get_by_label("Close the row");
}

#[test]
fn the_events_filter_narrows_the_rows() {
    let shown = Shown::new(http());
    shown.state.borrow_mut().events.typed = "kind:state".into();
    let harness = shown.harness();
    harness.get_by_label("2 of 118 rows");
    harness.get_by_label("CORS error, was connected");
    harness.get_by_label("Filter events");
}

#[test]
fn frames_hide_heartbeats_until_asked_and_open_as_json() {
    let shown = Shown::new(session());
    shown.state.borrow_mut().tab = Tab::Frames;
    let mut harness = shown.harness();
    harness.get_by_label("1 of 2 rows");
    harness.get_by_label("Hide heartbeats").click();
    harness.run();
    harness.get_by_label("2 rows");
    harness.get_by_label("{\"type\":\"ping\"}").click();
    harness.run();
    harness.get_by_label("{\n  \"type\": \"ping\"\n}");
}

#[test]
fn a_typed_message_is_sent() {
    let shown = Shown::new(session());
    shown.state.borrow_mut().tab = Tab::Frames;
    let mut harness = shown.harness();
    shown.state.borrow_mut().composer.text = "hello".into();
    harness.run();
    harness.get_by_label("Message to send");
    harness.get_by_label("Send").click();
    harness.run();
    shown.wished(&[Action::SendText { id: ID, text: "hello".into() }]);
    assert!(shown.state.borrow().composer.text.is_empty());
}

#[test]
fn the_last_check_shows_its_phases_and_copies_as_curl() {
    let shown = Shown::new(http());
    shown.state.borrow_mut().tab = Tab::LastCheck;
    let mut harness = shown.harness();
    harness.get_by_label("First byte: 17 ms, from 3.0 ms");
    harness.get_by_label_contains("HTTP/1.1 502 Bad Gateway");
    harness.get_by_label("Copy as curl").click();
    harness.run();
    shown.wished(&[Action::Copy("curl -i https://api.test/v1/ -H 'Origin: https://example.com'".into())]);
}

#[test]
fn a_broken_file_shows_its_mistakes() {
    let shown = Shown::new(broken(ID));
    let harness = shown.harness();
    harness.get_by_label("Why: The profile's file has 1 mistake.");
    harness.get_by_label("chat.toml:3: unknown key `pagee` (did you mean `page`?)");
    harness.get_by_label("Mend the file…");
}

#[test]
fn the_head_of_a_socketio_session_says_its_transport_and_its_namespaces() {
    let shown = Shown::new(socketio());
    let harness = shown.harness();
    harness.get_by_label("On polling: the upgrade was refused with 400; 2 received, 0 sent");
    harness.get_by_label("namespace /: joined");
    harness.get_by_label("namespace /admin: refused: sign-in required");
    harness.get_by_label("heartbeats of Sales chat, last hour: longest gap 25 s of at most 45 s");
}

#[test]
fn the_messages_tab_is_there_for_socketio_alone() {
    let shown = Shown::new(http());
    shown.state.borrow_mut().tab = Tab::Messages;
    let harness = shown.harness();
    assert_eq!(shown.state.borrow().tab, Tab::Events);
    assert!(harness.query_by_label("Messages").is_none());
}

#[test]
fn messages_are_narrowed_by_namespace_and_open_as_json() {
    let shown = Shown::new(socketio());
    shown.state.borrow_mut().tab = Tab::Messages;
    let mut harness = shown.harness();
    harness.get_by_label("2 rows");
    shown.state.borrow_mut().messages.typed = "ns:/ event:news".into();
    harness.run();
    harness.get_by_label("1 of 2 rows");
    harness.get_by_label("[{\"a\":1}]").click();
    harness.run();
    harness.get_by_label("[\n  {\n    \"a\": 1\n  }\n]");
    harness.get_by_label("Copy").click();
    harness.run();
    shown.wished(&[Action::Copy("[\n  {\n    \"a\": 1\n  }\n]".into())]);
}

#[test]
fn an_event_is_composed_sent_and_its_acknowledgement_shown() {
    let shown = Shown::new(socketio());
    shown.state.borrow_mut().tab = Tab::Messages;
    let mut harness = shown.harness();
    harness.get_by_label("Event name");
    harness.get_by_label("Arguments as JSON");
    shown.state.borrow_mut().composer.event = "chat".into();
    shown.state.borrow_mut().composer.arguments = "{\"room\": }".into();
    harness.run();
    harness.get_by_label("The arguments are not JSON: expected value, line 1, column 10.");
    shown.state.borrow_mut().composer.arguments = "{\"room\": 1}".into();
    harness.run();
    harness.get_by_label("Send").click();
    harness.run();
    let data = vec![serde_json::json!({ "room": 1 })];
    let emit = Wanted { namespace: "/".into(), event: "chat".into(), data, ack: true, volatile: false };
    shown.wished(&[Action::Emit { id: ID, emit: Arc::new(emit) }]);
    let out = message(Direction::Out, MessageKind::Event, "/", "chat", "[{\"room\":1}]");
    let ack = message(Direction::In, MessageKind::Ack, "/", "chat", "[\"done\"]");
    for body in [out, ack] {
        add(&mut shown.live.borrow_mut(), ago(1), body);
    }
    harness.run();
    harness.get_by_label("chat was acknowledged after 12 ms:");
    harness.get_by_label("[\n  \"done\"\n]");
}
