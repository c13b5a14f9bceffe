//! JSON on its way to a parser, with its strings cut and its depth held: so that a file of any size takes bounded memory.
//!
//! Invariant: what was well-formed stays so, and half a surrogate pair, which no string of ours can hold, becomes U+FFFD.

use std::io::{self, Read};

use memchr::memchr2;

/// The most of one string that passes, in bytes.
pub(super) const MAX_STRING: usize = 64 << 10;
/// The deepest nesting that passes.
pub(super) const MAX_DEPTH: usize = 100;
const BLOCK: usize = 64 << 10;

/// Why it ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// Deeper than [`MAX_DEPTH`].
    Depth,
}

/// The reader.
pub(super) struct Bounded<R> {
    inner: R,
    block: Vec<u8>,
    ready: Vec<u8>,
    /// How much of `ready` is taken.
    taken: usize,
    /// Bytes of the file that were read.
    pub offset: u64,
    pub stop: Option<Stop>,
    depth: usize,
    state: State,
    kept: usize,
    is_cut: bool,
    /// The digits of a pair's first half.
    high: Option<[u8; 4]>,
}

#[derive(Clone, Copy)]
enum State {
    Outside,
    Text,
    Backslash,
    Hex { digits: [u8; 4], count: usize },
}

impl<R: Read> Bounded<R> {
    pub fn new(inner: R) -> Self {
        Self {
            inner,
            block: vec![0; BLOCK],
            ready: Vec::with_capacity(BLOCK + 64),
            taken: 0,
            offset: 0,
            stop: None,
            depth: 0,
            state: State::Outside,
            kept: 0,
            is_cut: false,
            high: None,
        }
    }

    fn pass(&mut self, block: &[u8]) {
        let mut rest = block;
        while let Some((&byte, after)) = rest.split_first() {
            match self.state {
                State::Outside => {
                    self.ready.push(byte);
                    match byte {
                        b'"' => (self.state, self.kept, self.is_cut) = (State::Text, 0, false),
                        b'{' | b'[' => self.depth += 1,
                        b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                        _ => {}
                    }
                    if MAX_DEPTH < self.depth {
                        self.stop = Some(Stop::Depth);
                        return;
                    }
                    rest = after;
                }
                State::Text => {
                    let run = memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
                    let (text, after) = rest.split_at(run);
                    self.keep(text);
                    rest = after;
                    if let Some((&end, after)) = after.split_first() {
                        rest = after;
                        if end == b'"' {
                            self.lone();
                            self.ready.push(b'"');
                            self.state = State::Outside;
                        } else {
                            self.state = State::Backslash;
                        }
                    }
                }
                State::Backslash => {
                    rest = after;
                    if byte == b'u' {
                        self.state = State::Hex { digits: [0; 4], count: 0 };
                    } else {
                        self.lone();
                        self.escape(&[b'\\', byte]);
                        self.state = State::Text;
                    }
                }
                State::Hex { mut digits, count } => {
                    rest = after;
                    digits[count] = byte;
                    self.state = State::Hex { digits, count: count + 1 };
                    if count == 3 {
                        self.state = State::Text;
                        self.unit(digits);
                    }
                }
            }
        }
    }

    /// A run without escapes; what is beyond the most goes, at a character's edge.
    fn keep(&mut self, run: &[u8]) {
        if run.is_empty() {
            return;
        }
        self.lone();
        if self.is_cut {
            return;
        }
        let mut end = run.len().min(MAX_STRING.saturating_sub(self.kept));
        while run.get(end).is_some_and(|byte| byte & 0xc0 == 0x80) {
            end += 1;
        }
        self.ready.extend_from_slice(&run[..end]);
        self.kept += end;
        self.is_cut = end < run.len();
    }

    fn escape(&mut self, bytes: &[u8]) {
        self.is_cut |= MAX_STRING <= self.kept;
        if !self.is_cut {
            self.ready.extend_from_slice(bytes);
            self.kept += bytes.len();
        }
    }

    /// An escape by four hexadecimal digits.
    fn unit(&mut self, digits: [u8; 4]) {
        let value = std::str::from_utf8(&digits).ok().and_then(|text| u16::from_str_radix(text, 16).ok());
        match (value, self.high.take()) {
            (Some(0xd800..=0xdbff), before) => {
                self.high = before;
                self.lone();
                self.high = Some(digits);
            }
            (Some(0xdc00..=0xdfff), Some(first)) => {
                let [a, b, c, d] = first;
                let [e, f, g, h] = digits;
                self.escape(&[b'\\', b'u', a, b, c, d, b'\\', b'u', e, f, g, h]);
            }
            (Some(0xdc00..=0xdfff), None) => self.escape(b"\\ufffd"),
            (_, before) => {
                self.high = before;
                self.lone();
                let [a, b, c, d] = digits;
                self.escape(&[b'\\', b'u', a, b, c, d]);
            }
        }
    }

    /// Half a pair without its other half.
    fn lone(&mut self) {
        if self.high.take().is_some() {
            self.escape(b"\\ufffd");
        }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.ready.len() && self.stop.is_none() {
            self.ready.clear();
            self.taken = 0;
            let mut block = std::mem::take(&mut self.block);
            let read = self.inner.read(&mut block);
            if let Ok(read) = read {
                self.pass(&block[..read]);
                self.offset += read as u64;
            }
            self.block = block;
            if read? == 0 {
                return Ok(0);
            }
        }
        let ready = &self.ready[self.taken..];
        let length = ready.len().min(out.len());
        out[..length].copy_from_slice(&ready[..length]);
        self.taken += length;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(text: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        Bounded::new(text).read_to_end(&mut out).unwrap();
        out
    }

    #[test]
    fn long_strings_are_cut_and_stay_strings() {
        for piece in ["x", "é", "\\n", "\\ud83d\\ude00", "\\\"", "😀\\u00e9"] {
            let text = format!("[\"{}\",1]", piece.repeat(MAX_STRING));
            let value: serde_json::Value = serde_json::from_slice(&passed(text.as_bytes())).unwrap();
            let length = value[0].as_str().unwrap().len();
            assert!((1000..=MAX_STRING + 12).contains(&length), "{piece}: {length}");
            assert_eq!(value[1], 1);
        }
    }

    #[test]
    fn half_a_pair_becomes_the_replacement_character() {
        let value: serde_json::Value =
            serde_json::from_slice(&passed(br#"["\ud83d","\ude00a","\ud83dx\ud83d\ud83d\ude00"]"#)).unwrap();
        assert_eq!(value, serde_json::json!(["\u{fffd}", "\u{fffd}a", "\u{fffd}x\u{fffd}😀"]));
    }

    #[test]
    fn hostile_nesting_ends_it() {
        let text = "[".repeat(1 << 20);
        let mut reader = Bounded::new(text.as_bytes());
        let mut out = Vec::new();
        reader.read_to_end(&mut out).unwrap();
        assert_eq!((reader.stop, out.len()), (Some(Stop::Depth), MAX_DEPTH + 1));
    }

    proptest::proptest! {
        #[test]
        fn what_is_short_passes_as_it_is(text in "\\PC{0,30}") {
            let json = serde_json::to_vec(&[&text]).unwrap();
            proptest::prop_assert_eq!(passed(&json), json);
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..60), hex in "(\\\\u[d0-9a-f]{0,4}|\"){0,10}") {
            passed(&[b"[\"", bytes.as_slice(), hex.as_bytes()].concat());
        }
    }
}
