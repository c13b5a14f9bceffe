//! One request and what came of it.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use url::Url;

use super::{Ask, Headers, NetError, Phases, TlsFacts};
use crate::base::secret::Redactor;

/// The most of an answer's body that is kept, in bytes. The rest is read up to the engine's bound, counted and let go.
pub const BODY_KEPT: usize = 64 * 1024;

/// Why a request is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// The page's own request.
    Actual,
    /// The CORS preflight that goes before it.
    Preflight,
    /// A WebSocket's opening handshake.
    Handshake,
    /// A step of signing in, which a person's navigation makes.
    SignIn,
    /// Asked besides, by nobody's page: sent as an ordinary request or as a handshake, and told apart afterwards.
    Asked(Ask),
}

impl Purpose {
    /// Stable: as the history keeps it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Actual => "actual",
            Self::Preflight => "preflight",
            Self::Handshake => "handshake",
            Self::SignIn => "sign_in",
            Self::Asked(ask) => ask.code(),
        }
    }

    /// The purpose of that text.
    pub fn from_code(text: &str) -> Option<Self> {
        let own = [Self::Actual, Self::Preflight, Self::Handshake, Self::SignIn];
        own.into_iter().find(|purpose| purpose.code() == text).or_else(|| Ask::from_code(text).map(Self::Asked))
    }
}

/// A request, whole: headers are sent as they stand, in this order, and nothing is added but `Host` (first, where absent)
/// and, for a body, `Content-Length`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireRequest {
    pub purpose: Purpose,
    pub method: String,
    /// `http`, `https`, `ws` or `wss`.
    pub url: Url,
    pub headers: Headers,
    pub body: Bytes,
}

/// The protocol that an answer came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HttpVersion {
    Http10,
    Http11,
    H2,
}

impl HttpVersion {
    pub fn word(self) -> &'static str {
        match self {
            Self::Http10 => "HTTP/1.0",
            Self::Http11 => "HTTP/1.1",
            Self::H2 => "HTTP/2",
        }
    }
}

/// An answer's head, and its body as far as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireResponse {
    pub version: HttpVersion,
    pub status: u16,
    /// As the server wrote it; empty in HTTP/2.
    pub reason: String,
    pub headers: Headers,
    /// The first [`BODY_KEPT`] bytes at most, transfer and content codings undone.
    pub body: Bytes,
    /// How many bytes of body there were, kept or not, codings undone.
    pub body_size: u64,
    pub transfer: Transfer,
}

impl WireResponse {
    /// Whether its body is server-sent events, which come as long as there is something to tell.
    pub fn is_event_stream(&self) -> bool {
        let kind = self.headers.first_str("content-type").unwrap_or_default();
        kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/event-stream"))
    }

    /// Whether its body comes as there is something to tell: how long that takes is no slowness.
    pub fn is_stream(&self) -> bool {
        const KINDS: [&str; 4] =
            ["application/x-ndjson", "application/jsonl", "application/json-seq", "multipart/x-mixed-replace"];
        let kind = self.headers.first_str("content-type").unwrap_or_default().split(';').next().unwrap_or_default();
        self.is_event_stream() || KINDS.iter().any(|known| kind.trim().eq_ignore_ascii_case(known))
    }
}

/// How an answer came, beside what it says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transfer {
    /// Bytes of the body as they were sent, content codings still on, the transfer coding off.
    pub sent_size: u64,
    /// The answer's first byte until its body's first; `None`: it has none, or it is not known.
    pub body_after: Option<Duration>,
    /// Why the body is not whole; what came before is kept. The head is good, so that a browser hands the answer out all the
    /// same.
    pub error: Option<NetError>,
    pub quirks: Quirks,
}

impl Transfer {
    /// A whole body of so many bytes, no content coding on it.
    pub fn plain(size: u64) -> Self {
        Self { sent_size: size, ..Self::default() }
    }
}

/// Where an HTTP/1 answer is not as [RFC 9112](https://www.rfc-editor.org/rfc/rfc9112) has it, and was read all the same.
/// Whether a browser takes it is the browser's to say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quirks {
    /// No status line: all of it is taken for a body (HTTP/0.9). `status` is 200.
    pub no_status_line: bool,
    /// The status line says `ICY` for `HTTP/1.0`.
    pub icy: bool,
    /// The status line ends behind the version. `status` is 200.
    pub no_status: bool,
    /// What stands in the status's place is no number (`status` is 200), or is one with something stuck to it. A number that
    /// is no status of HTTP's (99, 1000) stands in `status`.
    pub odd_status: bool,
    /// The version is not 1.x.
    pub odd_version: bool,
    /// A NUL in the head.
    pub nul: bool,
    /// The connection ended within the head.
    pub unfinished_head: bool,
    /// As before, and within a line of it.
    pub cut_line: bool,
    /// A `Content-Length` that is no number, not even a negative one.
    pub odd_length: bool,
}

/// One address that was dialled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub address: SocketAddr,
    pub took: Duration,
    /// `None`: this one won, or was still under way when another did.
    pub error: Option<NetError>,
}

/// A request, its answer or its failure, and all that was seen on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    pub request: WireRequest,
    pub result: Result<WireResponse, NetError>,
    pub phases: Phases,
    /// The address that answered (the proxy's, where there is one).
    pub peer: Option<SocketAddr>,
    /// Every address dialled, in order.
    pub tried: Vec<Attempt>,
    pub tls: Option<TlsFacts>,
    /// The proxy in use, without its credentials.
    pub proxy: Option<String>,
}

impl Exchange {
    pub fn response(&self) -> Option<&WireResponse> {
        self.result.as_ref().ok()
    }

    /// What went wrong on the network: the exchange's own failure, or what became of its answer's body.
    pub fn error(&self) -> Option<&NetError> {
        match &self.result {
            Ok(response) => response.transfer.error.as_ref(),
            Err(error) => Some(error),
        }
    }

    pub fn status(&self) -> Option<u16> {
        self.response().map(|response| response.status)
    }

    /// A copy that may be recorded and shown.
    pub fn redacted(&self, redactor: &Redactor) -> Self {
        if redactor.is_empty() {
            return self.clone();
        }
        let mut out = self.clone();
        out.request.headers = out.request.headers.redacted(redactor);
        out.request.body = redactor.bytes(&out.request.body).into();
        if let Ok(url) = Url::parse(&redactor.text(out.request.url.as_str())) {
            out.request.url = url;
        }
        if let Ok(response) = &mut out.result {
            response.headers = response.headers.redacted(redactor);
            let whole = response.body_size == response.body.len() as u64;
            let body = &response.body;
            let kept = if whole { redactor.bytes(body) } else { redactor.cut_bytes(body) };
            response.body = kept.into();
        }
        out
    }
}
