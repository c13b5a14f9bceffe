//! Audits in the monitor. `[audit] every`: the first is the base line, later ones are compared with the last that the history
//! has, also across a restart; nothing is audited while it is down. A person's: nothing but the page's own check is sent before
//! it was agreed to, unless the host is this machine.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has to fail")]

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use wirewatch::engine::{Brought, Errand, Monitor, MonitorConfig, Profiles};
use wirewatch::model::Watched;
use wirewatch::profile::model::Resolve;
use wirewatch::profile::{Kind, Profile};
use wirewatch::store::{Filter, Reader};
use wirewatch::watch::{Audited, EventBody, Severity, State};

/// Far beyond what any test needs; only a failing one waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whom the server lets in.
const NOBODY: u8 = 0;
const EVERYBODY: u8 = 1;
const DOWN: u8 = 2;

/// A server of that policy, for as long as the test runs; it counts what it is asked.
fn serve(policy: Arc<AtomicU8>) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            count.fetch_add(1, Ordering::SeqCst);
            let policy = Arc::clone(&policy);
            std::thread::spawn(move || answer(&mut stream, policy.load(Ordering::SeqCst)));
        }
    });
    (port, asked)
}

/// The client may go before it has read: that is no fault of the test.
fn answer(stream: &mut TcpStream, policy: u8) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).ok()?;
    let origin = head.lines().find_map(|line| line.strip_prefix("Origin: ")).filter(|_| policy == EVERYBODY);
    let allow = origin.map(|origin| {
        format!("Access-Control-Allow-Origin: {origin}\r\nAccess-Control-Allow-Credentials: true\r\nVary: Origin\r\n")
    });
    let status = if policy == DOWN { "503 Service Unavailable" } else { "200 OK" };
    let text =
        format!("HTTP/1.1 {status}\r\n{}Content-Length: 0\r\nConnection: close\r\n\r\n", allow.unwrap_or_default());
    stream.write_all(text.as_bytes()).ok()
}

/// A monitor, and a bell that rings when its picture changed.
struct World {
    monitor: Monitor,
    rings: Receiver<()>,
}

impl World {
    fn start(port: u16, folder: &Path) -> Self {
        let url = format!("http://127.0.0.1:{port}/me").parse().unwrap();
        let mut profile = Profile::new("me", Kind::Http, url);
        profile.interval = Duration::from_millis(100);
        profile.audit.every = Some(Duration::from_secs(1));
        let (ring, rings) = sync_channel(1);
        let config = MonitorConfig {
            history: Some(folder.join("history.sqlite3")),
            // Where it is full it rings already.
            on_change: Box::new(move || {
                let _ = ring.try_send(());
            }),
            ..MonitorConfig::new(Profiles::Fixed(vec![profile]), Arc::new(|_: &[String]| Ok(HashMap::new())))
        };
        Self { monitor: Monitor::start(config).unwrap(), rings }
    }

    /// Waits until the profile is such.
    #[track_caller]
    fn until<T>(&self, what: &str, is_so: impl Fn(&Watched) -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        loop {
            let live = self.monitor.live().lock().unwrap();
            if let Some(found) = live.find("me").and_then(&is_so) {
                return found;
            }
            drop(live);
            let left = end.saturating_duration_since(Instant::now());
            assert!(self.rings.recv_timeout(left).is_ok(), "{what}: not in {PATIENCE:?}");
        }
    }

    /// Waits for an audit that is as wanted.
    #[track_caller]
    fn audited(&self, what: &str, is_so: impl Fn(&Audited) -> bool) -> Arc<Audited> {
        self.until(what, |row| row.last_audit.as_ref().map(|(_, last)| Arc::clone(last)).filter(|last| is_so(last)))
    }

    /// Ends it; what the history has of the run.
    fn end(self, folder: &Path) -> Vec<EventBody> {
        self.monitor.shutdown();
        let reader = Reader::open(&folder.join("history.sqlite3")).unwrap();
        let events = reader.page(&Filter::default(), None, 10_000).unwrap().events;
        let begun = events.iter().rposition(|event| matches!(event.body, EventBody::Started { .. })).unwrap();
        events[begun..].iter().map(|event| event.body.clone()).collect()
    }
}

/// All that changed, audit by audit.
fn phrases(events: &[EventBody]) -> Vec<String> {
    let changes = events.iter().filter_map(|body| match body {
        EventBody::Audited(audited) => audited.changed.as_ref(),
        _ => None,
    });
    changes.flat_map(|change| change.phrases().map(str::to_owned).collect::<Vec<_>>()).collect()
}

#[test]
fn a_policy_that_changes_is_an_event_also_across_a_restart() {
    let policy = Arc::new(AtomicU8::new(NOBODY));
    let ((port, _), folder) = (serve(Arc::clone(&policy)), tempfile::tempdir().unwrap());
    let world = World::start(port, folder.path());
    let first = world.audited("the base line", |_| true);
    assert_eq!((first.changed.as_ref(), first.let_in.len()), (None, 0), "{first:?}");

    policy.store(EVERYBODY, Ordering::SeqCst);
    let lets_in = |audited: &Audited, way| audited.let_in.iter().any(|one| &*one.way == way);
    let both = |audited: &Audited| lets_in(audited, "get") && lets_in(audited, "preflight");
    let open = world.audited("more is let in", both);
    let gravest = open.findings.first().map(|one| (&*one.id, one.severity));
    assert_eq!(gravest, Some(("reflects-any-origin-with-credentials", Severity::High)));
    world.audited("then it stays", |audited| audited.changed.is_none() && both(audited));
    let told = phrases(&world.end(folder.path()));
    // Where the policy changed while an audit ran, the ways are told one after the other.
    let opened = "now also lets in https://origin-check.invalid with the person's cookies (";
    assert!(told.iter().all(|one| one.starts_with("now also lets in ")), "{told:?}");
    assert!(told.iter().any(|one| one.starts_with(opened)), "{told:?}");

    policy.store(DOWN, Ordering::SeqCst);
    let world = World::start(port, folder.path());
    world.until("it fails", |row| (row.state == State::Error && row.last_audit.is_some()).then_some(()));
    policy.store(NOBODY, Ordering::SeqCst);
    world.audited("less is let in", |audited| audited.let_in.is_empty());
    let events = world.end(folder.path());
    let told = phrases(&events);
    let closed = "no longer lets in https://origin-check.invalid with the person's cookies (get, preflight)";
    assert!(told.iter().any(|one| one == closed), "{told:?}");
    // While it was down nothing was tried.
    let up = events.iter().position(|body| matches!(body, EventBody::State { to: State::Connected, .. })).unwrap();
    assert!(!events[..up].iter().any(|body| matches!(body, EventBody::Audited(_))));
}

/// What an audit of that host brings, a word each, and how often the server was asked for it.
fn errand(host: &str, agreed: bool) -> (Vec<String>, usize) {
    let (port, asked) = serve(Arc::new(AtomicU8::new(EVERYBODY)));
    let mut profile = Profile::new("me", Kind::Http, format!("http://{host}:{port}/me").parse().unwrap());
    profile.network.resolve = vec![Resolve { host: None, port: None, addresses: vec!["127.0.0.1".parse().unwrap()] }];
    let secrets = Arc::new(|_: &[String]| Ok(HashMap::new()));
    let monitor = Monitor::start(MonitorConfig::new(Profiles::Fixed(Vec::new()), secrets)).unwrap();
    let (ring, rings) = sync_channel(1);
    let wake = move || {
        let _ = ring.try_send(());
    };
    let mut underway = monitor.errand(Errand::Audit { profile: Arc::new(profile), agreed }, wake).unwrap();
    let mut told: Vec<String> = Vec::new();
    while !underway.is_over() {
        match underway.try_next() {
            Some(Brought::AuditPlan(plan)) => told.push(format!("plan {} {}", plan.requests, plan.goes_on)),
            Some(Brought::AuditSent(_)) if told.last().is_some_and(|last| last == "sent") => {}
            Some(Brought::AuditSent(_)) => told.push("sent".to_owned()),
            Some(Brought::Audited(audited)) => told.push(format!("found {}", audited.findings[0].id)),
            Some(other) => panic!("{other:?}"),
            None if underway.is_over() => {}
            None => rings.recv_timeout(PATIENCE).expect("it wakes whoever asked"),
        }
    }
    (told, asked.load(Ordering::SeqCst))
}

#[test]
fn nothing_but_the_pages_own_check_is_sent_before_it_was_agreed_to() {
    assert_eq!(errand("api.example.com", false), (vec!["plan 20 false".to_owned()], 1));
    let found = "found reflects-any-origin-with-credentials".to_owned();
    assert_eq!(
        errand("api.example.com", true),
        (vec!["plan 20 true".to_owned(), "sent".to_owned(), found.clone()], 21)
    );
    assert_eq!(errand("127.0.0.1", false), (vec!["plan 12 true".to_owned(), "sent".to_owned(), found], 13));
}
