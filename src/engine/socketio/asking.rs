//! What a Socket.IO connection asks of the network as its page would: polling's GETs and POSTs, and the WebSocket.
//!
//! Invariant: what one answer teaches the page's browser is in every later request, also beyond this connection; requests that
//! are under way at once don't undo what the others learned.

use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
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

/// What came of asking.
pub(in crate::engine) struct Came<T> {
    pub(super) answer: Box<Answer>,
    pub(super) what: T,
    pub(super) learned: Learned,
}

/// The page that asked, and what its browser remembered before and remembers after, where that is something new.
pub(super) struct Learned {
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

/// The page of one connection, read when it first asks, and what its browser remembers.
#[derive(Clone)]
pub(super) struct Tab {
    target: Arc<Target>,
    clock: Clock,
    page: Option<Arc<Page>>,
    memory: Arc<Memory>,
}

impl Tab {
    pub(super) fn new(target: &Arc<Target>, clock: Clock) -> Self {
        Self { target: Arc::clone(target), clock, page: None, memory: Arc::new(target.memory()) }
    }

    /// Takes over what an answer taught: another one may have come since its request began.
    pub(super) fn learn(&mut self, learned: Learned) {
        self.page = Some(learned.page);
        if let Some((before, after)) = learned.changed {
            self.target.remember(&before.jar, &after);
            let memory = Arc::make_mut(&mut self.memory);
            memory.jar.take_over(&before.jar, &after.jar);
            memory.permissions = after.permissions;
        }
    }

    /// A GET, or a POST of that body.
    pub(super) fn ask(&self, query: &Query, body: Option<String>, now: Moment) -> Job<Box<Came<Asked>>> {
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
    pub(super) fn open(&self, query: &Query, now: Moment) -> Job<Box<Came<Opened>>> {
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
