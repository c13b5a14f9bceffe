//! [permessage-deflate](https://www.rfc-editor.org/rfc/rfc7692): what was agreed on, messages inflated and deflated.
//!
//! Invariants: nothing is held before the first compressed message; between messages no compressor state is held, only what
//! the server's next message may refer back to (at most its window). Our own messages never refer to earlier ones: a client
//! may always do without, and a compressor's state is a quarter of a megabyte.

use std::fmt;

use zlib_rs::{Deflate, DeflateFlush, Inflate, InflateFlush, Status};

/// What every message ends in, left out on the wire ([section 7.2.1](https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1)).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];
/// What is inflated at once.
const PIECE: usize = 4096;
/// zlib's own default.
const LEVEL: i32 = 6;

/// The parameters that the server's answer agreed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// The server's messages don't refer to earlier ones.
    pub server_no_context_takeover: bool,
    /// Ours mustn't; they never do.
    pub client_no_context_takeover: bool,
    /// 8 to 15.
    pub server_max_window_bits: u8,
    /// 8 to 15.
    pub client_max_window_bits: u8,
}

impl Default for Agreed {
    fn default() -> Self {
        Self {
            server_no_context_takeover: false,
            client_no_context_takeover: false,
            server_max_window_bits: 15,
            client_max_window_bits: 15,
        }
    }
}

/// Why a message could not be inflated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It is no deflate stream.
    Broken,
    /// It is longer than the bound.
    TooLarge,
}

/// Inflates the server's messages.
pub struct Inflater {
    agreed: Agreed,
    /// Of the message under way.
    state: Option<Inflate>,
    /// What came last, for the next message to refer to.
    window: Vec<u8>,
}

impl Inflater {
    pub fn new(agreed: Agreed) -> Self {
        Self { agreed, state: None, window: Vec::new() }
    }

    /// Inflates a part of a message onto `out`, which may grow to `limit`.
    ///
    /// # Errors
    /// [`Unfit`]; nothing can be inflated after it.
    pub fn part(&mut self, input: &[u8], out: &mut Vec<u8>, limit: usize) -> Result<(), Unfit> {
        let bits = self.agreed.server_max_window_bits;
        if self.state.is_none() {
            let mut state = Inflate::new(false, bits);
            if !self.window.is_empty() {
                state.set_dictionary(&self.window).map_err(|_| Unfit::Broken)?;
            }
            self.state = Some(state);
        }
        let Some(state) = &mut self.state else { return Ok(()) };
        let mut piece = [0; PIECE];
        let mut taken = 0;
        loop {
            let (before_in, before_out) = (state.total_in(), state.total_out());
            let status =
                state.decompress(&input[taken..], &mut piece, InflateFlush::SyncFlush).map_err(|_| Unfit::Broken)?;
            taken += usize::try_from(state.total_in() - before_in).unwrap_or(0);
            let made = usize::try_from(state.total_out() - before_out).unwrap_or(0);
            if limit < out.len() + made {
                return Err(Unfit::TooLarge);
            }
            out.extend_from_slice(&piece[..made]);
            match status {
                // A last block within a message: what follows begins anew, as in Chromium's and libsoup's inflaters.
                Status::StreamEnd => {
                    *state = Inflate::new(false, bits);
                    if taken == input.len() {
                        return Ok(());
                    }
                }
                Status::Ok | Status::BufError if made < PIECE => return Ok(()),
                Status::Ok | Status::BufError => {}
            }
        }
    }

    /// The end of a message, all of which is in `out` from `start` on.
    ///
    /// # Errors
    /// As [`Inflater::part`].
    pub fn finish(&mut self, out: &mut Vec<u8>, limit: usize) -> Result<(), Unfit> {
        self.part(&TAIL, out, limit)?;
        self.state = None;
        if self.agreed.server_no_context_takeover {
            return Ok(());
        }
        let size = 1_usize << self.agreed.server_max_window_bits;
        if size <= out.len() {
            self.window.clear();
            self.window.extend_from_slice(&out[out.len() - size..]);
        } else {
            let over = (self.window.len() + out.len()).saturating_sub(size);
            self.window.drain(..over);
            self.window.extend_from_slice(out);
        }
        self.window.shrink_to_fit();
        Ok(())
    }
}

impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inflater")
            .field("agreed", &self.agreed)
            .field("window", &self.window.len())
            .finish_non_exhaustive()
    }
}

/// A message as it goes out, for a frame with RSV1; `bits`: the window that the receiver has.
pub fn deflated(message: &[u8], bits: u8) -> Vec<u8> {
    // zlib can't do 8: with 9 it refers back 250 bytes at most, which a window of 256 holds.
    let mut state = Deflate::new(LEVEL, false, bits.max(9));
    let mut out = Vec::with_capacity(message.len() / 2 + 32);
    let mut piece = [0; PIECE];
    let mut taken = 0;
    loop {
        let (before_in, before_out) = (state.total_in(), state.total_out());
        let result = state.compress(&message[taken..], &mut piece, DeflateFlush::SyncFlush);
        taken += usize::try_from(state.total_in() - before_in).unwrap_or(0);
        let made = usize::try_from(state.total_out() - before_out).unwrap_or(0);
        out.extend_from_slice(&piece[..made]);
        // A piece that is not full is the last.
        if result.is_err() || made < PIECE {
            break;
        }
    }
    if out.ends_with(&TAIL) {
        out.truncate(out.len() - TAIL.len());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(agreed: Agreed, messages: &[&[u8]]) {
        let mut inflater = Inflater::new(agreed);
        for message in messages {
            let wire = deflated(message, agreed.client_max_window_bits);
            let mut out = Vec::new();
            for part in wire.chunks(3) {
                inflater.part(part, &mut out, 1 << 20).unwrap();
            }
            inflater.finish(&mut out, 1 << 20).unwrap();
            assert_eq!(&out, message);
        }
    }

    #[test]
    fn what_is_deflated_inflates_again_with_every_window() {
        let long: Vec<u8> = (0..100_000_u32).map(|n| (n.wrapping_mul(n) >> 7) as u8).collect();
        for bits in 8..=15 {
            let agreed = Agreed { client_max_window_bits: bits, server_max_window_bits: bits, ..Agreed::default() };
            round(agreed, &[b"hello", b"hello", &long, b"", b"x"]);
        }
    }

    #[test]
    fn the_rfcs_own_examples_inflate() {
        // Section 7.2.3: "Hello" in one block, again by reference to the first, stored, and with a last block.
        let mut inflater = Inflater::new(Agreed::default());
        for message in [
            &b"\xf2\x48\xcd\xc9\xc9\x07\x00"[..],
            b"\xf2\x00\x11\x00\x00",
            b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00",
            b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00",
            b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00",
        ] {
            let mut out = Vec::new();
            inflater.part(message, &mut out, 100).unwrap();
            inflater.finish(&mut out, 100).unwrap();
            assert_eq!(out, b"Hello", "{message:02x?}");
        }
    }

    #[test]
    fn a_reference_to_an_earlier_message_needs_takeover_and_a_bomb_is_stopped() {
        let mut alone = Inflater::new(Agreed { server_no_context_takeover: true, ..Agreed::default() });
        let mut out = Vec::new();
        alone.part(b"\xf2\x48\xcd\xc9\xc9\x07\x00", &mut out, 100).unwrap();
        alone.finish(&mut out, 100).unwrap();
        assert_eq!(alone.part(b"\xf2\x00\x11\x00\x00", &mut Vec::new(), 100), Err(Unfit::Broken));
        let bomb = deflated(&vec![b'a'; 10 << 20], 15);
        let mut inflater = Inflater::new(Agreed::default());
        assert_eq!(inflater.part(&bomb, &mut Vec::new(), 1 << 20), Err(Unfit::TooLarge));
    }

    #[test]
    fn between_messages_only_what_came_is_held() {
        let mut inflater = Inflater::new(Agreed::default());
        let mut out = Vec::new();
        inflater.part(&deflated(b"tick", 15), &mut out, 100).unwrap();
        inflater.finish(&mut out, 100).unwrap();
        assert!(inflater.state.is_none() && inflater.window.capacity() == 4);
    }
}
