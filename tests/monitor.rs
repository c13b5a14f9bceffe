//! The whole monitor: profiles in a folder, the engine on the lab, the history on disk, the live picture.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has to fail")]

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use wirewatch::base::Secret;
use wirewatch::engine::further::Often;
use wirewatch::engine::{Brought, Errand, Monitor, MonitorConfig, Profiles, SecretSource, StartError};
use wirewatch::lab::{Fault, Lab, Options, demo};
use wirewatch::model::Live;
use wirewatch::profile::model::{Auth, Setting};
use wirewatch::profile::{self, Profile};
use wirewatch::watch::{Code, State};

/// Far beyond what any test needs; only a failing one waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

fn no_secrets() -> SecretSource {
    Arc::new(|names: &[String]| if names.is_empty() { Ok(HashMap::new()) } else { Err(names.to_vec()) })
}

/// A monitor, and a bell that rings when its picture changed.
struct World {
    monitor: Monitor,
    bell: Arc<(Mutex<bool>, Condvar)>,
}

impl World {
    fn start(profiles: Profiles, data: Option<&Path>) -> Result<Self, StartError> {
        let bell = Arc::new((Mutex::new(false), Condvar::new()));
        let ring = Arc::clone(&bell);
        let monitor = Monitor::start(MonitorConfig {
            history: data.map(|data| data.join("history.sqlite3")),
            on_change: Box::new(move || {
                *ring.0.lock().unwrap() = true;
                ring.1.notify_all();
            }),
            ..MonitorConfig::new(profiles, no_secrets())
        })?;
        Ok(Self { monitor, bell })
    }

    /// Waits until the picture is such.
    #[track_caller]
    fn until(&self, what: &str, mut is_so: impl FnMut(&Live) -> bool) {
        let end = Instant::now() + PATIENCE;
        loop {
            if is_so(&self.monitor.live().lock().unwrap()) {
                return;
            }
            let Some(left) = end.checked_duration_since(Instant::now()) else {
                let live = self.monitor.live().lock().unwrap();
                let rows: Vec<_> = live.iter().map(|row| (&row.name, row.state, &row.reason, &row.problems)).collect();
                panic!("{what}: not in {PATIENCE:?}; there is {rows:?}")
            };
            let rung = self.bell.0.lock().unwrap();
            let (mut rung, _) = self.bell.1.wait_timeout_while(rung, left, |rung| !*rung).unwrap();
            *rung = false;
        }
    }
}

struct LabThread {
    lab: Option<Lab>,
    runtime: tokio::runtime::Runtime,
}

impl LabThread {
    fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let lab = Some(runtime.block_on(Lab::start(Options::default())).unwrap());
        Self { lab, runtime }
    }

    fn get(&self) -> &Lab {
        self.lab.as_ref().unwrap()
    }
}

impl Drop for LabThread {
    fn drop(&mut self) {
        let _inside = self.runtime.enter();
        self.lab = None;
    }
}

fn healthy(lab: &Lab) -> Profile {
    let mut profile = Fault::Healthy.profile(lab);
    profile.interval = Duration::from_millis(100);
    profile
}

#[test]
fn a_restart_shows_the_past_at_once() {
    let lab = LabThread::start();
    let folder = tempfile::tempdir().unwrap();
    let profiles = Profiles::Fixed(vec![healthy(lab.get())]);
    let world = World::start(profiles.clone(), Some(folder.path())).unwrap();
    world.until("three checks", |live| live.find("healthy").is_some_and(|row| 3 <= row.beats.iter().len()));
    let (id, beats) = {
        let live = world.monitor.live().lock().unwrap();
        let row = live.find("healthy").unwrap();
        (row.id, row.beats.iter().len())
    };
    world.monitor.shutdown();

    let world = World::start(profiles, Some(folder.path())).unwrap();
    {
        let live = world.monitor.live().lock().unwrap();
        let row = live.find("healthy").expect("the row is there before anything happens");
        assert_eq!(row.id, id, "the same profile has the same id");
        assert!(beats <= row.beats.iter().len(), "{} of {beats} beats", row.beats.iter().len());
        assert!(row.last_check.is_some());
    }
    let reader = world.monitor.reader().unwrap().unwrap();
    let kinds: Vec<_> = reader.page(&wirewatch::store::Filter::default(), None, 1000).unwrap().events;
    assert!(kinds.iter().any(|event| event.body.kind() == "stopped"), "a clean end is recorded");
}

#[test]
fn an_errand_brings_a_check_and_leaves_the_picture_and_the_history_as_they_are() {
    let lab = LabThread::start();
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(Profiles::Fixed(Vec::new()), Some(folder.path())).unwrap();
    let errand = |profile: Profile| Errand::Examine {
        profile: Arc::new(profile),
        own: vec![("jwt".into(), Secret::new("value-5f2c"))],
        observe: None,
        often: Often::ONCE,
    };
    let run = |profile: Profile| {
        let (rang, rings) = std::sync::mpsc::channel();
        let mut underway = world.monitor.errand(errand(profile), move || rang.send(()).unwrap_or_default()).unwrap();
        let mut brought = Vec::new();
        while !underway.is_over() {
            rings.recv_timeout(PATIENCE).expect("it wakes whoever asked");
            brought.extend(std::iter::from_fn(|| underway.try_next()));
        }
        brought
    };
    let mut profile = Fault::ErrorsWithoutCors.profile(lab.get());
    profile.auth = Auth::Bearer(Setting::Secret("jwt".into()));
    let brought = run(profile);
    let [Brought::Checked { reports, .. }] = &brought[..] else { panic!("{brought:?}") };
    assert_eq!(reports[0].state, State::CorsError);
    assert!(!format!("{brought:?}").contains("value-5f2c"), "a secret came out");
    let mut profile = healthy(lab.get());
    profile.auth = Auth::Bearer(Setting::Secret("nowhere".into()));
    let brought = run(profile);
    let [Brought::Unready(reason)] = &brought[..] else { panic!("{brought:?}") };
    assert_eq!(reason.code, Code::SecretMissing);
    assert_eq!(world.monitor.live().lock().unwrap().iter().count(), 0);
    let events = world.monitor.reader().unwrap().unwrap().page(&wirewatch::store::Filter::default(), None, 10).unwrap();
    assert!(events.events.iter().all(|event| event.profile.is_none()));
}

#[test]
fn a_second_instance_on_the_same_history_finds_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let first = World::start(Profiles::Fixed(Vec::new()), Some(folder.path())).unwrap();
    let Err(error) = World::start(Profiles::Fixed(Vec::new()), Some(folder.path())) else { panic!("two writers") };
    assert!(matches!(error, StartError::History(_)), "{error}");
    assert!(!error.hint().is_empty());
    drop(first);
    World::start(Profiles::Fixed(Vec::new()), Some(folder.path())).expect("the first has gone");
}

#[test]
fn files_are_taken_up_as_they_come_change_break_and_go() {
    let lab = LabThread::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.toml");
    let world = World::start(Profiles::Folder(folder.path().to_owned()), None).unwrap();

    let mut profile = healthy(lab.get());
    profile.name = "Shop".into();
    std::fs::write(&file, profile::write(&profile)).unwrap();
    world.until("the new one is connected", |live| live.find("Shop").is_some_and(|row| row.state == State::Connected));

    profile.url = Fault::Unauthorized.url(lab.get());
    std::fs::write(&file, profile::write(&profile)).unwrap();
    world.until("the changed one wants a sign-in", |live| {
        live.find("Shop").is_some_and(|row| row.state == State::AuthRequired)
    });

    std::fs::write(&file, "name = 'Shop'\nkind = 'http'\nurl = 7\n").unwrap();
    world.until("it is broken", |live| live.find("Shop").is_some_and(|row| row.is_broken()));

    std::fs::remove_file(&file).unwrap();
    world.until("it is gone", |live| live.iter().count() == 0);
}

#[test]
fn the_demo_shows_each_of_the_eight_states_within_a_minute() {
    let lab = LabThread::start();
    let rows = demo(lab.get());
    let expected: Vec<(String, State)> =
        rows.iter().map(|row| (row.profile.name.clone(), *row.expects.first().unwrap())).collect();
    let started = Instant::now();
    let world = World::start(Profiles::Fixed(rows.into_iter().map(|row| row.profile).collect()), None).unwrap();
    let mut seen: HashMap<String, Vec<State>> = HashMap::new();
    let mut missing = expected.clone();
    world.until("each row shows its state", |live| {
        for row in live.iter() {
            let states = seen.entry(row.name.to_string()).or_default();
            if !states.contains(&row.state) {
                states.push(row.state);
            }
        }
        missing.retain(|(name, state)| !seen.get(name).is_some_and(|states| states.contains(state)));
        if missing.is_empty() {
            return true;
        }
        assert!(started.elapsed() < PATIENCE - Duration::from_secs(2), "missing {missing:?}; seen {seen:#?}");
        false
    });
    for state in State::ALL {
        assert!(expected.iter().any(|(_, expected)| *expected == state), "the demo lacks {}", state.code());
    }
}
