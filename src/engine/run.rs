//! The engine: its own runtime, one hub, and the tasks that the hub starts.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;

use super::errand::{Errand, Underway};
use super::gauges::Gauges;
use super::hub::{Hub, Inlets};
use super::session::Shared;
use super::target::SecretSource;
use super::{Bus, Command, machine, supervise};
use crate::base::Clock;
use crate::watch::stats::Spread;

/// How many commands may wait.
const COMMANDS: usize = 4096;
/// How many signals of sessions may wait.
const SIGNALS: usize = 1024;
/// How many sessions dial at once.
const DIALS: usize = 128;
/// How long the end may take: farewells, and what the runtime still holds.
const END: Duration = Duration::from_secs(5);

/// What an engine is made with.
pub struct Config {
    pub bus: Arc<Bus>,
    pub clock: Clock,
    pub secrets: SecretSource,
    /// The most checks at once of one host.
    pub per_host: usize,
}

/// The checks of one host that may run at once, where nothing else is said. Many endpoints of one host that never answer
/// would otherwise keep the others of that host waiting.
pub const PER_HOST: usize = 32;

/// A running engine. Dropping it ends it.
pub struct Engine {
    commands: mpsc::Sender<Command>,
    shared: Arc<Shared>,
    gauges: Arc<Gauges>,
    secrets: SecretSource,
    running: Option<(Runtime, JoinHandle<()>)>,
}

/// The engine takes no more commands now: it is ending, or thousands wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the engine takes no more commands now")]
pub struct Busy;

/// What the engine measures of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct EngineStatus {
    /// How late the newest checks started; `None` before the first.
    pub lateness: Option<Spread>,
    /// Checks a second, over the last ten seconds.
    pub rate: f64,
    /// Checks since the start.
    pub checks: u64,
    /// Slots of the schedule that were skipped since the start, because a check still ran.
    pub skipped: u64,
    /// Sessions that are open.
    pub open: usize,
}

impl Engine {
    /// Starts the runtime and the hub.
    ///
    /// # Errors
    /// Where the system gives no threads.
    pub fn start(config: Config) -> io::Result<Self> {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_name("engine").enable_all().build()?;
        let (commands, received) = mpsc::channel(COMMANDS);
        let (signals, heard) = mpsc::channel(SIGNALS);
        let (told, news) = mpsc::channel(8);
        let shared = Arc::new(Shared {
            bus: config.bus,
            clock: config.clock,
            signals,
            dials: Arc::new(Semaphore::new(DIALS)),
            open: AtomicUsize::new(0),
        });
        let gauges = Arc::new(Gauges::new());
        let hub = Hub::new(Arc::clone(&shared), Arc::clone(&gauges), Arc::clone(&config.secrets), config.per_host);
        let hub = runtime.spawn(hub.run(Inlets { commands: received, signals: heard, news }));
        let (bus, clock) = (Arc::clone(&shared.bus), config.clock);
        runtime.spawn(supervise::keep(bus, "machine", move || machine::watch(clock, told.clone())));
        Ok(Self { commands, shared, gauges, secrets: config.secrets, running: Some((runtime, hub)) })
    }

    /// Hands a command over; what comes of it is seen in the events.
    ///
    /// # Errors
    /// [`Busy`]; the command is not taken.
    pub fn send(&self, command: Command) -> Result<(), Busy> {
        self.commands.try_send(command).map_err(|_| Busy)
    }

    /// Sets out on an errand; `wake` is called, from any thread, when it has brought something and when it ends.
    ///
    /// # Errors
    /// [`Busy`]: the engine is ending.
    pub fn errand(&self, errand: Errand, wake: impl Fn() + Send + Sync + 'static) -> Result<Underway, Busy> {
        let (runtime, _) = self.running.as_ref().ok_or(Busy)?;
        Ok(Underway::begin(runtime.handle(), errand, Arc::clone(&self.secrets), wake))
    }

    pub fn status(&self) -> EngineStatus {
        let (checks, skipped) = self.gauges.counts();
        EngineStatus {
            lateness: self.gauges.lateness(),
            rate: self.gauges.rate(self.shared.clock.mono()),
            checks,
            skipped,
            open: self.shared.open.load(Ordering::Relaxed),
        }
    }

    /// Ends: sessions are closed with 1001, the bus gets `Stopped`. Blocks for at most some seconds; not to be called from
    /// a task.
    pub fn shutdown(mut self) {
        self.end();
    }

    fn end(&mut self) {
        let Some((runtime, hub)) = self.running.take() else { return };
        // A full queue or a hub that has gone: then dropping the runtime ends it, without farewells.
        if self.commands.try_send(Command::Shutdown).is_ok() {
            let ended = runtime.spawn(async move { tokio::time::timeout(END, hub).await });
            let (done, over) = std::sync::mpsc::sync_channel(1);
            runtime.spawn(async move {
                let _ = ended.await;
                let _ = done.send(());
            });
            let _ = over.recv_timeout(END);
        }
        runtime.shutdown_timeout(Duration::from_millis(200));
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.end();
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("status", &self.status()).finish_non_exhaustive()
    }
}
