//! Accepting connections and taking each to its end.
//!
//! Invariant: never more than the permitted number at once, and all of them end when the lab is dropped.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;

use super::answer::{Answer, Verdict, decide, plain};
use super::conn::{Conn, Head, NoRequest, Peer};
use super::http::{self, After};
use super::script::{Script, parse};
use super::shared::Shared;
use super::{demo, faults, h2, login, socketio, websocket};

/// How long a TLS handshake may take.
const TLS_WAIT: Duration = Duration::from_secs(30);

/// What every connection needs.
pub(super) struct Server {
    pub shared: Shared,
    pub sockets: socketio::Servers,
    pub permits: Arc<Semaphore>,
    /// Its sender is the lab's: when that is gone, everything ends.
    pub stop: watch::Receiver<()>,
}

/// What is done with a request, and under which script.
pub(super) enum Decision {
    Answer(Script, Answer),
    /// Open the WebSocket after so long.
    Open(Script, Duration),
    /// Let the path's Socket.IO server answer, after so long.
    SocketIo(Script, Duration),
    Hangup,
}

impl Server {
    /// Records the request and says what to do with it.
    pub fn decide(&self, head: &Head, tls: bool) -> Decision {
        self.shared.note(head, tls, tls && head.raw.is_empty());
        if let Some(answer) = login::answer(head, &self.shared) {
            return Decision::Answer(Script::default(), answer);
        }
        let path = head.path();
        let named = faults::query_of(path).or_else(|| demo::query_of(path)).or_else(|| own_query_of(path));
        let named = named.filter(|query| !query.is_empty());
        let query = match (named, head.query()) {
            (Some(named), "") => named.to_owned(),
            (Some(named), own) => format!("{named}&{own}"),
            (None, own) => own.to_owned(),
        };
        let script = match parse(&query) {
            Ok(script) => script,
            Err(error) => return Decision::Answer(Script::default(), plain(400, &format!("{error}\n"))),
        };
        match decide(&script, head, &self.shared) {
            Verdict::Answer(answer) => Decision::Answer(script, answer),
            Verdict::Open { wait } => Decision::Open(script, wait),
            Verdict::SocketIo { wait } => Decision::SocketIo(script, wait),
            Verdict::Hangup => {
                self.sockets.forget(&socketio::name(&script, path));
                Decision::Hangup
            }
        }
    }
}

/// The script in a path of the form `/~SCRIPT/...`.
fn own_query_of(path: &str) -> Option<&str> {
    path.strip_prefix("/~")?.split('/').next()
}

/// What a port speaks.
#[derive(Clone)]
pub(super) enum Face {
    Plain,
    Tls(TlsAcceptor),
    Silent,
}

/// Accepts on one port until the lab stops.
pub(super) async fn accept(listener: TcpListener, face: Face, server: Arc<Server>) {
    let mut stop = server.stop.clone();
    loop {
        let accepted = tokio::select! {
            _ = stop.changed() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((tcp, _)) = accepted else {
            // Out of file descriptors, most likely: others have to close first.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Ok(permit) = Arc::clone(&server.permits).try_acquire_owned() else { continue };
        let (server, face, mut stop) = (Arc::clone(&server), face.clone(), stop.clone());
        tokio::spawn(async move {
            tokio::select! {
                _ = stop.changed() => {}
                () = connection(tcp, face, server) => {}
            }
            drop(permit);
        });
    }
}

async fn connection(tcp: TcpStream, face: Face, server: Arc<Server>) {
    let _best_effort = tcp.set_nodelay(true);
    let acceptor = match face {
        Face::Plain => return requests(Conn::new(Peer::Plain(tcp)), false, &server).await,
        Face::Silent => return Conn::new(Peer::Plain(tcp)).stall().await,
        Face::Tls(acceptor) => acceptor,
    };
    let tls = match tokio::time::timeout(TLS_WAIT, acceptor.accept(tcp).into_fallible()).await {
        Ok(Ok(tls)) => tls,
        Ok(Err((_, tcp))) => return linger(tcp).await,
        Err(_) => return,
    };
    let http2 = tls.get_ref().1.alpn_protocol() == Some(b"h2");
    let peer = Peer::Tls(Box::new(tls));
    if http2 { h2::serve(peer, server).await } else { requests(Conn::new(peer), true, &server).await }
}

/// Lets the alert that says why arrive: a connection that is closed with bytes unread is reset, and what was sent may be lost.
async fn linger(mut tcp: TcpStream) {
    let _peer_may_be_gone = tcp.shutdown().await;
    let _bounded = tokio::time::timeout(TLS_WAIT, tokio::io::copy(&mut tcp, &mut tokio::io::sink())).await;
}

/// One request after another, until one ends the connection.
async fn requests(mut conn: Conn, tls: bool, server: &Server) {
    let after = loop {
        let head = match conn.request().await {
            Ok(head) => head,
            Err(NoRequest::Gone) => break After::Close,
            Err(NoRequest::Refuse(status)) => {
                let answer = plain(status, "the lab can't read this request\n");
                let _peer_may_be_gone =
                    http::send(&mut conn, &Script::default(), &Head::default(), &answer, false).await;
                break After::Close;
            }
        };
        let done = match server.decide(&head, tls) {
            Decision::Hangup => Ok(After::Close),
            Decision::Answer(script, answer) => {
                http::send(&mut conn, &script, &head, &answer, head.keeps_alive()).await
            }
            Decision::Open(script, wait) => {
                let up_for = server.shared.up_for(&script, head.path());
                let sessions = server.shared.sessions();
                websocket::serve(&mut conn, &script, &head, wait, up_for, sessions).await
            }
            Decision::SocketIo(script, wait) => socketio::serve(&mut conn, &script, &head, wait, server).await,
        };
        match done {
            Ok(After::Next) => {}
            Ok(after) => break after,
            Err(_) => break After::Close, // The peer has gone.
        }
    };
    match after {
        After::Next | After::Close => conn.close().await,
        After::Reset => conn.reset(),
    }
}
