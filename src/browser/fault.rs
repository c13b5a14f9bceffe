//! Why a request or a socket did not come off: one closed enum, with the facts, each with its code.

use url::Url;

use super::{Api, CorsError};
use crate::wire::NetError;

/// The reason of a refusal or a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The CORS protocol refused it.
    Cors(CorsError),
    /// An https page asked for something insecure.
    MixedContent,
    /// The page's Content Security Policy forbids the connection; the directive that does, as written.
    ContentSecurityPolicy {
        directive: String,
    },
    /// The port is one that browsers don't open.
    UnsafePort {
        port: u16,
    },
    /// The network failed.
    Net(NetError),
    /// A redirect to a scheme that nothing on the network may lead to (`data:`, `file:`).
    UnsafeRedirect,
    /// A redirect to a scheme that the browser has no handler for.
    UnknownScheme {
        scheme: String,
    },
    /// A `Location` that is no URL.
    InvalidRedirect,
    TooManyRedirects,
    /// A redirect, and the script said `redirect: "error"`.
    RedirectRefused,
    /// A URL of this machine's own files.
    LocalResource,
    /// A `blob:` URL of the page's own that stands for nothing.
    BlobGone,
    /// A `data:` URL without a comma, or whose base64 is none.
    BrokenData,
    /// The browser gave the request up without a word (Chromium: a redirect to a URL with a username, outside of CORS).
    Aborted,
    /// A field that may stand once stands twice with two values: `Location`, `Content-Length`.
    RepeatedHeader {
        name: &'static str,
    },
    /// 407 from a server that is no proxy.
    UnexpectedProxyAuth,
    /// `Cross-Origin-Resource-Policy: same-origin` against a `no-cors` request from elsewhere.
    ResourcePolicySameOrigin,
    /// The same, `same-site`.
    ResourcePolicySameSite,
    /// A WebSocket handshake answered with another status than 101.
    /// An EventSource's answer of another status than 200.
    HandshakeStatus {
        status: u16,
    },
    /// A 101 that breaks the WebSocket protocol, or an EventSource's answer that is no event stream.
    HandshakeInvalid(Invalid),
    /// The API itself throws a `TypeError`; the exception's text.
    TypeError(String),
    /// `new WebSocket` throws a `SyntaxError`.
    SyntaxError(Misuse),
    /// `XMLHttpRequest` or `new EventSource` throws.
    Misuse {
        api: Api,
        misuse: ApiMisuse,
    },
}

/// How a script got `XMLHttpRequest` or `new EventSource` wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApiMisuse {
    /// No URL.
    Url { text: String },
    /// A method that is no token.
    Method { method: String },
    /// A [forbidden method](https://fetch.spec.whatwg.org/#forbidden-method).
    ForbiddenMethod { method: String },
    /// A header's name that is no token.
    HeaderName { name: String },
    /// A header's value with a line's end or NUL in it.
    HeaderValue { value: String },
}

/// How a script got `new WebSocket` wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misuse {
    /// No URL.
    Url {
        text: String,
    },
    Scheme {
        url: Url,
    },
    Fragment {
        url: Url,
    },
    /// A subprotocol that is no token.
    Subprotocol {
        protocol: String,
    },
    /// The same subprotocol twice.
    Duplicate {
        protocol: String,
    },
}

/// What is wrong with a 101.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invalid {
    /// No status line at all.
    StatusLine,
    /// A field is missing: `Upgrade`, `Connection`, `Sec-WebSocket-Accept`.
    Missing { name: &'static str },
    /// A field stands more than once.
    Repeated { name: &'static str },
    /// `Upgrade` is not `websocket`.
    Upgrade { value: String },
    /// `Connection` does not hold `Upgrade`.
    Connection,
    /// `Sec-WebSocket-Accept` is not the key's answer.
    Accept,
    /// A subprotocol, and the script asked for none.
    SubprotocolUnasked { value: String },
    /// A subprotocol that the script did not ask for.
    SubprotocolMismatch { value: String },
    /// None, and the script asked for some.
    SubprotocolMissing,
    /// `Sec-WebSocket-Extensions` does not parse.
    ExtensionSyntax { value: String },
    /// An extension that was not offered.
    ExtensionUnasked { name: String },
    /// An EventSource's answer of another type than `text/event-stream`.
    EventStreamType { value: String },
    /// An EventSource's answer in another charset than UTF-8.
    EventStreamCharset { value: String },
    /// permessage-deflate twice.
    DeflateRepeated,
    /// permessage-deflate with a parameter that is wrong; Chromium's words for it.
    Deflate { what: String },
}

impl Fault {
    /// Stable: Chromium's name for it, as `replay` writes it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Cors(error) => error.code(),
            Self::MixedContent => "MixedContent",
            Self::ContentSecurityPolicy { .. } => "ContentSecurityPolicy",
            Self::UnsafePort { .. } => "net::ERR_UNSAFE_PORT",
            Self::Net(error) => error.code(),
            Self::UnsafeRedirect => "net::ERR_UNSAFE_REDIRECT",
            Self::UnknownScheme { .. } => "net::ERR_UNKNOWN_URL_SCHEME",
            Self::InvalidRedirect => "net::ERR_INVALID_REDIRECT",
            Self::TooManyRedirects => "net::ERR_TOO_MANY_REDIRECTS",
            Self::RedirectRefused => "net::ERR_FAILED",
            Self::Aborted | Self::LocalResource => "net::ERR_ABORTED",
            Self::BlobGone => "net::ERR_FILE_NOT_FOUND",
            Self::BrokenData => "net::ERR_INVALID_URL",
            Self::RepeatedHeader { name: "Location" } => "net::ERR_RESPONSE_HEADERS_MULTIPLE_LOCATION",
            Self::RepeatedHeader { name: "Content-Disposition" } => {
                "net::ERR_RESPONSE_HEADERS_MULTIPLE_CONTENT_DISPOSITION"
            }
            Self::RepeatedHeader { .. } => "net::ERR_RESPONSE_HEADERS_MULTIPLE_CONTENT_LENGTH",
            Self::UnexpectedProxyAuth => "net::ERR_UNEXPECTED_PROXY_AUTH",
            Self::ResourcePolicySameOrigin => "net::ERR_BLOCKED_BY_RESPONSE.NotSameOrigin",
            Self::ResourcePolicySameSite => "net::ERR_BLOCKED_BY_RESPONSE.NotSameSite",
            Self::HandshakeStatus { .. } => "HandshakeStatus",
            Self::HandshakeInvalid(_) => "HandshakeInvalid",
            Self::TypeError(_) => "TypeError",
            Self::SyntaxError(_) => "SyntaxError",
            Self::Misuse { misuse, .. } => misuse.exception(),
        }
    }

    /// Whether the API itself threw, before anything was asked of the network.
    pub fn is_thrown(&self) -> bool {
        matches!(self, Self::TypeError(_) | Self::SyntaxError(_) | Self::Misuse { .. })
    }

    /// Whether policy stopped it (a browser's own choice), as against the network, the protocol or the API's own rules.
    pub fn is_policy(&self) -> bool {
        matches!(
            self,
            Self::Cors(_)
                | Self::MixedContent
                | Self::ContentSecurityPolicy { .. }
                | Self::UnsafePort { .. }
                | Self::Aborted
                | Self::LocalResource
                | Self::ResourcePolicySameOrigin
                | Self::ResourcePolicySameSite
        )
    }
}

impl ApiMisuse {
    /// The exception's name.
    pub fn exception(&self) -> &'static str {
        match self {
            Self::ForbiddenMethod { .. } => "SecurityError",
            Self::Url { .. } | Self::Method { .. } | Self::HeaderName { .. } | Self::HeaderValue { .. } => {
                "SyntaxError"
            }
        }
    }

    /// The value in question.
    pub fn detail(&self) -> &str {
        match self {
            Self::Url { text } => text,
            Self::Method { method } | Self::ForbiddenMethod { method } => method,
            Self::HeaderName { name } => name,
            Self::HeaderValue { value } => value,
        }
    }
}

impl Misuse {
    /// The value in question.
    pub fn detail(&self) -> &str {
        match self {
            Self::Url { text } => text,
            Self::Scheme { url } => url.scheme(),
            Self::Fragment { url } => url.fragment().unwrap_or_default(),
            Self::Subprotocol { protocol } | Self::Duplicate { protocol } => protocol,
        }
    }
}

impl Invalid {
    /// What is wrong, short: the field's name, and its value where that is the matter.
    pub fn detail(&self) -> String {
        match self {
            Self::StatusLine => "no status line".into(),
            Self::Missing { name } => format!("{name} missing"),
            Self::Repeated { name } => format!("{name} repeated"),
            Self::Upgrade { value } => format!("Upgrade: {value}"),
            Self::Connection => "Connection without Upgrade".into(),
            Self::Accept => "Sec-WebSocket-Accept wrong".into(),
            Self::SubprotocolUnasked { value } => format!("subprotocol {value} unasked"),
            Self::SubprotocolMismatch { value } => format!("subprotocol {value} not among those offered"),
            Self::SubprotocolMissing => "no subprotocol chosen".into(),
            Self::ExtensionSyntax { value } => format!("Sec-WebSocket-Extensions: {value}"),
            Self::ExtensionUnasked { name } => format!("extension {name} not offered"),
            Self::EventStreamType { value } => format!("type {value}"),
            Self::EventStreamCharset { value } => format!("charset {value}"),
            Self::DeflateRepeated => "permessage-deflate repeated".into(),
            Self::Deflate { what } => format!("permessage-deflate: {what}"),
        }
    }
}
