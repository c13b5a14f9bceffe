//! [Content codings](https://www.rfc-editor.org/rfc/rfc9110#section-8.4) undone, as Chromium undoes them: gzip and deflate
//! (with zlib's header or without) by zlib-rs, br by brotli-decompressor, zstd by ruzstd, all in Rust; checksums and missing
//! ends are not minded, what comes behind an end is passed over, and a coding that nobody knows leaves the body as it is.
//!
//! Invariant: what is decoded goes on in pieces of at most [`PIECE`], so that whoever takes them can stop a bomb.

use std::fmt;

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use zlib_rs::{Inflate, InflateFlush, Status};

use super::head::elements;
use crate::wire::{Headers, NetError};

/// The most that goes on at once, in bytes.
const PIECE: usize = 16 * 1024;
/// The largest window of zstd ([RFC 9659](https://www.rfc-editor.org/rfc/rfc9659)).
const ZSTD_WINDOW: u64 = 8 << 20;
/// The most codings on top of each other.
const DEPTH: usize = 8;

/// Takes what was decoded; an error of its stops the decoding.
pub(super) type Sink<'a> = &'a mut dyn FnMut(&[u8]) -> Result<(), NetError>;

/// The codings of one body, the outermost first.
#[derive(Debug)]
pub(super) struct Decoder(Vec<Stage>);

enum Stage {
    /// gzip, or deflate.
    Inflate(Headed),
    Brotli(Box<BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>>, Over),
    Zstd(Box<Zstd>),
}

/// Whether the coding's own end has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Over(bool);

impl Decoder {
    /// By `Content-Encoding`.
    pub(super) fn of(headers: &Headers) -> Self {
        let mut stages = Vec::new();
        for name in elements(headers, "content-encoding") {
            match name.to_ascii_lowercase().as_slice() {
                b"gzip" | b"x-gzip" => stages.push(Stage::Inflate(Headed::new(gzip_head))),
                b"deflate" => stages.push(Stage::Inflate(Headed::new(deflate_head))),
                b"br" => stages.push(Stage::Brotli(
                    Box::new(BrotliState::new(
                        StandardAlloc::default(),
                        StandardAlloc::default(),
                        StandardAlloc::default(),
                    )),
                    Over::default(),
                )),
                b"zstd" => stages.push(Stage::Zstd(Box::default())),
                b"" | b"identity" => {}
                // Not known: all of it stays on.
                _ => return Self(Vec::new()),
            }
        }
        stages.truncate(DEPTH);
        stages.reverse();
        Self(stages)
    }

    /// Whether there is nothing to undo.
    pub(super) fn is_plain(&self) -> bool {
        self.0.is_empty()
    }

    /// Decodes what has come; what it comes to goes to `sink`.
    pub(super) fn feed(&mut self, input: &[u8], sink: Sink<'_>) -> Result<(), NetError> {
        feed(&mut self.0, input, sink)
    }
}

fn feed(stages: &mut [Stage], input: &[u8], sink: Sink<'_>) -> Result<(), NetError> {
    let Some((stage, rest)) = stages.split_first_mut() else { return sink(input) };
    let mut next = |piece: &[u8]| feed(rest, piece, sink);
    match stage {
        Stage::Inflate(headed) => headed.feed(input, &mut next),
        Stage::Brotli(state, over) => brotli(state, over, input, &mut next),
        Stage::Zstd(zstd) => zstd.feed(input, &mut next),
    }
}

/// Inflates; gives whether the stream's end has come.
fn inflate(inflate: &mut Inflate, input: &[u8], sink: Sink<'_>) -> Result<Over, NetError> {
    let mut piece = [0; PIECE];
    let mut taken = 0;
    loop {
        let (before_in, before_out) = (inflate.total_in(), inflate.total_out());
        let status = inflate
            .decompress(&input[taken..], &mut piece, InflateFlush::NoFlush)
            .map_err(|_| NetError::ContentDecoding)?;
        taken += usize::try_from(inflate.total_in() - before_in).unwrap_or(0);
        let made = usize::try_from(inflate.total_out() - before_out).unwrap_or(0);
        if 0 < made {
            sink(&piece[..made])?;
        }
        match status {
            Status::StreamEnd => return Ok(Over(true)),
            _ if made < PIECE && taken == input.len() => return Ok(Over(false)),
            Status::BufError if made == 0 => return Ok(Over(false)),
            Status::Ok | Status::BufError => {}
        }
    }
}

/// A container's head, and an inflated body.
struct Headed {
    read: fn(&[u8]) -> Head,
    /// What has come of it.
    head: Vec<u8>,
    body: Option<Inflate>,
    over: Over,
}

/// The longest head: gzip's, with a file's name and a comment in it.
const LONGEST_HEAD: usize = 64 * 1024;

/// What the first bytes say.
enum Head {
    Short,
    Invalid,
    /// The body begins at this byte, with zlib's header or bare.
    Body {
        at: usize,
        zlib: bool,
    },
}

impl Headed {
    fn new(read: fn(&[u8]) -> Head) -> Self {
        Self { read, head: Vec::new(), body: None, over: Over::default() }
    }

    fn feed(&mut self, input: &[u8], sink: Sink<'_>) -> Result<(), NetError> {
        if self.over.0 {
            return Ok(());
        }
        if let Some(body) = &mut self.body {
            self.over = inflate(body, input, sink)?;
            return Ok(());
        }
        self.head.extend_from_slice(input);
        match (self.read)(&self.head) {
            Head::Short if self.head.len() <= LONGEST_HEAD => Ok(()),
            Head::Short | Head::Invalid => Err(NetError::ContentDecoding),
            Head::Body { at, zlib } => {
                let first = std::mem::take(&mut self.head);
                let body = self.body.insert(Inflate::new(zlib, 15));
                self.over = inflate(body, &first[at..], sink)?;
                Ok(())
            }
        }
    }
}

/// [RFC 1952](https://www.rfc-editor.org/rfc/rfc1952), read here, since the library would check the checksum.
fn gzip_head(bytes: &[u8]) -> Head {
    const MAGIC: [u8; 3] = [0x1f, 0x8b, 8];
    if bytes.iter().zip(MAGIC).any(|(byte, magic)| *byte != magic) {
        return Head::Invalid;
    }
    let Some(flags) = bytes.get(3) else { return Head::Short };
    let mut at = 10;
    if flags & 4 != 0 {
        let Some([low, high]) = bytes.get(at..at + 2) else { return Head::Short };
        at += 2 + usize::from(u16::from_le_bytes([*low, *high]));
    }
    for flag in [8, 16] {
        if flags & flag != 0 {
            let Some(end) = bytes.get(at..).and_then(|rest| memchr::memchr(0, rest)) else { return Head::Short };
            at += end + 1;
        }
    }
    if flags & 2 != 0 {
        at += 2;
    }
    if bytes.len() < at { Head::Short } else { Head::Body { at, zlib: false } }
}

/// [RFC 1950](https://www.rfc-editor.org/rfc/rfc1950), and the bare [RFC 1951](https://www.rfc-editor.org/rfc/rfc1951) that
/// many servers send under the same name. Which it is, the first two bytes tell.
fn deflate_head(bytes: &[u8]) -> Head {
    let [method, flags, ..] = *bytes else { return Head::Short };
    Head::Body { at: 0, zlib: method & 0x0f == 8 && u16::from_be_bytes([method, flags]) % 31 == 0 }
}

/// [RFC 7932](https://www.rfc-editor.org/rfc/rfc7932).
fn brotli(
    state: &mut BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>,
    over: &mut Over,
    input: &[u8],
    sink: Sink<'_>,
) -> Result<(), NetError> {
    let mut piece = [0; PIECE];
    let (mut left, mut taken, mut total) = (input.len(), 0, 0);
    while !over.0 {
        let (mut room, mut made) = (PIECE, 0);
        let result =
            BrotliDecompressStream(&mut left, &mut taken, input, &mut room, &mut made, &mut piece, &mut total, state);
        if 0 < made {
            sink(&piece[..made])?;
        }
        match result {
            BrotliResult::ResultSuccess => *over = Over(true),
            BrotliResult::NeedsMoreInput => break,
            BrotliResult::NeedsMoreOutput => {}
            BrotliResult::ResultFailure => return Err(NetError::ContentDecoding),
        }
    }
    Ok(())
}

/// [RFC 8878](https://www.rfc-editor.org/rfc/rfc8878): frames, each of blocks that are decoded once they have come whole.
#[derive(Default)]
struct Zstd {
    /// What has come and is not decoded yet.
    waiting: Vec<u8>,
    /// A frame under way, and whether a checksum ends it.
    frame: Option<(FrameDecoder, bool)>,
    /// Bytes to pass over: of a skippable frame.
    skip: usize,
}

impl Zstd {
    fn feed(&mut self, input: &[u8], sink: Sink<'_>) -> Result<(), NetError> {
        self.waiting.extend_from_slice(input);
        let mut at = 0;
        let result = loop {
            match self.step(at, sink) {
                Ok(0) => break Ok(()),
                Ok(taken) => at += taken,
                Err(error) => break Err(error),
            }
        };
        self.waiting.drain(..at);
        result
    }

    /// One frame's header, or one block; gives how many bytes that took, 0 where more are needed.
    fn step(&mut self, at: usize, sink: Sink<'_>) -> Result<usize, NetError> {
        let invalid = |_| NetError::ContentDecoding;
        let bytes = &self.waiting[at..];
        if 0 < self.skip {
            let here = self.skip.min(bytes.len());
            self.skip -= here;
            return Ok(here);
        }
        let Some((frame, checksum)) = &mut self.frame else {
            return match zstd_header(bytes).ok_or(NetError::ContentDecoding)? {
                ZstdHeader::Short => Ok(0),
                ZstdHeader::Skippable { size } => {
                    self.skip = size;
                    Ok(8)
                }
                ZstdHeader::Frame { length, checksum } => {
                    let mut frame = FrameDecoder::new();
                    frame.set_max_window_size(ZSTD_WINDOW);
                    frame.init(&bytes[..length]).map_err(invalid)?;
                    self.frame = Some((frame, checksum));
                    Ok(length)
                }
            };
        };
        let [low, middle, high, ..] = *bytes else { return Ok(0) };
        let header = u32::from_le_bytes([low, middle, high, 0]);
        let (last, kind, size) = (header & 1 == 1, header >> 1 & 3, header as usize >> 3);
        let tail = if last && *checksum { 4 } else { 0 };
        // A block of one byte repeated has that byte alone.
        let length = 3 + if kind == 1 { 1 } else { size } + tail;
        let Some(block) = bytes.get(..length) else { return Ok(0) };
        frame.decode_blocks(block, BlockDecodingStrategy::UptoBlocks(1)).map_err(invalid)?;
        let decoded = frame.collect().unwrap_or_default();
        if last {
            self.frame = None;
        }
        for piece in decoded.chunks(PIECE) {
            sink(piece)?;
        }
        Ok(length)
    }
}

enum ZstdHeader {
    Short,
    Skippable { size: usize },
    Frame { length: usize, checksum: bool },
}

/// `None`: no frame begins so.
fn zstd_header(bytes: &[u8]) -> Option<ZstdHeader> {
    const MAGIC: u32 = 0xfd2f_b528;
    const SKIPPABLE: u32 = 0x184d_2a50;
    let [a, b, c, d, rest @ ..] = bytes else { return Some(ZstdHeader::Short) };
    let magic = u32::from_le_bytes([*a, *b, *c, *d]);
    if magic & !0xf == SKIPPABLE {
        let [a, b, c, d, ..] = *rest else { return Some(ZstdHeader::Short) };
        return Some(ZstdHeader::Skippable { size: u32::from_le_bytes([a, b, c, d]) as usize });
    }
    if magic != MAGIC {
        return None;
    }
    let Some(&descriptor) = rest.first() else { return Some(ZstdHeader::Short) };
    let single = descriptor & 0x20 != 0;
    let window = usize::from(!single);
    let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
    let content = match descriptor >> 6 {
        0 => usize::from(single),
        1 => 2,
        2 => 4,
        _ => 8,
    };
    let length = 5 + window + dictionary + content;
    let checksum = descriptor & 4 != 0;
    Some(if bytes.len() < length { ZstdHeader::Short } else { ZstdHeader::Frame { length, checksum } })
}

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Inflate(_) => "gzip or deflate",
            Self::Brotli(..) => "br",
            Self::Zstd(_) => "zstd",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "to be or not to be, that is the question: to be or not to be";
    const GZIP: &str = "1f8b08000000000002032bc957484a55c82f52c8cb2f5128017174144a32124b14328b8174aa4261696a7149667e9e1544124525\
                        0075fe71593c000000";
    const ZLIB: &str =
        "789c2bc957484a55c82f52c8cb2f5128017174144a32124b14328b8174aa4261696a7149667e9e15441245250071f61499";
    const RAW: &str = "2bc957484a55c82f52c8cb2f5128017174144a32124b14328b8174aa4261696a7149667e9e154412452500";
    const BROTLI: &str = "1b3b00f88dd365f6d3098d1a844e4e67bf89b995ed4282516720dd400ec184e4a371173823053521";
    const ZSTD: &str = "28b52ffd203c8501004402746f206265206f72206e6f74202c207468617420697320746865207175657374696f6e3a03004d1d10a8\
                        69e09a5f";
    /// The same with a checksum behind it, and no size before it.
    const CHECKED: &str = "28b52ffd04589d01009402746f206265206f72206e6f7420746f2062652c207468617420697320746865207175657374696f6e\
                           3a02004d1d1030a832fc73f052";

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    }

    /// What a body in these codings comes to, fed in pieces.
    fn decoded(coding: &str, body: &[u8], size: usize, limit: usize) -> Result<Vec<u8>, NetError> {
        let headers: Headers = [("Content-Encoding", coding)].into_iter().collect();
        let (mut decoder, mut out) = (Decoder::of(&headers), Vec::new());
        for piece in body.chunks(size) {
            decoder.feed(piece, &mut |piece| {
                assert!(piece.len() <= PIECE);
                out.extend_from_slice(piece);
                if limit < out.len() { Err(NetError::BodyTooLarge { limit: limit as u64 }) } else { Ok(()) }
            })?;
        }
        Ok(out)
    }

    #[track_caller]
    fn check(coding: &str, body: &[u8], expected: &str) {
        for size in [1, 7, 1000] {
            let got = decoded(coding, body, size, 10_000).map(|out| String::from_utf8(out).unwrap());
            assert_eq!(got.as_deref(), Ok(expected), "{coding} in {size}s");
        }
    }

    #[test]
    fn each_coding_is_undone_in_any_pieces() {
        check("gzip", &bytes(GZIP), TEXT);
        check("X-GZIP", &bytes(GZIP), TEXT);
        check("deflate", &bytes(ZLIB), TEXT);
        check("deflate", &bytes(RAW), TEXT);
        check("br", &bytes(BROTLI), TEXT);
        check("zstd", &bytes(ZSTD), TEXT);
        check("zstd", &bytes(CHECKED), TEXT);
        check("zstd", &[bytes("502a4d1803000000616263"), bytes(ZSTD), bytes(CHECKED)].concat(), &[TEXT, TEXT].concat());
        check("identity", b"plain", "plain");
        check("rot13, gzip", b"stays", "stays");
    }

    #[test]
    fn codings_on_top_of_each_other_come_off_in_their_order() {
        // A gzip of stored blocks around the zlib stream.
        let inner = bytes(ZLIB);
        let length = u16::try_from(inner.len()).unwrap();
        let mut outer = bytes("1f8b080000000000000301");
        outer.extend_from_slice(&length.to_le_bytes());
        outer.extend_from_slice(&(!length).to_le_bytes());
        outer.extend_from_slice(&inner);
        check("deflate, gzip", &outer, TEXT);
    }

    #[test]
    fn what_is_in_no_such_coding_is_told_and_what_breaks_off_is_let_pass() {
        for coding in ["gzip", "deflate", "br", "zstd"] {
            assert_eq!(decoded(coding, b"abcdefgh", 3, 1000), Err(NetError::ContentDecoding), "{coding}");
        }
        for (coding, body) in [("gzip", GZIP), ("deflate", ZLIB), ("br", BROTLI), ("zstd", ZSTD)] {
            let body = bytes(body);
            let got = decoded(coding, &body[..body.len() - 9], 1000, 1000).unwrap();
            assert!(TEXT.as_bytes().starts_with(&got), "{coding}");
            let with_more = [&body[..], &b"and more"[..]].concat();
            if coding != "zstd" {
                check(coding, &with_more, TEXT);
            }
        }
    }

    #[test]
    fn a_bomb_is_stopped_by_whoever_takes_its_pieces() {
        let too_large = Err(NetError::BodyTooLarge { limit: 100_000 });
        assert_eq!(decoded("br", &bytes("5bffff8f5f222c1e0b0472ef1f00"), 1000, 100_000), too_large);
        let zstd =
            "28b52ffda0000010005400001061610100fbff39c00202001061020010610200106102001061020010610200106103001061";
        assert_eq!(decoded("zstd", &bytes(zstd), 1000, 100_000), too_large);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(
            coding in "(gzip|deflate|br|zstd)(, (gzip|deflate|br|zstd))?",
            start in proptest::sample::select(vec![GZIP, ZLIB, RAW, BROTLI, ZSTD, CHECKED, ""]),
            cut in 0_usize..60,
            rest in proptest::collection::vec(proptest::num::u8::ANY, 0..200),
        ) {
            let mut body = bytes(start);
            body.truncate(cut);
            body.extend(rest);
            let _ = decoded(&coding, &body, 50, 1 << 20);
        }
    }
}
