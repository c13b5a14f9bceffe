//! The lab's Socket.IO servers, one for each path that ends in `/socket.io/`: the real one of [`rooms`] where the script
//! does not say otherwise, with the faults that no real server can be asked for put before it.
//!
//! Invariant: a server's sessions end when it is forgotten, and all of them with the lab.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::service::Service as _;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::answer::{Answer, Body, cors_lines, fill, plain, reason_of};
use super::conn::{Conn, Head};
use super::http::{self, After};
use super::script::Script;
use super::serve::Server;
use super::websocket;

mod heard;
mod rooms;

pub use heard::{Heard, What};

/// How many servers there may be at once; beyond it all of them are forgotten.
const MAX_SERVERS: usize = 1000;
/// How long a poll may wait; the server's own pings end it long before.
const POLL_WAIT: Duration = Duration::from_secs(600);
/// What lies between a WebSocket's connection and the server, in bytes.
const PIPE: usize = 64 * 1024;

/// Whether a path is a Socket.IO server's.
pub(super) fn is_path(path: &str) -> bool {
    path.trim_end_matches('/').ends_with("/socket.io")
}

/// Whether a request belongs to a session that is already open.
pub(super) fn is_within(head: &Head) -> bool {
    is_path(head.path()) && head.parameter("sid").is_some()
}

/// All servers that are up.
#[derive(Default)]
pub(super) struct Servers {
    up: Mutex<HashMap<String, Arc<Instance>>>,
    log: Arc<heard::Log>,
}

impl Servers {
    fn of(&self, script: &Script, head: &Head, logins: watch::Receiver<String>) -> Arc<Instance> {
        let mut up = self.lock();
        if MAX_SERVERS <= up.len() {
            up.clear();
        }
        let name = name(script, head.path());
        let start = || Arc::new(Instance::start(script, head.path(), logins, &self.log));
        Arc::clone(up.entry(name).or_insert_with(start))
    }

    /// Ends a server with all its sessions; the next request finds a new one, which knows none of them.
    pub fn forget(&self, name: &str) {
        if let Some(instance) = self.lock().remove(name.trim_end_matches('/')) {
            instance.over.send_replace(());
        }
    }

    pub fn heard(&self, path: &str) -> Vec<Heard> {
        self.log.of(path)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Instance>>> {
        self.up.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The name under which a server is known: the script's `key`, or its path.
pub(super) fn name(script: &Script, path: &str) -> String {
    script.key.as_deref().unwrap_or(path).trim_end_matches('/').to_owned()
}

/// One server with what it remembers.
struct Instance {
    service: rooms::Service,
    /// The sessions that it has opened.
    sids: Mutex<HashSet<String>>,
    /// Sessions asked for so far, and requests with a session id.
    asked: AtomicU64,
    within: AtomicU64,
    /// The next of the script's polls.
    poll: AtomicUsize,
    over: watch::Sender<()>,
    logins: watch::Receiver<String>,
    _tasks: JoinSet<()>,
}

/// Serves one request, and what follows it on a WebSocket.
pub(super) async fn serve(
    conn: &mut Conn,
    script: &Script,
    head: &Head,
    wait: Duration,
    server: &Server,
) -> io::Result<After> {
    conn.pause(wait).await?;
    let instance = server.sockets.of(script, head, server.shared.sessions());
    let mut over = instance.over.subscribe();
    let up_for = server.shared.up_for(script, head.path());
    let down = async {
        match up_for {
            Some(up_for) => tokio::time::sleep(up_for).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        after = instance.serve(conn, script, head) => after,
        _ = over.changed() => Ok(After::Close),
        () = down => {
            server.sockets.forget(&name(script, head.path()));
            Ok(After::Close)
        }
    }
}

/// The answer to one request of the polling transport, over HTTP/2.
pub(super) async fn polled(script: &Script, head: &Head, server: &Server) -> Option<Answer> {
    let instance = server.sockets.of(script, head, server.shared.sessions());
    match instance.refusal(script, head, false) {
        Some(answer) => Some(answer),
        None if instance.is_scripted(script, head) && !script.io.polls.is_empty() => instance.scripted(script, head),
        None => instance.ask(script, head).await,
    }
}

impl Instance {
    fn start(script: &Script, path: &str, logins: watch::Receiver<String>, log: &Arc<heard::Log>) -> Self {
        let (service, tasks) = rooms::start(&script.io, path, logins.clone(), log);
        Self {
            service,
            sids: Mutex::default(),
            asked: AtomicU64::new(0),
            within: AtomicU64::new(0),
            poll: AtomicUsize::new(0),
            over: watch::Sender::new(()),
            logins,
            _tasks: tasks,
        }
    }

    /// The script's own WebSocket.
    async fn play(&self, conn: &mut Conn, script: &Script, head: &Head) -> io::Result<After> {
        websocket::serve(conn, script, head, Duration::ZERO, None, self.logins.clone()).await
    }

    async fn serve(&self, conn: &mut Conn, script: &Script, head: &Head) -> io::Result<After> {
        let socket = head.wants_upgrade() && !script.socket.ignored;
        let scripted = self.is_scripted(script, head);
        let answer = match self.refusal(script, head, socket) {
            Some(answer) => answer,
            None if socket && scripted && script.socket.plays() => {
                return self.play(conn, script, head).await;
            }
            None if socket => return self.open(conn, script, head).await,
            None if scripted && !script.io.polls.is_empty() => match self.scripted(script, head) {
                Some(answer) => answer,
                None => {
                    conn.stall().await;
                    return Ok(After::Close);
                }
            },
            None => {
                let answer = tokio::select! {
                    answer = self.ask(script, head) => answer,
                    waited = conn.pause(POLL_WAIT) => { waited?; None }
                };
                answer.unwrap_or_else(|| plain(500, ""))
            }
        };
        http::send(conn, script, head, &answer, head.keeps_alive()).await
    }

    /// Whether what the script says in the server's place holds for this request.
    fn is_scripted(&self, script: &Script, head: &Head) -> bool {
        let opens = u64::from(head.parameter("sid").is_none());
        let asked = self.asked.fetch_add(opens, Ordering::Relaxed) + opens;
        !script.io.once || asked < 2
    }

    /// What the script has answered in the server's place.
    fn refusal(&self, script: &Script, head: &Head, socket: bool) -> Option<Answer> {
        let io = &script.io;
        let fault = |code: u8, message: &str| {
            let mut answer = plain(400, &format!("{{\"code\":{code},\"message\":\"{message}\"}}"));
            answer.lines = vec![b"Content-Type: application/json".to_vec()];
            answer.lines.extend(own_lines(script, head, 400));
            Some(answer)
        };
        if io.revision == Some(4) && head.parameter("EIO").as_deref() != Some("4") {
            return fault(5, "Unsupported protocol version");
        }
        if !(if socket { io.websocket } else { io.polling }) {
            return fault(0, "Transport unknown");
        }
        if socket && io.refuse_websocket {
            return fault(3, "Bad request");
        }
        let sid = head.parameter("sid")?;
        let number = self.within.fetch_add(1, Ordering::Relaxed) + 1;
        let forgotten = io.forget.is_some_and(|every| number.is_multiple_of(every));
        // A WebSocket of a session that is not known would be answered 101 by the server, and dropped.
        let unknown = socket && (!script.socket.plays() || script.io.once) && !self.sids().contains(&sid);
        if forgotten || unknown { fault(1, "Session ID unknown") } else { None }
    }

    /// The script's next poll; `None`: there is none left, and it waits for ever.
    fn scripted(&self, script: &Script, head: &Head) -> Option<Answer> {
        let body = if head.method == "POST" {
            b"ok".to_vec()
        } else {
            if head.parameter("sid").is_none() {
                self.poll.store(0, Ordering::Relaxed);
            }
            script.io.polls.get(self.poll.fetch_add(1, Ordering::Relaxed))?.clone()
        };
        let mut answer = plain(200, "");
        answer.body = Body::Bytes(body);
        answer.lines.extend(own_lines(script, head, 200));
        Some(answer)
    }

    /// Asks the real server. Dropping it gives the poll up.
    async fn ask(&self, script: &Script, head: &Head) -> Option<Answer> {
        let request = request(script, head)?.body(Full::new(Bytes::from(head.body.clone()))).ok()?;
        let (parts, body) = self.service.call(request).await.ok()?.into_parts();
        let mut body = body.collect().await.ok()?.to_bytes().to_vec();
        let status = parts.status.as_u16();
        if status == 200 && head.parameter("sid").is_none() {
            self.sids().extend(sid_of(&body));
            if !script.io.websocket {
                body = without_upgrades(&body);
            }
        }
        if status == 400 {
            body = code_as_number(body);
        }
        let mut lines = own_lines(script, head, status);
        let kind = parts.headers.get("content-type").map(|kind| kind.as_bytes());
        lines.extend(kind.map(|kind| [&b"Content-Type: "[..], kind].concat()));
        let reason = reason_of(status).to_owned();
        Some(Answer { status, reason, lines, body: Body::Bytes(body), wait: Duration::ZERO })
    }

    /// Answers 101 and lets the real server talk.
    async fn open(&self, conn: &mut Conn, script: &Script, head: &Head) -> io::Result<After> {
        conn.send_dripping(&websocket::handshake(script, head), script.head_drip).await?;
        let (mut near, far) = tokio::io::duplex(PIPE);
        near.write_all(&conn.ahead.split()).await?;
        let request = request(script, head).and_then(|request| request.body(()).ok());
        let request = request.ok_or(io::ErrorKind::InvalidInput)?;
        if self.service.call((far, request)).await.is_ok() {
            tokio::io::copy_bidirectional(&mut conn.peer, &mut near).await?;
        }
        Ok(After::Close)
    }

    fn sids(&self) -> MutexGuard<'_, HashSet<String>> {
        self.sids.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The script's header lines, and those of its list of origins.
fn own_lines(script: &Script, head: &Head, status: u16) -> Vec<Vec<u8>> {
    let mut lines: Vec<Vec<u8>> = script.lines.iter().map(|line| fill(line, head)).collect();
    lines.extend(cors_lines(script, head, status));
    lines
}

/// The request as the real server is to see it: at its own path, and in the revision that it speaks.
fn request(script: &Script, head: &Head) -> Option<::http::request::Builder> {
    let mut query = head.query().to_owned();
    if script.io.revision == Some(3) {
        query = query.replace("EIO=4", "EIO=3");
    }
    let mut request = ::http::Request::builder().method(&*head.method).uri(format!("{}?{query}", rooms::PATH));
    for (name, value) in head.headers.iter() {
        request = request.header(name, value);
    }
    request.headers_ref().is_some().then_some(request)
}

/// The session id of an open packet, in either revision's payload.
fn sid_of(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let (_, rest) = text.split_once("\"sid\":\"")?;
    rest.split_once('"').map(|(sid, _)| sid.to_owned())
}

/// The same open packet with no upgrades: socketioxide offers the WebSocket even where it refuses it.
fn without_upgrades(body: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(body).replace("[\"websocket\"]", "[]");
    match text.split_once(":0{") {
        Some((_, rest)) => format!("{}:0{{{rest}", rest.chars().count() + 2).into_bytes(),
        None => text.into_bytes(),
    }
}

/// Node's servers and Python's write the error's code as a number, socketioxide as a string.
fn code_as_number(body: Vec<u8>) -> Vec<u8> {
    let text = String::from_utf8_lossy(&body).into_owned();
    let code = |text: String, code: u8| text.replace(&format!("\"code\":\"{code}\""), &format!("\"code\":{code}"));
    (0..=5).fold(text, code).into_bytes()
}

#[cfg(test)]
mod tests;
