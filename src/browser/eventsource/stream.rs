//! [Parsing an event stream](https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream), byte by
//! byte as it comes: cut anywhere, the same stream gives the same events.
//!
//! Invariant: what is kept is bounded by [`LIMIT`], whatever comes.

/// The most of one line, and of one event's data, that is kept, in bytes. Browsers have no such bound.
pub const LIMIT: usize = 1 << 20;

/// What the stream says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A `retry` field's value, as it stands.
    Retry(String),
    /// A message for the script.
    Message {
        /// `message` where the stream gives none.
        event: String,
        data: String,
        /// The last event ID as of this message.
        id: String,
    },
}

/// A stream under way.
#[derive(Clone, Debug, Default)]
pub struct Parser {
    line: Vec<u8>,
    /// The line goes on beyond what is kept: it is no field then.
    overlong: bool,
    /// The last byte was a carriage return: a line feed now ends nothing.
    after_return: bool,
    /// A first line has been seen, so that a byte order mark is one no more.
    begun: bool,
    data: String,
    /// A `data` field has come, be it empty.
    has_data: bool,
    event: String,
    /// The last event ID buffer.
    id: String,
    /// [Last event ID string](https://html.spec.whatwg.org/multipage/server-sent-events.html#concept-event-stream-last-event-id):
    /// the buffer's value at the last blank line.
    last_id: String,
}

impl Parser {
    /// A new stream, which goes on from that last event ID.
    pub fn resume(last_id: &str) -> Self {
        Self { id: last_id.to_owned(), last_id: last_id.to_owned(), ..Self::default() }
    }

    /// What a reconnection sends as `Last-Event-ID`; empty: nothing.
    pub fn last_event_id(&self) -> &str {
        &self.last_id
    }

    /// The next bytes of the stream.
    pub fn feed(&mut self, bytes: &[u8], on: &mut impl FnMut(Event)) {
        let mut rest = bytes;
        if std::mem::take(&mut self.after_return) {
            match rest.first() {
                Some(b'\n') => rest = &rest[1..],
                Some(_) => {}
                None => self.after_return = true,
            }
        }
        while let Some(end) = memchr::memchr2(b'\r', b'\n', rest) {
            self.extend(&rest[..end]);
            self.end_of_line(on);
            let skip = match (rest[end], rest.get(end + 1)) {
                (b'\r', Some(b'\n')) => 2,
                (b'\r', None) => {
                    self.after_return = true;
                    1
                }
                _ => 1,
            };
            rest = &rest[end + skip..];
        }
        self.extend(rest);
    }

    fn extend(&mut self, bytes: &[u8]) {
        let room = LIMIT.saturating_sub(self.line.len());
        self.overlong |= room < bytes.len();
        self.line.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// [Interpreting an event stream](https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation):
    /// one line.
    fn end_of_line(&mut self, on: &mut impl FnMut(Event)) {
        let mut line = std::mem::take(&mut self.line);
        let overlong = std::mem::take(&mut self.overlong);
        let mut text: &[u8] = &line;
        if !std::mem::replace(&mut self.begun, true) {
            text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        }
        if text.is_empty() && !overlong {
            self.dispatch(on);
        } else if !overlong {
            let colon = memchr::memchr(b':', text);
            let (name, value) = colon.map_or((text, &b""[..]), |at| (&text[..at], &text[at + 1..]));
            let value = value.strip_prefix(b" ").unwrap_or(value);
            // A comment's name is empty: no field.
            self.field(name, &String::from_utf8_lossy(value), on);
        }
        line.clear();
        self.line = line;
    }

    /// [Process the field](https://html.spec.whatwg.org/multipage/server-sent-events.html#processField).
    fn field(&mut self, name: &[u8], value: &str, on: &mut impl FnMut(Event)) {
        match name {
            b"event" => value.clone_into(&mut self.event),
            b"data" => {
                if self.has_data && self.data.len() < LIMIT {
                    self.data.push('\n');
                }
                self.has_data = true;
                let room = value.floor_char_boundary(LIMIT.saturating_sub(self.data.len()));
                self.data.push_str(&value[..room]);
            }
            b"id" if !value.contains('\0') => value.clone_into(&mut self.id),
            b"retry" => on(Event::Retry(value.to_owned())),
            _ => {}
        }
    }

    /// [Dispatch the event](https://html.spec.whatwg.org/multipage/server-sent-events.html#dispatchMessage).
    fn dispatch(&mut self, on: &mut impl FnMut(Event)) {
        // Step 1, whether or not there is anything to dispatch.
        if self.last_id != self.id {
            self.id.clone_into(&mut self.last_id);
        }
        let (event, data) = (std::mem::take(&mut self.event), std::mem::take(&mut self.data));
        // Step 2.
        if !std::mem::take(&mut self.has_data) {
            return;
        }
        // Steps 3 to 8.
        let event = if event.is_empty() { "message".to_owned() } else { event };
        on(Event::Message { event, data, id: self.last_id.clone() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The events of a stream that comes in pieces of `size`, and the last event ID in the end.
    fn events(stream: &[u8], size: usize) -> (Vec<Event>, String) {
        let (mut parser, mut out) = (Parser::default(), Vec::new());
        for piece in stream.chunks(size) {
            parser.feed(piece, &mut |event| out.push(event));
        }
        (out, parser.last_event_id().to_owned())
    }

    #[track_caller]
    fn check(stream: &str, expected: &str) {
        for size in [1, 2, 3, 1000] {
            let (events, id) = events(stream.as_bytes(), size);
            let words: Vec<String> = events
                .into_iter()
                .map(|event| match event {
                    Event::Retry(value) => format!("retry {value}"),
                    Event::Message { event, data, id } => format!("{event} {data:?} {id}"),
                })
                .collect();
            assert_eq!(format!("{} | {id}", words.join(", ")), expected, "{stream:?} in {size}s");
        }
    }

    #[test]
    fn fields_make_an_event_at_the_blank_line() {
        check("event: a\nid: 7\ndata: x\ndata:y\n\ndata: z\n\n", "a \"x\\ny\" 7, message \"z\" 7 | 7");
        check("data\n\n: comment\n\nevent: a\n\ndata: x", "message \"\"  | ");
        check("data:  x\nother: y\nDATA: z\n\n", "message \" x\"  | ");
    }

    #[test]
    fn a_line_ends_with_either_character_or_both() {
        check("data: a\r\ndata: b\rdata: c\n\r\n", "message \"a\\nb\\nc\"  | ");
        check("data: a\r\r\n\n", "message \"a\"  | ");
    }

    #[test]
    fn a_byte_order_mark_is_dropped_once() {
        check("\u{feff}data: x\n\n", "message \"x\"  | ");
        check("\u{feff}\u{feff}data: x\n\n", " | ");
        check("\n\u{feff}data: x\n\n", " | ");
    }

    #[test]
    fn an_id_counts_from_the_next_blank_line_on() {
        check("id: 1\n", " | ");
        check("id: 1\n\n", " | 1");
        check("id: 1\n\nid\n\n", " | ");
        check("id: 1\n\nid: 2\u{0}\n\n", " | 1");
    }

    #[test]
    fn retry_is_told_at_once() {
        check("retry: 100\nretry:\nretry: x", "retry 100, retry  | ");
    }

    #[test]
    fn what_is_too_long_is_no_field_and_data_is_cut() {
        let long = "x".repeat(LIMIT);
        let (got, _) = events(format!("data: a\ndata: {long}\n\n").as_bytes(), 10_000);
        assert_eq!(got, [Event::Message { event: "message".into(), data: "a".into(), id: String::new() }]);
        let half = "x".repeat(LIMIT - 10);
        let (got, _) = events(format!("data:{half}\ndata:{half}\ndata: b\n\n").as_bytes(), 10_000);
        assert!(matches!(&got[..], [Event::Message { data, .. }] if data.len() == LIMIT), "bounded");
    }

    proptest! {
        #[test]
        fn any_stream_gives_the_same_events_in_any_pieces(
            stream in "(data|id|retry|event|:|\u{feff}|x|é|\0| |\r|\n|\r\n){0,40}",
            size in 1_usize..9,
        ) {
            prop_assert_eq!(events(stream.as_bytes(), size), events(stream.as_bytes(), 10_000));
        }

        #[test]
        fn no_bytes_break_the_parser(stream in proptest::collection::vec(any::<u8>(), 0..200), size in 1_usize..9) {
            prop_assert_eq!(events(&stream, size), events(&stream, 10_000));
        }
    }
}
