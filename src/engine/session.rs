//! The task of one persistent WebSocket: it drives the pure machine and does what that says.
//!
//! Invariants: while a session waits it holds one socket with its 4 KiB buffer, the machine, and an empty mailbox (a dial's
//! big future lives only while it dials); a flood of frames is recorded up to a rate, the rest is counted and said; nothing
//! here waits for a consumer of events.

use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, mpsc};

use super::line::{Heard, Outgoing, cut, farewell, linger};
use super::login::{NoEntry, SignInTold};
use super::mailbox::Mailbox;
use super::probe::{reach_of, reason_of};
use super::target::Target;
use super::{Bus, exchange};
use crate::base::{Clock, ProfileId, Secret};
use crate::net::{Client, Received, WebSocket};
use crate::watch::session::{Effect, Input, Session};
use crate::watch::socketio::refusal;
use crate::watch::surroundings::Reach;
use crate::watch::verdict::refine;
use crate::watch::{Code, EventBody, Outcome, Reason, State, Wanted};
use crate::wire::{Exchange, NetError, Opcode};

/// How many frames of one session are recorded in a second.
const FRAMES_PER_SECOND: u32 = 10_000;

/// What all sessions share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) bus: Arc<Bus>,
    pub(super) clock: Clock,
    /// To the hub.
    pub(super) signals: mpsc::Sender<Signal>,
    /// Dials under way at once; more wait.
    pub(super) dials: Arc<Semaphore>,
    /// Sessions that are open.
    pub(super) open: AtomicUsize,
}

impl Shared {
    pub(super) fn tell(&self, signal: Option<Signal>) -> impl Future<Output = ()> + Send + use<> {
        let signals = self.signals.clone();
        async move {
            if let Some(signal) = signal {
                // The hub never waits for a session, so this is no ring. Once it is gone there is nobody to tell.
                let _ = signals.send(signal).await;
            }
        }
    }
}

/// What the hub is told of how the attempt or the session came out.
pub(super) fn signal(
    target: &Target,
    machine: &Session,
    effects: &[Effect],
    failed: bool,
    reach: Option<Reach>,
) -> Option<Signal> {
    let bodies = || {
        effects.iter().filter_map(|effect| match effect {
            Effect::Emit(body) => Some(body),
            Effect::Dial | Effect::Send { .. } | Effect::Ping { .. } | Effect::HangUp { .. } | Effect::SignOut => None,
        })
    };
    let lost = failed || bodies().any(|body| matches!(body, EventBody::Closed { .. }));
    let reason = machine.reason();
    let used_up = reason.is_some_and(|reason| reason.code == Code::AttemptsExhausted);
    let outcome = if bodies().any(|body| matches!(body, EventBody::State { to: State::Connected, .. })) {
        Some((Outcome::Up, None))
    } else if lost && (machine.state().is_failure() || used_up) {
        Some((Outcome::Down, reason.cloned()))
    } else {
        None
    };
    let worth = outcome.is_some() || reach.is_some();
    worth.then(|| Signal { id: target.id, state: machine.state(), outcome, reach })
}

/// What a session tells the hub.
#[derive(Debug)]
pub(super) struct Signal {
    pub(super) id: ProfileId,
    pub(super) state: State,
    /// Up: it opened. Down: an attempt failed, or it was lost.
    pub(super) outcome: Option<(Outcome, Option<Reason>)>,
    pub(super) reach: Option<Reach>,
}

/// What the hub, or a person through it, asks of a session.
#[derive(Clone, Debug)]
pub(super) enum Wish {
    Connect,
    Disconnect,
    Pause,
    Reconnect,
    Say(Secret),
    Emit(Arc<Wanted>),
    PollingOnly(bool),
    Offline,
    Online,
    Woke,
    NetworkChanged,
    Stop,
}

impl From<Wish> for Input<'_> {
    fn from(wish: Wish) -> Self {
        match wish {
            Wish::Connect => Self::Connect,
            Wish::Disconnect => Self::Disconnect,
            Wish::Pause => Self::Pause,
            Wish::Reconnect => Self::Reconnect,
            Wish::Say(text) => Self::Say(text),
            Wish::Emit(wanted) => Self::Emit(wanted),
            Wish::PollingOnly(on) => Self::PollingOnly(on),
            Wish::Offline => Self::Offline,
            Wish::Online => Self::Online,
            Wish::Woke => Self::Woke,
            Wish::NetworkChanged => Self::NetworkChanged,
            Wish::Stop => Self::Stop,
        }
    }
}

/// With the number of the sign-in that it went out with.
type Dial = Pin<Box<dyn Future<Output = (u64, Dialled)> + Send>>;

enum Dialled {
    Opened { socket: Box<WebSocket>, exchange: Arc<Exchange>, protocol: Option<Box<str>> },
    Failed { exchange: Option<Arc<Exchange>>, reason: Reason, retry_after: Option<Duration>, reach: Option<Reach> },
}

enum Happening {
    Wish(Wish),
    Dialled(u64, Dialled),
    Received(Result<Received, NetError>),
    Due,
}

struct Task {
    shared: Arc<Shared>,
    target: Arc<Target>,
    machine: Session,
    rng: fastrand::Rng,
    socket: Option<Box<WebSocket>>,
    dial: Option<Dial>,
    /// Which sign-in the last dial went out with.
    entry: u64,
    flood: Flood,
}

/// Runs a session until it is told to stop. It begins at rest: put [`Wish::Connect`] into the mailbox.
pub(super) async fn run(shared: Arc<Shared>, target: Arc<Target>, mailbox: Arc<Mailbox<Wish>>) {
    let machine = Session::new(Arc::clone(target.rules()));
    let rng = fastrand::Rng::new();
    let mut task = Task { shared, target, machine, rng, socket: None, dial: None, entry: 0, flood: Flood::default() };
    loop {
        let happening = task.wait(&mailbox).await;
        let stop = matches!(happening, Happening::Wish(Wish::Stop));
        // Boxed: what it takes to send or to hang up is not held while the session waits.
        Box::pin(task.act(happening)).await;
        if stop {
            return;
        }
    }
}

impl Task {
    async fn wait(&mut self, mailbox: &Mailbox<Wish>) -> Happening {
        let deadline = self.machine.deadline();
        let dial = &mut self.dial;
        let dialled = poll_fn(|cx| dial.as_mut().map_or(Poll::Pending, |dial| dial.as_mut().poll(cx)));
        let received = async {
            match &mut self.socket {
                Some(socket) => socket.next().await,
                None => pending().await,
            }
        };
        // Not biased: neither a flood of messages nor one of wishes may starve the others.
        tokio::select! {
            wish = poll_fn(|cx| mailbox.poll_take(cx)) => Happening::Wish(wish),
            (entry, dialled) = dialled => Happening::Dialled(entry, dialled),
            received = received => Happening::Received(received),
            () = until(deadline) => Happening::Due,
        }
    }

    async fn act(&mut self, happening: Happening) {
        let now = self.shared.clock.now();
        self.flood.breathe(now.mono, &self.target, &self.shared.bus);
        let mut effects = Vec::new();
        let mut reach = None;
        let mut failed = false;
        match happening {
            Happening::Wish(wish) => {
                let stop = matches!(wish, Wish::Stop);
                let input = match wish {
                    Wish::NetworkChanged if self.socket.as_ref().is_some_and(|socket| socket.is_homeless()) => {
                        Input::AddressLost
                    }
                    wish => wish.into(),
                };
                self.machine.on(input, now, &mut self.rng, &mut effects);
                if stop {
                    return self.stop(effects).await;
                }
            }
            Happening::Due => self.machine.on(Input::Tick, now, &mut self.rng, &mut effects),
            Happening::Dialled(entry, dialled) => {
                self.dial = None;
                self.entry = entry;
                match dialled {
                    Dialled::Opened { socket, exchange, protocol } => {
                        reach = Some(Reach::Through);
                        self.socket = Some(socket);
                        self.shared.open.fetch_add(1, Ordering::Relaxed);
                        let input = Input::Opened { exchange, protocol, lacking: None };
                        self.machine.on(input, now, &mut self.rng, &mut effects);
                    }
                    Dialled::Failed { exchange, reason, retry_after, reach: seen } => {
                        (reach, failed) = (seen, true);
                        let input = Input::Failed { exchange, reason, retry_after, another_way: false };
                        self.machine.on(input, now, &mut self.rng, &mut effects);
                    }
                }
            }
            Happening::Received(received) => {
                #[cfg(test)]
                super::supervise::sabotage::pass(&self.target.profile.name, "session");
                let heard = Heard::of(received, &self.target);
                if let Heard::Ended { frame, .. } = &heard {
                    let socket = self.let_go();
                    if let Some(frame) = frame {
                        self.publish(EventBody::Frame(frame.clone()));
                        socket.map(|socket| tokio::spawn(linger(*socket)));
                    }
                }
                self.machine.on(heard.input(), now, &mut self.rng, &mut effects);
            }
        }
        self.shared.tell(signal(&self.target, &self.machine, &effects, failed, reach)).await;
        if let Some(error) = self.perform(effects).await {
            // The server doesn't read: for us the connection is cut.
            self.let_go();
            let mut effects = Vec::new();
            let now = self.shared.clock.now();
            self.machine.on(cut(&self.target, error), now, &mut self.rng, &mut effects);
            self.shared.tell(signal(&self.target, &self.machine, &effects, false, None)).await;
            self.perform(effects).await;
        }
    }

    /// Carries the effects out, in order. An error is that of a server that doesn't read.
    async fn perform(&mut self, effects: Vec<Effect>) -> Option<NetError> {
        for effect in effects {
            let outgoing = match effect {
                Effect::Emit(body @ EventBody::Frame(_)) => {
                    if self.flood.admits(&body) {
                        self.publish(body);
                    }
                    continue;
                }
                Effect::Emit(body) => {
                    self.target.publish(&self.shared.bus, body);
                    continue;
                }
                Effect::Dial => {
                    self.let_go();
                    self.dial = Some(Box::pin(dial(Arc::clone(&self.target), Arc::clone(&self.shared))));
                    continue;
                }
                Effect::HangUp { code } => {
                    self.dial = None;
                    if let (Some(socket), Some(code)) = (self.let_go(), code) {
                        tokio::spawn(farewell(*socket, code));
                    }
                    continue;
                }
                Effect::SignOut => {
                    // Its back-off says when it tries again.
                    let _ = self.target.sign_out(self.entry, self.shared.clock.mono());
                    continue;
                }
                Effect::Send { text, heartbeat } => Outgoing::Text { text, heartbeat },
                Effect::Ping { nonce } => Outgoing::Ping { nonce },
            };
            let Some(socket) = &mut self.socket else { continue };
            let frame = EventBody::Frame(outgoing.frame(&self.target));
            if self.flood.admits(&frame) {
                self.target.publish(&self.shared.bus, frame);
            }
            if let Err(error) = outgoing.send(socket).await {
                return Some(error);
            }
        }
        None
    }

    /// Ends within bounded time, with the farewell made.
    async fn stop(&mut self, effects: Vec<Effect>) {
        let mut last = None;
        for effect in effects {
            match effect {
                Effect::Emit(body) => self.publish(body),
                Effect::HangUp { code } => {
                    self.dial = None;
                    last = self.let_go().zip(code);
                }
                Effect::Dial | Effect::Send { .. } | Effect::Ping { .. } | Effect::SignOut => {}
            }
        }
        if let Some((socket, code)) = last {
            farewell(*socket, code).await;
        }
    }

    fn let_go(&mut self) -> Option<Box<WebSocket>> {
        let socket = self.socket.take();
        if socket.is_some() {
            self.shared.open.fetch_sub(1, Ordering::Relaxed);
        }
        socket
    }

    fn publish(&self, body: EventBody) {
        self.target.publish(&self.shared.bus, body);
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.let_go();
    }
}

/// At that time; never without one.
pub(super) async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => pending().await,
    }
}

async fn dial(target: Arc<Target>, shared: Arc<Shared>) -> (u64, Dialled) {
    let client = match target.client() {
        Ok(client) => client,
        Err(reason) => {
            let failed = Dialled::Failed { exchange: None, reason: reason.clone(), retry_after: None, reach: None };
            return (0, failed);
        }
    };
    // Never closed.
    let _place = shared.dials.acquire().await;
    // Boxed: hundreds may wait for a place.
    Box::pin(enter(&target, client, &shared)).await
}

/// Opens it, signed in where the profile has a login.
async fn enter(target: &Target, client: &Client, shared: &Shared) -> (u64, Dialled) {
    let say = |told: Vec<SignInTold>| told.into_iter().for_each(|told| _ = target.publish(&shared.bus, told.into()));
    match Box::pin(target.sign_in(shared.clock)).await {
        Ok(entry) => {
            say(entry.told);
            (entry.number, open(target, client, shared).await)
        }
        Err(NoEntry { reason, told }) => {
            let last = told.last().and_then(|told| told.exchange.as_ref());
            let reach = last.map(|exchange| Reach::of(exchange.result.as_ref().map(|_| ())));
            say(told);
            (0, Dialled::Failed { exchange: None, reason, retry_after: None, reach })
        }
    }
}

async fn open(target: &Target, client: &Client, shared: &Shared) -> Dialled {
    let deadline = shared.clock.mono() + target.profile.timeout;
    let (page, socket, memory) = (target.page(shared.clock, deadline).await, target.socket(), target.memory());
    let jar = memory.jar.clone();
    let (answer, socket, memory) = exchange::open(page, socket, memory, client, shared.clock, deadline).await;
    target.remember(&jar, &memory);
    let reach = reach_of(&answer);
    let response = answer.last().and_then(Exchange::response);
    let reason = answer.fault.as_ref().map(|fault| refine(reason_of(fault, &answer), response));
    let reason = reason.map(|reason| target.sent_to_login(&answer.exchanges).unwrap_or(reason));
    let retry_after = response.and_then(|response| refusal::retry_after(response, shared.clock.wall()));
    let protocol = answer.protocol.clone().map(String::into_boxed_str);
    let exchange = answer.exchanges.into_iter().next_back().map(Arc::new);
    match (socket, exchange, reason) {
        (Some(socket), Some(exchange), None) => Dialled::Opened { socket: Box::new(socket), exchange, protocol },
        (_, exchange, reason) => {
            let reason = reason.unwrap_or_else(|| Reason::new(Code::ConnectionClosed));
            Dialled::Failed { exchange, reason, retry_after, reach }
        }
    }
}

/// Keeps a session's recorded frames within a rate.
#[derive(Debug, Default)]
pub(super) struct Flood {
    second: Option<Instant>,
    count: u32,
    unrecorded: u64,
}

impl Flood {
    /// Whether this one is recorded; the end of a session always is.
    pub(super) fn admits(&mut self, body: &EventBody) -> bool {
        let ends = matches!(body, EventBody::Frame(frame) if frame.opcode == Opcode::Close);
        if ends || self.count < FRAMES_PER_SECOND {
            self.count += 1;
            return true;
        }
        self.unrecorded += 1;
        false
    }

    /// A new second has a new allowance; what was left out in the last one is said.
    pub(super) fn breathe(&mut self, now: Instant, target: &Target, bus: &Bus) {
        let over = self.second.is_none_or(|second| second + Duration::from_secs(1) <= now);
        if !over {
            return;
        }
        self.second = Some(now);
        self.count = 0;
        let unrecorded = std::mem::take(&mut self.unrecorded);
        if 0 < unrecorded {
            target.publish(bus, EventBody::Lost { consumer: "frames".into(), count: unrecorded });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waiting_session_is_small() {
        fn size<A, B, C, F: Future>(_: fn(A, B, C) -> F) -> usize {
            std::mem::size_of::<F>()
        }
        assert!(size(run) <= 640, "{}", size(run));
    }

    #[test]
    fn a_dial_that_waits_for_its_place_is_small() {
        fn size<A, B, F: Future>(_: fn(A, B) -> F) -> usize {
            std::mem::size_of::<F>()
        }
        assert!(size(dial) <= 160, "{}", size(dial));
    }

    #[test]
    fn a_dial_under_way_is_small() {
        fn size<A, B, C, F: Future>(_: fn(A, B, C) -> F) -> usize {
            std::mem::size_of::<F>()
        }
        assert!(size(open) <= 1280, "{}", size(open));
        let upgrade = |client: &'static Client, request, deadline| client.upgrade(request, deadline);
        assert!(size(upgrade) <= 2048, "{}", size(upgrade));
    }
}
