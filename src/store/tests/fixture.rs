//! Events of every kind, and a writer on a channel to give them to.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use url::Url;

use crate::base::{Clock, ProfileId, Wall};
use crate::profile::Kind;
use crate::profile::model::Transport;
use crate::store::*;
use crate::watch::{
    AuditFinding, Audited, CheckReport, CloseFacts, ClosedBy, Code, Event, EventBody, LetIn, Message, MessageKind,
    NamespaceChange, Outcome, PolicyChange, PongBy, ProfileChange, Reason, ScriptClose, Severity, SignInStep, State,
    Stuck, TransportStep,
};
use crate::wire::{
    Attempt, CertFacts, Direction, Exchange, Frame, Headers, HttpVersion, NetError, Opcode, Phase, Phases, Purpose,
    TlsFacts, WireRequest, WireResponse,
};

pub(super) const SECOND: i64 = 1_000_000;
pub(super) const ID: ProfileId = ProfileId(1);

pub(super) fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

pub(super) fn phases() -> Phases {
    Phases { dns: Some(ms(1)), connect: Some(ms(2)), first_byte: Some(ms(3)), total: Some(ms(7)), ..Phases::default() }
}

pub(in crate::store) fn exchange(result: Result<WireResponse, NetError>) -> Exchange {
    let mut headers = Headers::new();
    headers.push("Origin", "https://app.test");
    headers.push("X-Bytes", b"\xff\x00");
    Exchange {
        request: WireRequest {
            purpose: Purpose::Preflight,
            method: "OPTIONS".into(),
            url: Url::parse("https://api.test/x?y=1").unwrap(),
            headers,
            body: "body".into(),
        },
        result,
        phases: phases(),
        peer: Some("[::1]:443".parse().unwrap()),
        tried: vec![Attempt {
            address: "127.0.0.1:443".parse().unwrap(),
            took: ms(5),
            error: Some(NetError::ConnectionReset { phase: Phase::Tls }),
        }],
        tls: Some(TlsFacts {
            version: Some("TLSv1.3".into()),
            cipher: None,
            alpn: Some("h2".into()),
            chain: vec![CertFacts {
                subject: "CN=a".into(),
                issuer: "CN=b".into(),
                names: vec!["a.test".into()],
                not_before: Wall(-5),
                not_after: Wall(5),
                self_signed: false,
                sha256: "00ff".into(),
            }],
        }),
        proxy: Some("http://proxy.test:3128".into()),
    }
}

pub(in crate::store) fn response() -> WireResponse {
    WireResponse {
        version: HttpVersion::H2,
        status: 403,
        reason: String::new(),
        headers: [("Vary", "Origin"), ("vary", "x")].into_iter().collect(),
        body: vec![b'{', 0xff].into(),
        body_size: 900,
        transfer: crate::wire::Transfer::plain(900),
    }
}

pub(super) fn close() -> CloseFacts {
    CloseFacts {
        code: Some(1008),
        reason: "policy \"x\"".into(),
        by: ClosedBy::Server,
        script: ScriptClose { code: 1006, reason: "".into(), clean: false },
    }
}

pub(in crate::store) fn reason() -> Reason {
    Reason::new(Code::AllowOriginMismatch).with_status(403).with_close(1008).with_detail("https://other.test")
}

pub(super) fn report(outcome: Outcome, took: u64) -> CheckReport {
    CheckReport {
        outcome,
        state: if outcome == Outcome::Down { State::CorsError } else { State::Connected },
        reason: (outcome == Outcome::Down).then(reason),
        scheduled: Wall(12),
        lateness: ms(1),
        phases: Phases { total: Some(ms(took)), ..phases() },
        status: Some(403),
        exchanges: vec![Arc::new(exchange(Ok(response()))), Arc::new(exchange(Err(NetError::Os { errno: 5 })))],
        preflighted: true,
        console: Some("Access to fetch at …".into()),
        close: Some(close()),
        steps: Vec::new(),
        further: Vec::new(),
    }
}

pub(in crate::store) fn frame(text: &str) -> EventBody {
    EventBody::Frame(Frame {
        direction: Direction::In,
        opcode: Opcode::Text,
        size: 9_000,
        payload: text.as_bytes().into(),
        heartbeat: true,
    })
}

pub(in crate::store) fn message(event: &str, data: &str) -> Message {
    Message {
        direction: Direction::In,
        kind: MessageKind::Event,
        namespace: "/".into(),
        event: event.into(),
        data: data.into(),
        size: data.len() as u64,
        attachments: 0,
        id: None,
        took: None,
        room: None,
        user: None,
        sid: None,
    }
}

/// What only a Socket.IO session says, in every form.
fn socketio_bodies() -> Vec<EventBody> {
    let on = |transport, step| EventBody::Transport { transport, step };
    let opened = |max_payload| TransportStep::Opened {
        revision: 4,
        upgradable: true,
        ping_interval: ms(25_000),
        ping_timeout: ms(20_000),
        max_payload,
        took: Duration::from_micros(12_345),
    };
    let change = |change| EventBody::Namespace { namespace: "/admin".into(), change };
    let sign_in =
        |step, exchange: Option<Exchange>, reason| EventBody::SignIn { step, exchange: exchange.map(Arc::new), reason };
    let mut bodies = vec![
        on(Transport::Polling, opened(Some(1_000_000))),
        on(Transport::WebSocket, opened(None)),
        on(Transport::WebSocket, TransportStep::Probing),
        on(Transport::WebSocket, TransportStep::Upgraded { took: ms(31) }),
        on(Transport::Polling, TransportStep::FellBack { from: Transport::WebSocket, reason: reason() }),
        change(NamespaceChange::Joined { sid: Some("x7Yk".into()), took: ms(3), recovered: true }),
        change(NamespaceChange::Joined { sid: None, took: ms(3), recovered: false }),
        change(NamespaceChange::Refused { reason: reason(), data: r#"{"message":"not \"you\""}"#.into() }),
        change(NamespaceChange::Left { by: ClosedBy::Server }),
        EventBody::Message(Arc::new(message("chat", r#"["héllo"]"#))),
        EventBody::Message(Arc::new(Message {
            direction: Direction::Out,
            attachments: 2,
            id: Some(u64::MAX),
            took: Some(ms(12)),
            room: Some("lobby".into()),
            user: Some("ann".into()),
            sid: Some("x7Yk".into()),
            ..message("chat", "[")
        })),
        EventBody::Heartbeat { gap: ms(25_010), limit: ms(45_000) },
    ];
    bodies.extend(Stuck::ALL.map(|why| on(Transport::Polling, TransportStep::Stuck { why, reason: Some(reason()) })));
    bodies.push(on(Transport::Polling, TransportStep::Stuck { why: Stuck::NotOffered, reason: None }));
    bodies.extend(PongBy::ALL.map(|by| EventBody::Pong { rtt: ms(1), by }));
    bodies.extend(SignInStep::ALL.map(|step| sign_in(step, None, None)));
    bodies.push(sign_in(SignInStep::Submitted, Some(exchange(Ok(response()))), Some(reason())));
    bodies.extend(MessageKind::ALL.map(|kind| EventBody::Message(Arc::new(Message { kind, ..message("", "[]") }))));
    bodies
}

pub(super) fn state(from: State, to: State) -> EventBody {
    EventBody::State { from, to, reason: Some(reason()), attempt: 3 }
}

pub(super) fn audited() -> Audited {
    let let_in = |origin: Option<&str>| LetIn {
        way: "websocket".into(),
        origin: origin.map(Into::into),
        as_the_person: origin.is_some(),
    };
    let finding =
        |id: &str, severity, of_origin| AuditFinding { id: id.into(), severity, text: "é".into(), of_origin };
    Audited {
        of: "wss://api.test/ws from https://a.test".into(),
        findings: vec![
            finding("origin-not-validated", Severity::High, true),
            finding("vary-origin-missing", Severity::Low, false),
        ],
        let_in: vec![let_in(Some("https://evil.test")), let_in(None)],
        changed: Some(PolicyChange { opened: vec!["now also x".into()], closed: vec!["no longer y".into()] }),
    }
}

/// At least one of each kind.
pub(super) fn every_body() -> Vec<EventBody> {
    vec![
        EventBody::Started { version: "1.2".into() },
        EventBody::Profile { change: ProfileChange::Changed, name: "Sales chat".into() },
        EventBody::Check(Arc::new(report(Outcome::Down, 9))),
        EventBody::Check(Arc::new(CheckReport { reason: None, ..report(Outcome::Up, 9) })),
        state(State::Connecting, State::CorsError),
        EventBody::State { from: State::Connected, to: State::Connected, reason: None, attempt: 0 },
        EventBody::Attempt { attempt: 7 },
        EventBody::Handshake {
            attempt: 2,
            exchange: Arc::new(exchange(Ok(response()))),
            reason: Some(Reason::new(Code::HandshakeStatus).with_status(403)),
            protocol: Some("chat".into()),
        },
        EventBody::Handshake {
            attempt: 1,
            exchange: Arc::new(exchange(Err(NetError::Timeout { phase: Phase::FirstByte, after: ms(10) }))),
            reason: None,
            protocol: None,
        },
        EventBody::Retry { attempt: 4, wait: ms(800), until: Wall(77) },
        frame("héllo"),
        EventBody::Frame(Frame {
            direction: Direction::Out,
            opcode: Opcode::Pong,
            size: 2,
            payload: [0xff, 0].into(),
            heartbeat: false,
        }),
        EventBody::Pong { rtt: Duration::from_micros(345), by: PongBy::Frame },
        EventBody::Closed { facts: close(), open_for: ms(60_000) },
        EventBody::Closed { facts: CloseFacts { code: None, by: ClosedBy::Network, ..close() }, open_for: ms(0) },
        EventBody::IncidentOpened { reason: Some(reason()), failures: 3 },
        EventBody::IncidentOpened { reason: None, failures: 3 },
        EventBody::IncidentClosed { lasted: ms(5) },
        EventBody::Notified { way: "desktop".into(), problem: Some("no bus".into()) },
        EventBody::Notified { way: "webhook".into(), problem: None },
        EventBody::Audited(Arc::new(audited())),
        EventBody::Audited(Arc::default()),
        EventBody::Offline { phase: Some(Phase::Dns), affected: 12 },
        EventBody::Offline { phase: None, affected: 1 },
        EventBody::Online { after: ms(9) },
        EventBody::Woke { slept: ms(3_600_000) },
        EventBody::NetworkChanged,
        EventBody::Recording { on: false, problem: Some("disk full".into()) },
        EventBody::Recording { on: true, problem: None },
        EventBody::Lost { consumer: "window".into(), count: u64::from(u32::MAX) + 1 },
        EventBody::Panicked { task: "probe 3".into(), message: "index out of bounds".into() },
        EventBody::Stopped,
    ]
    .into_iter()
    .chain(socketio_bodies())
    .collect()
}

/// A writer on a channel.
pub(super) struct Rig {
    pub folder: tempfile::TempDir,
    pub events: Option<SyncSender<Arc<Event>>>,
    pub writer: Option<Writer>,
    pub changes: Arc<Mutex<Vec<HealthChange>>>,
    pub next: u64,
}

pub(super) fn source(
    events: Receiver<Arc<Event>>,
) -> impl FnMut(Duration) -> Result<Option<Arc<Event>>, Gone> + Send + 'static {
    move |wait| match events.recv_timeout(wait) {
        Ok(event) => Ok(Some(event)),
        Err(RecvTimeoutError::Timeout) => Ok(None),
        Err(RecvTimeoutError::Disconnected) => Err(Gone),
    }
}

impl Rig {
    pub(super) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(super) fn with(change: impl FnOnce(&mut Config)) -> Self {
        let mut rig =
            Self { folder: tempfile::tempdir().unwrap(), events: None, writer: None, changes: Arc::default(), next: 1 };
        rig.start(change);
        rig
    }

    pub(super) fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("data").join("history.sqlite3")
    }

    pub(super) fn start(&mut self, change: impl FnOnce(&mut Config)) {
        let mut config = Config::new(self.path());
        // Times in these tests are near 1970, and nothing of it is to go for its age.
        config.retention = Retention { events: FOREVER, five_minutes: FOREVER, hours: FOREVER, max_bytes: u64::MAX };
        change(&mut config);
        let store = Store::open(config, Clock).unwrap();
        self.next = store.last_seq() + 1;
        let (to, from) = sync_channel(100_000);
        let changes = Arc::clone(&self.changes);
        let writer = store.start(source(from), move |change| changes.lock().unwrap().push(change)).unwrap();
        writer.know(Named { id: ID, key: "chat".into(), name: "Sales chat".into(), kind: Kind::Http });
        self.events = Some(to);
        self.writer = Some(writer);
    }

    pub(super) fn send_of(&mut self, at: Wall, profile: Option<ProfileId>, body: EventBody) -> Arc<Event> {
        let event = Arc::new(Event { seq: self.next, at, profile, body });
        self.next += 1;
        self.events.as_ref().unwrap().send(Arc::clone(&event)).unwrap();
        event
    }

    pub(super) fn send(&mut self, at_s: i64, body: EventBody) -> Arc<Event> {
        self.send_of(Wall(at_s * SECOND), Some(ID), body)
    }

    /// Ends the writer, all written.
    pub(super) fn stop(&mut self) {
        self.events = None;
        if let Some(writer) = self.writer.take() {
            writer.join();
        }
    }

    pub(super) fn reader(&mut self) -> Reader {
        self.stop();
        Reader::open(&self.path()).unwrap()
    }

    /// Waits, on the writer's own word, until `seq` is on disk.
    pub(super) fn acknowledged(&self, seq: u64) {
        let status = self.writer.as_ref().unwrap().status();
        wait_until(|| seq <= status.acknowledged());
    }
}

pub(super) const FOREVER: Duration = Duration::from_secs(u32::MAX as u64 * 100);

/// Waits for what another thread is about to bring about.
#[track_caller]
pub(super) fn wait_until(condition: impl Fn() -> bool) {
    for _ in 0..4_000 {
        if condition() {
            return;
        }
        std::thread::park_timeout(Duration::from_millis(5));
    }
    panic!("it did not come about within 20 s");
}

pub(super) fn all(reader: &Reader, filter: &Filter) -> Vec<Event> {
    let (mut events, mut after) = (Vec::new(), None);
    loop {
        let page = reader.page(filter, after, 3).unwrap();
        assert_eq!(page.unreadable, 0);
        events.extend(page.events);
        after = page.next;
        if after.is_none() {
            return events;
        }
    }
}

/// A profile that is checked once in ten seconds for an hour, every tenth check failing for CORS.
pub(super) fn an_hour(rig: &mut Rig) {
    rig.send_of(Wall(0), None, EventBody::Started { version: "1".into() });
    rig.send(0, state(State::Disconnected, State::Connected));
    for index in 0..360 {
        let outcome = if index % 10 == 9 { Outcome::Down } else { Outcome::Up };
        rig.send(index * 10, EventBody::Check(Arc::new(report(outcome, 10 + index.unsigned_abs()))));
        if index % 10 == 9 {
            rig.send(index * 10 + 1, state(State::Connected, State::CorsError));
            rig.send(index * 10 + 2, EventBody::Attempt { attempt: 1 });
            rig.send(index * 10 + 3, state(State::CorsError, State::Connected));
        }
    }
}
