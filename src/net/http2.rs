//! One HTTP/2 exchange on one connection, driven in the caller's task.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::errno;
use super::head;
use super::settings::Limits;
use super::stream::Stream;
use super::trace::Trace;
use crate::wire::{Headers, NetError, Phase, WireRequest};

/// Chromium's windows, so that a server paces itself as for a browser (in bytes).
const STREAM_WINDOW: u32 = 6 * 1024 * 1024;
const CONNECTION_WINDOW: u32 = 15 * 1024 * 1024;

/// Fields of HTTP/1.1's connection, which HTTP/2 must not carry (RFC 9113, section 8.2.2). `Host` becomes `:authority`.
const NOT_CARRIED: &[&str] =
    &["connection", "host", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "http2-settings"];

type Connection = h2::client::Connection<Counted, Bytes>;

/// A body that is still to be read.
#[derive(Debug)]
pub(super) struct Incoming {
    driver: Driver,
    body: h2::RecvStream,
    noted: Arc<Noted>,
    first_byte: Instant,
}

/// An answer's head.
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) headers: Headers,
}

/// Sends the request and reads the answer's head. Sets `phases.first_byte`.
pub(super) async fn open(
    stream: Stream,
    request: &WireRequest,
    limits: &Limits,
    trace: &mut Trace,
) -> Result<(Head, Incoming), NetError> {
    let noted = Arc::new(Noted::default());
    let result = run(stream, request, limits, trace, &noted).await;
    result.map_err(|error| noted.or(error))
}

async fn run(
    stream: Stream,
    request: &WireRequest,
    limits: &Limits,
    trace: &mut Trace,
    noted: &Arc<Noted>,
) -> Result<(Head, Incoming), NetError> {
    let shadow = request_head(request)?;
    let mut builder = h2::client::Builder::new();
    builder
        .enable_push(false)
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        // The library's word for a head that is too large is its word for a malformed one, so ours comes first.
        .max_header_list_size(u32::try_from(limits.headers.saturating_mul(2)).unwrap_or(u32::MAX));
    let handshake = builder.handshake::<_, Bytes>(Counted { stream, noted: Arc::clone(noted) });
    let hello = async { handshake.await.map_err(|error| failure(&error, Phase::Request)) };
    let (mut sender, connection) = trace.within(Phase::Request, hello).await?;
    let mut driver = Driver { connection: Some(connection) };

    let end = request.body.is_empty();
    let sent = sender.send_request(shadow, end).map_err(|error| failure(&error, Phase::Request));
    let (answer, mut outgoing) = sent?;
    if !end {
        let body = request.body.clone();
        trace.within(Phase::Request, driver.run(send_body(&mut outgoing, body))).await?;
    }
    let written = trace.now();
    let wait = async {
        match driver.run(answer).await {
            Ok(answer) => Ok(answer),
            Err(error) if error.is_library() && limits.headers < noted.came.load(Ordering::Relaxed) => {
                Err(NetError::HeadersTooLarge { limit: limits.headers })
            }
            Err(error) => Err(failure(&error, Phase::FirstByte)),
        }
    };
    let (head, body) = trace.within(Phase::FirstByte, wait).await?.into_parts();
    let first_byte = trace.now();
    let size: usize = head.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if limits.headers < size {
        return Err(NetError::HeadersTooLarge { limit: limits.headers });
    }
    trace.phases.first_byte = Some(first_byte.saturating_duration_since(written));
    let headers = head.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let incoming = Incoming { driver, body, noted: Arc::clone(noted), first_byte };
    Ok((Head { status: head.status.as_u16(), headers }, incoming))
}

impl Incoming {
    /// The next bytes of the body, its content codings still on; `None` at its end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, NetError> {
        let Some(data) = self.driver.run(self.body.data()).await else { return Ok(None) };
        let data = data.map_err(|error| self.noted.or(failure(&error, Phase::Body)))?;
        // The stream is ours alone; a failure to widen its window shows in the next read.
        let _ = self.body.flow_control().release_capacity(data.len());
        Ok(Some(data))
    }

    /// When the answer's head had come.
    pub(super) fn first_byte(&self) -> Instant {
        self.first_byte
    }
}

/// The request as HTTP/2 has it: names in lower case, `Host` as `:authority`.
fn request_head(request: &WireRequest) -> Result<http::Request<()>, NetError> {
    let fault = |what| NetError::Configuration { what };
    let authority = request.headers.first_str("host").unwrap_or_else(|| head::authority(&request.url));
    let path = &request.url[url::Position::BeforePath..url::Position::AfterQuery];
    let uri = http::Uri::builder().scheme("https").authority(authority).path_and_query(path).build();
    let mut out = http::Request::new(());
    *out.uri_mut() = uri.map_err(|_| fault("the URL can't be sent"))?;
    *out.method_mut() =
        http::Method::from_bytes(request.method.as_bytes()).map_err(|_| fault("the method can't be sent"))?;
    let headers: &Headers = &request.headers;
    for (name, value) in headers.iter() {
        if NOT_CARRIED.iter().any(|left_out| name.eq_ignore_ascii_case(left_out)) {
            continue;
        }
        let name = http::HeaderName::from_bytes(name.as_bytes()).map_err(|_| fault("a header can't be sent"))?;
        let value = http::HeaderValue::from_bytes(value).map_err(|_| fault("a header can't be sent"))?;
        out.headers_mut().append(name, value);
    }
    Ok(out)
}

async fn send_body(outgoing: &mut h2::SendStream<Bytes>, mut body: Bytes) -> Result<(), NetError> {
    while !body.is_empty() {
        outgoing.reserve_capacity(body.len());
        let granted = poll_fn(|cx| outgoing.poll_capacity(cx)).await;
        let granted = match granted {
            Some(Ok(granted)) => granted.min(body.len()),
            Some(Err(error)) => return Err(failure(&error, Phase::Request)),
            // The server wants no more of it: its answer is what counts.
            None => return Ok(()),
        };
        let part = body.split_to(granted);
        outgoing.send_data(part, body.is_empty()).map_err(|error| failure(&error, Phase::Request))?;
    }
    Ok(())
}

/// Polls the connection beside whatever waits for it.
#[derive(Debug)]
struct Driver {
    connection: Option<Connection>,
}

impl Driver {
    async fn run<F: Future>(&mut self, work: F) -> F::Output {
        let mut work = pin!(work);
        poll_fn(|cx| {
            if let Poll::Ready(output) = work.as_mut().poll(cx) {
                return Poll::Ready(output);
            }
            if let Some(connection) = &mut self.connection
                && Pin::new(connection).poll(cx).is_ready()
            {
                // Its error, if any, reaches `work` too.
                self.connection = None;
            }
            work.as_mut().poll(cx)
        })
        .await
    }
}

/// What is seen below the library.
#[derive(Debug, Default)]
struct Noted {
    /// Bytes that came.
    came: AtomicUsize,
    /// The peer's TLS alert, or what broke TLS.
    alert: OnceLock<NetError>,
}

impl Noted {
    /// The library passes on that reading failed, not why: a TLS alert would be lost.
    fn or(&self, error: NetError) -> NetError {
        self.alert.get().cloned().unwrap_or(error)
    }
}

/// A connection whose incoming bytes are counted and whose TLS failures are kept.
#[derive(Debug)]
struct Counted {
    stream: Stream,
    noted: Arc<Noted>,
}

impl AsyncRead for Counted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        if let Err(error) = ready!(Pin::new(&mut self.stream).poll_read(cx, buf)) {
            if error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()) {
                self.noted.alert.get_or_init(|| errno::on_stream(&error, Phase::FirstByte));
            }
            return Poll::Ready(Err(error));
        }
        self.noted.came.fetch_add(buf.filled().len() - before, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

fn failure(error: &h2::Error, phase: Phase) -> NetError {
    if let Some(io) = error.get_io() {
        // The library's own error for an end of the connection bears no number.
        if io.raw_os_error().is_none() && io.kind() == io::ErrorKind::BrokenPipe {
            return match phase {
                Phase::FirstByte => NetError::EmptyResponse,
                Phase::Body => NetError::IncompleteBody,
                _ => NetError::ConnectionClosed { phase },
            };
        }
        return errno::on_stream(io, phase);
    }
    NetError::Http2Protocol
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Clock;
    use crate::net::peer_tls::{self, BOTH, Identity, Valid, params, server};
    use crate::net::{Client, Settings, peer};
    use crate::wire::HttpVersion;
    use std::net::SocketAddr;
    use std::time::Duration;
    use tokio::task::JoinHandle;

    type Served = h2::server::Connection<tokio_rustls::server::TlsStream<tokio::net::TcpStream>, Bytes>;

    /// A peer that speaks HTTP/2 and plays `script`.
    async fn play<F, Out>(script: impl FnOnce(Served) -> F + Send + 'static) -> (SocketAddr, JoinHandle<Out>)
    where
        F: Future<Output = Out> + Send,
        Out: Send + 'static,
    {
        let identity = Identity::self_signed(&params("api.test", Valid::Now));
        let acceptor = server(identity, &["h2", "http/1.1"], BOTH, None);
        peer::play(move |stream| async move {
            let stream = acceptor.accept(stream).await.unwrap();
            script(h2::server::handshake(stream).await.unwrap()).await
        })
        .await
    }

    fn small() -> Settings {
        let limits = Limits { headers: 9000, body: 100_000, message: 1000 };
        Settings { insecure: true, limits, ..Settings::default() }
    }

    /// Answers the first request with these headers and this body, and serves the connection to its end.
    async fn answering(headers: Vec<(&'static str, String)>, body: Vec<u8>) -> (SocketAddr, JoinHandle<()>) {
        play(|mut served| async move {
            let (_, mut respond) = served.accept().await.unwrap().unwrap();
            let mut response = http::Response::builder().status(203);
            for (name, value) in headers {
                response = response.header(name, value);
            }
            let mut stream = respond.send_response(response.body(()).unwrap(), false).unwrap();
            // As much as the window takes; the rest waits for it.
            let _ = stream.send_data(body.into(), true);
            while let Some(Ok(_)) = served.accept().await {}
        })
        .await
    }

    #[tokio::test]
    async fn an_answer_over_http2_is_read_with_its_phases() {
        let headers = vec![("vary", "a".to_owned()), ("vary", "b".to_owned()), ("x-y", "z".to_owned())];
        let (address, _) = answering(headers, b"body".to_vec()).await;
        let exchange = peer_tls::get(&small(), "api.test", address).await;
        let response = exchange.response().unwrap();
        assert_eq!((response.version, response.status, &*response.reason), (HttpVersion::H2, 203, ""));
        assert_eq!(response.headers.joined("vary").as_deref(), Some("a, b"));
        assert_eq!((&*response.body, response.body_size), (&b"body"[..], 4));
        assert_eq!(exchange.tls.unwrap().alpn.as_deref(), Some("h2"));
        let phases: Vec<_> = exchange.phases.iter().map(|(name, _)| name).collect();
        assert_eq!(phases, ["connect", "tls", "first_byte", "body"]);
    }

    #[tokio::test]
    async fn a_request_goes_out_without_http1s_own_fields_and_with_its_body() {
        let (address, played) = play(|mut served| async move {
            let (request, mut respond) = served.accept().await.unwrap().unwrap();
            let (head, mut body) = request.into_parts();
            let mut got = Vec::new();
            let reading = async {
                while let Some(data) = body.data().await {
                    let data = data.unwrap();
                    body.flow_control().release_capacity(data.len()).unwrap();
                    got.extend_from_slice(&data);
                }
                respond.send_response(http::Response::new(()), true).unwrap();
            };
            tokio::select! {
                () = reading => {}
                _ = served.accept() => {}
            }
            let _ = served.accept().await;
            (head, got.len())
        })
        .await;
        let url = format!("https://{address}/a?b");
        let headers = [("Host", "api.test"), ("Connection", "keep-alive"), ("X-One", "1"), ("TE", "trailers")];
        let mut request = peer::request("PUT", &url, &headers, "");
        // Past the initial window of 65,535 bytes.
        request.body = vec![b'x'; 200_000].into();
        let exchange = Client::new(&small()).unwrap().exchange(request, Clock.mono() + Duration::from_secs(10)).await;
        assert_eq!(exchange.status(), Some(200), "{:?}", exchange.result);
        drop(exchange);
        let (head, size) = played.await.unwrap();
        assert_eq!((head.method, head.uri.to_string()), (http::Method::PUT, "https://api.test/a?b".to_owned()));
        let names: Vec<_> = head.headers.keys().map(http::HeaderName::as_str).collect();
        assert_eq!(names, ["x-one", "te", "content-length"]);
        assert_eq!(size, 200_000);
    }

    #[tokio::test]
    async fn a_body_past_the_bound_ends_the_exchange_by_name() {
        let (address, _) = answering(Vec::new(), vec![b'x'; 100_001]).await;
        let exchange = peer_tls::get(&small(), "api.test", address).await;
        assert_eq!(exchange.error(), Some(&NetError::BodyTooLarge { limit: 100_000 }));
    }

    #[tokio::test]
    async fn heads_past_the_bound_end_the_exchange_by_name() {
        for length in [10_000, 15_000, 100_000] {
            let (address, _) = answering(vec![("a", "b".repeat(length))], Vec::new()).await;
            let exchange = peer_tls::get(&small(), "api.test", address).await;
            assert_eq!(exchange.result, Err(NetError::HeadersTooLarge { limit: 9000 }), "{length}");
        }
    }

    #[tokio::test]
    async fn a_refused_stream_and_an_early_end_are_told_apart() {
        let (address, _) = play(|mut served| async move {
            let (_, mut respond) = served.accept().await.unwrap().unwrap();
            respond.send_reset(h2::Reason::INTERNAL_ERROR);
            let _ = served.accept().await;
        })
        .await;
        let exchange = peer_tls::get(&small(), "api.test", address).await;
        assert_eq!(exchange.result, Err(NetError::Http2Protocol));

        let (address, _) = play(|mut served| async move {
            let _ = served.accept().await.unwrap().unwrap();
        })
        .await;
        let exchange = peer_tls::get(&small(), "api.test", address).await;
        assert_eq!(exchange.result, Err(NetError::EmptyResponse));
    }
}
