//! The whole monitor behind one handle: profiles, engine, history, the live picture. The window, `wirewatch watch` and the
//! tests each hold one.
//!
//! ```text
//! Book ──► feed thread ──► Engine ──► Bus ──► pump thread ──► Live
//!                  └────────► Live      └──► history thread ──► SQLite
//! ```
//!
//! Invariants: the past is in [`Live`] before the first new event; the history knows a profile before its first event; a
//! clean end is recorded ([`EventBody::Stopped`]) and flushed.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use super::book::{Book, Feed, What};
use super::{
    Bus, Busy, Command, Config, Engine, EngineStatus, Errand, PER_HOST, SecretSource, Tap, Underway, notices, supervise,
};
use crate::base::{Clock, Interner, ProfileId};
use crate::model::Live;
use crate::profile::Profile;
use crate::store::{self, HealthChange, Named, Reader, Retention, Store, StoreError, StoreStatus, Writer};
use crate::watch::{EventBody, ProfileChange};

/// How many events the live picture may fall behind.
const LIVE_BEHIND: usize = 65_536;
/// How many events the history may fall behind.
const HISTORY_BEHIND: usize = 65_536;
/// The most events that go into the picture under one lock.
const GULP: usize = 512;
/// How often quiet sessions get their beats.
const TICK: Duration = Duration::from_secs(1);
/// How long the feed waits before it looks whether it is to end.
const FEED: Duration = Duration::from_millis(200);
/// Before a command is offered again to an engine that has thousands waiting.
const BREATH: Duration = Duration::from_millis(5);

/// What is watched.
#[derive(Clone, Debug)]
pub enum Profiles {
    /// A folder of files, each taken up as it changes.
    Folder(PathBuf),
    /// These and no others (the demo, a test).
    Fixed(Vec<Profile>),
}

/// What a monitor is made with.
pub struct MonitorConfig {
    pub profiles: Profiles,
    /// The history's file; `None`: nothing is kept.
    pub history: Option<PathBuf>,
    /// How long the history keeps what.
    pub retention: Retention,
    pub secrets: SecretSource,
    /// Whether incidents go out by the profiles' `notify`.
    pub notices: bool,
    /// The most checks at once of one host.
    pub per_host: usize,
    /// Called, from any thread and often, when the live picture has changed. Must not wait.
    pub on_change: Box<dyn Fn() + Send + Sync>,
}

impl MonitorConfig {
    /// Without history, notices and anyone who looks.
    pub fn new(profiles: Profiles, secrets: SecretSource) -> Self {
        let retention = Retention::default();
        Self {
            profiles,
            history: None,
            retention,
            secrets,
            notices: false,
            per_host: PER_HOST,
            on_change: Box::new(|| ()),
        }
    }
}

/// Why a monitor can't begin.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    History(#[from] StoreError),
    #[error("the system gives no threads: {0}")]
    System(#[from] io::Error),
}

impl StartError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::History(error) => error.hint(),
            Self::System(_) => "end other programs, or raise the limit of processes",
        }
    }
}

/// A running monitor. Dropping it ends it cleanly, as [`Monitor::shutdown`] does.
pub struct Monitor {
    live: Arc<Mutex<Live>>,
    book: Option<Arc<Book>>,
    running: Option<Running>,
    history: Option<Arc<StoreStatus>>,
    path: Option<PathBuf>,
}

struct Running {
    core: Arc<Core>,
    ending: Arc<AtomicBool>,
    feed: JoinHandle<()>,
    pump: JoinHandle<()>,
    notices: Option<JoinHandle<()>>,
}

/// What the feed thread shares with the handle.
struct Core {
    engine: Engine,
    bus: Arc<Bus>,
    writer: Option<Writer>,
    live: Arc<Mutex<Live>>,
    on_change: Arc<dyn Fn() + Send + Sync>,
}

impl Monitor {
    /// Reads the past, then starts everything.
    ///
    /// # Errors
    /// The history can't be used (another instance holds it, a newer program made it, it is damaged), or there are no
    /// threads.
    pub fn start(config: MonitorConfig) -> Result<Self, StartError> {
        let clock = Clock;
        let on_change: Arc<dyn Fn() + Send + Sync> = config.on_change.into();
        let kept = |path| store::Config { retention: config.retention, ..store::Config::new(path) };
        let store = config.history.clone().map(|path| Store::open(kept(path), clock)).transpose()?;
        let ids = store.as_ref().map(Store::interner).transpose()?.unwrap_or_default();
        let watched = Watched::open(config.profiles, ids);

        let mut live = Live::new();
        if let Some(store) = &store {
            let profiles = watched.profiles();
            profiles.iter().for_each(|(id, profile)| live.set_profile(*id, Arc::clone(profile)));
            let asked: Vec<_> = profiles.iter().map(|(id, profile)| (*id, Some(&**profile))).collect();
            store::read_pasts(store, &asked)?.into_iter().for_each(|(id, past)| live.seed(id, past));
        }
        let live = Arc::new(Mutex::new(live));

        let bus = Arc::new(Bus::new(store.as_ref().map_or(1, |store| store.last_seq() + 1), clock));
        let ending = Arc::new(AtomicBool::new(false));
        let pump = start_pump(&bus, Arc::clone(&live), Arc::clone(&on_change), clock)?;
        let history = store.as_ref().map(Store::status);
        let writer = store.map(|store| start_writer(store, &bus)).transpose()?;
        let notices = config.notices.then(|| start_notices(&bus, &live)).transpose()?;
        bus.publish(None, EventBody::Started { version: env!("CARGO_PKG_VERSION").into() });
        let engine =
            Engine::start(Config { bus: Arc::clone(&bus), clock, secrets: config.secrets, per_host: config.per_host })?;
        let core = Arc::new(Core { engine, bus, writer, live: Arc::clone(&live), on_change });
        let (book, feed) = watched.follow(Arc::clone(&core), Arc::clone(&ending))?;
        let running = Running { core, ending, feed, pump, notices };
        Ok(Self { live, book, running: Some(running), history, path: config.history })
    }

    /// The live picture; hold the lock as briefly as can be.
    pub fn live(&self) -> &Arc<Mutex<Live>> {
        &self.live
    }

    /// The saved profiles; `None` where they are fixed.
    pub fn book(&self) -> Option<&Arc<Book>> {
        self.book.as_ref()
    }

    /// Hands a command to the engine.
    ///
    /// # Errors
    /// [`Busy`]; the command is not taken.
    pub fn send(&self, command: Command) -> Result<(), Busy> {
        self.running.as_ref().map_or(Err(Busy), |running| running.core.engine.send(command))
    }

    /// Does something once, beside what is watched; `wake` is called, from any thread, when it has brought something.
    ///
    /// # Errors
    /// [`Busy`]: the engine is ending.
    pub fn errand(&self, errand: Errand, wake: impl Fn() + Send + Sync + 'static) -> Result<Underway, Busy> {
        self.running.as_ref().map_or(Err(Busy), |running| running.core.engine.errand(errand, wake))
    }

    /// One more consumer of the events, which may fall `capacity` behind.
    pub fn tap(&self, name: &'static str, capacity: usize) -> Option<Tap> {
        self.running.as_ref().map(|running| running.core.bus.tap(name, capacity))
    }

    /// A connection of its own to the history; `None` where none is kept.
    ///
    /// # Errors
    /// The file can't be opened.
    pub fn reader(&self) -> Result<Option<Reader>, StoreError> {
        self.path.as_deref().map(Reader::open).transpose()
    }

    /// How the history is doing; `None` where none is kept.
    pub fn history(&self) -> Option<&Arc<StoreStatus>> {
        self.history.as_ref()
    }

    /// How the engine is doing.
    pub fn status(&self) -> EngineStatus {
        self.running.as_ref().map(|running| running.core.engine.status()).unwrap_or_default()
    }

    /// Ends everything cleanly: sessions say farewell, the end is an event, the history is flushed. Blocks for at most some
    /// seconds.
    pub fn shutdown(mut self) {
        self.end();
    }

    fn end(&mut self) {
        let Some(running) = self.running.take() else { return };
        running.ending.store(true, Ordering::Relaxed);
        // A panic in one of them has been told; there is nothing more to wait for.
        let _ = running.feed.join();
        let Some(core) = Arc::into_inner(running.core) else { return };
        let Core { engine, bus, writer, .. } = core;
        engine.shutdown();
        // With the bus its taps end, and with them the threads behind them.
        drop(bus);
        if let Some(writer) = writer {
            writer.join();
        }
        let _ = running.pump.join();
        if let Some(notices) = running.notices {
            let _ = notices.join();
        }
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        self.end();
    }
}

impl fmt::Debug for Monitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Monitor").field("status", &self.status()).field("history", &self.path).finish_non_exhaustive()
    }
}

/// The profiles before anything runs.
enum Watched {
    Folder(Arc<Book>, Feed),
    Fixed(Vec<(ProfileId, String, Arc<Profile>)>),
}

impl Watched {
    fn open(profiles: Profiles, mut ids: Interner) -> Self {
        match profiles {
            Profiles::Folder(folder) => {
                let book = Arc::new(Book::open(folder, ids));
                book.watch();
                let feed = book.subscribe(|| ());
                Self::Folder(book, feed)
            }
            Profiles::Fixed(profiles) => {
                let keyed = profiles.into_iter().map(|profile| {
                    let key = profile.name.to_lowercase().replace(|c: char| !c.is_alphanumeric(), "-");
                    (ids.id_of(&key), key, Arc::new(profile))
                });
                Self::Fixed(keyed.collect())
            }
        }
    }

    fn profiles(&self) -> Vec<(ProfileId, Arc<Profile>)> {
        match self {
            Self::Folder(book, _) => {
                let entries = book.entries();
                entries.iter().filter_map(|entry| Some((entry.id, Arc::clone(entry.profile()?)))).collect()
            }
            Self::Fixed(profiles) => profiles.iter().map(|(id, _, profile)| (*id, Arc::clone(profile))).collect(),
        }
    }

    /// Begins to watch, and goes on to take up what changes.
    fn follow(self, core: Arc<Core>, ending: Arc<AtomicBool>) -> io::Result<(Option<Arc<Book>>, JoinHandle<()>)> {
        let thread = std::thread::Builder::new().name("profiles".into());
        match self {
            Self::Folder(book, mut feed) => {
                // What is there already has no news: only later changes are events.
                let mut first = true;
                let feed = thread.spawn(move || {
                    while !ending.load(Ordering::Relaxed) {
                        for change in feed.wait(FEED) {
                            core.take_up(change.id, &change.key, change.what, first, &ending);
                        }
                        first = false;
                    }
                })?;
                Ok((Some(book), feed))
            }
            Self::Fixed(profiles) => {
                let feed = thread.spawn(move || {
                    for (id, key, profile) in profiles {
                        core.take_up(id, &key, What::Added(profile), true, &ending);
                    }
                })?;
                Ok((None, feed))
            }
        }
    }
}

impl Core {
    fn take_up(&self, id: ProfileId, key: &str, what: What, first: bool, ending: &AtomicBool) {
        let (change, name) = match what {
            What::Added(profile) => {
                let name = profile.name.clone();
                self.watch(id, key, profile, ending);
                (ProfileChange::Added, name)
            }
            What::Changed(profile) => {
                let name = profile.name.clone();
                self.watch(id, key, profile, ending);
                (ProfileChange::Changed, name)
            }
            What::Broken { name, problems } => {
                self.command(&Command::Forget(id), ending);
                lock(&self.live).set_broken(id, &name, problems.to_vec());
                (ProfileChange::Changed, name.to_string())
            }
            What::Removed => {
                self.command(&Command::Forget(id), ending);
                let mut live = lock(&self.live);
                let name = live.get(id).map(|watched| watched.name.to_string()).unwrap_or_default();
                live.remove(id);
                (ProfileChange::Removed, name)
            }
        };
        if !first {
            self.bus.publish(Some(id), EventBody::Profile { change, name: name.into() });
        }
        (self.on_change)();
    }

    fn watch(&self, id: ProfileId, key: &str, profile: Arc<Profile>, ending: &AtomicBool) {
        if let Some(writer) = &self.writer {
            writer.know(Named { id, key: key.to_owned(), name: profile.name.clone(), kind: profile.kind });
        }
        lock(&self.live).set_profile(id, Arc::clone(&profile));
        self.command(&Command::Watch { id, profile }, ending);
        let last_audit = lock(&self.live).get(id).and_then(|watched| watched.last_audit.clone());
        if let Some((at, audited)) = last_audit {
            self.command(&Command::RememberAudit { id, at, audited }, ending);
        }
    }

    /// A folder may hold more profiles than the engine takes at once: then it is asked again.
    fn command(&self, command: &Command, ending: &AtomicBool) {
        while self.engine.send(command.clone()).is_err() && !ending.load(Ordering::Relaxed) {
            std::thread::sleep(BREATH);
        }
    }
}

fn lock(live: &Mutex<Live>) -> MutexGuard<'_, Live> {
    // A panic while an event was taken in leaves at worst one row of the picture behind.
    live.lock().unwrap_or_else(PoisonError::into_inner)
}

fn start_pump(
    bus: &Arc<Bus>,
    live: Arc<Mutex<Live>>,
    on_change: Arc<dyn Fn() + Send + Sync>,
    clock: Clock,
) -> io::Result<JoinHandle<()>> {
    let tap = bus.tap("window", LIVE_BEHIND);
    // Weak: the thread ends with the bus.
    let bus = Arc::downgrade(bus);
    std::thread::Builder::new().name("live".into()).spawn(move || {
        let mut ticked = clock.mono();
        supervise::turns(&bus, "live picture", || {
            let Ok(first) = tap.recv_timeout(TICK) else { return false };
            let mut changed = first.is_some();
            {
                let mut live = lock(&live);
                let more = std::iter::from_fn(|| tap.try_recv().ok().flatten()).take(GULP);
                first.into_iter().chain(more).for_each(|event| live.apply(&event));
                let now = clock.now();
                if ticked + TICK <= now.mono {
                    ticked = now.mono;
                    changed |= live.tick(now.wall);
                }
            }
            if changed {
                on_change();
            }
            true
        });
    })
}

fn start_writer(store: Store, bus: &Arc<Bus>) -> io::Result<Writer> {
    let tap = bus.tap("history", HISTORY_BEHIND);
    // Weak: the writer's thread ends with the bus.
    let bus: Weak<Bus> = Arc::downgrade(bus);
    store.start(
        move |wait| tap.recv_timeout(wait).map_err(|_| store::Gone),
        move |change| {
            let Some(bus) = bus.upgrade() else { return };
            match change {
                HealthChange::Panicked(message) => {
                    bus.publish(None, EventBody::Panicked { task: "history".into(), message: message.into() });
                }
                HealthChange::Lost(trouble) => {
                    let problem = Some(trouble.to_string().into());
                    bus.publish(None, EventBody::Recording { on: false, problem });
                }
                HealthChange::Resumed { dropped } => {
                    bus.publish(None, EventBody::Recording { on: true, problem: None });
                    if 0 < dropped {
                        bus.publish(None, EventBody::Lost { consumer: "history".into(), count: dropped });
                    }
                }
            }
        },
    )
}

fn start_notices(bus: &Arc<Bus>, live: &Arc<Mutex<Live>>) -> io::Result<JoinHandle<()>> {
    let live = Arc::clone(live);
    let lookup = Box::new(move |id| lock(&live).get(id).and_then(|watched| watched.profile.clone()));
    notices::start(notices::tap(bus), Arc::clone(bus), lookup)
}

#[cfg(test)]
#[path = "monitor_tests.rs"]
mod tests;
