//! WebSocket frames as bytes: right ones, and each of the wrong ones that [`Bad`] names. No I/O.

use base64::Engine as _;
use bytes::{Buf, BytesMut};

use super::script::Bad;

/// The largest frame that the lab reads, in bytes.
pub(super) const MAX_FRAME: u64 = 16 * 1024 * 1024;

pub(super) const CONTINUATION: u8 = 0;
pub(super) const TEXT: u8 = 1;
pub(super) const BINARY: u8 = 2;
pub(super) const CLOSE: u8 = 8;
pub(super) const PING: u8 = 9;
pub(super) const PONG: u8 = 10;
/// Beside an opcode: the message is compressed.
pub(super) const RSV1: u8 = 0x40;

/// A frame that came, unmasked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub fin: bool,
    pub opcode: u8,
    /// The message is compressed; of its first frame.
    pub rsv1: bool,
    pub payload: Vec<u8>,
}

/// More than [`MAX_FRAME`] bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLarge;

/// [`Sec-WebSocket-Accept`](https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2) for a key.
pub(super) fn accept_key(key: &str) -> String {
    let text = format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    let hash = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes());
    base64::engine::general_purpose::STANDARD.encode(hash)
}

/// The bytes before a payload of that length: [RFC 6455, section 5.2](https://www.rfc-editor.org/rfc/rfc6455#section-5.2),
/// unmasked, as a server sends them. `first` is the first byte: FIN, RSV and opcode.
pub(super) fn header(first: u8, length: u64) -> Vec<u8> {
    let mut out = vec![first];
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short), _) if short < 126 => out.push(short),
        (_, Ok(medium)) => {
            out.push(126);
            out.extend_from_slice(&medium.to_be_bytes());
        }
        _ => {
            out.push(127);
            out.extend_from_slice(&length.to_be_bytes());
        }
    }
    out
}

/// A whole frame with FIN.
pub(super) fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    with_first(0x80 | opcode, payload)
}

pub(super) fn with_first(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = header(first, payload.len() as u64);
    out.extend_from_slice(payload);
    out
}

pub(super) fn close(reason: Option<(u16, &str)>) -> Vec<u8> {
    match reason {
        None => frame(CLOSE, &[]),
        Some((code, reason)) => frame(CLOSE, &[&code.to_be_bytes()[..], reason.as_bytes()].concat()),
    }
}

/// The bytes of a violation.
pub(super) fn bad(bad: Bad) -> Vec<u8> {
    match bad {
        Bad::Opcode => frame(3, b"x"),
        Bad::Rsv => with_first(0xC0 | TEXT, b"x"),
        Bad::Masked => vec![0x80 | TEXT, 0x80 | 1, 1, 2, 3, 4, b'x' ^ 1],
        Bad::Utf8 => frame(TEXT, b"\xff\xfe"),
        Bad::FragmentedPing => with_first(PING, b"x"),
        Bad::LongPing => frame(PING, &[b'x'; 126]),
        Bad::Close1005 => close(Some((1005, ""))),
        Bad::CloseShort => frame(CLOSE, &[3]),
        Bad::CloseUtf8 => frame(CLOSE, &[&1000_u16.to_be_bytes()[..], b"\xff"].concat()),
        Bad::LoneContinuation => frame(CONTINUATION, b"x"),
        Bad::Interleaved => [with_first(TEXT, b"a"), frame(TEXT, b"b")].concat(),
        Bad::HugeLength => [&[0x80 | BINARY, 127][..], &(1_u64 << 63).to_be_bytes()].concat(),
        Bad::LongLength => vec![0x80 | TEXT, 126, 0, 1, b'x'],
        // A block of the type that there is none of.
        Bad::Deflate => with_first(0x80 | RSV1 | TEXT, &[7]),
        // The two halves of RFC 7692's first example.
        Bad::DeflateTwice => {
            [with_first(RSV1 | TEXT, b"\xf2\x48\xcd"), with_first(0x80 | RSV1 | CONTINUATION, b"\xc9\xc9\x07\x00")]
                .concat()
        }
    }
}

/// Takes a frame off the front, if it is whole.
pub(super) fn take(ahead: &mut BytesMut) -> Result<Option<Frame>, TooLarge> {
    let Some((&[first, second], rest)) = ahead.split_first_chunk::<2>() else {
        return Ok(None);
    };
    let (length, size) = match second & 0x7f {
        126 => match rest.first_chunk::<2>() {
            Some(bytes) => (u64::from(u16::from_be_bytes(*bytes)), 2),
            None => return Ok(None),
        },
        127 => match rest.first_chunk::<8>() {
            Some(bytes) => (u64::from_be_bytes(*bytes), 8),
            None => return Ok(None),
        },
        short => (u64::from(short), 0),
    };
    if MAX_FRAME < length {
        return Err(TooLarge);
    }
    let masked = second & 0x80 != 0;
    let at = 2 + size + if masked { 4 } else { 0 };
    let length = usize::try_from(length).map_err(|_| TooLarge)?;
    if ahead.len() < at + length {
        return Ok(None);
    }
    let mask = if masked { ahead[at - 4..at].to_vec() } else { vec![0; 4] };
    ahead.advance(at);
    let mut payload = ahead.split_to(length).to_vec();
    payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
    Ok(Some(Frame { fin: first & 0x80 != 0, opcode: first & 0x0f, rsv1: first & RSV1 != 0, payload }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accept_key_is_that_of_the_rfcs_example() {
        assert_eq!(accept_key("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn lengths_take_their_shortest_form() {
        assert_eq!(header(0x81, 125), [0x81, 125]);
        assert_eq!(header(0x81, 126), [0x81, 126, 0, 126]);
        assert_eq!(header(0x81, 65_536), [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn a_frame_is_taken_once_it_is_whole() {
        // RFC 6455, section 5.7: a masked "Hello".
        let bytes = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
        let mut ahead = BytesMut::from(&bytes[..7]);
        assert_eq!(take(&mut ahead), Ok(None));
        ahead.extend_from_slice(&bytes[7..]);
        let hello = Frame { fin: true, opcode: TEXT, rsv1: false, payload: b"Hello".to_vec() };
        assert_eq!(take(&mut ahead), Ok(Some(hello)));
        assert!(ahead.is_empty());
    }

    #[test]
    fn a_frame_beyond_the_bound_is_refused_by_its_header_alone() {
        assert_eq!(take(&mut BytesMut::from(&bad(Bad::HugeLength)[..])), Err(TooLarge));
    }
}
