//! The one task that knows everything that is watched: it takes commands, starts what is due, hears how it came out, and
//! says what that means for the profile and for the machine.
//!
//! Invariants: it never waits for a probe, a session or a consumer; one profile's panic is an event and a restart, and
//! touches no other; every state of a profile that has no session is published here, those of sessions by their machine.

mod audits;
mod checks;
mod commands;
mod doubt;
mod network;
mod prepares;
mod row;
mod sessions;

use std::collections::{BTreeMap, HashMap};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use tokio::sync::mpsc;
use tokio::task::{Id, JoinError, JoinSet};

use self::audits::{Audits, Came};
use self::checks::Purpose;
use self::doubt::Held;
use self::network::Canary;
use self::prepares::{Job, Prepares};
use self::row::Watched;
use super::gauges::Gauges;
use super::machine::News;
use super::probe::Probed;
use super::session::{Shared, Signal};
use super::target::{SecretSource, Target};
use super::{Command, supervise};
use crate::base::ProfileId;
use crate::watch::EventBody;
use crate::watch::incident::Incidents;
use crate::watch::schedule::Schedule;
use crate::watch::surroundings::Surroundings;

/// How long sessions may take to say farewell when wirewatch ends.
const FAREWELL: Duration = Duration::from_secs(2);
/// The longest that the hub sleeps.
const IDLE: Duration = Duration::from_secs(1);

/// The hub's state.
pub(super) struct Hub {
    shared: Arc<Shared>,
    gauges: Arc<Gauges>,
    watched: BTreeMap<ProfileId, Watched>,
    generation: u64,
    schedule: Schedule,
    incidents: Incidents,
    surroundings: Surroundings,
    /// Failures that are told once it is known whose they are.
    held: Vec<(ProfileId, Held)>,
    prepares: Prepares,
    probes: JoinSet<Box<Probed>>,
    probe_of: HashMap<Id, (ProfileId, Purpose)>,
    sessions: JoinSet<()>,
    /// What panicked (a session, or a profile's preparation), and when each is begun again.
    restarts: Vec<(Instant, ProfileId, u64)>,
    canary: Canary,
    audits: Audits,
}

/// What reaches the hub.
pub(super) struct Inlets {
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) signals: mpsc::Receiver<Signal>,
    pub(super) news: mpsc::Receiver<News>,
}

enum Turn {
    Command(Command),
    Signal(Signal),
    News(News),
    Prepared(Job, Result<Target, JoinError>),
    Probed(Id, Result<Box<Probed>, JoinError>),
    SessionEnded(Id, Result<(), JoinError>),
    Audited(Result<Option<Came>, JoinError>),
    Due,
    /// Nobody can command any more.
    Alone,
}

impl Hub {
    pub(super) fn new(shared: Arc<Shared>, gauges: Arc<Gauges>, secrets: SecretSource, per_host: usize) -> Self {
        Self {
            shared,
            gauges,
            watched: BTreeMap::new(),
            generation: 0,
            schedule: Schedule::new(per_host),
            incidents: Incidents::default(),
            surroundings: Surroundings::default(),
            held: Vec::new(),
            prepares: Prepares::new(secrets),
            probes: JoinSet::new(),
            probe_of: HashMap::new(),
            sessions: JoinSet::new(),
            restarts: Vec::new(),
            canary: Canary::default(),
            audits: Audits::default(),
        }
    }

    /// Runs until it is told to shut down. A panic in one turn loses that turn only.
    pub(super) async fn run(mut self, mut inlets: Inlets) {
        loop {
            match AssertUnwindSafe(self.turn(&mut inlets)).catch_unwind().await {
                Ok(true) => {}
                Ok(false) => break,
                Err(payload) => supervise::say(&self.shared.bus, "hub", &*payload),
            }
        }
        self.end().await;
    }

    /// Takes whatever comes first; false: it is over.
    async fn turn(&mut self, inlets: &mut Inlets) -> bool {
        let due = self.next_due();
        let turn = tokio::select! {
            command = inlets.commands.recv() => command.map_or(Turn::Alone, Turn::Command),
            Some(signal) = inlets.signals.recv() => Turn::Signal(signal),
            Some(news) = inlets.news.recv() => Turn::News(news),
            Some((job, prepared)) = self.prepares.next() => Turn::Prepared(job, prepared),
            Some(ended) = self.probes.join_next_with_id() => match ended {
                Ok((task, probed)) => Turn::Probed(task, Ok(probed)),
                Err(error) => Turn::Probed(error.id(), Err(error)),
            },
            Some(ended) = self.sessions.join_next_with_id() => match ended {
                Ok((task, ())) => Turn::SessionEnded(task, Ok(())),
                Err(error) => Turn::SessionEnded(error.id(), Err(error)),
            },
            Some(ended) = self.audits.running.join_next() => Turn::Audited(ended),
            () = tokio::time::sleep_until(due.into()) => Turn::Due,
        };
        match turn {
            Turn::Alone | Turn::Command(Command::Shutdown) => return false,
            Turn::Command(command) => self.on_command(command),
            Turn::Signal(signal) => self.on_signal(signal),
            Turn::News(news) => self.on_news(news),
            Turn::Prepared(job, prepared) => self.on_prepared(job, prepared),
            Turn::Probed(task, result) => self.on_probed(task, result),
            Turn::SessionEnded(task, result) => self.on_session_ended(task, result),
            Turn::Audited(ended) => self.on_audited(ended),
            Turn::Due => {}
        }
        self.start_what_is_due();
        true
    }

    fn next_due(&self) -> Instant {
        let now = self.shared.clock.mono();
        [self.schedule.next_due(), self.canary.due, self.restarts.iter().map(|(at, ..)| *at).min()]
            .into_iter()
            .flatten()
            .fold(now + IDLE, Instant::min)
    }

    fn start_what_is_due(&mut self) {
        let now = self.shared.clock.mono();
        while let Some(start) = self.schedule.next(now) {
            self.start_probe(start, Purpose::Check);
        }
        self.gauges.set_skipped(self.schedule.skipped());
        let due: Vec<_> = self.restarts.extract_if(.., |(at, ..)| *at <= now).collect();
        for (_, id, generation) in due {
            self.restart(id, generation);
        }
        if self.canary.due.is_some_and(|due| due <= now) {
            self.send_canary(now);
        }
        self.audit_sessions();
    }

    /// Says farewell on every session, and then that it is over.
    async fn end(mut self) {
        self.tell_all();
        let ids: Vec<ProfileId> = self.watched.keys().copied().collect();
        for id in ids {
            self.stop_session(id);
        }
        let farewell = async { while self.sessions.join_next().await.is_some() {} };
        // What is not over by then ends with the runtime.
        let _ = tokio::time::timeout(FAREWELL, farewell).await;
        self.shared.open.store(0, Ordering::Relaxed);
        self.shared.bus.publish(None, EventBody::Stopped);
    }
}
