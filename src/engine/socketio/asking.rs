//! What a Socket.IO connection asks of the network as its page would: polling's GETs and POSTs, and the WebSocket.
//!
//! Invariant: what one answer teaches the page's browser is in every later request, also beyond this connection; requests that
//! are under way at once don't undo what the others learned.

use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::base::{Clock, Moment};
use crate::browser::{Answer, Fault, Memory, Page};
use crate::engine::exchange;
use crate::engine::probe::reason_of;
use crate::engine::target::Target;
use crate::net::WebSocket;
use crate::watch::socketio::{Query, refusal};
use crate::watch::verdict::refine;
use crate::watch::{Code, Reason};
use crate::wire::Exchange;

/// A long poll ends by its heartbeat, not by this.
const LONG_POLL: Duration = Duration::from_secs(3600);

/// Something under way.
pub(super) type Job<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// An answer, by what was asked.
pub(in crate::engine) enum Answered {
    Got(Box<Came<Asked>>),
    Posted(Box<Came<Asked>>),
    Opened(Box<Came<Opened>>),
}

/// What came of asking.
pub(in crate::engine) struct Came<T> {
    pub(super) answer: Box<Answer>,
    pub(super) what: T,
    learned: Learned,
}

/// The page that asked, and what its browser remembered before and remembers after, where that is something new.
struct Learned {
    page: Arc<Page>,
    changed: Option<(Arc<Memory>, Memory)>,
}

/// What a GET or a POST brought.
pub(in crate::engine) struct Asked {
    pub(super) content_type: Option<String>,
    pub(super) body: Bytes,
    pub(super) took: Duration,
}

/// A WebSocket that opened.
pub(in crate::engine) type Opened = Option<Box<WebSocket>>;

/// What one connection asks: at most one GET, one POST and one WebSocket at a time.
pub(super) struct Asking {
    tab: Tab,
    get: Option<Job<Box<Came<Asked>>>>,
    post: Option<Job<Box<Came<Asked>>>>,
    opening: Option<Job<Box<Came<Opened>>>>,
}

impl Asking {
    pub(super) fn new(target: &Arc<Target>, clock: Clock) -> Self {
        let memory = Arc::new(target.memory());
        let tab = Tab { target: Arc::clone(target), clock, page: None, memory };
        Self { tab, get: None, post: None, opening: None }
    }

    pub(super) fn get(&mut self, query: &Query, now: Moment) {
        self.get = Some(self.tab.ask(query, None, now));
    }

    pub(super) fn post(&mut self, query: &Query, body: String, now: Moment) {
        self.post = Some(self.tab.ask(query, Some(body), now));
    }

    pub(super) fn open(&mut self, query: &Query, now: Moment) {
        self.opening = Some(self.tab.open(query, now));
    }

    pub(super) fn open_no_more(&mut self) {
        self.opening = None;
    }

    /// Lets everything go but the POST.
    pub(super) fn drop_all_but_post(&mut self) -> Option<Job<Box<Came<Asked>>>> {
        (self.get, self.opening) = (None, None);
        self.post.take()
    }

    pub(super) fn is_idle(&self) -> bool {
        self.get.is_none() && self.post.is_none() && self.opening.is_none()
    }

    /// The next answer. Nothing is lost with a poll that isn't repeated.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Answered> {
        if let Poll::Ready(came) = poll(&mut self.get, cx) {
            return Poll::Ready(Answered::Got(came));
        }
        if let Poll::Ready(came) = poll(&mut self.post, cx) {
            return Poll::Ready(Answered::Posted(came));
        }
        poll(&mut self.opening, cx).map(Answered::Opened)
    }

    /// Takes over what an answer taught: another one may have come since its request began.
    pub(super) fn learn<T>(&mut self, came: Came<T>) -> (Box<Answer>, T) {
        let Learned { page, changed } = came.learned;
        self.tab.page = Some(page);
        if let Some((before, after)) = changed {
            self.tab.target.remember(&before.jar, &after);
            let memory = Arc::make_mut(&mut self.tab.memory);
            memory.jar.take_over(&before.jar, &after.jar);
            memory.permissions = after.permissions;
        }
        (came.answer, came.what)
    }
}

/// What the job brought, which then is none any more.
pub(super) fn poll<T>(job: &mut Option<Job<T>>, cx: &mut Context<'_>) -> Poll<T> {
    let done = job.as_mut().map_or(Poll::Pending, |job| job.as_mut().poll(cx));
    if done.is_ready() {
        *job = None;
    }
    done
}

/// The page of one connection, read when it first asks, and what its browser remembers.
#[derive(Clone)]
struct Tab {
    target: Arc<Target>,
    clock: Clock,
    page: Option<Arc<Page>>,
    memory: Arc<Memory>,
}

impl Tab {
    /// A GET, or a POST of that body.
    fn ask(&self, query: &Query, body: Option<String>, now: Moment) -> Job<Box<Came<Asked>>> {
        let tab = self.clone();
        let pairs = query.pairs(now.wall.0.unsigned_abs() / 1000);
        let long = query.sid.is_some() && body.is_none();
        let deadline = now.mono + if long { LONG_POLL } else { tab.target.profile.timeout };
        Box::pin(async move {
            let started = tab.clock.mono();
            let page = tab.page(deadline).await;
            let mut request = tab.target.polling(&pairs);
            if let Some(body) = body {
                request.method = "POST".into();
                request.body = Some(body);
                request.headers.push(("Content-type".into(), "text/plain;charset=UTF-8".into()));
            }
            request.headers.push(("Accept".into(), "*/*".into()));
            let Ok(client) = tab.target.client() else { return pending().await };
            let (in_page, memory) = (Page::clone(&page), Memory::clone(&tab.memory));
            let (answer, body, memory) =
                exchange::whole_xhr(in_page, request, memory, client, tab.clock, deadline).await;
            let took = tab.clock.mono().saturating_duration_since(started);
            let response = answer.last().and_then(Exchange::response);
            let content_type = response.and_then(|response| response.headers.first_str("Content-Type"));
            let what = Asked { content_type: content_type.map(str::to_owned), body, took };
            tab.came(answer, what, page, memory)
        })
    }

    /// The WebSocket.
    fn open(&self, query: &Query, now: Moment) -> Job<Box<Came<Opened>>> {
        let tab = self.clone();
        let pairs = query.pairs(0);
        let deadline = now.mono + tab.target.profile.timeout;
        Box::pin(async move {
            let page = tab.page(deadline).await;
            let socket = tab.target.engine_io_socket(&pairs);
            let Ok(client) = tab.target.client() else { return pending().await };
            let (in_page, memory) = (Page::clone(&page), Memory::clone(&tab.memory));
            let (answer, socket, memory) = exchange::open(in_page, socket, memory, client, tab.clock, deadline).await;
            tab.came(answer, socket.map(Box::new), page, memory)
        })
    }

    async fn page(&self, deadline: Instant) -> Arc<Page> {
        match &self.page {
            Some(page) => Arc::clone(page),
            None => Arc::new(self.target.page(self.clock, deadline).await),
        }
    }

    fn came<T>(self, answer: Box<Answer>, what: T, page: Arc<Page>, after: Memory) -> Box<Came<T>> {
        let changed = (after != *self.memory).then_some((self.memory, after));
        Box::new(Came { answer, what, learned: Learned { page, changed } })
    }
}

/// A proxy that drops `Upgrade` makes the request one that no server understands, and each says so in its own wrong words: what
/// counts is that the upgrade was refused.
pub(super) fn of_upgrade(reason: Reason) -> Reason {
    match reason.code {
        Code::UnknownTransport | Code::BadRequest => Reason { code: Code::HandshakeStatus, ..reason },
        _ => reason,
    }
}

/// Why the client can't go on from this answer: the browser's refusal, the network, or what the server says.
pub(super) fn reason_against(target: &Target, answer: &Answer) -> Option<Reason> {
    // A redirect to the login ends with a page that reads well.
    if let Some(reason) = target.sent_to_login(&answer.exchanges) {
        return Some(reason);
    }
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
