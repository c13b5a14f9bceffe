//! A Socket.IO connection: what the [client](crate::watch::socketio) wants is done here, what comes of it goes back to it.
//!
//! [`Line::wait`] may be dropped at any time, for nothing that it waits for is lost with it; [`Line::act`] may not.

use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinHandle;

use super::asking::{Answered, Asked, Asking, Came, Job, Opened, of_upgrade, poll, reason_against};
use crate::base::{Clock, Moment};
use crate::browser::Answer;
use crate::engine::line::{Heard, SEND, farewell, linger};
use crate::engine::login::{Entry, NoEntry, SignInTold};
use crate::engine::probe::reach_of;
use crate::engine::redact;
use crate::engine::session::{Shared, until};
use crate::engine::target::Target;
use crate::net::{Received, WebSocket};
use crate::watch::session::reason_of_end;
use crate::watch::socketio::{Client, Effect, Input, refusal};
use crate::watch::surroundings::Reach;
use crate::watch::{CloseFacts, ClosedBy, Code, EventBody, Reason, Wanted};
use crate::wire::{Exchange, NetError, Opcode};

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
        let facts = CloseFacts::unclean(ClosedBy::Client, "");
        Self::Over { facts, reason, exchange: None, retry_after: None, another_way: false }
    }
}

/// What [`Line::wait`] came back with.
pub(in crate::engine) enum Raw {
    Answered(Answered),
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

/// One client with what it has under way.
pub(in crate::engine) struct Line {
    target: Arc<Target>,
    clock: Clock,
    /// Where connections that are not up yet have their places.
    gate: Option<Arc<Shared>>,
    client: Client,
    /// As long as it asks.
    asking: Option<Box<Asking>>,
    entering: Option<Job<Box<Entered>>>,
    /// Held until it is up and has moved to its transport, or is over: what it takes to get there is not taken by all at once.
    place: Option<OwnedSemaphorePermit>,
    /// Which sign-in this connection is made with.
    entry: u64,
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
        Some(Self {
            target: Arc::clone(target),
            clock,
            gate,
            client,
            asking: None,
            entering: None,
            place: None,
            entry: 0,
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

    /// Waits for the next thing to happen, and not past `latest`.
    pub(in crate::engine) async fn wait(&mut self, latest: Option<Instant>) -> Raw {
        let deadline = self.client.deadline().into_iter().chain(latest).min();
        let received = async {
            match &mut self.socket {
                Some(socket) => socket.next().await,
                None => pending().await,
            }
        };
        let (entering, asking) = (&mut self.entering, &mut self.asking);
        let answered = |cx: &mut Context<'_>| asking.as_mut().map_or(Poll::Pending, |asking| asking.poll(cx));
        tokio::select! {
            entered = poll_fn(|cx| poll(entering, cx)) => Raw::Entered(entered),
            answered = poll_fn(answered) => Raw::Answered(answered),
            received = received => Raw::Received(received),
            () = until(deadline) => Raw::Due,
        }
    }

    pub(in crate::engine) fn start(&mut self) {
        self.asking = None;
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

    fn asking(&mut self) -> &mut Asking {
        self.asking.get_or_insert_with(|| Box::new(Asking::new(&self.target, self.clock)))
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
            Raw::Answered(Answered::Got(came)) => self.on_asked(*came, false, &mut news).await,
            Raw::Answered(Answered::Posted(came)) => self.on_asked(*came, true, &mut news).await,
            Raw::Answered(Answered::Opened(came)) => self.on_opening(*came, &mut news).await,
            Raw::Received(received) => self.on_received(received, &mut news).await,
        }
        if self.client.is_settled() {
            self.place = None;
            self.asking.take_if(|asking| asking.is_idle());
        }
        news
    }

    async fn give(&mut self, input: Input<'_>) -> Vec<News> {
        let mut news = Vec::new();
        self.tell(input, &mut news).await;
        news
    }

    async fn on_asked(&mut self, came: Came<Asked>, post: bool, news: &mut Vec<News>) {
        let (asked, against) = self.on_came(came, true, news);
        match against {
            Some(reason) => self.tell(Input::PollFailed { reason }, news).await,
            None if post => self.tell(Input::Posted { took: asked.took }, news).await,
            None => {
                let Asked { content_type, body, .. } = &asked;
                self.tell(Input::Polled { content_type: content_type.as_deref(), body }, news).await;
            }
        }
    }

    async fn on_opening(&mut self, came: Came<Opened>, news: &mut Vec<News>) {
        let opens = self.client.is_opening();
        match self.on_came(came, false, news) {
            (Some(socket), None) => {
                self.socket = Some(socket);
                self.tell(Input::Opened, news).await;
            }
            (_, reason) => {
                let reason = reason.map(|reason| if opens { reason } else { of_upgrade(reason) });
                let reason = reason.unwrap_or_else(|| Reason::new(Code::ConnectionClosed));
                self.tell(Input::OpenFailed { reason }, news).await;
            }
        }
    }

    /// What the answer tells whatever was asked, and why the client can't go on from it. `vital`: nor can the connection.
    fn on_came<T>(&mut self, came: Came<T>, vital: bool, news: &mut Vec<News>) -> (T, Option<Reason>) {
        let (answer, what) = self.asking().learn(came);
        self.reach = reach_of(&answer);
        let against = reason_against(&self.target, &answer);
        // Also of a body that is no Engine.IO's: then this is what failed.
        if self.client.is_opening() || vital && against.is_some() {
            self.keep(&answer);
        }
        news.push(News::Answered(answer));
        (what, against)
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
            Effect::Get(query) => self.asking().get(&query, now),
            Effect::Post(query, body) => self.asking().post(&query, body, now),
            Effect::Open(query) => self.asking().open(&query, now),
            Effect::SendText(text) => self.send(async |socket| socket.send_text(text).await).await,
            Effect::SendBinary(bytes) => self.send(async |socket| socket.send_binary(bytes).await).await,
            Effect::Ping { nonce } => {
                let payload = Bytes::copy_from_slice(&nonce.to_be_bytes());
                self.send(async |socket| socket.send_ping(payload).await).await;
            }
            Effect::DropSocket => {
                self.asking().open_no_more();
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
        (self.entering, self.place) = (None, None);
        let post = self.asking.as_mut().and_then(|asking| asking.drop_all_but_post());
        let socket = self.socket.take();
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
}
