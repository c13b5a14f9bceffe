//! A Socket.IO connection: what the [client](crate::watch::socketio) wants is done here, what comes of it goes back to it.
//!
//! [`Line::wait`] may be dropped at any time, for nothing that it waits for is lost with it; [`Line::act`] may not.

use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinHandle;

use crate::base::{Clock, Moment};
use crate::browser::{Answer, Fault, Memory, Page};
use crate::engine::line::{Heard, farewell, linger};
use crate::engine::login::{Entry, NoEntry, SignInTold};
use crate::engine::probe::{reach_of, reason_of};
use crate::engine::session::Shared;
use crate::engine::target::Target;
use crate::engine::{exchange, redact};
use crate::net::{Received, WebSocket};
use crate::watch::session::reason_of_end;
use crate::watch::socketio::{Client, Effect, Input, Query, refusal};
use crate::watch::surroundings::Reach;
use crate::watch::verdict::refine;
use crate::watch::{CloseFacts, ClosedBy, Code, EventBody, Reason, ScriptClose, Wanted};
use crate::wire::{Exchange, NetError, Opcode};

/// A long poll ends by its heartbeat, not by this.
const LONG_POLL: Duration = Duration::from_secs(3600);
/// How long a message may take to be taken by the system's buffers.
const SEND: Duration = Duration::from_secs(10);
/// How long what was said last may take to go out.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What the session, or the check, is told.
#[derive(Debug)]
pub(in crate::engine) enum News {
    /// To be published; of these there may be a flood.
    Recorded(EventBody),
    Tell(EventBody),
    /// The steps of signing in, where it was made now.
    SignedIn(Vec<SignInTold>),
    /// A request of this connection came to its end.
    Answered(Box<Answer>),
    /// Every namespace has answered, and one at least is joined.
    Up {
        /// The one that opened the connection.
        exchange: Option<Arc<Exchange>>,
        /// Why another is not joined, where one isn't.
        lacking: Option<Reason>,
    },
    Lacking(Option<Reason>),
    Over {
        facts: CloseFacts,
        reason: Reason,
        /// The one that failed, where it was one.
        exchange: Option<Arc<Exchange>>,
        retry_after: Option<Duration>,
        /// The next attempt begins with another transport.
        another_way: bool,
    },
}

impl News {
    /// An attempt that could not even be made.
    pub(in crate::engine) fn nothing_sent(reason: Reason) -> Self {
        let script = ScriptClose { code: 1006, reason: "".into(), clean: false };
        let facts = CloseFacts { code: None, reason: "".into(), by: ClosedBy::Client, script };
        Self::Over { facts, reason, exchange: None, retry_after: None, another_way: false }
    }
}

/// What [`Line::wait`] came back with.
pub(in crate::engine) enum Raw {
    Got(Box<Asked>),
    Posted(Box<Asked>),
    Opened(Box<Opening>),
    Received(Result<Received, NetError>),
    /// Signed in, where the profile has a login, or not.
    Entered(Box<Entered>),
    Due,
}

/// Its turn has come, and it is signed in, where the profile has a login, or not.
pub(in crate::engine) struct Entered {
    place: Option<OwnedSemaphorePermit>,
    entry: Result<Entry, NoEntry>,
}

/// What came of a GET or a POST.
pub(in crate::engine) struct Asked {
    answer: Box<Answer>,
    body: Bytes,
    page: Page,
    /// What the browser remembers now, where that is something new.
    changed: Option<Changed>,
    took: Duration,
}

/// What came of opening a WebSocket.
pub(in crate::engine) struct Opening {
    answer: Box<Answer>,
    socket: Option<Box<WebSocket>>,
    page: Page,
    changed: Option<Changed>,
}

/// What the browser remembered before a request, and what after it.
type Changed = (Memory, Memory);
type Job<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// One client with what it has under way.
pub(in crate::engine) struct Line {
    target: Arc<Target>,
    clock: Clock,
    /// Where connections that are not up yet have their places.
    gate: Option<Arc<Shared>>,
    client: Client,
    page: Option<Page>,
    memory: Memory,
    entering: Option<Job<Box<Entered>>>,
    /// Held until it is up and has moved to its transport, or is over: what it takes to get there is not taken by all at once.
    place: Option<OwnedSemaphorePermit>,
    /// Which sign-in this connection is made with.
    entry: u64,
    get: Option<Job<Box<Asked>>>,
    post: Option<Job<Box<Asked>>>,
    opening: Option<Job<Box<Opening>>>,
    socket: Option<Box<WebSocket>>,
    /// The exchange that opened the connection, or failed, and the wait that its answer asks for.
    kept: Option<(Arc<Exchange>, Option<Duration>)>,
    /// What a polite end still has to do.
    parting: Option<JoinHandle<()>>,
    /// What the network said, since it was last asked for.
    reach: Option<Reach>,
}

impl Line {
    pub(in crate::engine) fn new(target: &Arc<Target>, clock: Clock, gate: Option<Arc<Shared>>) -> Option<Self> {
        let client = Client::new(Arc::clone(target.plan()?));
        let memory = target.memory();
        Some(Self {
            target: Arc::clone(target),
            clock,
            gate,
            client,
            page: None,
            memory,
            entering: None,
            place: None,
            entry: 0,
            get: None,
            post: None,
            opening: None,
            socket: None,
            kept: None,
            parting: None,
            reach: None,
        })
    }

    pub(in crate::engine) fn target(&self) -> &Target {
        &self.target
    }

    pub(in crate::engine) fn client(&self) -> &Client {
        &self.client
    }

    /// What the network has said since this was last asked.
    pub(in crate::engine) fn take_reach(&mut self) -> Option<Reach> {
        self.reach.take()
    }

    pub(in crate::engine) fn is_homeless(&self) -> bool {
        self.socket.as_ref().is_some_and(|socket| socket.is_homeless())
    }

    /// Waits for the next thing to happen.
    pub(in crate::engine) async fn wait(&mut self) -> Raw {
        let deadline = self.client.deadline();
        let due = async {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
                None => pending().await,
            }
        };
        let received = async {
            match &mut self.socket {
                Some(socket) => socket.next().await,
                None => pending().await,
            }
        };
        let (get, post, opening) = (&mut self.get, &mut self.post, &mut self.opening);
        let entering = &mut self.entering;
        let raw = tokio::select! {
            entered = poll(entering) => Raw::Entered(entered),
            asked = poll(get) => Raw::Got(asked),
            asked = poll(post) => Raw::Posted(asked),
            opened = poll(opening) => Raw::Opened(opened),
            received = received => Raw::Received(received),
            () = due => Raw::Due,
        };
        match &raw {
            Raw::Got(_) => self.get = None,
            Raw::Posted(_) => self.post = None,
            Raw::Opened(_) => self.opening = None,
            Raw::Entered(_) => self.entering = None,
            Raw::Received(_) | Raw::Due => {}
        }
        raw
    }

    pub(in crate::engine) fn start(&mut self) {
        self.page = None;
        self.kept = None;
        let (target, clock, gate) = (Arc::clone(&self.target), self.clock, self.gate.clone());
        self.entering = Some(Box::pin(async move {
            let place = match gate {
                // Never closed.
                Some(shared) => Arc::clone(&shared.dials).acquire_owned().await.ok(),
                None => None,
            };
            Box::new(Entered { place, entry: target.sign_in(clock).await })
        }));
    }

    /// Which sign-in this connection was made with.
    pub(in crate::engine) fn entry(&self) -> u64 {
        self.entry
    }

    async fn on_entered(&mut self, entered: Entered, news: &mut Vec<News>) {
        self.place = entered.place;
        match entered.entry {
            Ok(Entry { number, told }) => {
                self.entry = number;
                news.push(News::SignedIn(told));
                self.memory = self.target.memory();
                self.tell(Input::Start, news).await;
            }
            Err(NoEntry { reason, told }) => {
                let last = told.last().and_then(|told| told.exchange.as_ref());
                self.reach = last.map(|exchange| Reach::of(exchange.result.as_ref().map(|_| ())));
                news.push(News::SignedIn(told));
                news.push(News::nothing_sent(reason));
            }
        }
    }

    /// What an answer changed is remembered, also beyond this connection: another request may have ended meanwhile.
    fn remember(&mut self, changed: Option<Changed>) {
        if let Some((before, after)) = changed {
            self.target.remember(&before.jar, &after);
            self.memory.jar.take_over(&before.jar, &after.jar);
            self.memory.permissions = after.permissions;
        }
    }

    pub(in crate::engine) async fn emit(&mut self, wanted: Arc<Wanted>) -> Vec<News> {
        self.give(Input::Emit(wanted)).await
    }

    pub(in crate::engine) async fn polling_only(&mut self, on: bool) -> Vec<News> {
        self.give(Input::PollingOnly(on)).await
    }

    /// Waits for the rest of a polite end, in bounded time.
    pub(in crate::engine) async fn part(&mut self) {
        if let Some(parting) = self.parting.take() {
            let _ = parting.await;
        }
    }

    /// Lets the connection go; `politely`: says so to the server, see [`Line::part`].
    pub(in crate::engine) async fn hang_up(&mut self, politely: bool) -> Vec<News> {
        if politely {
            return self.give(Input::Close).await;
        }
        self.client.forget();
        self.drop_all(false);
        Vec::new()
    }

    /// Tells the client, and does what it wants.
    pub(in crate::engine) async fn act(&mut self, raw: Raw) -> Vec<News> {
        let mut news = Vec::new();
        match raw {
            Raw::Due => self.tell(Input::Tick, &mut news).await,
            Raw::Entered(entered) => self.on_entered(*entered, &mut news).await,
            Raw::Got(asked) => self.on_asked(asked, false, &mut news).await,
            Raw::Posted(asked) => self.on_asked(asked, true, &mut news).await,
            Raw::Opened(opening) => self.on_opening(opening, &mut news).await,
            Raw::Received(received) => self.on_received(received, &mut news).await,
        }
        if self.client.is_settled() {
            self.place = None;
        }
        news
    }

    async fn give(&mut self, input: Input<'_>) -> Vec<News> {
        let mut news = Vec::new();
        self.tell(input, &mut news).await;
        news
    }

    async fn on_asked(&mut self, asked: Box<Asked>, post: bool, news: &mut Vec<News>) {
        let Asked { answer, body, page, changed, took } = *asked;
        self.page = Some(page);
        self.remember(changed);
        self.reach = reach_of(&answer);
        // A redirect to the login ends with a page that reads well.
        let against = self.target.sent_to_login(&answer.exchanges).or_else(|| reason_against(&answer));
        // Also of a body that is no Engine.IO's: then this is what failed.
        let opens = self.client.is_opening();
        if opens || against.is_some() {
            self.keep(&answer);
        }
        let response = answer.last().and_then(Exchange::response);
        let content_type = response.and_then(|response| response.headers.first_str("Content-Type"));
        let content_type = content_type.map(str::to_owned);
        news.push(News::Answered(answer));
        match against {
            Some(reason) => self.tell(Input::PollFailed { reason }, news).await,
            None if post => self.tell(Input::Posted { took }, news).await,
            None => self.tell(Input::Polled { content_type: content_type.as_deref(), body: &body }, news).await,
        }
    }

    async fn on_opening(&mut self, opening: Box<Opening>, news: &mut Vec<News>) {
        let Opening { answer, socket, page, changed } = *opening;
        self.page = Some(page);
        self.remember(changed);
        self.reach = reach_of(&answer);
        let against = self.target.sent_to_login(&answer.exchanges).or_else(|| reason_against(&answer));
        let opens = self.client.is_opening();
        if opens {
            self.keep(&answer);
        }
        news.push(News::Answered(answer));
        let against = against.map(|reason| if opens { reason } else { of_upgrade(reason) });
        match (socket, against) {
            (Some(socket), None) => {
                self.socket = Some(socket);
                self.tell(Input::Opened, news).await;
            }
            (_, reason) => {
                let reason = reason.unwrap_or_else(|| Reason::new(Code::ConnectionClosed));
                self.tell(Input::OpenFailed { reason }, news).await;
            }
        }
    }

    async fn on_received(&mut self, received: Result<Received, NetError>, news: &mut Vec<News>) {
        match received {
            Ok(Received::Text(text)) => self.tell(Input::Text(text.as_str()), news).await,
            Ok(Received::Binary(bytes)) => self.tell(Input::Binary(&bytes), news).await,
            other => {
                let heard = Heard::of(other, &self.target);
                match heard {
                    Heard::Pong { nonce: Some(nonce), .. } => self.tell(Input::Pong { nonce }, news).await,
                    Heard::Ended { facts, error, frame } => {
                        let reason = reason_of_end(&facts, error.as_ref());
                        let socket = self.socket.take();
                        if let Some(frame) = frame {
                            news.push(News::Recorded(EventBody::Frame(frame)));
                            socket.map(|socket| tokio::spawn(linger(*socket)));
                        }
                        self.tell(Input::Ended { facts, reason }, news).await;
                    }
                    Heard::Text { .. } | Heard::Binary { .. } | Heard::Ping { .. } | Heard::Pong { .. } => {}
                }
            }
        }
    }

    fn keep(&mut self, answer: &Answer) {
        let response = answer.last().and_then(Exchange::response);
        let wait = response.and_then(|response| refusal::retry_after(response, self.clock.wall()));
        self.kept = answer.last().cloned().map(|exchange| (Arc::new(exchange), wait));
    }

    async fn tell(&mut self, input: Input<'_>, news: &mut Vec<News>) {
        let now = self.clock.now();
        let mut effects = Vec::new();
        self.client.on(input, now, &mut effects);
        for effect in effects {
            self.perform(effect, now, news).await;
        }
    }

    async fn perform(&mut self, effect: Effect, now: Moment, news: &mut Vec<News>) {
        match effect {
            Effect::Get(query) => self.get = Some(self.ask(&query, None, now)),
            Effect::Post(query, body) => self.post = Some(self.ask(&query, Some(body), now)),
            Effect::Open(query) => self.opening = Some(self.open(&query, now)),
            Effect::SendText(text) => self.send(async |socket| socket.send_text(text).await).await,
            Effect::SendBinary(bytes) => self.send(async |socket| socket.send_binary(bytes).await).await,
            Effect::Ping { nonce } => {
                let payload = Bytes::copy_from_slice(&nonce.to_be_bytes());
                self.send(async |socket| socket.send_ping(payload).await).await;
            }
            Effect::DropSocket => {
                self.opening = None;
                if let Some(socket) = self.socket.take() {
                    tokio::spawn(farewell(*socket, 1000));
                }
            }
            Effect::Drop { politely } => self.drop_all(politely),
            Effect::Packet { direction, binary, payload, heartbeat } => {
                let opcode = if binary { Opcode::Binary } else { Opcode::Text };
                let frame = redact::frame(direction, opcode, &payload, heartbeat, &self.target.redactor());
                news.push(News::Recorded(EventBody::Frame(frame)));
            }
            Effect::Message(message) => news.push(News::Recorded(EventBody::Message(Arc::from(message)))),
            Effect::Tell(body) => news.push(News::Tell(body)),
            Effect::Up { lacking } => {
                let exchange = self.kept.take().map(|(exchange, _)| exchange);
                news.push(News::Up { exchange, lacking });
            }
            Effect::Lacking(reason) => news.push(News::Lacking(reason)),
            Effect::Over { facts, reason, another_way } => {
                let (exchange, retry_after) = self.kept.take().unzip();
                let retry_after = retry_after.flatten();
                news.push(News::Over { facts, reason, exchange, retry_after, another_way });
            }
        }
    }

    /// Sends; a server that doesn't read for so long is dead, and the heartbeat or reading tells it.
    async fn send(&mut self, sending: impl AsyncFnOnce(&mut WebSocket) -> Result<(), NetError>) {
        if let Some(socket) = &mut self.socket
            && tokio::time::timeout(SEND, sending(socket)).await.is_err()
        {
            self.socket = None;
        }
    }

    fn drop_all(&mut self, politely: bool) {
        (self.entering, self.get, self.opening) = (None, None, None);
        self.place = None;
        let (post, socket) = (self.post.take(), self.socket.take());
        if politely {
            self.parting = Some(tokio::spawn(async move {
                if let Some(post) = post {
                    let _ = tokio::time::timeout(LAST_WORDS, post).await;
                }
                if let Some(socket) = socket {
                    farewell(*socket, 1000).await;
                }
            }));
        }
    }

    fn ask(&mut self, query: &Query, body: Option<String>, now: Moment) -> Job<Box<Asked>> {
        let (target, clock, page, memory) =
            (Arc::clone(&self.target), self.clock, self.page.clone(), self.memory.clone());
        let pairs = query.pairs(now.wall.0.unsigned_abs() / 1000);
        let long = query.sid.is_some() && body.is_none();
        let deadline = now.mono + if long { LONG_POLL } else { target.profile.timeout };
        Box::pin(async move {
            let started = clock.mono();
            let page = ready(page, &target, clock, deadline).await;
            let mut request = target.polling(&pairs);
            if let Some(body) = body {
                request.method = "POST".into();
                request.body = Some(body);
                request.headers.push(("Content-type".into(), "text/plain;charset=UTF-8".into()));
            }
            request.headers.push(("Accept".into(), "*/*".into()));
            let before = memory.clone();
            let client = match target.client() {
                Ok(client) => client,
                Err(_) => return pending().await,
            };
            let (answer, body, memory) =
                exchange::whole_xhr(page.clone(), request, memory, client, clock, deadline).await;
            let took = clock.mono().saturating_duration_since(started);
            let changed = (memory != before).then_some((before, memory));
            Box::new(Asked { answer, body, page, changed, took })
        })
    }

    fn open(&mut self, query: &Query, now: Moment) -> Job<Box<Opening>> {
        let (target, clock, page, memory) =
            (Arc::clone(&self.target), self.clock, self.page.clone(), self.memory.clone());
        let pairs = query.pairs(0);
        let deadline = now.mono + target.profile.timeout;
        Box::pin(async move {
            let page = ready(page, &target, clock, deadline).await;
            let before = memory.clone();
            let client = match target.client() {
                Ok(client) => client,
                Err(_) => return pending().await,
            };
            let socket = target.engine_io_socket(&pairs);
            let (answer, socket, memory) = exchange::open(page.clone(), socket, memory, client, clock, deadline).await;
            let changed = (memory != before).then_some((before, memory));
            Box::new(Opening { answer, socket: socket.map(Box::new), page, changed })
        })
    }
}

/// The page, as it was read when the connection began.
async fn ready(page: Option<Page>, target: &Target, clock: Clock, deadline: Instant) -> Page {
    match page {
        Some(page) => page,
        None => target.page(clock, deadline).await,
    }
}

/// A proxy that drops `Upgrade` makes the request one that no server understands, and each says so in its own wrong words: what
/// counts is that the upgrade was refused.
fn of_upgrade(reason: Reason) -> Reason {
    match reason.code {
        Code::UnknownTransport | Code::BadRequest => Reason { code: Code::HandshakeStatus, ..reason },
        _ => reason,
    }
}

/// Why the client can't go on from this answer: the browser's refusal, the network, or what the server says.
fn reason_against(answer: &Answer) -> Option<Reason> {
    let response = answer.last().and_then(Exchange::response);
    let said = || response.and_then(refusal::of_answer);
    match &answer.fault {
        // The answer to an upgrade says why, though no script learns it.
        Some(fault @ Fault::HandshakeStatus { .. }) => {
            Some(said().unwrap_or_else(|| refine(reason_of(fault, answer), response)))
        }
        Some(fault) => Some(refine(reason_of(fault, answer), response)),
        None => {
            let response = response?;
            if response.status == 101 {
                return None;
            }
            if let Some(error) = &response.transfer.error {
                return Some(Reason::from(error).with_status(response.status));
            }
            let status = Reason::new(Code::Status).with_status(response.status);
            (response.status != 200).then(|| said().unwrap_or_else(|| refine(status, Some(response))))
        }
    }
}

async fn poll<T>(job: &mut Option<Job<T>>) -> T {
    poll_fn(|cx| job.as_mut().map_or(Poll::Pending, |job| job.as_mut().poll(cx))).await
}
