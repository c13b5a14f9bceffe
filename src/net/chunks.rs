//! The [chunked transfer coding](https://www.rfc-editor.org/rfc/rfc9112#section-7.1), as leniently as Chromium undoes it:
//! lines may end in a bare line feed, blanks may follow a size, extensions and trailers are passed over.

use bytes::{Buf as _, Bytes, BytesMut};

use crate::wire::NetError;

/// The longest line: a chunk's size with its extensions, or a trailer.
const LINE: usize = 16 * 1024;

/// Where in the chunks the bytes are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Chunks {
    /// Before a chunk's size.
    #[default]
    Size,
    /// Within a chunk.
    Data { left: u64 },
    /// Before the empty line that ends a chunk.
    Behind,
    /// Behind the last chunk.
    Trailers,
    /// Past it all.
    Over,
}

/// What the bytes at hand come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Data(Bytes),
    More,
    Over,
}

impl Chunks {
    /// Takes what it can from the front of `buf`.
    pub(super) fn next(&mut self, buf: &mut BytesMut) -> Result<Next, NetError> {
        loop {
            match *self {
                Self::Over => return Ok(Next::Over),
                Self::Data { left } => {
                    if buf.is_empty() {
                        return Ok(Next::More);
                    }
                    let here = buf.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                    let left = left - here as u64;
                    *self = if left == 0 { Self::Behind } else { Self::Data { left } };
                    return Ok(Next::Data(buf.split_to(here).freeze()));
                }
                Self::Size | Self::Behind | Self::Trailers => {
                    let Some(end) = memchr::memchr(b'\n', buf) else {
                        return if LINE < buf.len() { Err(NetError::InvalidChunks) } else { Ok(Next::More) };
                    };
                    let line = buf[..end].strip_suffix(b"\r").unwrap_or(&buf[..end]);
                    *self = self.after(line)?;
                    buf.advance(end + 1);
                }
            }
        }
    }

    fn after(self, line: &[u8]) -> Result<Self, NetError> {
        match self {
            Self::Size => match size(line).ok_or(NetError::InvalidChunks)? {
                0 => Ok(Self::Trailers),
                left => Ok(Self::Data { left }),
            },
            Self::Behind if line.is_empty() => Ok(Self::Size),
            Self::Behind => Err(NetError::InvalidChunks),
            Self::Trailers if line.is_empty() => Ok(Self::Over),
            other => Ok(other),
        }
    }
}

/// A chunk's size, its extensions left aside.
fn size(line: &[u8]) -> Option<u64> {
    let line = line.split(|byte| *byte == b';').next()?;
    let end = line.iter().rposition(|byte| !matches!(byte, b' ' | b'\t'))? + 1;
    let digits = &line[..end];
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let size = u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    i64::try_from(size).is_ok().then_some(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a body comes to in pieces of any size: its data, and how it ends.
    #[track_caller]
    fn check(body: &[u8], expected: &str) {
        for size in [1, 3, body.len()] {
            let (mut chunks, mut buf, mut got) = (Chunks::default(), BytesMut::new(), Vec::new());
            let mut end = "more";
            'all: for piece in body.chunks(size) {
                buf.extend_from_slice(piece);
                loop {
                    match chunks.next(&mut buf) {
                        Ok(Next::Data(data)) => got.extend_from_slice(&data),
                        Ok(Next::More) => break,
                        Ok(Next::Over) => {
                            end = "over";
                            break 'all;
                        }
                        Err(_) => {
                            end = "invalid";
                            break 'all;
                        }
                    }
                }
            }
            assert_eq!(format!("{} {end}", String::from_utf8_lossy(&got)), expected, "in {size}s");
        }
    }

    #[test]
    fn chunks_are_put_together_and_their_trimmings_passed_over() {
        check(b"3\r\nabc\r\n2;ext=\"x\"\r\nde\r\n0\r\n\r\n", "abcde over");
        check(b"3\nabc\n0\nTrailer: x\n\n", "abc over");
        check(b"00a  \r\n0123456789\r\n0\r\n\r\n", "0123456789 over");
    }

    #[test]
    fn what_is_no_chunk_is_told_and_what_is_not_over_is_waited_for() {
        check(b"zz\r\nabc", " invalid");
        check(b"\r\nabc", " invalid");
        check(b"FFFFFFFFFFFFFFFF\r\nabc", " invalid");
        check(b"2\r\nabc\r\n", "ab invalid");
        check(b"5\r\nab", "ab more");
        check(b"2\r\nab\r\n0\r\n", "ab more");
        check(b"2\r\nab", "ab more");
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(pieces in proptest::collection::vec("[0-9a-fg;\\r\\n ]{0,20}", 0..20)) {
            let (mut chunks, mut buf) = (Chunks::default(), BytesMut::new());
            for piece in pieces {
                buf.extend_from_slice(piece.as_bytes());
                while let Ok(Next::Data(_)) = chunks.next(&mut buf) {}
            }
        }
    }
}
