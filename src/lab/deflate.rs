//! permessage-deflate, the server's side of it ([RFC 7692](https://www.rfc-editor.org/rfc/rfc7692)): agreed to in the script's
//! words, whatever they are, and spoken as far as they can be read.

use zlib_rs::{Deflate, DeflateFlush};

use super::frame::MAX_FRAME;
use crate::browser::websocket::deflate::{Agreed, Inflater, Unfit};

/// What every message ends in, left out on the wire.
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];
const LEVEL: i32 = 6;
/// What is deflated at once.
const PIECE: usize = 64 * 1024;

/// What both sides' messages may refer back to.
pub(super) struct Deflating {
    out: Deflate,
    /// Ours don't refer to earlier ones.
    alone: bool,
    inflater: Inflater,
}

/// The 101's `Sec-WebSocket-Extensions`; `None`: the client offers nothing of the kind.
pub(super) fn answer(parameters: &str, offer: &str) -> Option<String> {
    let offered = offer.split([',', ';']).any(|word| word.trim() == "permessage-deflate");
    offered.then(|| match parameters {
        "" => "permessage-deflate".to_owned(),
        parameters => format!("permessage-deflate; {parameters}"),
    })
}

impl Deflating {
    /// By the parameters of our answer.
    pub(super) fn new(parameters: &str) -> Self {
        let words = || parameters.split(';').map(str::trim);
        let bits = |name| {
            let value = words().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
            value.and_then(|value| value.trim_matches('"').parse().ok()).filter(|bits| (8..=15).contains(bits))
        };
        let ours = bits("server_max_window_bits").unwrap_or(15);
        // To the client's reader we are the client.
        let theirs = Agreed {
            server_max_window_bits: bits("client_max_window_bits").unwrap_or(15),
            server_no_context_takeover: words().any(|word| word == "client_no_context_takeover"),
            ..Agreed::default()
        };
        Self {
            // zlib can't do 8, and with 9 refers back no further than 8 allows.
            out: Deflate::new(LEVEL, false, ours.max(9)),
            alone: words().any(|word| word == "server_no_context_takeover"),
            inflater: Inflater::new(theirs),
        }
    }

    /// A message's payload as it goes out.
    pub(super) fn deflated<'a>(&mut self, parts: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
        if self.alone {
            self.out.reset();
        }
        let mut out = Vec::new();
        for part in parts {
            self.feed(part, DeflateFlush::NoFlush, &mut out);
        }
        self.feed(&[], DeflateFlush::SyncFlush, &mut out);
        let end = out.strip_suffix(&TAIL).map_or(out.len(), <[u8]>::len);
        out.truncate(end);
        // A message of no bytes is an empty block.
        if out.is_empty() { vec![0] } else { out }
    }

    fn feed(&mut self, input: &[u8], flush: DeflateFlush, out: &mut Vec<u8>) {
        let mut piece = vec![0; PIECE];
        let mut taken = 0;
        loop {
            let (before_in, before_out) = (self.out.total_in(), self.out.total_out());
            let failed = self.out.compress(&input[taken..], &mut piece, flush).is_err();
            taken += usize::try_from(self.out.total_in() - before_in).unwrap_or(0);
            let made = usize::try_from(self.out.total_out() - before_out).unwrap_or(0);
            out.extend_from_slice(&piece[..made]);
            // A piece that is not full is the last.
            if failed || (taken == input.len() && made < PIECE) {
                return;
            }
        }
    }

    /// A client's message, up to as much as the lab reads.
    pub(super) fn inflated(&mut self, message: &[u8]) -> Result<Vec<u8>, Unfit> {
        let limit = usize::try_from(MAX_FRAME).unwrap_or(usize::MAX);
        let mut out = Vec::new();
        self.inflater.part(message, &mut out, limit)?;
        self.inflater.finish(&mut out, limit)?;
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_is_answered_in_the_scripts_words_and_nothing_else_is() {
        let chrome = "permessage-deflate; client_max_window_bits";
        assert_eq!(answer("", chrome).as_deref(), Some("permessage-deflate"));
        let eight = "server_max_window_bits=8";
        assert_eq!(answer(eight, chrome).as_deref(), Some("permessage-deflate; server_max_window_bits=8"));
        assert_eq!(answer("", "x-webkit-deflate-frame"), None);
        assert_eq!(answer("", ""), None);
    }

    /// Whether "hello hello" is shorter on the wire the second time.
    #[track_caller]
    fn shrinks(parameters: &str, expected: bool) {
        let mut deflating = Deflating::new(parameters);
        let [first, second] = [(); 2].map(|()| deflating.deflated([&b"hello hello"[..]]).len());
        assert_eq!(second < first, expected, "{parameters}: {first}, then {second}");
    }

    #[test]
    fn messages_refer_to_earlier_ones_unless_told_otherwise() {
        shrinks("", true);
        shrinks("server_max_window_bits=9", true);
        shrinks("server_no_context_takeover", false);
        shrinks("server_max_window_bits=\"9\"; server_no_context_takeover", false);
    }

    #[test]
    fn what_we_send_a_browser_inflates() {
        for parameters in ["", "server_no_context_takeover", "server_max_window_bits=8", "server_max_window_bits=10"] {
            let mut deflating = Deflating::new(parameters);
            let server_no_context_takeover = parameters.contains("no_context");
            let mut agreed = Agreed { server_no_context_takeover, ..Agreed::default() };
            if let Some((_, bits)) = parameters.split_once("bits=") {
                agreed.server_max_window_bits = bits.parse().unwrap();
            }
            let mut inflater = Inflater::new(agreed);
            let long: Vec<u8> = (0..200_000_u32).map(|n| (n.wrapping_mul(n) >> 9) as u8).collect();
            for message in [&b"tick 1"[..], b"tick 2", b"", &long, b"tick 3"] {
                let mut out = Vec::new();
                inflater.part(&deflating.deflated(message.chunks(70_000)), &mut out, 1 << 20).unwrap();
                inflater.finish(&mut out, 1 << 20).unwrap();
                assert!(out == message, "{parameters}: {} bytes", message.len());
            }
        }
    }
}
