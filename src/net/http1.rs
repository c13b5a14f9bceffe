//! One HTTP/1.1 exchange on one connection, driven in the caller's task.
//!
//! Read with code of our own: a library refuses, each in its own way, what browsers read (a status line without a status,
//! a head that the connection's end cuts off), and gives neither the fields' own case and order nor the bytes' times. What
//! is not as RFC 9112 has it stands in [`Quirks`](crate::wire::Quirks), for the browser's rules to judge.
//!
//! Invariant: of a head no more than the limit and one read is held, of a body one read.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWrite as _};

use super::chunks::{Chunks, Next};
use super::errno;
use super::head::{self, Beginning, Head, TargetForm, elements};
use super::settings::Limits;
use super::stream::Stream;
use super::trace::Trace;
use crate::base::Clock;
use crate::wire::{HttpVersion, NetError, Phase, Purpose, WireRequest};

/// What is read at once, at least.
const READ: usize = 8 * 1024;
/// The same before an answer begins, and for all of one to a WebSocket's handshake, which is a short head: many wait for theirs
/// at once, a long poll for minutes.
const READ_FIRST: usize = 1024;

/// The connection after a 101, and what the server sent behind its head.
#[derive(Debug)]
pub(super) struct Switched {
    pub(super) stream: Stream,
    pub(super) read_ahead: Bytes,
}

/// A body that is still to be read.
#[derive(Debug)]
pub(super) struct Incoming {
    line: Line,
    framing: Framing,
}

/// How a body ends ([RFC 9112, section 6.3](https://www.rfc-editor.org/rfc/rfc9112#section-6.3)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Length {
        left: u64,
    },
    Chunked(Chunks),
    /// With the connection.
    ToTheEnd,
}

/// Sends the request and reads the answer's head. Sets `phases.first_byte`.
pub(super) async fn open(
    stream: Stream,
    request: &WireRequest,
    form: &TargetForm,
    limits: &Limits,
    trace: &mut Trace,
) -> Result<(Head, Incoming), NetError> {
    let mut bytes = head::encode(request, form)?;
    bytes.extend_from_slice(&request.body);
    let at_once = if request.purpose == Purpose::Handshake { READ_FIRST } else { READ };
    let mut line = Line::new(stream, bytes, at_once, trace.clock());
    let read = tokio::time::timeout_at(trace.deadline.into(), line.head(request.purpose, limits)).await;
    if let (Some(done), Some(first)) = (line.request_done, line.first_byte) {
        trace.phases.first_byte = Some(first.saturating_duration_since(done));
    }
    let mut head = read.unwrap_or_else(|_| Err(trace.timeout(line.phase())))?;
    let framing = framing(request, &mut head);
    Ok((head, Incoming { line, framing }))
}

fn framing(request: &WireRequest, head: &mut Head) -> Framing {
    if head.quirks.no_status_line {
        return Framing::ToTheEnd;
    }
    let none = request.method == "HEAD" || matches!(head.status, 100..200 | 204 | 205 | 304);
    if none {
        return Framing::Length { left: 0 };
    }
    let chunked = HttpVersion::Http11 <= head.version
        && elements(&head.headers, "transfer-encoding").any(|coding| coding.eq_ignore_ascii_case(b"chunked"));
    if chunked {
        return Framing::Chunked(Chunks::default());
    }
    let Some(length) = elements(&head.headers, "content-length").next() else { return Framing::ToTheEnd };
    let text = std::str::from_utf8(length).unwrap_or_default();
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    head.quirks.odd_length =
        !text.is_empty() && (digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()));
    match text.parse() {
        Ok(left) if !text.starts_with('+') => Framing::Length { left },
        _ => Framing::ToTheEnd,
    }
}

impl Incoming {
    /// The next bytes of the body, its content codings still on; `None` at its end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, NetError> {
        loop {
            match &mut self.framing {
                Framing::Length { left: 0 } => return Ok(None),
                Framing::Length { left } if !self.line.buf.is_empty() => {
                    let here = self.line.buf.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                    *left -= here as u64;
                    return Ok(Some(self.line.buf.split_to(here).freeze()));
                }
                Framing::ToTheEnd if !self.line.buf.is_empty() => return Ok(Some(self.line.buf.split().freeze())),
                Framing::Chunked(chunks) => match chunks.next(&mut self.line.buf)? {
                    Next::Data(data) => return Ok(Some(data)),
                    Next::Over => return Ok(None),
                    Next::More => {}
                },
                Framing::Length { .. } | Framing::ToTheEnd => {}
            }
            match self.line.fill().await {
                Ok(0) => {
                    return match self.framing {
                        Framing::Length { .. } => Err(NetError::IncompleteBody),
                        Framing::Chunked(_) => Err(NetError::IncompleteChunks),
                        Framing::ToTheEnd => Ok(None),
                    };
                }
                Ok(_) => {}
                Err(error) => return Err(errno::on_stream(&error, Phase::Body)),
            }
        }
    }

    /// When the answer's first byte came.
    pub(super) fn first_byte(&self) -> Option<Instant> {
        self.line.first_byte
    }

    /// The connection itself, after a 101.
    pub(super) fn switched(self) -> Switched {
        Switched { stream: self.line.stream, read_ahead: self.line.buf.freeze() }
    }
}

/// The connection, the request on its way out, and what has come and is not read yet.
#[derive(Debug)]
struct Line {
    stream: Stream,
    clock: Clock,
    out: Vec<u8>,
    sent: usize,
    flushed: bool,
    buf: BytesMut,
    /// How much is read at once, at least.
    at_once: usize,
    /// When the last of the request was handed over: before that write, since the answer may come before it returns.
    request_done: Option<Instant>,
    first_byte: Option<Instant>,
}

impl Line {
    fn new(stream: Stream, out: Vec<u8>, at_once: usize, clock: Clock) -> Self {
        let buf = BytesMut::new();
        Self { stream, clock, out, sent: 0, flushed: false, buf, at_once, request_done: None, first_byte: None }
    }

    /// How far the exchange has come, its head not read yet.
    fn phase(&self) -> Phase {
        if self.sent < self.out.len() { Phase::Request } else { Phase::FirstByte }
    }

    /// Reads more, and goes on sending meanwhile; 0 at the connection's end.
    async fn fill(&mut self) -> io::Result<usize> {
        poll_fn(|cx| self.poll_fill(cx)).await
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        while self.sent < self.out.len() {
            self.request_done = Some(self.clock.mono());
            match Pin::new(&mut self.stream).poll_write(cx, &self.out[self.sent..]) {
                Poll::Ready(Ok(count)) if 0 < count => self.sent += count,
                // A server may answer before it has read everything, and close: the answer is still to be read.
                Poll::Ready(_) => self.sent = self.out.len(),
                Poll::Pending => break,
            }
        }
        if self.sent == self.out.len() && !self.flushed {
            self.flushed = Pin::new(&mut self.stream).poll_flush(cx).is_ready();
        }
        self.buf.reserve(if self.first_byte.is_none() { READ_FIRST } else { self.at_once });
        let count = ready!(pin!(self.stream.read_buf(&mut self.buf)).poll(cx))?;
        if self.first_byte.is_none() && 0 < count {
            self.first_byte = Some(self.clock.mono());
        }
        Poll::Ready(Ok(count))
    }

    /// The final head; interim ones are passed over.
    async fn head(&mut self, purpose: Purpose, limits: &Limits) -> Result<Head, NetError> {
        let (mut passed, mut searched) = (0_usize, 0_usize);
        let too_large = || NetError::HeadersTooLarge { limit: limits.headers };
        // A switch of protocols that nobody asked for: final, unless another answer follows.
        let mut switch = None;
        loop {
            match head::beginning(&self.buf) {
                Beginning::StatusLine(start) => match head::end(&self.buf, searched.max(start)) {
                    Some(end) => {
                        if limits.headers < passed.saturating_add(end) {
                            return Err(too_large());
                        }
                        let head = head::parse(&self.buf[start..end]);
                        self.buf.advance(end);
                        match (head.status, purpose) {
                            (101, Purpose::Actual | Purpose::Preflight | Purpose::SignIn) => switch = Some(head),
                            // 100 Continue, 103 Early Hints: another head follows.
                            (100 | 102..200, Purpose::Actual | Purpose::Preflight | Purpose::SignIn) => {}
                            _ => return Ok(head),
                        }
                        (passed, searched) = (passed.saturating_add(end), 0);
                        continue;
                    }
                    None => searched = self.buf.len().saturating_sub(2),
                },
                Beginning::Other if passed == 0 => return Ok(Head::none()),
                Beginning::Other => return switch.ok_or(NetError::InvalidHttpResponse),
                Beginning::Short => {}
            }
            if limits.headers < passed.saturating_add(self.buf.len()) {
                return Err(too_large());
            }
            match self.fill().await {
                Ok(0) => return self.cut_head(switch),
                Ok(_) => {}
                // After a switch nothing more is owed.
                Err(error) => return switch.ok_or_else(|| errno::on_stream(&error, self.phase())),
            }
        }
    }

    /// What a head is that the connection's end has cut off.
    fn cut_head(&mut self, switch: Option<Head>) -> Result<Head, NetError> {
        if self.buf.is_empty() {
            return switch.ok_or(NetError::EmptyResponse);
        }
        let cut_line = !self.buf.ends_with(b"\n");
        let mut head = match head::beginning(&self.buf) {
            Beginning::StatusLine(start) => {
                let head = head::parse(&self.buf[start..]);
                self.buf.clear();
                head
            }
            Beginning::Short | Beginning::Other => Head::none(),
        };
        (head.quirks.unfinished_head, head.quirks.cut_line) = (true, cut_line);
        Ok(head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    use crate::net::peer::{self, answer, get, get_with};
    use crate::net::{Client, Settings};
    use crate::wire::exchange::BODY_KEPT;
    use crate::wire::{HttpVersion, Phase};
    use tokio::io::AsyncWriteExt as _;

    fn small() -> Settings {
        Settings { limits: Limits { headers: 9000, body: 100_000, message: 1000 }, ..Settings::default() }
    }

    async fn check(reply: impl AsRef<[u8]> + Send + 'static, expected: NetError) {
        let (address, _) = answer(reply).await;
        assert_eq!(get_with(&small(), address, "/").await.error(), Some(&expected));
    }

    #[tokio::test]
    async fn an_exchange_keeps_the_answer_as_it_came_and_the_time_of_each_phase() {
        let (address, played) =
            answer("HTTP/1.1 404 Not Here\r\nVary: a\r\nset-cookie: x\r\nvARY: b\r\nContent-Length: 4\r\n\r\nbody")
                .await;
        let exchange = get(address, "/a?b").await;
        let response = exchange.response().unwrap();
        assert_eq!((response.version, response.status, &*response.reason), (HttpVersion::Http11, 404, "Not Here"));
        let fields = [("Vary", "a"), ("set-cookie", "x"), ("vARY", "b"), ("Content-Length", "4")];
        assert_eq!(response.headers, fields.into_iter().collect());
        assert_eq!((&*response.body, response.body_size), (&b"body"[..], 4));
        assert_eq!(played.await.unwrap(), format!("GET /a?b HTTP/1.1\r\nHost: {address}\r\n\r\n"));
        assert_eq!((exchange.phases.dns, exchange.phases.tls, exchange.phases.proxy), (None, None, None));
        let phases: Vec<_> = exchange.phases.iter().map(|(name, _)| name).collect();
        assert_eq!(phases, ["connect", "first_byte", "body"]);
        assert_eq!(exchange.peer, Some(address));
        assert_eq!(exchange.request.headers.first_str("host"), Some(&*address.to_string()));
    }

    #[tokio::test]
    async fn headers_go_out_in_their_own_case_and_order_and_a_body_follows() {
        let (address, played) = peer::play(|mut stream| async move {
            let head = peer::read_head(&mut stream).await;
            let mut body = [0; 4];
            tokio::io::AsyncReadExt::read_exact(&mut stream, &mut body).await.unwrap();
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
            (head, body)
        })
        .await;
        let headers = [("Host", "x"), ("sec-ch-ua", "y"), ("ACCEPT", "1"), ("X-B", "2"), ("accept", "3")];
        let request = peer::request("POST", &format!("http://{address}/"), &headers, "four");
        let exchange = Client::new(&small()).unwrap().exchange(request, Clock.mono() + Duration::from_secs(10)).await;
        assert_eq!(exchange.status(), Some(204));
        let (head, body) = played.await.unwrap();
        assert_eq!(
            head,
            "POST / HTTP/1.1\r\nHost: x\r\nsec-ch-ua: y\r\nACCEPT: 1\r\nX-B: 2\r\naccept: 3\r\nContent-Length: 4\r\n\r\n"
        );
        assert_eq!(&body, b"four");
    }

    #[tokio::test]
    async fn chunks_are_put_together_and_a_body_without_length_ends_with_the_connection() {
        let (address, _) =
            answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n").await;
        assert_eq!(&*get(address, "/").await.response().unwrap().body, b"abcde");
        let (address, _) = answer("HTTP/1.0 200 OK\r\n\r\nto the end").await;
        let exchange = get(address, "/").await;
        assert_eq!(&*exchange.response().unwrap().body, b"to the end");
        assert_eq!(exchange.response().unwrap().version, HttpVersion::Http10);
    }

    #[tokio::test]
    async fn interim_answers_are_passed_over() {
        let (address, _) =
            answer("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 0\r\n\r\n")
                .await;
        let exchange = get(address, "/").await;
        assert_eq!(exchange.status(), Some(200));
        assert_eq!(exchange.response().unwrap().headers.len(), 2);
    }

    #[tokio::test]
    async fn an_answer_to_head_has_no_body_whatever_its_length_says() {
        let (address, _) = answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n").await;
        let request = peer::request("HEAD", &format!("http://{address}/"), &[], "");
        let exchange = Client::new(&small()).unwrap().exchange(request, Clock.mono() + Duration::from_secs(10)).await;
        assert_eq!(exchange.response().unwrap().body_size, 0);
    }

    #[tokio::test]
    async fn each_way_to_break_an_answer_has_its_name() {
        check("", NetError::EmptyResponse).await;
        check("HTTP/1.1 100 Continue\r\n\r\n", NetError::EmptyResponse).await;
        check("HTTP/1.1 100 Continue\r\n\r\nSSH-2.0-OpenSSH_9.2\r\n", NetError::InvalidHttpResponse).await;
        check("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", NetError::IncompleteBody).await;
        check("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", NetError::IncompleteChunks).await;
        check("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", NetError::InvalidChunks).await;
        let coded = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc";
        check(coded, NetError::ContentDecoding).await;
    }

    /// What is read of an answer that RFC 9112 forbids: status, fields, body and quirks.
    async fn check_lenient(reply: &'static str, expected: &str) {
        let (address, _) = answer(reply).await;
        let exchange = get_with(&small(), address, "/").await;
        let response = exchange.response().unwrap();
        let fields: Vec<_> =
            response.headers.iter().map(|(name, value)| format!("{name}:{}", value.escape_ascii())).collect();
        let quirks = format!("{:?}", response.transfer.quirks);
        let quirks: Vec<&str> = quirks.split([' ', ',', '{', '}']).filter(|word| !word.is_empty()).collect();
        let quirks: Vec<&str> =
            quirks.windows(2).filter(|pair| pair[1] == "true").map(|pair| pair[0].trim_end_matches(':')).collect();
        let body = String::from_utf8_lossy(&response.body);
        assert_eq!(
            format!("{} [{}] {body:?} {}", response.status, fields.join(","), quirks.join(" ")).trim_end(),
            expected
        );
        assert_eq!(response.transfer.error, None);
    }

    #[tokio::test]
    async fn what_browsers_read_is_read_and_its_quirks_are_named() {
        check_lenient("HTTP/1.1 200 OK\nA: b\n\nok", "200 [A:b] \"ok\"").await;
        check_lenient("\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\n\r\n", "200 [A:b] \"\"").await;
        check_lenient("HTTP/1.1\r\n\r\n", "200 [] \"\" no_status").await;
        check_lenient("HTTP/1.1 abc OK\r\n\r\n", "200 [] \"\" odd_status").await;
        check_lenient("HTTP/1.1 200OK\r\n\r\n", "200 [] \"\" odd_status").await;
        check_lenient("HTTP/1.1 99 Odd\r\nContent-Length: 0\r\n\r\n", "99 [Content-Length:0] \"\"").await;
        check_lenient("HTTP/1.1 1000 Odd\r\nContent-Length: 0\r\n\r\n", "1000 [Content-Length:0] \"\"").await;
        check_lenient("HTTP/9.9 200 OK\r\nA: b\r\n\r\n", "200 [A:b] \"\" odd_version").await;
        check_lenient("ICY 200 OK\r\nA: b\r\n\r\nx", "200 [A:b] \"x\" icy").await;
        check_lenient("SSH-2.0-OpenSSH_9.2\r\n", "200 [] \"SSH-2.0-OpenSSH_9.2\\r\\n\" no_status_line").await;
        check_lenient("hi", "200 [] \"hi\" no_status_line unfinished_head cut_line").await;
        check_lenient("HTTP/1.1 200 OK\r\nA: b", "200 [A:b] \"\" unfinished_head cut_line").await;
        check_lenient("HTTP/1.1 200 OK\r\nno colon\r\nA : b\r\n C\r\n\r\n", "200 [A :b C] \"\"").await;
        check_lenient("HTTP/1.1 200 OK\r\nA: \0\r\n\r\n", "200 [A:\\x00] \"\" nul").await;
        check_lenient(
            "HTTP/1.1 200 OK\r\nContent-Length: 3x\r\n\r\nabcd",
            "200 [Content-Length:3x] \"abcd\" odd_length",
        )
        .await;
        check_lenient("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nabcd", "200 [Content-Length:-1] \"abcd\"").await;
        check_lenient("HTTP/1.1 101 Switch\r\nA: b\r\n\r\n", "101 [A:b] \"\"").await;
    }

    #[tokio::test]
    async fn codings_are_undone_and_both_sizes_are_told() {
        let mut reply = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 24\r\n\r\n".to_vec();
        reply.extend_from_slice(b"\x1f\x8b\x08\0\0\0\0\0\x02\x03KL\xa4=\0\0dzp\xafd\0\0\0");
        let (address, _) = answer(reply).await;
        let exchange = get(address, "/").await;
        let response = exchange.response().unwrap();
        assert_eq!((response.body_size, response.transfer.sent_size), (100, 24));
        assert_eq!(&*response.body, &[b'a'; 100]);
    }

    #[tokio::test]
    async fn heads_and_bodies_past_the_bounds_end_the_exchange_by_name() {
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(4000));
        check(many, NetError::HeadersTooLarge { limit: 9000 }).await;
        let long = format!("HTTP/1.1 200 OK\r\nA: {}\r\n\r\n", "b".repeat(200_000));
        check(long, NetError::HeadersTooLarge { limit: 9000 }).await;
        let body = format!("HTTP/1.1 200 OK\r\nContent-Length: 100001\r\n\r\n{}", "b".repeat(100_001));
        check(body, NetError::BodyTooLarge { limit: 100_000 }).await;
        let body = format!("HTTP/1.1 200 OK\r\n\r\n{}", "b".repeat(100_000));
        let (address, _) = answer(body).await;
        let exchange = get_with(&small(), address, "/").await;
        let response = exchange.response().unwrap();
        assert_eq!((response.body.len(), response.body_size), (BODY_KEPT, 100_000));
    }

    #[tokio::test]
    async fn a_reset_is_told_with_its_phase() {
        let (address, _) = peer::play(|mut stream| async move {
            peer::read_head(&mut stream).await;
            stream.set_zero_linger().unwrap();
        })
        .await;
        let expected = NetError::ConnectionReset { phase: Phase::FirstByte };
        assert_eq!(get(address, "/").await.result, Err(expected));
    }

    /// The peer sends `first` and then nothing: the deadline, not the peer, ends the exchange.
    async fn check_timeout(first: &'static str, expected: Phase) {
        let (address, played) = peer::play(move |mut stream| async move {
            peer::read_head(&mut stream).await;
            stream.write_all(first.as_bytes()).await.unwrap();
            std::future::pending::<()>().await;
        })
        .await;
        let request = peer::request("GET", &format!("http://{address}/"), &[], "");
        let wait = Duration::from_millis(80);
        let exchange = Client::new(&small()).unwrap().exchange(request, Clock.mono() + wait).await;
        let Some(&NetError::Timeout { phase, after }) = exchange.error() else { panic!("{:?}", exchange.result) };
        assert_eq!(phase, expected);
        assert!(after <= wait && after <= exchange.phases.total.unwrap() + Duration::from_millis(1));
        assert_eq!(exchange.phases.first_byte.is_some(), !first.is_empty());
        played.abort();
    }

    #[tokio::test]
    async fn silence_ends_at_the_deadline_with_the_phase_it_fell_in() {
        check_timeout("", Phase::FirstByte).await;
        check_timeout("HTTP/1.1 200", Phase::FirstByte).await;
        check_timeout("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", Phase::Body).await;
    }

    #[tokio::test]
    async fn an_answer_before_the_request_is_read_is_still_the_answer() {
        let (address, _) = peer::play(|mut stream| async move {
            peer::read_head(&mut stream).await;
            stream.write_all(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n").await.unwrap();
            stream
        })
        .await;
        let mut request = peer::request("POST", &format!("http://{address}/"), &[], "");
        request.body = vec![b'x'; 8 << 20].into();
        let exchange = Client::new(&small()).unwrap().exchange(request, Clock.mono() + Duration::from_secs(10)).await;
        assert_eq!(exchange.status(), Some(413));
    }

    #[test]
    fn an_exchange_can_run_on_any_thread() {
        fn check<T: Send>(_: T) {}
        let client = Client::new(&Settings::default()).unwrap();
        let deadline = Clock.mono();
        check(client.exchange(peer::request("GET", "http://localhost/", &[], ""), deadline));
        check(client.upgrade(peer::request("GET", "ws://localhost/", &[], ""), deadline));
    }
}
