//! An open WebSocket: messages put together, control frames passed on, every breach of RFC 6455 by its name.
//!
//! Invariants: a message never grows past the limit in memory; between messages a session holds one 4 KiB buffer.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::frame::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::errno;
use super::frames::Followed;
use super::stream::Stream;
use crate::wire::{NetError, Phase};

/// What a session reads at once: small, since most sessions wait most of the time.
const READ_BUFFER: usize = 4096;
/// How long the farewell to a server that broke the protocol may take.
const FAREWELL: Duration = Duration::from_millis(500);
/// Chromium's TCP keep-alive, so that a dead peer shows without traffic.
const KEEP_ALIVE: Duration = Duration::from_secs(45);

/// A connection that answered 101, before anything is judged about that answer.
#[derive(Debug)]
pub struct Upgraded {
    stream: Stream,
    read_ahead: Bytes,
    message_limit: usize,
}

/// What came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    Text(Utf8Bytes),
    Binary(Bytes),
    /// Answered already, as RFC 6455 section 5.5.2 asks.
    Ping(Bytes),
    Pong(Bytes),
    /// The server's close frame, answered already; `code` is `None` where the frame was empty. [`Received::End`] follows.
    Close {
        code: Option<u16>,
        reason: String,
    },
    /// The end of the connection, with a closing handshake before it or without.
    End,
}

/// An open session. Dropping it closes the connection without a farewell.
#[derive(Debug)]
pub struct WebSocket {
    inner: WebSocketStream<Followed>,
    message_limit: usize,
    state: State,
}

#[derive(Debug)]
enum State {
    Open,
    /// The server broke the protocol: it is told, then the caller is.
    Failing(NetError),
    /// Its close frame has come.
    Closed,
    Ended,
}

impl Upgraded {
    pub(super) fn new(stream: Stream, read_ahead: Bytes, message_limit: usize) -> Self {
        let keep_alive = socket2::TcpKeepalive::new().with_time(KEEP_ALIVE).with_interval(KEEP_ALIVE);
        // Best effort: without it a dead peer shows at the next ping.
        let _ = socket2::SockRef::from(stream.tcp()).set_tcp_keepalive(&keep_alive);
        Self { stream, read_ahead, message_limit }
    }

    /// The session. Call it only once the 101 has been judged.
    pub async fn open(self) -> WebSocket {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0)
            .max_message_size(Some(self.message_limit))
            .max_frame_size(Some(self.message_limit));
        let mut stream = Followed::new(self.stream);
        stream.follower.follow(&self.read_ahead);
        let part = self.read_ahead.to_vec();
        let inner = WebSocketStream::from_partially_read(stream, part, Role::Client, Some(config)).await;
        WebSocket { inner, message_limit: self.message_limit, state: State::Open }
    }
}

impl WebSocket {
    /// The next message or control frame. May be dropped and called again at any time without losing one.
    ///
    /// # Errors
    /// [`NetError::WebSocketProtocol`] with the rule that the server broke, [`NetError::MessageTooLarge`], or the
    /// connection's own failure. After an error (the server has been told, where that was possible) only
    /// [`Received::End`] comes.
    pub async fn next(&mut self) -> Result<Received, NetError> {
        loop {
            match &self.state {
                State::Failing(error) => {
                    let frame = CloseFrame { code: farewell_code(error).into(), reason: Utf8Bytes::from_static("") };
                    // The connection is given up whether or not this gets through.
                    let _ = tokio::time::timeout(FAREWELL, self.inner.close(Some(frame))).await;
                    if let State::Failing(error) = std::mem::replace(&mut self.state, State::Ended) {
                        return Err(error);
                    }
                }
                State::Ended => return Ok(Received::End),
                State::Closed => {
                    // What a server still says after its close frame concerns nobody.
                    while let Some(Ok(_)) = self.inner.next().await {}
                    self.state = State::Ended;
                }
                State::Open => match self.inner.next().await {
                    Some(Ok(Message::Text(text))) => return Ok(Received::Text(text)),
                    Some(Ok(Message::Binary(bytes))) => return Ok(Received::Binary(bytes)),
                    Some(Ok(Message::Ping(bytes))) => return Ok(Received::Ping(bytes)),
                    Some(Ok(Message::Pong(bytes))) => return Ok(Received::Pong(bytes)),
                    Some(Ok(Message::Close(frame))) => match self.close_on_the_wire(frame) {
                        Ok(close) => {
                            self.state = State::Closed;
                            return Ok(close);
                        }
                        Err(error) => self.state = State::Failing(error),
                    },
                    // Reading never gives raw frames.
                    Some(Ok(Message::Frame(_))) => {}
                    None | Some(Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake))) => {
                        self.state = State::Ended;
                    }
                    Some(Err(error)) => match failure(error, self.message_limit) {
                        error @ (NetError::WebSocketProtocol { .. } | NetError::MessageTooLarge { .. }) => {
                            self.state = State::Failing(error);
                        }
                        error => {
                            self.state = State::Ended;
                            return Err(error);
                        }
                    },
                },
            }
        }
    }

    /// Sends a text message; waits while the server does not read.
    ///
    /// # Errors
    /// The connection's failure, or [`NetError::ConnectionClosed`] once either side has sent its close frame.
    pub async fn send_text(&mut self, text: impl Into<Utf8Bytes>) -> Result<(), NetError> {
        self.send(Message::Text(text.into())).await
    }

    /// As [`WebSocket::send_text`], with bytes.
    ///
    /// # Errors
    /// The same.
    pub async fn send_binary(&mut self, bytes: impl Into<Bytes>) -> Result<(), NetError> {
        self.send(Message::Binary(bytes.into())).await
    }

    /// Sends a ping, of at most 125 bytes; its pong comes by [`WebSocket::next`] with the same payload.
    ///
    /// # Errors
    /// As [`WebSocket::send_text`].
    pub async fn send_ping(&mut self, payload: impl Into<Bytes>) -> Result<(), NetError> {
        self.send(Message::Ping(payload.into())).await
    }

    /// Sends our close frame. The server's own, and then the end, come by [`WebSocket::next`]; how long to wait for them is
    /// the caller's to say. `reason` is cut at 123 bytes.
    ///
    /// # Errors
    /// As [`WebSocket::send_text`].
    pub async fn close(&mut self, code: u16, reason: &str) -> Result<(), NetError> {
        let reason = &reason[..reason.floor_char_boundary(123)];
        let frame = CloseFrame { code: CloseCode::from(code), reason: reason.into() };
        self.inner.close(Some(frame)).await.map_err(|error| failure(error, self.message_limit))
    }

    async fn send(&mut self, message: Message) -> Result<(), NetError> {
        self.inner.send(message).await.map_err(|error| failure(error, self.message_limit))
    }

    /// The close frame with the code that was on the wire. 1005, 1006 and 1015 must never be there (RFC 6455 section 7.4.1);
    /// browsers fail the connection on them. Codes below 1000 and from 5000 on exist in no registry.
    fn close_on_the_wire(&self, frame: Option<CloseFrame>) -> Result<Received, NetError> {
        let payload = self.inner.get_ref().follower.close();
        let (code, reason) = match payload {
            Some([high, low, reason @ ..]) => {
                (Some(u16::from_be_bytes([*high, *low])), String::from_utf8_lossy(reason).into_owned())
            }
            Some(_) => (None, String::new()),
            None => frame.map_or((None, String::new()), |frame| (Some(frame.code.into()), frame.reason.to_string())),
        };
        match code {
            Some(..1000 | 1005 | 1006 | 1015 | 5000..) => Err(NetError::WebSocketProtocol { what: "close code" }),
            _ => Ok(Received::Close { code, reason }),
        }
    }
}

/// What a client says as it fails the connection (RFC 6455, sections 7.1.7 and 7.4.1).
fn farewell_code(error: &NetError) -> u16 {
    match error {
        NetError::MessageTooLarge { .. } => 1009,
        NetError::WebSocketProtocol { what: NOT_UTF8 } => 1007,
        _ => 1002,
    }
}

const NOT_UTF8: &str = "text is not UTF-8";

fn failure(error: Error, message_limit: usize) -> NetError {
    let breach = |what| NetError::WebSocketProtocol { what };
    match error {
        Error::Protocol(error) => match error {
            ProtocolError::NonZeroReservedBits => breach("reserved bits"),
            ProtocolError::MaskedFrameFromServer => breach("masked frame"),
            ProtocolError::FragmentedControlFrame => breach("fragmented control frame"),
            ProtocolError::ControlFrameTooBig => breach("control frame too long"),
            ProtocolError::UnknownControlFrameType(_)
            | ProtocolError::UnknownDataFrameType(_)
            | ProtocolError::InvalidOpcode(_) => breach("unknown opcode"),
            ProtocolError::UnexpectedContinueFrame => breach("continuation of nothing"),
            ProtocolError::ExpectedFragment(_) => breach("message within a message"),
            ProtocolError::InvalidCloseSequence => breach("close frame of one byte"),
            ProtocolError::ResetWithoutClosingHandshake
            | ProtocolError::SendAfterClosing
            | ProtocolError::ReceivedAfterClosing => NetError::ConnectionClosed { phase: Phase::Open },
            _ => breach("frame"),
        },
        Error::Utf8(_) => breach(NOT_UTF8),
        Error::Capacity(CapacityError::MessageTooLong { .. }) => NetError::MessageTooLarge { limit: message_limit },
        Error::Io(error) => errno::on_stream(&error, Phase::Open),
        Error::ConnectionClosed | Error::AlreadyClosed => NetError::ConnectionClosed { phase: Phase::Open },
        _ => breach("frame"),
    }
}
