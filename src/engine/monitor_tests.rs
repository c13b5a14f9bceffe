//! A panic anywhere in the engine, seen from the whole monitor: it is told, what panicked goes on, the others notice nothing.

use std::collections::HashMap;
use std::sync::atomic::AtomicUsize;

use super::*;
use crate::engine::supervise::sabotage;
use crate::lab::{Fault, Lab, Options};
use crate::watch::{Event, State};

const PATIENCE: Duration = Duration::from_secs(60);

struct World {
    lab: Option<Lab>,
    runtime: tokio::runtime::Runtime,
    monitor: Monitor,
    tap: Tap,
    story: Vec<Arc<Event>>,
}

impl World {
    /// Each profile by its name: `check…` over HTTP five times a second, `session…` a socket that is pinged as often.
    fn start(names: &[&str], on_change: impl Fn() + Send + Sync + 'static) -> Self {
        Self::with(names, |config| config.on_change = Box::new(on_change))
    }

    fn with(names: &[&str], change: impl FnOnce(&mut MonitorConfig)) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let lab = runtime.block_on(Lab::start(Options::default())).unwrap();
        let profiles = names.iter().map(|name| {
            let fault = if name.starts_with("check") { Fault::Healthy } else { Fault::HealthySocket };
            let mut profile = fault.profile(&lab);
            profile.name = (*name).to_owned();
            profile.interval = Duration::from_millis(200);
            profile.websocket.ping = Some(Duration::from_millis(200));
            profile
        });
        let secrets: SecretSource = Arc::new(|_: &[String]| Ok(HashMap::new()));
        let profiles = Profiles::Fixed(profiles.collect());
        let mut config = MonitorConfig::new(profiles, secrets);
        change(&mut config);
        let monitor = Monitor::start(config).unwrap();
        let tap = monitor.tap("test", 65_536).unwrap();
        Self { lab: Some(lab), runtime, monitor, tap, story: Vec::new() }
    }

    /// Waits where the profile is not made ready yet: it is there once it is spoken of.
    #[track_caller]
    fn id(&mut self, name: &str) -> ProfileId {
        loop {
            let found = lock(self.monitor.live()).find(name).map(|row| row.id);
            match found {
                Some(id) => return id,
                None => self.until(name, |_| true),
            };
        }
    }

    /// Listens until what is said is `enough`; its place in the story.
    #[track_caller]
    fn until(&mut self, wanted: &str, mut enough: impl FnMut(&Event) -> bool) -> usize {
        let end = Clock.mono() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Clock.mono());
            let Ok(Some(event)) = self.tap.recv_timeout(left) else {
                panic!("no {wanted}: {:#?}", self.story.iter().map(|event| event.body.kind()).collect::<Vec<_>>())
            };
            self.story.push(Arc::clone(&event));
            if enough(&event) {
                return self.story.len() - 1;
            }
        }
    }

    /// Two signs of life of a profile: checks, or pongs.
    #[track_caller]
    fn until_lives_on(&mut self, name: &str) {
        let id = self.id(name);
        for _ in 0..2 {
            self.until(name, |event| {
                let lives = match &event.body {
                    EventBody::Check(report) => report.state == State::Connected,
                    EventBody::Pong { .. } => true,
                    _ => false,
                };
                event.profile == Some(id) && lives
            });
        }
    }

    /// The panic of that task is told, with that message.
    #[track_caller]
    fn until_panicked(&mut self, task: &str, message: &str) -> usize {
        self.until(task, |event| match &event.body {
            EventBody::Panicked { task: told, message: said } => (&**told, &**said) == (task, message),
            _ => false,
        })
    }

    /// What was said of a profile since then, but for its signs of life.
    fn news_of(&mut self, name: &str, since: usize) -> Vec<&'static str> {
        let id = self.id(name);
        let news = self.story[since..].iter().filter(|event| event.profile == Some(id)).map(|event| event.body.kind());
        news.filter(|kind| !["check", "pong", "frame"].contains(kind)).collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _inside = self.runtime.enter();
        self.lab = None;
    }
}

#[test]
fn a_check_that_panics_is_told_and_made_again_and_the_others_notice_nothing() {
    let mut world = World::start(&["check to fail", "check beside it", "session beside it"], || ());
    let all = ["check to fail", "check beside it", "session beside it"];
    all.iter().for_each(|name| world.until_lives_on(name));
    sabotage::arm("check to fail", "check");
    let at = world.until_panicked("check of check to fail", "sabotage of check");
    all.iter().for_each(|name| world.until_lives_on(name));
    assert_eq!(world.news_of("check to fail", at), ["panicked"]);
    assert_eq!(world.news_of("check beside it", at), [""; 0]);
    assert_eq!(world.news_of("session beside it", at), [""; 0]);
}

#[test]
fn a_session_that_panics_is_told_and_dialled_anew_and_the_others_notice_nothing() {
    let mut world = World::start(&["session to fail", "session next to it", "check next to it"], || ());
    let all = ["session to fail", "session next to it", "check next to it"];
    all.iter().for_each(|name| world.until_lives_on(name));
    sabotage::arm("session to fail", "session");
    let at = world.until_panicked("session of session to fail", "sabotage of session");
    let id = world.id("session to fail");
    let open = |event: &Event| matches!(event.body, EventBody::State { to: State::Connected, .. });
    world.until("the session anew", |event| event.profile == Some(id) && open(event));
    all.iter().for_each(|name| world.until_lives_on(name));
    assert_eq!(world.news_of("session to fail", at), ["panicked", "state", "state", "attempt", "handshake", "state"]);
    assert_eq!(world.news_of("session next to it", at), [""; 0]);
    assert_eq!(world.news_of("check next to it", at), [""; 0]);
    assert_eq!(world.monitor.status().open, 2);
}

#[test]
fn the_hub_itself_goes_on_after_a_panic() {
    let mut world = World::start(&["check by hand"], || ());
    world.until_lives_on("check by hand");
    sabotage::arm("check by hand", "hub");
    let by_hand = world.id("check by hand");
    world.monitor.send(Command::CheckNow(by_hand)).unwrap();
    world.until_panicked("hub", "(the message is withheld: it may hold a secret)");
    world.until_lives_on("check by hand");
    world.monitor.send(Command::Pause(by_hand)).unwrap();
    let paused = |event: &Event| matches!(event.body, EventBody::State { to: State::Suspended, .. });
    world.until("the pause", |event| event.profile == Some(by_hand) && paused(event));
}

#[test]
fn the_live_picture_goes_on_after_a_panic_of_whoever_is_told_of_it() {
    let told = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&told);
    let mut world = World::start(&["check in the picture"], move || {
        assert_ne!(count.fetch_add(1, Ordering::Relaxed), 3, "a window that bites");
    });
    world.until_panicked("live picture", "(the message is withheld: it may hold a secret)");
    let before = told.load(Ordering::Relaxed);
    world.until_lives_on("check in the picture");
    world.until("a picture after it", |_| before < told.load(Ordering::Relaxed));
    assert_eq!(lock(world.monitor.live()).find("check in the picture").unwrap().state, State::Connected);
}

#[test]
fn the_history_goes_on_after_a_panic_and_lets_go_of_what_it_cannot_write() {
    let folder = tempfile::tempdir().unwrap();
    let mut world =
        World::with(&["check in the history"], |config| config.history = Some(folder.path().join("history.sqlite3")));
    world.until_lives_on("check in the history");
    let poison = EventBody::Notified { way: crate::store::POISON.into(), problem: None };
    world.monitor.running.as_ref().unwrap().core.bus.publish(None, poison);
    let at = world.until("the poison", |event| matches!(event.body, EventBody::Notified { .. }));
    let poison = world.story[at].seq;
    world.until_panicked("history", "sabotage of the history");
    let recording =
        |wanted: bool| move |event: &Event| matches!(event.body, EventBody::Recording { on, .. } if on == wanted);
    let off = world.until("recording off", recording(false));
    let EventBody::Recording { problem, .. } = &world.story[off].body else { unreachable!("it is about recording") };
    assert_eq!(problem.as_deref(), Some(&*store::Trouble::Fault.to_string()));
    world.until("recording on", recording(true));
    world.until(
        "the loss",
        |event| matches!(&event.body, EventBody::Lost { consumer, count: 1 } if &**consumer == "history"),
    );
    world.until_lives_on("check in the history");
    let last = world.story.last().unwrap().seq;
    let status = Arc::clone(world.monitor.history().unwrap());
    world.until("the last on disk", |_| last <= status.acknowledged());
    assert_eq!(status.health(), store::Health::Recording);
    let page = world.monitor.reader().unwrap().unwrap().page(&store::Filter::default(), None, 10_000).unwrap();
    let kept: Vec<u64> = page.events.iter().map(|event| event.seq).filter(|seq| *seq <= last).collect();
    assert_eq!(kept, (1..=last).filter(|seq| *seq != poison).collect::<Vec<_>>());
}
