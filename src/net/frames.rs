//! Follows the frames of a WebSocket's incoming bytes, to keep the payload of the close frame as it was on the wire: the
//! library hands on a replacement where the code is one that it does not like.
//!
//! Judges nothing: bytes that break the protocol are left to the library, which ends the connection on them.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::stream::Stream;

/// The longest payload of a control frame (RFC 6455, section 5.5).
const CONTROL: usize = 125;
const CLOSE: u8 = 8;

/// Where in the frames the bytes are.
#[derive(Debug, Default)]
pub(super) struct Follower {
    state: State,
    close: Option<Vec<u8>>,
}

#[derive(Debug)]
enum State {
    /// Within a frame's header, of at most 2 + 8 bytes.
    Header { bytes: [u8; 10], have: u8 },
    /// Within a payload.
    Payload { left: u64, close: bool },
}

impl Default for State {
    fn default() -> Self {
        Self::Header { bytes: [0; 10], have: 0 }
    }
}

impl Follower {
    /// The payload of the close frame, once it has come whole.
    pub(super) fn close(&self) -> Option<&[u8]> {
        match self.state {
            State::Payload { close: true, .. } => None,
            _ => self.close.as_deref(),
        }
    }

    pub(super) fn follow(&mut self, mut input: &[u8]) {
        while !input.is_empty() {
            match &mut self.state {
                State::Header { bytes, have } => {
                    bytes[usize::from(*have)] = input[0];
                    *have += 1;
                    input = &input[1..];
                    let Some(length) = payload_length(&bytes[..usize::from(*have)]) else { continue };
                    let close = bytes[0] & 0x0f == CLOSE && self.close.is_none();
                    if close {
                        self.close = Some(Vec::new());
                    }
                    self.state = if length == 0 { State::default() } else { State::Payload { left: length, close } };
                }
                State::Payload { left, close } => {
                    let here = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
                    if *close && let Some(kept) = &mut self.close {
                        let room = CONTROL.saturating_sub(kept.len());
                        kept.extend_from_slice(&input[..here.min(room)]);
                    }
                    *left -= here as u64;
                    input = &input[here..];
                    if *left == 0 {
                        self.state = State::default();
                    }
                }
            }
        }
    }
}

/// What follows a header (a mask counted in), where the header is whole.
fn payload_length(header: &[u8]) -> Option<u64> {
    let [_, second, rest @ ..] = header else { return None };
    let mask = if second & 0x80 == 0 { 0 } else { 4 };
    let length = match second & 0x7f {
        126 => u64::from(u16::from_be_bytes(rest.try_into().ok()?)),
        127 => u64::from_be_bytes(rest.try_into().ok()?),
        short => u64::from(short),
    };
    Some(length.saturating_add(mask))
}

/// A connection whose incoming frames are followed.
#[derive(Debug)]
pub(super) struct Followed {
    stream: Stream,
    pub(super) follower: Follower,
}

impl Followed {
    pub(super) fn stream(&self) -> &Stream {
        &self.stream
    }

    pub(super) fn new(stream: Stream) -> Self {
        Self { stream, follower: Follower::default() }
    }
}

impl AsyncRead for Followed {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        this.follower.follow(&buf.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Followed {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
        let mut out = vec![0x80 | opcode];
        match payload.len() {
            short @ 0..126 => out.push(u8::try_from(short).unwrap()),
            middle @ 126..65536 => {
                out.push(126);
                out.extend_from_slice(&u16::try_from(middle).unwrap().to_be_bytes());
            }
            long => {
                out.push(127);
                out.extend_from_slice(&(long as u64).to_be_bytes());
            }
        }
        out.extend_from_slice(payload);
        out
    }

    #[test]
    fn the_close_payload_is_found_behind_frames_of_any_length_and_in_any_pieces() {
        let mut wire = Vec::new();
        for length in [0, 1, 125, 126, 65535, 65536] {
            wire.extend(frame(2, &vec![0x88; length]));
        }
        wire.extend(frame(8, b"\x03\xedwhy"));
        for size in [1, 7, 4096, wire.len()] {
            let mut follower = Follower::default();
            for piece in wire.chunks(size) {
                follower.follow(piece);
            }
            assert_eq!(follower.close(), Some(&b"\x03\xedwhy"[..]), "in {size}s");
        }
    }

    #[test]
    fn a_close_frame_counts_once_whole_and_may_be_empty() {
        let mut follower = Follower::default();
        follower.follow(b"\x88\x02\x03");
        assert_eq!(follower.close(), None);
        let mut follower = Follower::default();
        follower.follow(b"\x81\x01x\x88\x00");
        assert_eq!(follower.close(), Some(&b""[..]));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_keep_more_than_a_control_frame(
            pieces in proptest::collection::vec(proptest::collection::vec(proptest::num::u8::ANY, 0..40), 0..20),
        ) {
            let mut follower = Follower::default();
            for piece in pieces {
                follower.follow(&piece);
            }
            proptest::prop_assert!(follower.close.is_none_or(|kept| kept.len() <= CONTROL));
        }
    }
}
