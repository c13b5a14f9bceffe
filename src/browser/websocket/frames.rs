//! The frames of a WebSocket as each browser reads them: which are good, what they say, and on which rule of
//! [RFC 6455](https://www.rfc-editor.org/rfc/rfc6455#section-5) a server is given up.
//!
//! Chrome: [`websocket_frame_parser.cc`](https://chromium.googlesource.com/chromium/src/+/main/net/websockets/websocket_frame_parser.cc),
//! [`websocket_basic_stream.cc`](https://chromium.googlesource.com/chromium/src/+/main/net/websockets/websocket_basic_stream.cc),
//! [`websocket_channel.cc`](https://chromium.googlesource.com/chromium/src/+/main/net/websockets/websocket_channel.cc): frame by
//! frame, as soon as a header or a piece of text is there. Firefox:
//! [`WebSocketChannel::ProcessInput`](https://searchfox.org/mozilla-central/source/netwerk/protocol/websocket/WebSocketChannel.cpp);
//! WebKitGTK: libsoup's
//! [`soup-websocket-connection.c`](https://gitlab.gnome.org/GNOME/libsoup/-/blob/master/libsoup/websocket/soup-websocket-connection.c),
//! which stands in for Safari's: both once a frame is whole.
//!
//! Pure: bytes in, [`Event`]s out. Invariants: a message never grows past the limit; between messages no buffer is held.

use super::deflate::{Agreed, Inflater, Unfit};
use super::utf8::Utf8;
use crate::browser::Browser;
use crate::wire::Breach;

/// The longest payload of a control frame.
const CONTROL: u64 = 125;
/// Firefox's longest message.
const FIREFOX_MESSAGE: u64 = i32::MAX as u64;
/// libsoup's longest frame.
const SAFARI_FRAME: u64 = u32::MAX as u64;

/// What the server said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A whole message; `wire`: its payload's bytes as they were sent.
    Message {
        text: bool,
        payload: Vec<u8>,
        wire: u64,
    },
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    /// `code` is `None` where the frame was empty.
    Close {
        code: Option<u16>,
        reason: String,
    },
}

/// Why nothing more is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The server broke a rule that this browser minds.
    Breach(Breach),
    /// The message is past our own limit.
    TooLarge,
}

/// One connection's incoming frames.
#[derive(Debug)]
pub struct Frames {
    browser: Browser,
    /// In bytes, of a message.
    limit: usize,
    inflater: Option<Box<Inflater>>,
    state: State,
    message: Option<Box<Message>>,
    closed: bool,
}

#[derive(Debug)]
enum State {
    /// Within a frame's header, of at most 2 + 8 + 4 bytes.
    Header { bytes: [u8; 14], have: u8 },
    /// Within a payload.
    Payload(Box<Frame>),
}

/// A frame under way.
#[derive(Debug)]
struct Frame {
    head: Head,
    left: u64,
    payload: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Head {
    fin: bool,
    /// The three reserved bits, the first one highest.
    reserved: u8,
    opcode: u8,
    mask: Option<[u8; 4]>,
    length: u64,
    /// The length was written with more bytes than it needs, or has its highest bit set.
    bad_length: bool,
}

impl Head {
    fn is_control(self) -> bool {
        self.opcode & 8 != 0
    }
}

/// A message under way.
#[derive(Debug)]
struct Message {
    opcode: u8,
    compressed: bool,
    payload: Vec<u8>,
    wire: u64,
    utf8: Utf8,
}

const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// RSV1, which permessage-deflate uses.
const COMPRESSED: u8 = 4;

impl Default for State {
    fn default() -> Self {
        Self::Header { bytes: [0; 14], have: 0 }
    }
}

impl Frames {
    /// `deflate`: where permessage-deflate was agreed on. `limit`: of a message, in bytes.
    pub fn new(browser: Browser, deflate: Option<Agreed>, limit: usize) -> Self {
        let inflater = deflate.map(|agreed| Box::new(Inflater::new(agreed)));
        Self { browser, limit, inflater, state: State::default(), message: None, closed: false }
    }

    /// Reads what came in one piece.
    ///
    /// # Errors
    /// [`Stop`]: nothing that comes after counts. Chrome lets go of what came in the same piece before a frame that is none.
    pub fn read(&mut self, input: &[u8], out: &mut Vec<Event>) -> Result<(), Stop> {
        let before = out.len();
        let result = self.read_on(input, out);
        if let Err(Stop::Breach(breach)) = result
            && self.browser == Browser::Chrome
            && is_below_chromes_channel(breach)
        {
            out.truncate(before);
        }
        result
    }

    fn read_on(&mut self, mut input: &[u8], out: &mut Vec<Event>) -> Result<(), Stop> {
        loop {
            match &mut self.state {
                State::Header { bytes, have } => {
                    let Some((&first, rest)) = input.split_first() else { return Ok(()) };
                    bytes[usize::from(*have)] = first;
                    *have += 1;
                    input = rest;
                    let Some(head) = head(&bytes[..usize::from(*have)]) else { continue };
                    let frame = Box::new(Frame { head, left: head.length, payload: Vec::new() });
                    self.state = State::Payload(frame);
                    self.begun(head)?;
                }
                State::Payload(frame) => {
                    let here = usize::try_from(frame.left).unwrap_or(usize::MAX).min(input.len());
                    let (piece, rest) = input.split_at(here);
                    let at = frame.payload.len();
                    frame.payload.extend_from_slice(piece);
                    if let Some(mask) = frame.head.mask {
                        for (offset, byte) in frame.payload[at..].iter_mut().enumerate() {
                            *byte ^= mask[(at + offset) & 3];
                        }
                    }
                    frame.left -= here as u64;
                    input = rest;
                    let over = frame.left == 0;
                    if self.browser == Browser::Chrome {
                        self.chrome_piece(at)?;
                    }
                    if !over {
                        // All of the input went into the payload.
                        return Ok(());
                    }
                    let State::Payload(frame) = std::mem::take(&mut self.state) else { return Ok(()) };
                    self.ended(*frame, out)?;
                }
            }
        }
    }

    /// A header has come.
    fn begun(&mut self, head: Head) -> Result<(), Stop> {
        match self.browser {
            Browser::Chrome => self.chrome_header(head)?,
            Browser::Firefox => {
                breach_if(head.bad_length, Breach::FrameHeader)?;
                breach_if(FIREFOX_MESSAGE < head.length, Breach::TooLarge)?;
            }
            Browser::Safari => {
                breach_if(head.mask.is_some(), Breach::Masked)?;
                breach_if(head.is_control() && CONTROL < head.length, Breach::LongControl)?;
                breach_if(head.bad_length && head.length <= SAFARI_FRAME, Breach::FrameHeader)?;
                breach_if(SAFARI_FRAME < head.length, Breach::TooLarge)?;
            }
        }
        let held = self.message.as_ref().map_or(0, |message| message.payload.len());
        let limit = if head.is_control() { self.limit } else { self.limit.saturating_sub(held) };
        if limit < usize::try_from(head.length).unwrap_or(usize::MAX) { Err(Stop::TooLarge) } else { Ok(()) }
    }

    /// Chromium's order: the length, then control frames, then (frame by frame) compression, mask, bits, state, opcode.
    fn chrome_header(&mut self, head: Head) -> Result<(), Stop> {
        breach_if(head.bad_length, Breach::FrameHeader)?;
        if matches!(head.opcode, CLOSE | PING | PONG) {
            breach_if(!head.fin, Breach::FragmentedControl)?;
            breach_if(CONTROL < head.length, Breach::LongControl)?;
        }
        let mut reserved = head.reserved;
        if self.inflater.is_some() && !matches!(head.opcode, CLOSE | PING | PONG) {
            let within = self.message.is_some();
            breach_if(within && reserved & COMPRESSED != 0, Breach::Compression)?;
            reserved &= !COMPRESSED;
        }
        breach_if(head.mask.is_some(), Breach::Masked)?;
        breach_if(reserved != 0, Breach::ReservedBits { bits: reserved })?;
        breach_if(self.closed, Breach::AfterClose { opcode: head.opcode })?;
        match (head.opcode, &self.message) {
            (0, None) => Err(Stop::Breach(Breach::LoneContinuation)),
            (TEXT | BINARY, Some(_)) => Err(Stop::Breach(Breach::Interleaved)),
            (0..=BINARY | CLOSE | PING | PONG, _) => Ok(()),
            (opcode, _) => Err(Stop::Breach(Breach::Opcode { opcode })),
        }
    }

    /// Chromium minds text that is none as it comes, not only at the message's end; `at`: where the new piece begins.
    fn chrome_piece(&mut self, at: usize) -> Result<(), Stop> {
        let State::Payload(frame) = &mut self.state else { return Ok(()) };
        let head = frame.head;
        if head.is_control() {
            return Ok(());
        }
        let compressed = head.reserved & COMPRESSED != 0;
        let message = self.message.get_or_insert_with(|| Box::new(Message::begun(head.opcode, compressed)));
        let piece = &frame.payload[at..];
        let start = message.payload.len();
        match &mut self.inflater {
            Some(inflater) if message.compressed => {
                inflater.part(piece, &mut message.payload, self.limit).map_err(unfit)?;
                if frame.left == 0 && head.fin {
                    inflater.finish(&mut message.payload, self.limit).map_err(unfit)?;
                }
            }
            _ => message.payload.extend_from_slice(piece),
        }
        message.wire += piece.len() as u64;
        // It is in the message by now.
        frame.payload.clear();
        if message.opcode == TEXT {
            let good = message.utf8.take(&message.payload[start..]);
            let ends = frame.left == 0 && head.fin;
            breach_if(!good || (ends && !message.utf8.is_whole()), Breach::NotUtf8)?;
        }
        Ok(())
    }

    /// A frame has come whole.
    fn ended(&mut self, frame: Frame, out: &mut Vec<Event>) -> Result<(), Stop> {
        match self.browser {
            Browser::Chrome => self.chrome_ended(frame, out),
            Browser::Firefox => self.firefox_ended(frame, out),
            Browser::Safari => self.safari_ended(frame, out),
        }
    }

    fn chrome_ended(&mut self, frame: Frame, out: &mut Vec<Event>) -> Result<(), Stop> {
        if frame.head.is_control() {
            return self.control(frame, out);
        }
        if frame.head.fin
            && let Some(message) = self.message.take()
        {
            out.push(message.event());
        }
        Ok(())
    }

    fn firefox_ended(&mut self, frame: Frame, out: &mut Vec<Event>) -> Result<(), Stop> {
        let head = frame.head;
        breach_if(!head.fin && head.is_control(), Breach::FragmentedControl)?;
        // It counts the bytes of fragments, so that an empty one leaves no message open.
        let open = self.message.as_ref().is_some_and(|message| 0 < message.wire);
        let compressed = self.inflater.is_some() && head.reserved == COMPRESSED && !open && !head.is_control();
        breach_if(head.reserved != 0 && !compressed, Breach::ReservedBits { bits: head.reserved })?;
        if head.is_control() {
            if self.closed {
                return Ok(());
            }
            breach_if(CONTROL < head.length, Breach::LongControl)?;
            return self.control(frame, out);
        }
        breach_if(open && head.opcode != 0, Breach::Interleaved)?;
        if head.opcode == 0 {
            breach_if(self.message.is_none(), Breach::LoneContinuation)?;
        } else {
            self.message = Some(Box::new(Message::begun(head.opcode, compressed)));
        }
        self.collected(frame, out)
    }

    fn safari_ended(&mut self, frame: Frame, out: &mut Vec<Event>) -> Result<(), Stop> {
        let head = frame.head;
        let mut reserved = head.reserved;
        if self.inflater.is_some() && !head.is_control() {
            let within = self.message.as_ref().is_some_and(|message| message.compressed);
            breach_if(within && reserved & COMPRESSED != 0, Breach::RepeatedCompression)?;
            reserved &= !COMPRESSED;
        }
        breach_if(reserved != 0, Breach::ReservedBits { bits: reserved })?;
        if self.closed {
            return Ok(());
        }
        if head.is_control() {
            breach_if(!head.fin, Breach::FragmentedControl)?;
            return self.control(frame, out);
        }
        match (head.opcode, &self.message) {
            (0, None) => return Err(Stop::Breach(Breach::LoneContinuation)),
            (1.., Some(_)) => return Err(Stop::Breach(Breach::Interleaved)),
            (TEXT | BINARY, None) => {
                let compressed = head.reserved & COMPRESSED != 0;
                self.message = Some(Box::new(Message::begun(head.opcode, compressed)));
            }
            (0, Some(_)) => {}
            (opcode, None) => return Err(Stop::Breach(Breach::Opcode { opcode })),
        }
        self.collected(frame, out)
    }

    /// A data frame's payload onto its message, which is told where this was its last.
    fn collected(&mut self, frame: Frame, out: &mut Vec<Event>) -> Result<(), Stop> {
        let Some(message) = &mut self.message else { return Ok(()) };
        message.wire += frame.payload.len() as u64;
        match &mut self.inflater {
            Some(inflater) if message.compressed => {
                inflater.part(&frame.payload, &mut message.payload, self.limit).map_err(unfit)?;
                if frame.head.fin {
                    inflater.finish(&mut message.payload, self.limit).map_err(unfit)?;
                }
            }
            _ if message.payload.is_empty() => message.payload = frame.payload,
            _ => message.payload.extend_from_slice(&frame.payload),
        }
        if !frame.head.fin {
            return Ok(());
        }
        let Some(message) = self.message.take() else { return Ok(()) };
        if self.closed {
            return Ok(());
        }
        match message.opcode {
            TEXT => breach_if(std::str::from_utf8(&message.payload).is_err(), Breach::NotUtf8)?,
            BINARY => {}
            opcode => return Err(Stop::Breach(Breach::Opcode { opcode })),
        }
        out.push(message.event());
        Ok(())
    }

    fn control(&mut self, frame: Frame, out: &mut Vec<Event>) -> Result<(), Stop> {
        out.push(match frame.head.opcode {
            CLOSE => {
                let close = self.close(&frame.payload)?;
                self.closed = true;
                close
            }
            PING => Event::Ping(frame.payload),
            PONG => Event::Pong(frame.payload),
            opcode => return Err(Stop::Breach(Breach::Opcode { opcode })),
        });
        Ok(())
    }

    fn close(&self, payload: &[u8]) -> Result<Event, Stop> {
        let [high, low, reason @ ..] = payload else {
            breach_if(!payload.is_empty() && self.browser != Browser::Firefox, Breach::ShortClose)?;
            return Ok(Event::Close { code: None, reason: String::new() });
        };
        let code = u16::from_be_bytes([*high, *low]);
        breach_if(!takes_code(self.browser, code), Breach::CloseCode { code })?;
        let Ok(reason) = std::str::from_utf8(reason) else { return Err(Stop::Breach(Breach::CloseNotUtf8)) };
        Ok(Event::Close { code: Some(code), reason: reason.to_owned() })
    }
}

/// Whether a close code from the wire is let pass. Seen: Chromium refuses the three that are never on the wire, Firefox none,
/// WebKitGTK all that RFC 6455 doesn't define.
fn takes_code(browser: Browser, code: u16) -> bool {
    match browser {
        Browser::Chrome => !matches!(code, 1005 | 1006 | 1015),
        Browser::Firefox => true,
        Browser::Safari => matches!(code, 1000..=1003 | 1007..=1011 | 3000..=4999),
    }
}

/// Chromium's stream finds these, and hands nothing of that read on to the channel above it.
fn is_below_chromes_channel(breach: Breach) -> bool {
    matches!(breach, Breach::FrameHeader | Breach::FragmentedControl | Breach::LongControl | Breach::Compression)
}

fn breach_if(broken: bool, breach: Breach) -> Result<(), Stop> {
    if broken { Err(Stop::Breach(breach)) } else { Ok(()) }
}

fn unfit(unfit: Unfit) -> Stop {
    match unfit {
        Unfit::Broken => Stop::Breach(Breach::Compression),
        Unfit::TooLarge => Stop::TooLarge,
    }
}

impl Message {
    fn begun(opcode: u8, compressed: bool) -> Self {
        Self { opcode, compressed, payload: Vec::new(), wire: 0, utf8: Utf8::default() }
    }

    fn event(self) -> Event {
        Event::Message { text: self.opcode == TEXT, payload: self.payload, wire: self.wire }
    }
}

/// A header, where it is whole: [section 5.2](https://www.rfc-editor.org/rfc/rfc6455#section-5.2).
fn head(bytes: &[u8]) -> Option<Head> {
    let [first, second, rest @ ..] = bytes else { return None };
    let (length, bad_length, rest) = match (second & 0x7f, rest) {
        (126, [high, low, rest @ ..]) => {
            let length = u16::from_be_bytes([*high, *low]);
            (u64::from(length), length < 126, rest)
        }
        (127, [a, b, c, d, e, f, g, h, rest @ ..]) => {
            let length = u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]);
            (length, length <= u64::from(u16::MAX) || (i64::MAX as u64) < length, rest)
        }
        (126 | 127, _) => return None,
        (short, rest) => (u64::from(short), false, rest),
    };
    let mask = match (second & 0x80, rest) {
        (0, _) => None,
        (_, [a, b, c, d]) => Some([*a, *b, *c, *d]),
        _ => return None,
    };
    let (fin, reserved, opcode) = (first & 0x80 != 0, first >> 4 & 7, first & 0x0f);
    Some(Head { fin, reserved, opcode, mask, length, bad_length })
}

#[cfg(test)]
mod tests;
