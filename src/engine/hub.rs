//! The one task that knows everything that is watched: it takes commands, starts what is due, hears how it came out, and
//! says what that means for the profile and for the machine.
//!
//! Invariants: it never waits for a probe, a session or a consumer; one profile's panic is an event and a restart, and
//! touches no other; every state of a profile that has no session is published here, those of sessions by their machine.

use std::collections::{BTreeMap, HashMap};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use tokio::sync::mpsc;
use tokio::task::{Id, JoinError, JoinSet};

use super::gauges::Gauges;
use super::machine::News;
use super::mailbox::Mailbox;
use super::probe::{self, Manner, Probed};
use super::session::{self, Shared, Signal, Wish};
use super::target::{Patterns, SecretSource, Target};
use super::{Command, supervise};
use crate::base::{ProfileId, Secret};
use crate::profile::model::{Kind, Profile};
use crate::watch::incident::Incidents;
use crate::watch::schedule::{Schedule, Start};
use crate::watch::surroundings::{Reach, Surroundings};
use crate::watch::{Code, EventBody, Outcome, Reason, State};

/// How often an endpoint is tried while this machine seems to be offline.
const CANARY: Duration = Duration::from_secs(5);
/// How long sessions may take to say farewell when wirewatch ends.
const FAREWELL: Duration = Duration::from_secs(2);
/// The longest that the hub sleeps.
const IDLE: Duration = Duration::from_secs(1);

/// The hub's state.
pub(super) struct Hub {
    shared: Arc<Shared>,
    gauges: Arc<Gauges>,
    secrets: SecretSource,
    patterns: Arc<Patterns>,
    watched: BTreeMap<ProfileId, Watched>,
    generation: u64,
    schedule: Schedule,
    incidents: Incidents,
    surroundings: Surroundings,
    prepares: JoinSet<(ProfileId, u64, Target)>,
    probes: JoinSet<Box<Probed>>,
    probe_of: HashMap<Id, (ProfileId, Purpose)>,
    sessions: JoinSet<()>,
    session_of: HashMap<Id, ProfileId>,
    /// Sessions that panicked, and when each is started again.
    restarts: Vec<(Instant, ProfileId, u64)>,
    canary: Canary,
}

/// What reaches the hub.
pub(super) struct Inlets {
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) signals: mpsc::Receiver<Signal>,
    pub(super) news: mpsc::Receiver<News>,
}

struct Watched {
    profile: Arc<Profile>,
    generation: u64,
    /// `None` while it is being made ready.
    target: Option<Arc<Target>>,
    wish: Standing,
    state: State,
    reason: Option<Reason>,
    session: Option<Arc<Mailbox<Wish>>>,
    panics: u32,
    /// A check was asked for before the target was ready.
    check_when_ready: bool,
}

/// What a person wants of the profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Watch,
    Pause,
    Disconnect,
}

/// Whose check it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// The schedule's, or a person's.
    Check,
    /// Only to see whether the network is back.
    Canary,
}

#[derive(Debug, Default)]
struct Canary {
    due: Option<Instant>,
    last: Option<ProfileId>,
    running: bool,
}

enum Turn {
    Command(Command),
    Signal(Signal),
    News(News),
    Prepared(ProfileId, u64, Target),
    Probed(Id, Result<Box<Probed>, JoinError>),
    SessionEnded(Id, Result<(), JoinError>),
    Due,
    /// Nobody can command any more.
    Alone,
}

impl Watched {
    fn has_session(&self) -> bool {
        self.profile.kind == Kind::WebSocket
    }

    /// Whether it is to be watched now.
    fn is_active(&self) -> bool {
        self.profile.enabled && self.wish == Standing::Watch
    }
}

impl Hub {
    pub(super) fn new(shared: Arc<Shared>, gauges: Arc<Gauges>, secrets: SecretSource, per_host: usize) -> Self {
        Self {
            shared,
            gauges,
            secrets,
            patterns: Arc::default(),
            watched: BTreeMap::new(),
            generation: 0,
            schedule: Schedule::new(per_host),
            incidents: Incidents::default(),
            surroundings: Surroundings::default(),
            prepares: JoinSet::new(),
            probes: JoinSet::new(),
            probe_of: HashMap::new(),
            sessions: JoinSet::new(),
            session_of: HashMap::new(),
            restarts: Vec::new(),
            canary: Canary::default(),
        }
    }

    /// Runs until it is told to shut down. A panic in one turn loses that turn only.
    pub(super) async fn run(mut self, mut inlets: Inlets) {
        loop {
            match AssertUnwindSafe(self.turn(&mut inlets)).catch_unwind().await {
                Ok(true) => {}
                Ok(false) => break,
                Err(payload) => {
                    let message = supervise::message(&*payload).into();
                    self.shared.bus.publish(None, EventBody::Panicked { task: "hub".into(), message });
                }
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
            Some(prepared) = self.prepares.join_next() => match prepared {
                Ok((id, generation, target)) => Turn::Prepared(id, generation, target),
                Err(_) => Turn::Due,
            },
            Some(ended) = self.probes.join_next_with_id() => match ended {
                Ok((task, probed)) => Turn::Probed(task, Ok(probed)),
                Err(error) => Turn::Probed(error.id(), Err(error)),
            },
            Some(ended) = self.sessions.join_next_with_id() => match ended {
                Ok((task, ())) => Turn::SessionEnded(task, Ok(())),
                Err(error) => Turn::SessionEnded(error.id(), Err(error)),
            },
            () = tokio::time::sleep_until(due.into()) => Turn::Due,
        };
        match turn {
            Turn::Alone | Turn::Command(Command::Shutdown) => return false,
            Turn::Command(command) => self.on_command(command),
            Turn::Signal(signal) => self.on_signal(signal),
            Turn::News(news) => self.on_news(news),
            Turn::Prepared(id, generation, target) => self.on_prepared(id, generation, target),
            Turn::Probed(task, result) => self.on_probed(task, result),
            Turn::SessionEnded(task, result) => self.on_session_ended(task, result),
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
            if self.watched.get(&id).is_some_and(|watched| watched.generation == generation) {
                self.start_session(id);
            }
        }
        if self.canary.due.is_some_and(|due| due <= now) {
            self.send_canary(now);
        }
    }

    // Commands.

    fn on_command(&mut self, command: Command) {
        match command {
            Command::Watch { id, profile } => self.watch(id, profile),
            Command::Forget(id) => self.forget(id),
            Command::CheckNow(id) => self.check_now(id),
            Command::Connect(id) | Command::Resume(id) => self.stand(id, Standing::Watch),
            Command::Disconnect(id) => self.stand(id, Standing::Disconnect),
            Command::Pause(id) => self.stand(id, Standing::Pause),
            Command::Reconnect(id) => {
                if !self.wish(id, Wish::Reconnect) {
                    self.stand(id, Standing::Watch);
                    self.check_now(id);
                } else if let Some(watched) = self.watched.get_mut(&id) {
                    watched.wish = Standing::Watch;
                }
            }
            Command::SendText { id, text } => {
                self.wish(id, Wish::Say(Secret::new(text)));
            }
            Command::Shutdown => {}
        }
    }

    fn watch(&mut self, id: ProfileId, profile: Arc<Profile>) {
        self.generation += 1;
        let generation = self.generation;
        match self.watched.get_mut(&id) {
            Some(watched) => {
                let same = watches_the_same(&watched.profile, &profile) && watched.target.is_some();
                if profile.enabled && !watched.profile.enabled {
                    watched.wish = Standing::Watch;
                }
                watched.profile = Arc::clone(&profile);
                if same {
                    return;
                }
                watched.generation = generation;
                watched.target = None;
                self.stop_session(id);
                // What ran ends; what is published of it is of the old form and still true.
                self.schedule.remove(id);
            }
            None => {
                let watched = Watched {
                    profile: Arc::clone(&profile),
                    generation,
                    target: None,
                    wish: Standing::Watch,
                    state: State::Disconnected,
                    reason: None,
                    session: None,
                    panics: 0,
                    check_when_ready: false,
                };
                self.watched.insert(id, watched);
            }
        }
        let (secrets, patterns) = (Arc::clone(&self.secrets), Arc::clone(&self.patterns));
        // Looks up secrets and reads files: not on the threads that keep time.
        self.prepares.spawn_blocking(move || (id, generation, Target::prepare(id, profile, &secrets, &patterns)));
    }

    fn on_prepared(&mut self, id: ProfileId, generation: u64, target: Target) {
        let Some(watched) = self.watched.get_mut(&id).filter(|watched| watched.generation == generation) else {
            return; // Changed or forgotten meanwhile.
        };
        let target = Arc::new(target);
        watched.target = Some(Arc::clone(&target));
        let check = std::mem::take(&mut watched.check_when_ready);
        self.begin(id);
        if check {
            self.check_now(id);
        }
    }

    /// Begins, goes on or stops, by what is wanted.
    fn begin(&mut self, id: ProfileId) {
        let now = self.shared.clock.now();
        let Some(watched) = self.watched.get(&id) else { return };
        let (profile, active, has_session) = (Arc::clone(&watched.profile), watched.is_active(), watched.has_session());
        let standing = watched.wish;
        let host = profile.url.host_str().unwrap_or_default();
        let cadence = (active && !has_session).then_some(profile.interval);
        self.schedule.set(id, host, cadence, now.mono);
        if active {
            self.surroundings.watch(id, host, now.wall);
        } else {
            self.surroundings.forget(id);
            self.close_incident(id);
        }
        if has_session {
            match (profile.enabled, standing) {
                (true, Standing::Watch) => {
                    if !self.wish(id, Wish::Connect) {
                        self.start_session(id);
                    }
                }
                (true, Standing::Pause) => {
                    if !self.wish(id, Wish::Pause) {
                        self.set_state(id, State::Suspended, Some(Reason::new(Code::Paused)));
                    }
                }
                (true, Standing::Disconnect) => {
                    if !self.wish(id, Wish::Disconnect) {
                        self.set_state(id, State::Disconnected, Some(Reason::new(Code::Asked)));
                    }
                }
                (false, _) => {
                    self.stop_session(id);
                    self.set_state(id, State::Disconnected, None);
                }
            }
            return;
        }
        match (profile.enabled, standing) {
            (false, _) => self.set_state(id, State::Disconnected, None),
            (true, Standing::Disconnect) => {
                self.set_state(id, State::Disconnected, Some(Reason::new(Code::Asked)));
            }
            (true, Standing::Pause) => self.set_state(id, State::Suspended, Some(Reason::new(Code::Paused))),
            (true, Standing::Watch) if self.surroundings.is_offline() && self.surroundings.counts(id) => {
                self.set_state(id, State::Suspended, Some(Reason::new(Code::Offline)));
            }
            (true, Standing::Watch) => {
                let state = self.watched.get(&id).map(|watched| watched.state);
                if matches!(state, Some(State::Disconnected | State::Suspended)) {
                    self.set_state(id, State::Connecting, None);
                }
            }
        }
    }

    fn stand(&mut self, id: ProfileId, standing: Standing) {
        let Some(watched) = self.watched.get_mut(&id) else { return };
        watched.wish = standing;
        if watched.target.is_none() || !watched.profile.enabled {
            return;
        }
        self.begin(id);
    }

    fn forget(&mut self, id: ProfileId) {
        self.stop_session(id);
        self.schedule.remove(id);
        self.surroundings.forget(id);
        self.close_incident(id);
        self.watched.remove(&id);
    }

    fn check_now(&mut self, id: ProfileId) {
        let Some(watched) = self.watched.get_mut(&id) else { return };
        if watched.target.is_none() {
            watched.check_when_ready = true;
        } else if let Some(start) = self.schedule.ask(id, self.shared.clock.mono()) {
            self.start_probe(start, Purpose::Check);
        }
    }

    // Checks.

    fn start_probe(&mut self, start: Start, purpose: Purpose) {
        let Some(target) = self.watched.get(&start.id).and_then(|watched| watched.target.clone()) else {
            let next = self.schedule.finished(start.id);
            next.into_iter().for_each(|next| self.start_probe(next, purpose));
            return;
        };
        let clock = self.shared.clock;
        let manner = Manner { scheduled: start.scheduled, observe: None };
        let task = self.probes.spawn(async move { Box::new(probe::check(&target, manner, clock).await) });
        self.probe_of.insert(task.id(), (start.id, purpose));
    }

    fn on_probed(&mut self, task: Id, result: Result<Box<Probed>, JoinError>) {
        let Some((id, purpose)) = self.probe_of.remove(&task) else { return };
        if purpose == Purpose::Canary {
            self.canary.running = false;
            let reach = result.ok().and_then(|probed| probed.reach);
            self.on_reach(id, reach);
            return;
        }
        if let Some(next) = self.schedule.finished(id) {
            self.start_probe(next, Purpose::Check);
        }
        match result {
            Ok(probed) => self.on_report(id, *probed),
            Err(error) => {
                self.say_panic(id, "check", error);
            }
        }
    }

    fn on_report(&mut self, id: ProfileId, probed: Probed) {
        let Probed { mut report, reach } = probed;
        self.gauges.check(report.lateness, self.shared.clock.mono());
        self.on_reach(id, reach);
        let is_ours = matches!(reach, Some(Reach::Failed { .. })) && self.is_cut_off(id);
        if is_ours {
            report.outcome = Outcome::Unknown;
            report.state = State::Suspended;
            report.reason = Some(Reason::new(Code::Offline));
        }
        let (outcome, state, reason) = (report.outcome, report.state, report.reason.clone());
        self.shared.bus.publish(Some(id), EventBody::Check(Arc::new(report)));
        let Some(watched) = self.watched.get(&id) else { return };
        // A check beside a session, or one that was asked for of a profile at rest, decides nothing.
        if watched.has_session() || !watched.is_active() {
            return;
        }
        let reason = if outcome == Outcome::Degraded { None } else { reason };
        self.set_state(id, state, reason.clone());
        self.on_outcome(id, outcome, reason.as_ref());
    }

    fn on_outcome(&mut self, id: ProfileId, outcome: Outcome, reason: Option<&Reason>) {
        let Some(watched) = self.watched.get(&id) else { return };
        let after = watched.profile.alert.after;
        let body = self.incidents.on_outcome(id, outcome, reason, after, self.shared.clock.wall());
        self.publish(id, body);
    }

    fn close_incident(&mut self, id: ProfileId) {
        let body = self.incidents.close(id, self.shared.clock.wall());
        self.publish(id, body);
    }

    fn publish(&self, id: ProfileId, body: Option<EventBody>) {
        let Some(body) = body else { return };
        match self.watched.get(&id).and_then(|watched| watched.target.as_ref()) {
            Some(target) => target.publish(&self.shared.bus, body),
            // Not ready yet: nothing of its secrets can be in it.
            None => self.shared.bus.publish(Some(id), body),
        };
    }

    /// Of a profile without a session.
    fn set_state(&mut self, id: ProfileId, to: State, reason: Option<Reason>) {
        let Some(watched) = self.watched.get_mut(&id) else { return };
        let key = |reason: &Option<Reason>| reason.as_ref().map(|reason| (reason.code, reason.status, reason.close));
        if watched.state == to && key(&watched.reason) == key(&reason) {
            return;
        }
        let from = std::mem::replace(&mut watched.state, to);
        watched.reason.clone_from(&reason);
        self.publish(id, Some(EventBody::State { from, to, reason, attempt: 0 }));
    }

    // Sessions.

    fn start_session(&mut self, id: ProfileId) {
        let Some(watched) = self.watched.get_mut(&id) else { return };
        let Some(target) = watched.target.clone().filter(|_| watched.is_active()) else { return };
        let mailbox = Arc::new(Mailbox::new());
        watched.session = Some(Arc::clone(&mailbox));
        watched.state = State::Disconnected;
        let shared = Arc::clone(&self.shared);
        let task = self.sessions.spawn(session::run(shared, target, Arc::clone(&mailbox)));
        self.session_of.insert(task.id(), id);
        if self.is_cut_off(id) {
            // An empty box has room.
            let _ = mailbox.put(Wish::Offline);
        }
        let _ = mailbox.put(Wish::Connect);
    }

    fn stop_session(&mut self, id: ProfileId) {
        let Some(watched) = self.watched.get_mut(&id) else { return };
        if let Some(mailbox) = watched.session.take() {
            watched.state = State::Disconnected;
            // A box that is full is that of a session whose server doesn't read: it ends at its next breath.
            let _ = mailbox.put(Wish::Stop);
        }
    }

    /// Hands a wish to the profile's session; false: it has none.
    fn wish(&self, id: ProfileId, wish: Wish) -> bool {
        let mailbox = self.watched.get(&id).and_then(|watched| watched.session.as_ref());
        mailbox.is_some_and(|mailbox| mailbox.put(wish).is_ok())
    }

    fn on_session_ended(&mut self, task: Id, result: Result<(), JoinError>) {
        let Some(id) = self.session_of.remove(&task) else { return };
        let Err(error) = result else { return };
        let Some(watched) = self.watched.get_mut(&id) else { return };
        watched.panics += 1;
        watched.session = None;
        let again = self.shared.clock.mono() + supervise::wait(watched.panics);
        self.restarts.push((again, id, watched.generation));
        self.say_panic(id, "session", error);
        self.set_state(id, State::Reconnecting, Some(Reason::new(Code::TaskPanicked)));
    }

    fn on_signal(&mut self, signal: Signal) {
        let Signal { id, state, outcome, reach } = signal;
        if let Some(watched) = self.watched.get_mut(&id) {
            watched.state = state;
        }
        self.on_reach(id, reach);
        let is_ours = matches!(reach, Some(Reach::Failed { .. })) && self.is_cut_off(id);
        if let Some((outcome, reason)) = outcome.filter(|_| !is_ours) {
            self.on_outcome(id, outcome, reason.as_ref());
        }
    }

    fn say_panic(&self, id: ProfileId, what: &str, error: JoinError) {
        let Ok(payload) = error.try_into_panic() else { return };
        let name = self.watched.get(&id).map_or("", |watched| watched.profile.name.as_str());
        let message = supervise::message(&*payload).into();
        self.publish(id, Some(EventBody::Panicked { task: format!("{what} of {name}").into(), message }));
    }

    // The machine.

    fn is_cut_off(&self, id: ProfileId) -> bool {
        self.surroundings.is_offline() && self.surroundings.counts(id)
    }

    fn on_reach(&mut self, id: ProfileId, reach: Option<Reach>) {
        let Some(reach) = reach else { return };
        let Some(body) = self.surroundings.on_result(id, reach, self.shared.clock.wall()) else { return };
        let online = matches!(body, EventBody::Online { .. });
        self.shared.bus.publish(None, body);
        let now = self.shared.clock.mono();
        self.canary.due = (!online).then(|| now + CANARY);
        let affected: Vec<ProfileId> =
            self.watched.keys().copied().filter(|id| self.surroundings.counts(*id)).collect();
        for id in affected {
            let Some(watched) = self.watched.get(&id) else { continue };
            let (has_session, profile) = (watched.has_session(), Arc::clone(&watched.profile));
            if has_session {
                self.wish(id, if online { Wish::Online } else { Wish::Offline });
            } else if online {
                // At once, spread as at the start.
                self.schedule.set(id, profile.url.host_str().unwrap_or_default(), Some(profile.interval), now);
            } else {
                self.set_state(id, State::Suspended, Some(Reason::new(Code::Offline)));
            }
        }
    }

    fn on_news(&mut self, news: News) {
        let (body, wish) = match news {
            News::Woke { slept } => (EventBody::Woke { slept }, Wish::Woke),
            News::NetworkChanged => (EventBody::NetworkChanged, Wish::NetworkChanged),
        };
        self.shared.bus.publish(None, body);
        let now = self.shared.clock.mono();
        if self.canary.due.is_some() {
            self.canary.due = Some(now);
        }
        for (id, watched) in &self.watched {
            // Loopback knows neither sleep nor cables, but a server there has been told nothing either.
            let concerns = matches!(news, News::Woke { .. }) || self.surroundings.counts(*id);
            if let Some(mailbox) = watched.session.as_ref().filter(|_| concerns) {
                let _ = mailbox.put(wish.clone());
            }
        }
    }

    /// Tries one endpoint after another while this machine seems offline, since its sessions don't.
    fn send_canary(&mut self, now: Instant) {
        if !self.surroundings.is_offline() {
            self.canary.due = None;
            return;
        }
        self.canary.due = Some(now + CANARY);
        if self.canary.running {
            return;
        }
        let last = self.canary.last;
        let counted = || self.watched.keys().copied().filter(|id| self.surroundings.counts(*id));
        let Some(id) = counted().find(|id| last < Some(*id)).or_else(|| counted().next()) else {
            self.canary.due = None;
            return;
        };
        self.canary.last = Some(id);
        if self.watched.get(&id).is_some_and(|watched| watched.target.is_some()) {
            self.canary.running = true;
            self.start_probe(Start { id, scheduled: now }, Purpose::Canary);
        }
    }

    /// Says farewell on every session, and then that it is over.
    async fn end(mut self) {
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

/// Whether two forms of a profile are watched alike: they differ in how they are named, sorted and alerted about only.
fn watches_the_same(one: &Profile, other: &Profile) -> bool {
    let plain = |profile: &Profile| Profile {
        name: String::new(),
        group: Vec::new(),
        tags: Vec::new(),
        stack: None,
        notes: String::new(),
        alert: crate::profile::model::Alert::default(),
        ..profile.clone()
    };
    plain(one) == plain(other)
}
