//! The same answers over HTTP/2. What only HTTP/1.1 can express (raw bytes, malformed lines, framing) is left out; an
//! answer cut short becomes a reset stream, one that stalls stays open.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use http_body::Frame;
use http_body_util::{BodyExt, Limited, StreamBody, combinators::BoxBody};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};

use super::answer::{Answer, Body};
use super::conn::{Head, MAX_BODY, Peer};
use super::script::{At, How, Script};
use super::serve::{Decision, Server};
use super::socketio;

type Payload = BoxBody<Bytes, io::Error>;

/// Serves one HTTP/2 connection to its end.
pub(super) async fn serve(peer: Peer, server: Arc<Server>) {
    let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
        let server = Arc::clone(&server);
        async move { answer(request, &server).await }
    });
    let mut builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    builder.timer(TokioTimer::new()).max_concurrent_streams(100).max_header_list_size(super::conn::MAX_HEAD as u32);
    // How the connection ends is the peer's affair.
    let _end = builder.serve_connection(TokioIo::new(peer), service).await;
}

async fn answer(
    request: http::Request<hyper::body::Incoming>,
    server: &Server,
) -> Result<http::Response<Payload>, io::Error> {
    let (parts, body) = request.into_parts();
    let target = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let mut headers: crate::wire::Headers =
        parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    if let (Some(authority), false) = (parts.uri.authority(), headers.contains("host")) {
        headers.push("host", authority.as_str());
    }
    let body = Limited::new(body, MAX_BODY).collect().await.map_err(io::Error::other)?.to_bytes().to_vec();
    let head = Head { method: parts.method.as_str().to_owned(), target, headers, body, ..Head::default() };
    let (script, answer) = match server.decide(&head, true) {
        Decision::Answer(script, answer) => (script, answer),
        Decision::SocketIo(script, wait) => {
            tokio::time::sleep(wait).await;
            match socketio::polled(&script, &head, server).await {
                Some(answer) => (script, answer),
                None => return std::future::pending().await,
            }
        }
        Decision::Open(..) | Decision::Hangup => return Err(io::Error::other("hung up")),
    };
    tokio::time::sleep(answer.wait).await;
    if let Some(end) = script.end.filter(|end| end.at != At::MidBody) {
        if end.how == How::Stall {
            std::future::pending::<()>().await;
        }
        return Err(io::Error::other("cut short"));
    }
    let bodiless = head.method == "HEAD" || [204, 304].contains(&answer.status);
    let mut response = http::Response::builder().status(answer.status);
    for (name, value) in answer.lines.iter().filter_map(|line| field(line)) {
        response = response.header(name, value);
    }
    let payload = if bodiless { BoxBody::default().map_err(never).boxed() } else { payload(&script, answer) };
    response.body(payload).map_err(io::Error::other)
}

fn never(never: Infallible) -> io::Error {
    match never {}
}

/// A header line as a field, if it is one that HTTP/2 can carry.
fn field(line: &[u8]) -> Option<(http::HeaderName, http::HeaderValue)> {
    let colon = memchr::memchr(b':', line)?;
    let name = http::HeaderName::from_bytes(&line[..colon]).ok()?;
    let value = http::HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?;
    let forbidden = ["connection", "keep-alive", "transfer-encoding", "upgrade"];
    (!forbidden.contains(&name.as_str())).then_some((name, value))
}

fn payload(script: &Script, answer: Answer) -> Payload {
    StreamBody::new(pieces(script, answer)).boxed()
}

/// The body in pieces of a fitting size, with the script's pauses, and its end if it is cut short.
fn pieces(
    script: &Script,
    answer: Answer,
) -> impl Stream<Item = Result<Frame<Bytes>, io::Error>> + Send + Sync + use<> {
    let (drip, wait) = (script.drip, script.body_wait);
    let cut = script.end.filter(|end| end.at == At::MidBody).map(|end| end.how);
    let length = answer.body.len();
    let until = if cut.is_some() { length / 2 } else { length };
    let step: u64 = if drip.is_zero() { 16 * 1024 } else { 1 };
    stream::unfold((0_u64, Arc::new(answer.body)), move |(sent, body)| async move {
        let pause = if sent == 0 { wait } else { drip };
        if Duration::ZERO < pause {
            Box::pin(tokio::time::sleep(pause)).await;
        }
        if until <= sent {
            return match cut {
                None => None,
                Some(How::Stall) => std::future::pending().await,
                Some(How::Drop | How::Reset) => Some((Err(io::Error::other("cut short")), (u64::MAX, body))),
            };
        }
        let now = step.min(until - sent);
        let range = usize::try_from(sent).ok()?..usize::try_from(sent + now).ok()?;
        let piece = match &*body {
            Body::Bytes(bytes) => Bytes::copy_from_slice(bytes.get(range)?),
            Body::Filler(_) => Bytes::from(vec![b'x'; usize::try_from(now).ok()?]),
        };
        Some((Ok(Frame::data(piece)), (sent + now, body)))
    })
}
