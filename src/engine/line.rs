//! An open WebSocket as the session machine knows it: what comes becomes an [`Input`], what goes is recorded as it goes.

use std::time::Duration;

use bytes::Bytes;

use super::redact;
use super::target::Target;
use crate::base::Secret;
use crate::browser::websocket::{Ending, script_close};
use crate::net::{Received, Utf8Bytes, WebSocket};
use crate::watch::session::Input;
use crate::watch::{CloseFacts, ClosedBy, ScriptClose};
use crate::wire::{Direction, Frame, NetError, Opcode, Phase};

/// How long a message may take to be taken by the system's buffers: a server that doesn't read is dead to us.
pub(super) const SEND: Duration = Duration::from_secs(10);
/// How long a closing handshake may take.
const FAREWELL: Duration = Duration::from_secs(1);

/// What came, on its way into the machine.
pub(super) enum Heard {
    Text { text: Utf8Bytes, frame: Frame },
    Binary { frame: Frame },
    Ping { frame: Frame },
    Pong { nonce: Option<u64>, frame: Frame },
    Ended { facts: CloseFacts, error: Option<NetError>, frame: Option<Frame> },
}

impl Heard {
    pub(super) fn of(received: Result<Received, NetError>, target: &Target) -> Self {
        let frame = |opcode, payload: &[u8], heartbeat| {
            redact::frame(Direction::In, opcode, payload, heartbeat, &target.redactor())
        };
        match received {
            Ok(Received::Text(text)) => {
                let frame = frame(Opcode::Text, text.as_bytes(), false);
                Self::Text { text, frame }
            }
            Ok(Received::Binary(bytes)) => Self::Binary { frame: frame(Opcode::Binary, &bytes, false) },
            Ok(Received::Ping(bytes)) => Self::Ping { frame: frame(Opcode::Ping, &bytes, true) },
            Ok(Received::Pong(bytes)) => {
                let nonce = <[u8; 8]>::try_from(&*bytes).ok().map(u64::from_be_bytes);
                Self::Pong { nonce, frame: frame(Opcode::Pong, &bytes, true) }
            }
            Ok(Received::Close { code, reason }) => {
                let payload: Vec<u8> = code.map(u16::to_be_bytes).into_iter().flatten().chain(reason.bytes()).collect();
                Self::Ended {
                    facts: facts(target, ClosedBy::Server, Ending::Closed { code, reason: &reason }),
                    error: None,
                    frame: Some(frame(Opcode::Close, &payload, false)),
                }
            }
            Ok(Received::End) => {
                Self::Ended { facts: facts(target, ClosedBy::Network, Ending::Cut), error: None, frame: None }
            }
            Err(error) => {
                let facts = match error {
                    NetError::WebSocketProtocol { .. } | NetError::MessageTooLarge { .. } => {
                        facts(target, ClosedBy::Client, Ending::Violated)
                    }
                    _ => facts(target, ClosedBy::Network, Ending::Cut),
                };
                Self::Ended { facts, error: Some(error), frame: None }
            }
        }
    }

    pub(super) fn input(&self) -> Input<'_> {
        match self {
            Self::Text { text, frame } => Input::Message { text: Some(text.as_str()), frame: frame.clone() },
            Self::Binary { frame } => Input::Message { text: None, frame: frame.clone() },
            Self::Ping { frame } => Input::Ping { frame: frame.clone() },
            Self::Pong { nonce, frame } => Input::Pong { nonce: *nonce, frame: frame.clone() },
            Self::Ended { facts, error, .. } => Input::Ended { facts: facts.clone(), error: error.clone() },
        }
    }
}

fn facts(target: &Target, by: ClosedBy, ending: Ending<'_>) -> CloseFacts {
    let event = script_close(target.profile.browser, ending);
    let (code, reason) = match ending {
        Ending::Closed { code, reason } | Ending::ClosedAndReset { code, reason } => (code, reason),
        Ending::Cut | Ending::Violated => (None, ""),
    };
    let script = ScriptClose { code: event.code, reason: event.reason.into(), clean: event.clean };
    CloseFacts { code, reason: reason.into(), by, script }
}

/// What goes out.
pub(super) enum Outgoing {
    Text { text: Secret, heartbeat: bool },
    Ping { nonce: u64 },
}

impl Outgoing {
    /// As it is recorded.
    pub(super) fn frame(&self, target: &Target) -> Frame {
        let redactor = target.redactor();
        match self {
            Self::Text { text, heartbeat } => {
                redact::frame(Direction::Out, Opcode::Text, text.expose().as_bytes(), *heartbeat, &redactor)
            }
            Self::Ping { nonce } => redact::frame(Direction::Out, Opcode::Ping, &nonce.to_be_bytes(), true, &redactor),
        }
    }

    /// Sends it. An error of the connection is not told here: reading tells it, together with the close frame that may lie
    /// before it. Only a server that doesn't read has to be found out by writing.
    pub(super) async fn send(self, socket: &mut WebSocket) -> Result<(), NetError> {
        let sending = async {
            match self {
                Self::Text { text, .. } => socket.send_text(text.expose()).await,
                Self::Ping { nonce } => socket.send_ping(Bytes::copy_from_slice(&nonce.to_be_bytes())).await,
            }
        };
        match tokio::time::timeout(SEND, sending).await {
            Ok(_) => Ok(()),
            Err(_) => Err(NetError::Timeout { phase: Phase::Open, after: SEND }),
        }
    }
}

/// What a connection that is dead for writing ended by.
pub(super) fn cut(target: &Target, error: NetError) -> Input<'static> {
    Input::Ended { facts: facts(target, ClosedBy::Network, Ending::Cut), error: Some(error) }
}

/// Closes politely: our close frame, then the server's, each in bounded time.
pub(super) async fn farewell(mut socket: WebSocket, code: u16) {
    let closing = async {
        if socket.close(code, "").await.is_ok() {
            while let Ok(received) = socket.next().await {
                if received == Received::End {
                    break;
                }
            }
        }
    };
    // Whatever is not over by then ends with the socket.
    let _ = tokio::time::timeout(FAREWELL, closing).await;
}

/// After the server's close frame: lets our answer to it go out and waits for the end of the connection, in bounded time.
pub(super) async fn linger(mut socket: WebSocket) {
    let ending = async {
        while let Ok(received) = socket.next().await {
            if received == Received::End {
                break;
            }
        }
    };
    // A server that closes and then holds the connection is left.
    let _ = tokio::time::timeout(FAREWELL, ending).await;
}
