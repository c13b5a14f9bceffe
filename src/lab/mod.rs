//! Layer 3: real servers on loopback that misbehave to order: the demo and the tests stand on them.
//!
//! A [`Lab`] answers HTTP/1.1, WebSockets and Socket.IO on one plain port, and the same, with HTTP/2, on a TLS port for each kind of
//! certificate. What it answers is wholly given by the request's URL, so tests share no state; the few faults with a
//! memory keep it for each path (or `key`) on its own. Everything ends when the `Lab` is dropped.
//!
//! Bounds: request heads of 64 KiB, bodies of 1 MiB, frames of 16 MiB, a number of connections; no request waits for more
//! than 75 s of silence.
//!
//! # The URL's language
//!
//! Any path; `key=value` pairs, percent-encoded, `+` for a space. A key without a value means `yes`. Times are `250ms`,
//! `1.5s`, `2m`; sizes `64k`, `100m`, `1g`. An unknown key is answered 400, save those that applications use (`token`,
//! `access_token`, `jwt`, `id`, `sid`, `EIO`, `transport`, `t`, `v`, `b64`) and any that begins with `_`.
//!
//! The answer:
//!
//! | key | meaning |
//! |---|---|
//! | `status=503` `reason=Gone` `http=1.0` | the status line (default `200 OK`, HTTP/1.1) |
//! | `h=Name: value` | a header line, byte for byte; repeatable, in order; a malformed one goes out as it is. `{origin}` `{host}` `{method}` `{acrm}` `{acrh}` stand for what the request says |
//! | `bare` | no header lines but those of `h` |
//! | `body=text` or `size=1g` or `reflect` | the body: a text, so many letters, or the request's own head |
//! | `length=none`, `chunked` or a size | how the length is told (default: truly, by `Content-Length`) |
//! | `raw=bytes` | the whole answer |
//! | `keep=no` | `Connection: close` |
//! | `interim=103` `interims=5` | 1xx answers before it, and how many |
//! | `head-size=1g` `head-line=1g` | a gigantic head: in many lines, or in one |
//! | `wait=2s` `body-wait=2s` | pauses before the head and before the body |
//! | `jitter=20ms..300ms` `seed=7` | a pause more from a deterministic sequence: mostly short, with a long tail |
//! | `head-drip=10ms` `drip=1s` | one byte of head, of body, in so long |
//! | `end=drop`, `reset` or `stall`, with `-head` or `-body` | FIN, RST or silence in place of the answer, or in the middle of its head or body |
//! | `to=URL` `hops=3` `hops=loop` | a redirect (302 unless `status` says otherwise) there; through so many of its own kind first |
//! | `options=405` `oh=Name: value` | what a preflight gets; without either, what `allow` means |
//! | `allow=ORIGIN`, `*` or `any` | the server's list of origins, repeatable: CORS headers and preflights as a right configuration answers, and 403 to a WebSocket of another origin. `any` reflects and allows credentials |
//! | `bare-errors` | no CORS headers on answers from 400 on |
//! | `need=session`, `bearer:TOKEN`, `basic:USER:PASS` or `query:NAME=VALUE` | 401 without it; the session is `/login`'s |
//! | `limit=5/10s` | 429 beyond so many in so long |
//! | `fail-first=3` | 503 to the first so many |
//! | `outage=8s/4s` | up for 8 s from the first request on, then 4 s in which connections are cut, again and again |
//! | `key=NAME` | the name under which the last three and `jitter` count (default: the path) |
//!
//! A WebSocket handshake is answered by all of the above if `status` is another than 101 or it is refused; otherwise:
//!
//! | key | meaning |
//! |---|---|
//! | `ws=no` | the upgrade is ignored: an ordinary answer |
//! | `upgrade=` `connection=` `accept=` `protocol=` | the 101's headers: `right`, `none` or a literal; `extensions=` adds one |
//! | `deflate=PARAMETERS` | permessage-deflate is agreed to where it is offered, in these words (`server_max_window_bits=10`); whole messages go out compressed |
//! | `h=` `reason=` `wait=` `head-drip=` `end=` | as above |
//! | `do=STEP` | once open, in order, repeatable |
//! | `after=5s:STEP` | so long after opening |
//! | `messages=3:STEP` | once so many messages have come |
//! | `every=1s:text` | a text message every second; `{n}` counts |
//! | `beat=1s` `beats=5` `beat-pong=3s:4000` | `{"type":"ping","n":1}` every second, so many of them; closes with 4000 where no message with `pong` comes in 3 s |
//! | `echo` | messages come back |
//! | `pongs=no` `closes=no` | pings, close frames are not answered |
//!
//! A STEP is `text:…`, `binary:HEX`, `ping:…`, `pong:…`, `close`, `close:CODE:REASON`, `raw:HEX`, `split:…` (a text message in two frames), `big:100m` (one text
//! message), `part:1m` and `more:1m` (an unfinished message's first frame, and a further one), `wait:1s`, `drop`, `reset`, `stall` (says nothing more), `deaf` (reads nothing more either), `loop` (from the
//! first step again; `loop:2` from the third), or `bad:` and a violation of RFC 6455: `opcode`, `rsv`, `masked`, `utf8`, `fragmented-ping`,
//! `long-ping`, `close-1005`, `close-short`, `close-utf8`, `lone-continuation`, `interleaved`, `huge-length`,
//! `long-length`, `deflate` (no deflate stream), `deflate-twice` (a later frame says that the message is compressed).
//!
//! A path that ends in `/socket.io/` is a Socket.IO server (Engine.IO 4 and 3; each path one of its own) unless `status` or
//! `raw` says otherwise. `allow`, `h`, `need`, `wait` hold for all its requests, `limit` and `fail-first` for those that
//! open a session, and `outage` forgets its sessions. A `/~SCRIPT/` at the path's beginning is a script like the query's.
//!
//! | key | meaning |
//! |---|---|
//! | `io-ping=25s` `io-timeout=20s` `io-payload=1m` | what the open packet announces, and the server keeps |
//! | `io-transports=polling` or `websocket` | only that: `upgrades` is empty, the other is answered 400 |
//! | `io-refuse` | `upgrades` offers the WebSocket, and its handshake is answered 400 |
//! | `io-revision=3` or `4` | the one Engine.IO revision: 3 is spoken to all, 4 answers others with 400, code 5 |
//! | `io-forget=2` | each second request with a session id is answered 400, code 1, as by another worker |
//! | `io-token=letmein` | what `/admin` wants as `token` of its `auth` |
//! | `io-session` | namespaces are refused without `/login`'s session, and left when it is ended |
//! | `io-limit=2/10s` | `Rate limit exceeded` to further namespaces |
//! | `io-tick=1s` | an event `tick` to all of `/` every second: `{"n":1,"room":"lobby","user":"ops"}` |
//! | `io-bye=2s` | the server disconnects a namespace so long after it was joined |
//! | `do=STEP` and its like | what happens on the WebSocket in the server's place, the upgrade's probe included |
//! | `poll=PAYLOAD` | what the first poll brings in the server's place, the second, and so on; then they wait |
//! | `io-once` | `do` and `poll` hold for the first session only |
//!
//! Its namespaces `/` and `/admin` send `welcome` to who joins, and answer the events `echo` (back, and as the
//! acknowledgement), `binary` (the same with bytes), `bytes` (so many), `shout` (to all), `ask` (asks `question` back, and
//! says `answered` with what was acknowledged, or `unanswered`), `big` (a text so long), `flood` (so many ticks at once),
//! `bye` (disconnects), and `never` not at all.
//!
//! `/login` (GET: a form with a CSRF token; POST: user `ops`, password `wirewatch`), `/me` and `/logout` are a site with a
//! cookie session. [`Lab::end_sessions`] ends it for all: what needs it answers 401 then, and an open WebSocket closes with
//! 4401. `/faults/NAME` is a [`Fault`] by its name; keys may be added to it.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use url::Url;

use crate::profile::{Kind, Profile};
use crate::wire::Headers;

mod answer;
mod conn;
mod deflate;
pub mod demo;
pub mod faults;
mod frame;
mod h2;
mod held;
mod http;
mod login;
pub mod oracle;
mod script;
mod serve;
mod shared;
mod socketio;
mod tls;
mod websocket;

pub use demo::{Demo, demo};
pub use faults::Fault;
use held::Held;
pub use oracle::Oracle;
use serve::Face;
pub use socketio::{Heard, What};
pub use tls::Identity;

/// How a lab is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// The plain port's address: loopback only. Port 0: a free one.
    pub addr: SocketAddr,
    /// How many connections may be open at once; beyond it new ones are closed at once.
    pub max_connections: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { addr: SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0), max_connections: 20_000 }
    }
}

/// One of the lab's ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Port {
    Plain,
    /// A certificate for `localhost`, `*.localhost` and the loopback addresses, signed by the lab's own authority.
    Tls,
    SelfSigned,
    Expired,
    NotYetValid,
    /// For `elsewhere.example` only.
    WrongName,
    /// As [`Port::Tls`], and wants a certificate of the client's: [`Lab::client_identity`].
    ClientCert,
    /// Accepts connections and says nothing, not even a TLS hello.
    Silent,
    /// Held, and nothing listens: connections are refused.
    Refused,
    /// Its queue is full: connection requests are dropped, as by a firewall. Where the system queues all the same, as
    /// [`Port::Silent`].
    Dropped,
}

impl Port {
    const LISTENING: [Self; 8] = [
        Self::Plain,
        Self::Tls,
        Self::SelfSigned,
        Self::Expired,
        Self::NotYetValid,
        Self::WrongName,
        Self::ClientCert,
        Self::Silent,
    ];

    fn speaks_tls(self) -> bool {
        !matches!(self, Self::Plain | Self::Refused | Self::Dropped)
    }

    fn scheme(self, kind: Kind) -> &'static str {
        match (kind, self.speaks_tls()) {
            (Kind::Http | Kind::SocketIo, false) => "http",
            (Kind::Http | Kind::SocketIo, true) => "https",
            (Kind::WebSocket, false) => "ws",
            (Kind::WebSocket, true) => "wss",
        }
    }
}

/// A request that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub method: String,
    /// Path and query.
    pub target: String,
    /// As they came: case, order, repetitions (over HTTP/2: lower case, `host` last).
    pub headers: Headers,
    pub body: Vec<u8>,
    pub tls: bool,
    pub http2: bool,
}

/// The running servers. Dropping it ends them and every connection.
pub struct Lab {
    server: Arc<serve::Server>,
    certs: tls::Certs,
    base: Url,
    ports: Vec<(Port, SocketAddr)>,
    both_families: bool,
    /// The authority's certificate, for those who can only be told a file's name.
    ca_file: Option<tempfile::TempPath>,
    _held: Held,
    _accepting: JoinSet<()>,
    _stop: watch::Sender<()>,
}

impl Lab {
    /// Starts the servers on the current runtime. Fails for an address that is not loopback or can't be had.
    pub async fn start(options: Options) -> io::Result<Self> {
        let ip = options.addr.ip();
        if !ip.is_loopback() {
            let problem =
                format!("{ip} is not a loopback address; the lab serves faults and must not leave this machine");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, problem));
        }
        let base = Url::parse("http://localhost/").map_err(io::Error::other)?;
        let certs = tls::Certs::make()?;
        let (stop, stopped) = watch::channel(());
        let server = Arc::new(serve::Server {
            shared: shared::Shared::new(),
            sockets: socketio::Servers::default(),
            permits: Arc::new(Semaphore::new(options.max_connections.min(Semaphore::MAX_PERMITS))),
            stop: stopped,
        });
        // `localhost` is both families: the same ports on the other one, where they can be had.
        let other: IpAddr = if ip.is_ipv4() { Ipv6Addr::LOCALHOST.into() } else { Ipv4Addr::LOCALHOST.into() };
        let mut accepting = JoinSet::new();
        let mut ports = Vec::new();
        let mut both_families = true;
        for port in Port::LISTENING {
            let wanted = if port == Port::Plain { options.addr } else { SocketAddr::new(ip, 0) };
            let listener = TcpListener::bind(wanted).await?;
            let address = listener.local_addr()?;
            ports.push((port, address));
            let face = match (port, certs.acceptor(port)) {
                (Port::Silent, _) => Face::Silent,
                (_, Some(acceptor)) => Face::Tls(acceptor),
                (_, None) => Face::Plain,
            };
            accepting.spawn(serve::accept(listener, face.clone(), Arc::clone(&server)));
            match TcpListener::bind((other, address.port())).await {
                Ok(twin) => {
                    accepting.spawn(serve::accept(twin, face, Arc::clone(&server)));
                }
                Err(_) => both_families = false,
            }
        }
        let held = Held::on(ip)?;
        ports.push((Port::Refused, held.refused));
        ports.push((Port::Dropped, held.dropped));
        let ca_file = write_temporary(&certs.ca_pem).ok();
        Ok(Self { server, certs, base, ports, both_families, ca_file, _held: held, _accepting: accepting, _stop: stop })
    }

    /// A port's address.
    pub fn addr(&self, port: Port) -> SocketAddr {
        self.ports.iter().find(|(known, _)| *known == port).map_or(self.ports[0].1, |(_, addr)| *addr)
    }

    /// Whether the ports answer on both loopback addresses, so that `localhost` does by either family.
    pub fn both_families(&self) -> bool {
        self.both_families
    }

    /// A URL on a port: `path` is the path and query, in the language above. What must be encoded in a query beyond what a
    /// browser encodes by itself (`&`, `+`, `%`, `#`) has to be; [`query`] does.
    pub fn url(&self, port: Port, scheme: &str, path: &str) -> Url {
        let (addr, mut url) = (self.addr(port), self.base.clone());
        // None of these can fail: the base is a special scheme's, and so is every one that is asked for.
        let _special = url.set_scheme(scheme);
        let _has_host = url.set_ip_host(addr.ip());
        let _has_port = url.set_port(Some(addr.port()));
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        url.set_path(path);
        url.set_query(query);
        url
    }

    pub fn http_url(&self, path: &str) -> Url {
        self.url(Port::Plain, "http", path)
    }

    pub fn ws_url(&self, path: &str) -> Url {
        self.url(Port::Plain, "ws", path)
    }

    pub fn https_url(&self, path: &str) -> Url {
        self.url(Port::Tls, "https", path)
    }

    pub fn wss_url(&self, path: &str) -> Url {
        self.url(Port::Tls, "wss", path)
    }

    /// A URL on a port under another name (`shop.localhost`), which has to resolve to loopback. An impossible name leaves
    /// the address.
    pub fn named_url(&self, port: Port, scheme: &str, host: &str, path: &str) -> Url {
        let mut url = self.url(port, scheme, path);
        let _possible = url.set_host(Some(host));
        url
    }

    /// A profile of a Socket.IO server under a script, on the plain port, from a page of another origin. The script is part
    /// of the path, so it holds for every request of a session.
    pub fn socketio(&self, script: &str) -> Profile {
        let mut profile = Profile::new("socketio", Kind::SocketIo, self.http_url("/"));
        profile.page = Url::parse(faults::PAGE).ok();
        profile.timeout = Duration::from_secs(5);
        let script = script.replace('/', "%2F").replace('?', "%3F").replace('#', "%23");
        profile.socketio.path = format!("/~{script}/socket.io/");
        profile
    }

    /// Ends the Socket.IO server of a path as a restart does: its connections are cut, its sessions unknown afterwards.
    pub fn restart_socketio(&self, path: &str) {
        self.server.sockets.forget(self.http_url(path).path());
    }

    /// What the namespaces of a path's Socket.IO server heard, oldest first, of the newest 1,000.
    pub fn heard(&self, path: &str) -> Vec<Heard> {
        self.server.sockets.heard(self.http_url(path).path())
    }

    /// The lab's own certificate authority, PEM.
    pub fn ca_pem(&self) -> &str {
        &self.certs.ca_pem
    }

    /// The same in a temporary file, which goes with the lab; `None` where none could be written.
    pub fn ca_file(&self) -> Option<&Path> {
        self.ca_file.as_deref()
    }

    /// A client certificate that [`Port::ClientCert`] accepts.
    pub fn client_identity(&self) -> &Identity {
        &self.certs.client
    }

    /// Whoever is signed in at `/login` is so no longer.
    pub fn end_sessions(&self) {
        self.server.shared.end_sessions();
    }

    /// The newest 1,000 requests, oldest first.
    pub fn seen(&self) -> Vec<Seen> {
        self.server.shared.seen()
    }

    /// The newest 1,000 requests of one path, oldest first.
    pub fn seen_at(&self, path: &str) -> Vec<Seen> {
        let (mut seen, url) = (self.seen(), self.http_url(path));
        seen.retain(|request| request.target.split('?').next() == Some(url.path()));
        seen
    }
}

fn write_temporary(text: &str) -> io::Result<tempfile::TempPath> {
    let mut file = tempfile::Builder::new().prefix("wirewatch-lab-").suffix(".pem").tempfile()?;
    file.write_all(text.as_bytes())?;
    Ok(file.into_temp_path())
}

/// A query of these pairs, encoded.
pub fn query<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

#[cfg(test)]
mod tests;
