//! One HTTP/1.1 exchange on one connection, driven in the caller's task.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

use super::head::{self, TargetForm};
use super::recorder::Recorder;
use super::settings::Limits;
use super::stream::Stream;
use super::trace::Trace;
use crate::wire::exchange::BODY_KEPT;
use crate::wire::{NetError, Purpose, Quirks, Transfer, WireRequest, WireResponse};

/// How long a refused handshake's body is waited for: it may say why, but the refusal stands without it.
const LATE_BODY: Duration = Duration::from_secs(3);

/// Hyper's own floor for its buffer.
const BUFFER_FLOOR: usize = 8192;

/// The connection after a 101, and what the server sent behind its head.
#[derive(Debug)]
pub(super) struct Switched {
    pub(super) stream: Stream,
    pub(super) read_ahead: Bytes,
}

type Connection = http1::Connection<TokioIo<Recorder<Stream>>, Empty<Bytes>>;

/// Sends the request and reads the answer. Sets `phases.first_byte` and `phases.body` as far as they came.
pub(super) async fn exchange(
    stream: Stream,
    request: &WireRequest,
    form: &TargetForm,
    limits: &Limits,
    trace: &mut Trace,
) -> Result<(WireResponse, Option<Switched>), NetError> {
    let mut bytes = head::encode(request, form)?;
    bytes.extend_from_slice(&request.body);
    let recorder = Recorder::new(stream, bytes, limits.headers, trace.clock());
    // What hyper writes is not what goes out; it has to know the method for what it reads.
    let method = http::Method::from_bytes(request.method.as_bytes())
        .map_err(|_| NetError::Configuration { what: "the method can't be sent" })?;
    let mut shadow = http::Request::new(Empty::new());
    *shadow.method_mut() = method;

    let mut builder = http1::Builder::new();
    builder
        .allow_spaces_after_header_name_in_responses(true)
        .allow_obsolete_multiline_headers_in_responses(true)
        .ignore_invalid_headers_in_responses(true)
        .max_headers(head::FIELDS)
        .max_buf_size(limits.headers.saturating_mul(2).max(BUFFER_FLOOR));
    let handshake = builder.handshake(TokioIo::new(recorder)).await;
    // Hyper's HTTP/1 handshake touches no socket.
    let (mut sender, connection) = handshake.map_err(|_| NetError::LocalResource { what: "connection" })?;
    let mut driver = Driver { connection, done: false };

    let mut body = Body::default();
    let work = tokio::time::timeout_at(trace.deadline.into(), async {
        let response = driver.run(sender.send_request(shadow)).await?;
        let refused = request.purpose == Purpose::Handshake;
        let incoming = response.into_body();
        if refused {
            // However it ends, what came is kept.
            let _ = tokio::time::timeout(LATE_BODY, body.read(&mut driver, incoming, limits.body)).await;
            return Ok(());
        }
        body.read(&mut driver, incoming, limits.body).await
    })
    .await;
    let ended = trace.now();
    let parts = driver.connection.into_parts();
    let mut recorder = parts.io.into_inner();
    if let (Some(done), Some(first)) = (recorder.request_done, recorder.first_byte) {
        trace.phases.first_byte = Some(first.saturating_duration_since(done));
    }
    let mut broken = None;
    match work {
        // A handshake's refusal stands also where the deadline cut its body off.
        Err(_) if recorder.head_done && request.purpose == Purpose::Handshake => {}
        Err(_) if recorder.head_done => broken = Some(trace.timeout(recorder.phase())),
        Err(_) => return Err(trace.timeout(recorder.phase())),
        Ok(Err(Stop::TooLarge)) => broken = Some(NetError::BodyTooLarge { limit: limits.body }),
        Ok(Err(Stop::Http(error))) if recorder.head_done => broken = Some(failure(&error, &mut recorder, limits)),
        Ok(Err(Stop::Http(error))) => return Err(failure(&error, &mut recorder, limits)),
        Ok(Ok(())) => {}
    }
    let head = head::parse(recorder.head()).ok_or(NetError::InvalidHttpResponse)?;
    let switched = head.status == 101;
    if let Some(first) = recorder.first_byte
        && !switched
    {
        trace.phases.body = Some(ended.saturating_duration_since(first));
    }
    let response = WireResponse {
        version: head.version,
        status: head.status,
        reason: head.reason,
        headers: head.headers,
        body: body.kept.into(),
        body_size: body.size,
        transfer: Transfer { sent_size: body.size, error: broken, quirks: Quirks::default() },
    };
    let switched = switched.then(|| Switched { stream: recorder.into_inner(), read_ahead: parts.read_buf });
    Ok((response, switched))
}

/// Why reading ended early.
enum Stop {
    Http(hyper::Error),
    TooLarge,
}

impl From<hyper::Error> for Stop {
    fn from(error: hyper::Error) -> Self {
        Self::Http(error)
    }
}

/// Polls the connection beside whatever waits for it.
struct Driver {
    connection: Connection,
    done: bool,
}

impl Driver {
    async fn run<F: Future>(&mut self, work: F) -> F::Output {
        let mut work = pin!(work);
        poll_fn(|cx| {
            if let Poll::Ready(output) = work.as_mut().poll(cx) {
                return Poll::Ready(output);
            }
            if self.done {
                return Poll::Pending;
            }
            // Its error, if any, reaches `work` too.
            self.done = self.connection.poll_without_shutdown(cx).is_ready();
            work.as_mut().poll(cx)
        })
        .await
    }
}

/// The body as far as it is kept, and its whole size.
#[derive(Default)]
struct Body {
    kept: Vec<u8>,
    size: u64,
}

impl Body {
    async fn read(&mut self, driver: &mut Driver, mut incoming: Incoming, limit: u64) -> Result<(), Stop> {
        while let Some(frame) = driver.run(incoming.frame()).await {
            let Ok(data) = frame?.into_data() else { continue };
            self.take(&data);
            if limit < self.size {
                return Err(Stop::TooLarge);
            }
        }
        Ok(())
    }

    fn take(&mut self, data: &[u8]) {
        let room = BODY_KEPT.saturating_sub(self.kept.len());
        self.kept.extend_from_slice(&data[..data.len().min(room)]);
        self.size += data.len() as u64;
    }
}

fn failure(error: &hyper::Error, recorder: &mut Recorder<Stream>, limits: &Limits) -> NetError {
    if let Some(fault) = recorder.fault.take() {
        return fault;
    }
    if error.is_parse_too_large() {
        return NetError::HeadersTooLarge { limit: limits.headers };
    }
    if recorder.first_byte.is_none() {
        return NetError::EmptyResponse;
    }
    if recorder.head_done {
        let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<io::Error>());
        let ended =
            error.is_incomplete_message() || source.is_some_and(|source| source.kind() == io::ErrorKind::UnexpectedEof);
        if ended {
            return NetError::IncompleteBody;
        }
    } else if error.is_incomplete_message() || error.is_canceled() {
        return NetError::ConnectionClosed { phase: recorder.phase() };
    }
    NetError::InvalidHttpResponse
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Clock;
    use crate::net::peer::{self, answer, get, get_with};
    use crate::net::{Client, Settings};
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
        check("HTTP/1.1 200 O", NetError::ConnectionClosed { phase: Phase::FirstByte }).await;
        check("SSH-2.0-OpenSSH_9.2\r\n", NetError::InvalidHttpResponse).await;
        check("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", NetError::IncompleteBody).await;
        check("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", NetError::IncompleteBody).await;
        check("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", NetError::InvalidHttpResponse).await;
        check("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", NetError::InvalidHttpResponse).await;
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
