//! Between the connection and tungstenite: incoming frames are read as the browser reads them, and handed on put together,
//! inflated and good.
//!
//! tungstenite 0.30 speaks no permessage-deflate, has one answer for all reserved bits and opcodes, and refuses what some
//! browsers take (a masked frame, a close code of 1005). Of the crates that have the extension, yawc is under the MPL and
//! ratchet and soketto bring whole clients of their own, none with a browser's rules; fastwebsockets and tokio-websockets have
//! none. So tungstenite keeps what it does well: pings answered, the closing handshake, masking, what goes out; and this,
//! below it, has the rules, by [`Frames`].
//!
//! Invariant: while nothing comes, no buffer is held.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, BufMut as _, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::stream::Stream;
use crate::browser::websocket::frames::{Event, Frames, Stop};

/// What is read at once.
const READ: usize = 8 * 1024;

/// A connection whose incoming frames are judged.
#[derive(Debug)]
pub(super) struct Judged {
    stream: Stream,
    frames: Frames,
    /// Good frames on their way up.
    ready: BytesMut,
    /// The messages' sizes on the wire, the next one to be handed out first.
    sizes: VecDeque<u64>,
    close: Option<Box<(Option<u16>, String)>>,
    stop: Option<Stop>,
    over: bool,
}

impl Judged {
    /// `read_ahead`: what came behind the 101.
    pub(super) fn new(stream: Stream, frames: Frames, read_ahead: &[u8]) -> Self {
        let mut judged = Self {
            stream,
            frames,
            ready: BytesMut::new(),
            sizes: VecDeque::new(),
            close: None,
            stop: None,
            over: false,
        };
        if !read_ahead.is_empty() {
            judged.take(read_ahead);
        }
        judged
    }

    pub(super) fn stream(&self) -> &Stream {
        &self.stream
    }

    /// Why nothing more is read.
    pub(super) fn stop(&self) -> Option<Stop> {
        self.stop
    }

    /// The server's close frame as it was on the wire.
    pub(super) fn close(&self) -> Option<(Option<u16>, String)> {
        self.close.as_deref().cloned()
    }

    /// The size on the wire of the message that has just been handed out.
    pub(super) fn message_size(&mut self) -> Option<u64> {
        self.sizes.pop_front()
    }

    /// Reads on behind the server's close frame, to the end of the connection.
    pub(super) fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.over && self.stop.is_none() {
            self.ready.clear();
            ready!(self.poll_more(cx))?;
        }
        Poll::Ready(Ok(()))
    }

    fn take(&mut self, bytes: &[u8]) {
        let mut events = Vec::new();
        self.stop = self.frames.read(bytes, &mut events).err();
        for event in events {
            match event {
                Event::Message { text, payload, wire } => {
                    self.sizes.push_back(wire);
                    self.frame(if text { 0x81 } else { 0x82 }, &payload);
                }
                Event::Ping(payload) => self.frame(0x89, &payload),
                Event::Pong(payload) => self.frame(0x8a, &payload),
                Event::Close { code, reason } => {
                    // A code that the library would mind stays here.
                    let known = code.filter(|code| CloseCode::from(*code).is_allowed());
                    let payload = known.map(|code| [&code.to_be_bytes()[..], reason.as_bytes()].concat());
                    self.frame(0x88, &payload.unwrap_or_default());
                    self.close.get_or_insert_with(|| Box::new((code, reason)));
                }
            }
        }
    }

    fn frame(&mut self, first: u8, payload: &[u8]) {
        self.ready.reserve(payload.len() + 10);
        self.ready.put_u8(first);
        match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
            (Ok(short @ 0..126), _) => self.ready.put_u8(short),
            (_, Ok(middle)) => {
                self.ready.put_u8(126);
                self.ready.put_u16(middle);
            }
            _ => {
                self.ready.put_u8(127);
                self.ready.put_u64(payload.len() as u64);
            }
        }
        self.ready.put_slice(payload);
    }

    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut scratch = [0; READ];
        let mut read = ReadBuf::new(&mut scratch);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut read))?;
        if read.filled().is_empty() {
            self.over = true;
        } else {
            self.take(read.filled());
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Judged {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if !this.ready.is_empty() {
                let count = buf.remaining().min(this.ready.len());
                buf.put_slice(&this.ready[..count]);
                this.ready.advance(count);
                if this.ready.is_empty() {
                    this.ready = BytesMut::new();
                }
                return Poll::Ready(Ok(()));
            }
            if this.stop.is_some() {
                return Poll::Ready(Err(io::Error::other("the server broke the protocol")));
            }
            if this.over {
                return Poll::Ready(Ok(()));
            }
            ready!(this.poll_more(cx))?;
        }
    }
}

impl AsyncWrite for Judged {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
