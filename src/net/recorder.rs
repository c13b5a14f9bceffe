//! Stands between hyper and the connection in one HTTP/1.1 exchange. Hyper decides what the bytes mean; this sees the bytes
//! themselves: it sends our own head in place of hyper's (which has neither our case nor our order), keeps the server's head
//! as it came, and notes when the first byte and the last of the request passed.
//!
//! Invariant: what is kept of the answer never exceeds the limit by more than one read.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{errno, head};
use crate::base::Clock;
use crate::wire::{NetError, Phase};

pub(super) struct Recorder<S> {
    inner: S,
    clock: Clock,
    /// The whole request; hyper's own writing of it goes nowhere.
    request: Vec<u8>,
    sent: usize,
    /// When the last of the request was handed over: before that write, since the answer may come before it returns.
    pub(super) request_done: Option<Instant>,
    pub(super) first_byte: Option<Instant>,
    /// The answer's heads until the final one has ended.
    head: Vec<u8>,
    /// The bytes of interim heads that have gone by.
    passed: usize,
    /// How far the head has been searched for its end.
    searched: usize,
    pub(super) head_done: bool,
    limit: usize,
    /// The first thing that went wrong on the connection itself.
    pub(super) fault: Option<NetError>,
}

impl<S> Recorder<S> {
    pub(super) fn new(inner: S, request: Vec<u8>, limit: usize, clock: Clock) -> Self {
        Self {
            inner,
            clock,
            request,
            sent: 0,
            request_done: None,
            first_byte: None,
            head: Vec::new(),
            passed: 0,
            searched: 0,
            head_done: false,
            limit,
            fault: None,
        }
    }

    /// The connection, once the exchange is over.
    pub(super) fn into_inner(self) -> S {
        self.inner
    }

    /// The bytes of the answer's final head.
    pub(super) fn head(&self) -> &[u8] {
        &self.head
    }

    /// How far the exchange has come.
    pub(super) fn phase(&self) -> Phase {
        if self.head_done {
            Phase::Body
        } else if self.sent < self.request.len() {
            Phase::Request
        } else {
            Phase::FirstByte
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.first_byte.is_none() {
            self.first_byte = Some(self.clock.mono());
        }
        if self.head_done {
            return;
        }
        self.head.extend_from_slice(bytes);
        while let Some(end) = head::end(&self.head, self.searched) {
            if is_interim(&self.head) {
                // 100 Continue, 103 Early Hints: another head follows.
                self.head.drain(..end);
                self.passed = self.passed.saturating_add(end);
                self.searched = 0;
            } else {
                self.head.truncate(end);
                self.head_done = true;
                return;
            }
        }
        self.searched = self.head.len().saturating_sub(2);
    }
}

/// An informational answer, of which more may come; 101 is final.
fn is_interim(head: &[u8]) -> bool {
    let status = head.get(9..12).unwrap_or_default();
    head.starts_with(b"HTTP/1.") && status.starts_with(b"1") && status != b"101"
}

impl<S: AsyncRead + Unpin> AsyncRead for Recorder<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.head_done && this.limit < this.passed.saturating_add(this.head.len()) {
            this.fault = Some(NetError::HeadersTooLarge { limit: this.limit });
            return Poll::Ready(Err(io::Error::other("the head is too large")));
        }
        let before = buf.filled().len();
        let result = ready!(Pin::new(&mut this.inner).poll_read(cx, buf));
        match &result {
            Ok(()) => {
                let came = &buf.filled()[before..];
                if !came.is_empty() {
                    this.keep(came);
                }
            }
            Err(error) => {
                let phase = this.phase();
                this.fault.get_or_insert_with(|| errno::on_stream(error, phase));
            }
        }
        Poll::Ready(result)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Recorder<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        while this.sent < this.request.len() {
            this.request_done = Some(this.clock.mono());
            match ready!(Pin::new(&mut this.inner).poll_write(cx, &this.request[this.sent..])) {
                Ok(0) => this.sent = this.request.len(),
                Ok(count) => this.sent += count,
                // A server may answer before it has read everything, and close: the answer is still to be read.
                Err(_) => this.sent = this.request.len(),
            }
        }
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match ready!(Pin::new(&mut this.inner).poll_flush(cx)) {
            // As above: what the server said, if anything, tells more than that it stopped listening.
            Ok(()) | Err(_) => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds an answer in pieces of `size`, and gives the final head with what is left to the body.
    fn head_of(answer: &[u8], size: usize) -> Option<String> {
        let mut recorder = Recorder::new((), Vec::new(), 1000, Clock);
        for piece in answer.chunks(size) {
            recorder.keep(piece);
        }
        recorder.head_done.then(|| String::from_utf8(recorder.head().to_vec()).unwrap())
    }

    #[test]
    fn the_final_head_is_kept_whatever_pieces_it_comes_in() {
        let answer = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\n\r\nbody\n\n";
        for size in [1, 2, 3, 7, 1000] {
            assert_eq!(head_of(answer, size).as_deref(), Some("HTTP/1.1 200 OK\r\nA: b\r\n\r\n"), "in {size}s");
        }
    }

    #[test]
    fn a_switch_of_protocols_is_final_and_bare_line_feeds_end_a_head_too() {
        assert_eq!(head_of(b"HTTP/1.1 101 X\r\n\r\n\x81", 1).as_deref(), Some("HTTP/1.1 101 X\r\n\r\n"));
        assert_eq!(head_of(b"HTTP/1.1 200 X\nA: b\n\nz", 1).as_deref(), Some("HTTP/1.1 200 X\nA: b\n\n"));
        assert_eq!(head_of(b"HTTP/1.1 200 X\r\nA: b\r\n", 1), None);
    }

    proptest::proptest! {
        #[test]
        fn any_answer_gives_the_same_head_in_any_pieces(
            answer in "(HTTP/1.1 (1|2|4)0[0-4] [a-z]?\r?\n|A: b\r?\n|\r?\n|[a-z\x00]){0,30}",
            size in 1_usize..20,
        ) {
            proptest::prop_assert_eq!(head_of(answer.as_bytes(), size), head_of(answer.as_bytes(), 10_000));
        }
    }
}
