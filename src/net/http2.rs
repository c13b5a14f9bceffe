//! One HTTP/2 exchange on one connection, driven in the caller's task.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

use bytes::Bytes;

use super::errno;
use super::head;
use super::settings::Limits;
use super::stream::Stream;
use super::trace::Trace;
use crate::wire::exchange::BODY_KEPT;
use crate::wire::{Headers, HttpVersion, NetError, Phase, WireRequest, WireResponse};

/// Chromium's windows, so that a server paces itself as for a browser (in bytes).
const STREAM_WINDOW: u32 = 6 * 1024 * 1024;
const CONNECTION_WINDOW: u32 = 15 * 1024 * 1024;

/// Fields of HTTP/1.1's connection, which HTTP/2 must not carry (RFC 9113, section 8.2.2). `Host` becomes `:authority`.
const NOT_CARRIED: &[&str] =
    &["connection", "host", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "http2-settings"];

type Connection = h2::client::Connection<Stream, Bytes>;

/// Sends the request and reads the answer. Sets `phases.first_byte` and `phases.body` as far as they came.
pub(super) async fn exchange(
    stream: Stream,
    request: &WireRequest,
    limits: &Limits,
    trace: &mut Trace,
) -> Result<WireResponse, NetError> {
    let shadow = request_head(request)?;
    let mut builder = h2::client::Builder::new();
    builder
        .enable_push(false)
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_header_list_size(u32::try_from(limits.headers).unwrap_or(u32::MAX));
    let handshake = builder.handshake::<_, Bytes>(stream);
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
            Err(error) => Err(failure(&error, Phase::FirstByte)),
        }
    };
    let (head, mut incoming) = trace.within(Phase::FirstByte, wait).await?.into_parts();
    let first = trace.now();
    trace.phases.first_byte = Some(first.saturating_duration_since(written));

    let mut kept = Vec::new();
    let mut size: u64 = 0;
    let read = async {
        while let Some(data) = driver.run(incoming.data()).await {
            let data = data.map_err(|error| failure(&error, Phase::Body))?;
            let room = BODY_KEPT.saturating_sub(kept.len());
            kept.extend_from_slice(&data[..data.len().min(room)]);
            size += data.len() as u64;
            if limits.body < size {
                return Err(NetError::BodyTooLarge { limit: limits.body });
            }
            // The stream is ours alone; a failure to widen its window shows in the next read.
            let _ = incoming.flow_control().release_capacity(data.len());
        }
        Ok(())
    };
    trace.within(Phase::Body, read).await?;
    trace.phases.body = Some(trace.since(first));
    Ok(WireResponse {
        version: HttpVersion::H2,
        status: head.status.as_u16(),
        reason: String::new(),
        headers: head.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect(),
        body: kept.into(),
        body_size: size,
    })
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

fn failure(error: &h2::Error, phase: Phase) -> NetError {
    if let Some(io) = error.get_io() {
        return match errno::on_stream(io, phase) {
            NetError::ConnectionClosed { phase: Phase::FirstByte } => NetError::EmptyResponse,
            NetError::ConnectionClosed { phase: Phase::Body } => NetError::IncompleteBody,
            error => error,
        };
    }
    NetError::Http2Protocol
}
