//! An open WebSocket: messages put together, control frames passed on, every breach of RFC 6455 by its name.
//!
//! Invariants: a message never grows past the limit in memory; between messages a session holds one buffer of a kibibyte.

use std::future::poll_fn;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{CloseFrame, Frame};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::errno;
use super::judged::Judged;
use super::machine;
use super::stream::Stream;
use crate::browser::Browser;
use crate::browser::websocket::deflate::{self, Agreed};
use crate::browser::websocket::frames::{Frames, Stop};
use crate::wire::{Breach, NetError, Phase};

/// The library's own buffer: small, since most sessions wait most of the time, and what fills it is in memory by then.
const READ_BUFFER: usize = 1024;
/// How long the end is waited for behind a server's close frame: Chromium's time.
const CLOSE_WAIT: Duration = Duration::from_secs(2);
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
    inner: WebSocketStream<Judged>,
    browser: Browser,
    deflate: Option<Agreed>,
    message_limit: usize,
    /// The size on the wire of the last message.
    wire: Option<u64>,
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

    /// The session, as Chrome reads it and without an extension. Call it only once the 101 has been judged.
    pub async fn open(self) -> WebSocket {
        self.open_as(Browser::Chrome, None).await
    }

    /// The session as that browser reads it; `deflate`: permessage-deflate, where the 101 agreed to it.
    pub async fn open_as(self, browser: Browser, deflate: Option<Agreed>) -> WebSocket {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0)
            .max_message_size(Some(self.message_limit))
            .max_frame_size(Some(self.message_limit));
        let frames = Frames::new(browser, deflate, self.message_limit);
        let judged = Judged::new(self.stream, frames, &self.read_ahead);
        let inner = WebSocketStream::from_raw_socket(judged, Role::Client, Some(config)).await;
        let (browser, message_limit) = (browser, self.message_limit);
        WebSocket { inner, browser, deflate, message_limit, wire: None, state: State::Open }
    }
}

impl WebSocket {
    /// Whether this machine still has the address that the connection began with; without it nothing comes any more.
    pub fn is_homeless(&self) -> bool {
        let local = self.inner.get_ref().stream().tcp().local_addr();
        local.is_ok_and(|local| !machine::is_ours(local.ip()))
    }

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
                    let code = farewell_code(self.browser, error);
                    let frame = CloseFrame { code: code.into(), reason: Utf8Bytes::from_static("") };
                    // The connection is given up whether or not this gets through.
                    // Boxed: whoever waits for a message doesn't hold the room for this.
                    let _ = Box::pin(tokio::time::timeout(FAREWELL, self.inner.close(Some(frame)))).await;
                    if let State::Failing(error) = std::mem::replace(&mut self.state, State::Ended) {
                        return Err(error);
                    }
                }
                State::Ended => return Ok(Received::End),
                State::Closed => {
                    let end = Box::pin(self.end_of_closed()).await;
                    self.state = State::Ended;
                    return end;
                }
                State::Open => match self.inner.next().await {
                    Some(Ok(Message::Text(text))) => {
                        self.wire = self.inner.get_mut().message_size();
                        return Ok(Received::Text(text));
                    }
                    Some(Ok(Message::Binary(bytes))) => {
                        self.wire = self.inner.get_mut().message_size();
                        return Ok(Received::Binary(bytes));
                    }
                    Some(Ok(Message::Ping(bytes))) => return Ok(Received::Ping(bytes)),
                    Some(Ok(Message::Pong(bytes))) => return Ok(Received::Pong(bytes)),
                    Some(Ok(Message::Close(_))) => {
                        self.state = State::Closed;
                        // As it was on the wire: the library hands on another where it minds the code.
                        let (code, reason) = self.inner.get_ref().close().unwrap_or_default();
                        return Ok(Received::Close { code, reason });
                    }
                    // Reading never gives raw frames.
                    Some(Ok(Message::Frame(_))) => {}
                    None | Some(Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake))) => {
                        self.state = State::Ended;
                    }
                    Some(Err(_)) if let Some(stop) = self.inner.get_ref().stop() => {
                        self.state = State::Failing(stopped(stop, self.message_limit));
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
        let message = self.outgoing(message);
        self.inner.send(message).await.map_err(|error| failure(error, self.message_limit))
    }

    /// Behind the server's close frame: our answer goes out, and the end is waited for, as long as Chrome waits.
    async fn end_of_closed(&mut self) -> Result<Received, NetError> {
        let ending = async {
            // The connection is over whether or not this gets through.
            let _ = self.inner.flush().await;
            poll_fn(|cx| self.inner.get_mut().poll_rest(cx)).await
        };
        let ended = tokio::time::timeout(CLOSE_WAIT, ending).await;
        match (self.inner.get_ref().stop(), ended) {
            (Some(stop), _) => Err(stopped(stop, self.message_limit)),
            (None, Ok(Err(error))) => Err(errno::on_stream(&error, Phase::Open)),
            (None, Ok(Ok(())) | Err(_)) => Ok(Received::End),
        }
    }

    /// Which rule the server broke, where that ended it.
    pub fn breach(&self) -> Option<Breach> {
        match self.inner.get_ref().stop()? {
            Stop::Breach(breach) => Some(breach),
            Stop::TooLarge => None,
        }
    }

    /// The payload's size on the wire of the message that came last: compressed, where it was.
    pub fn message_wire_size(&self) -> Option<u64> {
        self.wire
    }

    /// The message as it goes out: compressed, where that was agreed on.
    fn outgoing(&self, message: Message) -> Message {
        let Some(agreed) = self.deflate else { return message };
        let (payload, data): (&[u8], _) = match &message {
            Message::Text(text) => (text.as_bytes(), Data::Text),
            Message::Binary(bytes) => (bytes, Data::Binary),
            _ => return message,
        };
        let payload = deflate::deflated(payload, agreed.client_max_window_bits);
        let mut frame = Frame::message(payload, OpCode::Data(data), true);
        frame.header_mut().rsv1 = true;
        Message::Frame(frame)
    }
}

fn stopped(stop: Stop, message_limit: usize) -> NetError {
    match stop {
        Stop::Breach(breach) => NetError::WebSocketProtocol { what: breach.what() },
        Stop::TooLarge => NetError::MessageTooLarge { limit: message_limit },
    }
}

/// What a client says as it fails the connection (RFC 6455, sections 7.1.7 and 7.4.1).
fn farewell_code(browser: Browser, error: &NetError) -> u16 {
    match error {
        NetError::MessageTooLarge { .. } => 1009,
        // Chromium says 1002 for all of them.
        NetError::WebSocketProtocol { what: NOT_UTF8 } if browser != Browser::Chrome => 1007,
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

#[cfg(test)]
mod tests;
