//! The real server, socketioxide, and what its namespaces do with what they hear: the table stands in the lab's map.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{Empty, Full};
use serde_json::{Value, json};
use socketioxide::extract::{AckSender, SocketRef, TryData};
use socketioxide::handler::ConnectHandler as _;
use socketioxide::service::SocketIoService;
use socketioxide::socket::DisconnectReason;
use socketioxide::{SocketIo, TransportType};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::heard::{Heard, Log, What};
use crate::base::Clock;
use crate::lab::answer::cookie;
use crate::lab::conn::Head;
use crate::lab::login;
use crate::lab::script::Io;

/// Where socketioxide listens.
pub(super) const PATH: &str = "/socket.io/";
const NAMESPACES: [&str; 2] = ["/", "/admin"];
/// The longest text or bytes that `big` and `bytes` give, and the most events of `flood`.
const MAX_ASKED: u64 = 16 * 1024 * 1024;

pub(super) type Service = SocketIoService<Nothing>;

/// What the server hands other paths to: nothing.
#[derive(Clone, Debug)]
pub(super) struct Nothing;

impl hyper::service::Service<http::Request<Full<Bytes>>> for Nothing {
    type Response = http::Response<Empty<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn call(&self, _: http::Request<Full<Bytes>>) -> Self::Future {
        ready(Ok(http::Response::new(Empty::new())))
    }
}

/// What the handlers share.
struct Rooms {
    io: Io,
    path: String,
    /// The cookie's value of those who have been to `/login`.
    logins: watch::Receiver<String>,
    log: Arc<Log>,
    /// When namespaces were joined, within the limit's window.
    joined: Mutex<VecDeque<Instant>>,
}

/// Starts a server; what it does by itself ends with the set.
pub(super) fn start(io: &Io, path: &str, logins: watch::Receiver<String>, log: &Arc<Log>) -> (Service, JoinSet<()>) {
    let mut builder = SocketIo::builder()
        .ping_interval(io.ping_interval)
        .ping_timeout(io.ping_timeout)
        .max_payload(io.max_payload)
        .max_buffer_size(16 * 1024)
        .ack_timeout(Duration::from_secs(2));
    if !io.websocket {
        builder = builder.transports([TransportType::Polling]);
    }
    let (service, server) = builder.build_with_inner_svc(Nothing);
    let path = path.trim_end_matches('/').to_owned();
    let rooms = Rooms { io: io.clone(), path, logins: logins.clone(), log: Arc::clone(log), joined: Mutex::default() };
    let rooms = Arc::new(rooms);
    for namespace in NAMESPACES {
        let (at_door, inside) = (Arc::clone(&rooms), Arc::clone(&rooms));
        let join = move |socket: SocketRef, TryData(auth): TryData<Value>| {
            inside.join(&socket, auth.unwrap_or_default());
            ready(())
        };
        let admit = move |socket: SocketRef, TryData(auth): TryData<Value>| {
            ready(at_door.admit(&socket, auth.unwrap_or_default()))
        };
        server.ns(namespace, join.with(admit));
    }
    let mut tasks = JoinSet::new();
    if io.session {
        tasks.spawn(log_out(server.clone(), logins));
    }
    if let Some(every) = io.tick {
        tasks.spawn(tick(server, every));
    }
    (service, tasks)
}

/// Disconnects all whose login has been ended.
async fn log_out(server: SocketIo, mut logins: watch::Receiver<String>) {
    while logins.changed().await.is_ok() {
        for namespace in NAMESPACES {
            if let Some(all) = server.of(namespace) {
                // Who is gone already need not be told.
                let _told = all.disconnect().await;
            }
        }
    }
}

async fn tick(server: SocketIo, every: Duration) {
    let mut timer = tokio::time::interval(every);
    for n in 1_u64.. {
        timer.tick().await;
        // Nobody may be there to hear it.
        let _heard = server.emit("tick", &json!({ "n": n, "room": "lobby", "user": "ops" })).await;
    }
}

impl Rooms {
    fn note(&self, namespace: &str, what: What, data: Value) {
        self.log.note(&self.path, Heard { namespace: namespace.to_owned(), what, data });
    }

    /// Whether a namespace may be joined; otherwise the message of its refusal.
    fn admit(&self, socket: &SocketRef, auth: Value) -> Result<(), &'static str> {
        let refusal = if self.is_full() {
            Some("Rate limit exceeded")
        } else if self.io.session && !self.is_logged_in(socket) {
            Some("authentication required")
        } else if socket.ns() == "/admin" && auth["token"] != *self.io.token {
            Some("admin only: the token is missing or wrong")
        } else {
            None
        };
        let what = if refusal.is_some() { What::Refused } else { What::Joined };
        self.note(socket.ns(), what, auth);
        refusal.map_or(Ok(()), Err)
    }

    fn is_full(&self) -> bool {
        let Some((limit, window)) = self.io.limit else { return false };
        let now = Clock.mono();
        let mut joined = self.joined.lock().unwrap_or_else(PoisonError::into_inner);
        joined.retain(|at| now - *at < window);
        joined.push_back(now);
        (limit as usize) < joined.len()
    }

    fn is_logged_in(&self, socket: &SocketRef) -> bool {
        let headers = socket.req_parts().headers.iter();
        let headers = headers.map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        cookie(&Head { headers, ..Head::default() }, login::COOKIE).as_ref() == Some(&*self.logins.borrow())
    }

    /// What a joined namespace does from now on.
    fn join(self: &Arc<Self>, socket: &SocketRef, auth: Value) {
        let user = auth["user"].as_str().unwrap_or("guest").to_owned();
        // A socket that is gone again hears nothing more: here as below.
        let _gone = socket.emit("welcome", &json!({ "user": user, "room": "lobby" }));
        if let Some(after) = self.io.bye {
            let socket = socket.clone();
            tokio::spawn(async move {
                tokio::time::sleep(after).await;
                let _gone = socket.disconnect();
            });
        }
        self.on(socket, "echo", |socket, data: Value, ack| {
            let _gone = socket.emit("echo", &data);
            let _gone = ack.send(&data);
        });
        self.on(socket, "binary", |socket, data: Bytes, ack| {
            let _gone = socket.emit("binary", &data);
            let _gone = ack.send(&data);
        });
        self.on(socket, "shout", |socket, data: Value, _| {
            tokio::spawn(async move { socket.within("lobby").emit("shout", &data).await });
        });
        self.on(socket, "never", |_, _: Value, _| ());
        self.on(socket, "ask", |socket, data: Value, _| {
            tokio::spawn(async move {
                let Ok(answer) = socket.emit_with_ack::<_, Value>("question", &data) else { return };
                let _gone = match answer.await {
                    Ok(answer) => socket.emit("answered", &answer),
                    Err(_) => socket.emit("unanswered", &data),
                };
            });
        });
        self.on(socket, "big", |socket, size: u64, _| {
            let letters = usize::try_from(size.min(MAX_ASKED)).unwrap_or_default();
            let _gone = socket.emit("big", &"x".repeat(letters));
        });
        self.on(socket, "bytes", |socket, size: u64, _| {
            let bytes = vec![0x2A_u8; usize::try_from(size.min(MAX_ASKED)).unwrap_or_default()];
            let _gone = socket.emit("bytes", &Bytes::from(bytes));
        });
        self.on(socket, "flood", |socket, count: u64, _| {
            tokio::spawn(flood(socket, count.min(MAX_ASKED)));
        });
        self.on(socket, "bye", |socket, _: Value, _| {
            let _gone = socket.disconnect();
        });
        socket.join("lobby");
        let rooms = Arc::clone(self);
        socket.on_disconnect(move |socket: SocketRef, reason: DisconnectReason| {
            rooms.note(socket.ns(), What::Left, Value::String(reason.to_string()));
            ready(())
        });
    }

    /// Notes an event and lets `then` answer it.
    fn on<T>(self: &Arc<Self>, socket: &SocketRef, event: &'static str, then: fn(SocketRef, T, AckSender))
    where
        T: serde::de::DeserializeOwned + serde::Serialize + Send + Sync + 'static,
    {
        let rooms = Arc::clone(self);
        socket.on(event, move |socket: SocketRef, TryData(data): TryData<T>, ack: AckSender| {
            let noted = data.as_ref().ok().and_then(|data| serde_json::to_value(data).ok());
            rooms.note(socket.ns(), What::Event(event.to_owned()), noted.unwrap_or_default());
            if let Ok(data) = data {
                then(socket, data, ack);
            }
            ready(())
        });
    }
}

/// Ticks at once, as fast as the peer takes them.
async fn flood(socket: SocketRef, count: u64) {
    for n in 1..=count {
        while socket.emit("tick", &json!({ "n": n, "room": "lobby", "user": "ops" })).is_err() {
            if !socket.connected() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}
