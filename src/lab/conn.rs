//! One accepted connection: bytes in and out, plain or TLS, and the ways to end it.
//!
//! Invariant: reading never takes more than [`MAX_HEAD`] bytes of head or [`MAX_BODY`] of body, and waits at most
//! [`HEAD_WAIT`] for a request.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::wire::Headers;

/// The longest request head, in bytes.
pub(super) const MAX_HEAD: usize = 64 * 1024;
/// The longest request body, in bytes.
pub(super) const MAX_BODY: usize = 1024 * 1024;
/// How long a connection may be quiet before its (next) request is whole.
const HEAD_WAIT: Duration = Duration::from_secs(75);
/// How long a peer may take to go once its connection has been closed.
const LINGER: Duration = Duration::from_secs(2);

/// The transport.
pub(super) enum Peer {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Peer {
    fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(tls) => tls.get_ref().0,
        }
    }
}

impl AsyncRead for Peer {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_read(cx, buf),
            Self::Tls(tls) => Pin::new(tls).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Peer {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_write(cx, buf),
            Self::Tls(tls) => Pin::new(tls).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_flush(cx),
            Self::Tls(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Self::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }
}

/// One request as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    pub method: String,
    /// Path and query.
    pub target: String,
    pub http10: bool,
    pub headers: Headers,
    pub body: Vec<u8>,
    /// The head's own bytes; empty over HTTP/2.
    pub raw: Vec<u8>,
}

impl Head {
    pub fn path(&self) -> &str {
        self.target.split_once('?').map_or(&*self.target, |(path, _)| path)
    }

    pub fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }

    /// A parameter of the query, decoded.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let mut pairs = url::form_urlencoded::parse(self.query().as_bytes());
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.first_str(name).unwrap_or("").trim()
    }

    /// Whether one of a comma-separated header's words is this one.
    pub fn has_word(&self, name: &str, word: &str) -> bool {
        let mut words = self.headers.all(name).filter_map(|value| std::str::from_utf8(value).ok());
        words.any(|value| value.split(',').any(|item| item.trim().eq_ignore_ascii_case(word)))
    }

    pub fn wants_upgrade(&self) -> bool {
        self.method == "GET" && self.has_word("upgrade", "websocket") && self.has_word("connection", "upgrade")
    }

    pub fn is_preflight(&self) -> bool {
        self.method == "OPTIONS"
            && self.headers.contains("origin")
            && self.headers.contains("access-control-request-method")
    }

    pub fn keeps_alive(&self) -> bool {
        !self.http10 && !self.has_word("connection", "close")
    }
}

/// Why no request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoRequest {
    /// The peer has gone, or said nothing in time.
    Gone,
    /// What came can't be answered but with this status.
    Refuse(u16),
}

/// A connection with what has been read ahead on it.
pub(super) struct Conn {
    pub peer: Peer,
    pub ahead: BytesMut,
}

impl Conn {
    pub fn new(peer: Peer) -> Self {
        Self { peer, ahead: BytesMut::new() }
    }

    /// The next request, body and all.
    pub async fn request(&mut self) -> Result<Head, NoRequest> {
        let mut head = tokio::time::timeout(HEAD_WAIT, self.head()).await.unwrap_or(Err(NoRequest::Gone))?;
        if head.headers.contains("transfer-encoding") {
            return Err(NoRequest::Refuse(411));
        }
        let length = match head.header("content-length") {
            "" => 0,
            text => text.parse::<usize>().map_err(|_| NoRequest::Refuse(400))?,
        };
        if MAX_BODY < length {
            return Err(NoRequest::Refuse(413));
        }
        let body = tokio::time::timeout(HEAD_WAIT, async {
            while self.ahead.len() < length {
                self.more().await?;
            }
            Ok(self.ahead.split_to(length).to_vec())
        });
        head.body = body.await.unwrap_or(Err(NoRequest::Gone))?;
        Ok(head)
    }

    async fn head(&mut self) -> Result<Head, NoRequest> {
        loop {
            let end = memchr::memmem::find(&self.ahead, b"\r\n\r\n");
            if MAX_HEAD < end.unwrap_or(self.ahead.len()) {
                return Err(NoRequest::Refuse(431));
            }
            if let Some(end) = end {
                return read_head(&self.ahead.split_to(end + 4)).ok_or(NoRequest::Refuse(400));
            }
            if self.ahead.first() == Some(&0x16) {
                return Err(NoRequest::Refuse(400)); // A TLS hello on a port that does not speak it.
            }
            self.more().await?;
        }
    }

    async fn more(&mut self) -> Result<(), NoRequest> {
        match self.fill().await {
            Ok(0) | Err(_) => Err(NoRequest::Gone),
            Ok(_) => Ok(()),
        }
    }

    /// Reads what is there; 0: the peer has closed. Cancelling it loses nothing.
    pub async fn fill(&mut self) -> io::Result<usize> {
        self.ahead.reserve(1024);
        self.peer.read_buf(&mut self.ahead).await
    }

    /// Waits, and notices if the peer goes meanwhile.
    pub async fn pause(&mut self, wait: Duration) -> io::Result<()> {
        let over = tokio::time::sleep(wait);
        tokio::pin!(over);
        loop {
            let more = self.ahead.len() < MAX_HEAD;
            tokio::select! {
                () = &mut over => return Ok(()),
                read = self.fill(), if more => {
                    if read? == 0 {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
            }
        }
    }

    pub async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.peer.write_all(bytes).await?;
        self.peer.flush().await
    }

    /// Byte by byte, with a pause before each but the first.
    pub async fn send_dripping(&mut self, bytes: &[u8], every: Duration) -> io::Result<()> {
        if every.is_zero() {
            return self.send(bytes).await;
        }
        for (index, byte) in bytes.iter().enumerate() {
            if 0 < index {
                self.pause(every).await?;
            }
            self.send(std::slice::from_ref(byte)).await?;
        }
        Ok(())
    }

    /// FIN, then until the peer's own: a close that drops unread bytes would reach the peer as a reset.
    pub async fn close(mut self) {
        if self.peer.shutdown().await.is_ok() {
            let drained = async {
                while !matches!(self.fill().await, Ok(0) | Err(_)) {
                    self.ahead.clear();
                }
            };
            let _in_time = tokio::time::timeout(LINGER, drained).await;
        }
    }

    /// RST.
    pub fn reset(self) {
        let _best_effort = self.peer.tcp().set_zero_linger();
    }

    /// Answers nothing more until the peer goes; bytes that come are thrown away.
    pub async fn stall(&mut self) {
        while !matches!(self.fill().await, Ok(0) | Err(_)) {
            self.ahead.clear();
        }
    }
}

/// Reads a whole head. Header names keep their case.
fn read_head(raw: &[u8]) -> Option<Head> {
    let mut fields = vec![httparse::EMPTY_HEADER; 1024];
    let mut request = httparse::Request::new(&mut fields);
    if !request.parse(raw).ok()?.is_complete() {
        return None;
    }
    Some(Head {
        method: request.method?.to_owned(),
        target: request.path?.to_owned(),
        http10: request.version == Some(0),
        headers: request.headers.iter().map(|field| (field.name, field.value)).collect(),
        body: Vec::new(),
        raw: raw.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Head {
        read_head(text.replace('\n', "\r\n").as_bytes()).unwrap()
    }

    #[test]
    fn an_upgrade_is_told_by_words_in_lists() {
        assert!(head("GET / HTTP/1.1\nConnection: keep-alive, Upgrade\nUpgrade: WebSocket\n\n").wants_upgrade());
        assert!(!head("GET / HTTP/1.1\nConnection: Upgrade\n\n").wants_upgrade());
        assert!(!head("POST / HTTP/1.1\nConnection: Upgrade\nUpgrade: websocket\n\n").wants_upgrade());
    }

    #[test]
    fn a_preflight_is_an_options_that_asks_for_a_method() {
        assert!(head("OPTIONS / HTTP/1.1\nOrigin: a\nAccess-Control-Request-Method: PUT\n\n").is_preflight());
        assert!(!head("OPTIONS / HTTP/1.1\nOrigin: a\n\n").is_preflight());
    }

    #[test]
    fn keeping_alive_is_for_http_1_1_that_does_not_decline() {
        assert!(head("GET / HTTP/1.1\n\n").keeps_alive());
        assert!(!head("GET / HTTP/1.0\n\n").keeps_alive());
        assert!(!head("GET / HTTP/1.1\nConnection: close\n\n").keeps_alive());
    }
}
