//! Why something is as it is: a code from one closed list, with the facts that its sentence needs.

use std::fmt;

use crate::browser::Fault;
use crate::wire::NetError;

/// The layer that a reason belongs to. Names are fixed by the command line's contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    None,
    Connection,
    Tls,
    Proxy,
    Transport,
    Protocol,
    Cors,
    MixedContent,
    Authentication,
    RateLimit,
    Configuration,
    Performance,
}

impl Category {
    /// Stable.
    pub fn code(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Connection => "connection",
            Self::Tls => "tls",
            Self::Proxy => "proxy",
            Self::Transport => "transport",
            Self::Protocol => "protocol",
            Self::Cors => "cors",
            Self::MixedContent => "mixed_content",
            Self::Authentication => "authentication",
            Self::RateLimit => "rate_limit",
            Self::Configuration => "configuration",
            Self::Performance => "performance",
        }
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident $code:literal $category:ident,)*) => {
        /// Every reason there is. The text of a code is stable: it stands in the history and in exports.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $($(#[$doc])* $variant,)* }

        impl Code {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Stable.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            pub fn category(self) -> Category {
                match self { $(Self::$variant => Category::$category,)* }
            }

            /// The code of that text.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($code => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

codes! {
    // The network; one a `NetError` variant, by its key.
    NameNotResolved "name_not_resolved" Connection,
    DnsUnavailable "dns_unavailable" Connection,
    InternetDisconnected "internet_disconnected" Connection,
    AddressUnreachable "address_unreachable" Connection,
    ConnectionRefused "connection_refused" Connection,
    ConnectTimeout "connect_timeout" Connection,
    ConnectionReset "connection_reset" Connection,
    ConnectionClosed "connection_closed" Connection,
    EmptyResponse "empty_response" Connection,
    Timeout "timeout" Connection,
    ProxyConnectionFailed "proxy_connection_failed" Proxy,
    TunnelRefused "tunnel_refused" Proxy,
    ProxyAuthRequired "proxy_auth_required" Proxy,
    SocksRefused "socks_refused" Proxy,
    TlsProtocol "tls_protocol" Tls,
    TlsVersion "tls_version" Tls,
    CertExpired "cert_expired" Tls,
    CertNotYetValid "cert_not_yet_valid" Tls,
    CertWrongName "cert_wrong_name" Tls,
    CertSelfSigned "cert_self_signed" Tls,
    CertUntrusted "cert_untrusted" Tls,
    CertRevoked "cert_revoked" Tls,
    CertInvalid "cert_invalid" Tls,
    ClientCertRequired "client_cert_required" Tls,
    InvalidHttpResponse "invalid_http_response" Protocol,
    InvalidStatusLine "invalid_status_line" Protocol,
    HeadersTruncated "headers_truncated" Protocol,
    HeadersTooLarge "headers_too_large" Protocol,
    IncompleteBody "incomplete_body" Protocol,
    IncompleteChunks "incomplete_chunks" Protocol,
    InvalidChunks "invalid_chunks" Protocol,
    ContentDecoding "content_decoding" Protocol,
    BodyTooLarge "body_too_large" Protocol,
    Http2Protocol "http2_protocol" Protocol,
    WebSocketProtocol "websocket_protocol" Protocol,
    MessageTooLarge "message_too_large" Protocol,
    LocalResource "local_resource" Configuration,
    NetworkConfiguration "configuration" Configuration,
    Os "os" Connection,

    // The browser's refusals, in Chromium's names (network.mojom.CorsError and beside it).
    DisallowedByMode "DisallowedByMode" Cors,
    WildcardOriginNotAllowed "WildcardOriginNotAllowed" Cors,
    MissingAllowOriginHeader "MissingAllowOriginHeader" Cors,
    MultipleAllowOriginValues "MultipleAllowOriginValues" Cors,
    InvalidAllowOriginValue "InvalidAllowOriginValue" Cors,
    AllowOriginMismatch "AllowOriginMismatch" Cors,
    InvalidAllowCredentials "InvalidAllowCredentials" Cors,
    CorsDisabledScheme "CorsDisabledScheme" Cors,
    PreflightInvalidStatus "PreflightInvalidStatus" Cors,
    PreflightDisallowedRedirect "PreflightDisallowedRedirect" Cors,
    PreflightWildcardOriginNotAllowed "PreflightWildcardOriginNotAllowed" Cors,
    PreflightMissingAllowOriginHeader "PreflightMissingAllowOriginHeader" Cors,
    PreflightMultipleAllowOriginValues "PreflightMultipleAllowOriginValues" Cors,
    PreflightInvalidAllowOriginValue "PreflightInvalidAllowOriginValue" Cors,
    PreflightAllowOriginMismatch "PreflightAllowOriginMismatch" Cors,
    PreflightInvalidAllowCredentials "PreflightInvalidAllowCredentials" Cors,
    InvalidAllowMethodsPreflightResponse "InvalidAllowMethodsPreflightResponse" Cors,
    InvalidAllowHeadersPreflightResponse "InvalidAllowHeadersPreflightResponse" Cors,
    MethodDisallowedByPreflightResponse "MethodDisallowedByPreflightResponse" Cors,
    HeaderDisallowedByPreflightResponse "HeaderDisallowedByPreflightResponse" Cors,
    RedirectContainsCredentials "RedirectContainsCredentials" Cors,
    MixedContent "MixedContent" MixedContent,
    ContentSecurityPolicy "ContentSecurityPolicy" Configuration,
    UnsafePort "net::ERR_UNSAFE_PORT" Configuration,
    TooManyRedirects "net::ERR_TOO_MANY_REDIRECTS" Protocol,
    InvalidRedirect "net::ERR_INVALID_REDIRECT" Protocol,
    UnsafeRedirect "net::ERR_UNSAFE_REDIRECT" Protocol,
    UnknownScheme "net::ERR_UNKNOWN_URL_SCHEME" Protocol,
    /// A redirect where the script allows none.
    RedirectRefused "net::ERR_FAILED" Protocol,
    /// The browser gave the request up without a word: a redirect to a URL with a username.
    Aborted "net::ERR_ABORTED" Protocol,
    RepeatedLocation "net::ERR_RESPONSE_HEADERS_MULTIPLE_LOCATION" Protocol,
    RepeatedDisposition "net::ERR_RESPONSE_HEADERS_MULTIPLE_CONTENT_DISPOSITION" Protocol,
    RepeatedContentLength "net::ERR_RESPONSE_HEADERS_MULTIPLE_CONTENT_LENGTH" Protocol,
    /// 407 from a server that is no proxy.
    UnexpectedProxyAuth "net::ERR_UNEXPECTED_PROXY_AUTH" Proxy,
    ResourcePolicySameOrigin "net::ERR_BLOCKED_BY_RESPONSE.NotSameOrigin" Cors,
    ResourcePolicySameSite "net::ERR_BLOCKED_BY_RESPONSE.NotSameSite" Cors,
    /// The browser's API itself would throw.
    TypeError "TypeError" Configuration,
    SyntaxError "SyntaxError" Configuration,
    SecurityError "SecurityError" Configuration,

    // The answer's own meaning.
    /// A status that the profile does not expect.
    Status "status" Protocol,
    /// 401, or 403 that names missing credentials.
    AuthRequired "auth_required" Authentication,
    /// The profile's login was refused, or led nowhere: the detail says how ([`signin`](super::signin)).
    LoginFailed "login_failed" Authentication,
    /// 429, or a refusal that says so.
    RateLimited "rate_limited" RateLimit,
    /// The server refuses this page's origin.
    OriginRefused "origin_refused" Cors,
    /// The body does not match `expect_body`.
    BodyMismatch "body_mismatch" Protocol,
    /// Slower than the objective.
    Slow "slow" Performance,

    // WebSocket.
    /// The upgrade was answered with another status than 101.
    HandshakeStatus "HandshakeStatus" Transport,
    /// The 101 breaks RFC 6455.
    HandshakeInvalid "HandshakeInvalid" Protocol,
    /// A close frame came.
    Closed "closed" Transport,
    /// The connection ended without a close frame.
    ClosedAbnormally "closed_abnormally" Transport,
    /// Nothing heard for the profile's `idle`.
    Idle "idle" Transport,
    /// No pong within its time.
    NoPong "no_pong" Transport,
    /// The expected message did not come within `timeout`.
    ExpectedMessageMissing "expected_message_missing" Protocol,
    /// The server stopped talking after it accepted.
    Silent "silent" Protocol,

    // Engine.IO and Socket.IO.
    /// What answers is no Engine.IO server.
    NotEngineIo "not_engine_io" Protocol,
    /// The server has not this transport.
    UnknownTransport "unknown_transport" Transport,
    /// The server doesn't know the session that it opened.
    UnknownSession "unknown_session" Transport,
    /// As before, several times within as many handshakes: requests reach different workers.
    StickySessionsMissing "sticky_sessions_missing" Proxy,
    BadHandshakeMethod "bad_handshake_method" Protocol,
    /// Engine.IO's word for a request that makes no sense to it.
    BadRequest "bad_request" Protocol,
    /// The server's own hook refuses the request.
    RequestForbidden "request_forbidden" Authentication,
    UnsupportedProtocolVersion "unsupported_protocol_version" Protocol,
    /// A packet that breaks the protocol; the fault's code is the detail's first word.
    PacketInvalid "packet_invalid" Protocol,
    /// No heartbeat within `pingInterval + pingTimeout`.
    PingTimeout "ping_timeout" Transport,
    /// The namespace refused, for reasons of its own.
    NamespaceRefused "namespace_refused" Authentication,
    NamespaceUnknown "namespace_unknown" Configuration,
    /// The server put us out of the namespace.
    ServerDisconnect "server_disconnect" Protocol,

    // Ourselves.
    /// A person asked for it.
    Asked "asked" None,
    /// A person paused it.
    Paused "paused" None,
    /// The profile's attempts are used up.
    AttemptsExhausted "attempts_exhausted" Connection,
    /// This machine is offline, or every endpoint failed at once in the same phase.
    Offline "offline" Connection,
    /// This machine woke, or its network changed.
    Woke "woke" None,
    /// A secret that the profile names is neither in the keyring nor in the environment.
    SecretMissing "secret_missing" Configuration,
    /// The task that watched it panicked and was started again.
    TaskPanicked "task_panicked" None,
    /// The kind of endpoint is accepted but not watched by this version.
    Unsupported "unsupported" Configuration,
}

/// A code with its facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    pub code: Code,
    /// HTTP status of the answer that decided.
    pub status: Option<u16>,
    /// WebSocket close code.
    pub close: Option<u16>,
    /// The value in question (an `Access-Control-Allow-Origin`, a header's name, a close reason, a phase's code), at most
    /// 300 bytes, secrets replaced.
    pub detail: Option<Box<str>>,
}

impl Reason {
    pub fn new(code: Code) -> Self {
        Self { code, status: None, close: None, detail: None }
    }

    pub fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    pub fn with_close(mut self, close: u16) -> Self {
        self.close = Some(close);
        self
    }

    pub fn with_detail(mut self, detail: &str) -> Self {
        let mut end = detail.len().min(300);
        while !detail.is_char_boundary(end) {
            end -= 1;
        }
        self.detail = (end != 0).then(|| detail[..end].into());
        self
    }

    pub fn category(&self) -> Category {
        match (self.code, self.status) {
            (Code::HandshakeStatus | Code::Status, Some(401 | 407)) => Category::Authentication,
            (Code::HandshakeStatus | Code::Status | Code::LoginFailed, Some(429)) => Category::RateLimit,
            (Code::HandshakeStatus | Code::Status, Some(502..=504)) => Category::Proxy,
            (code, _) => code.category(),
        }
    }
}

impl From<&NetError> for Reason {
    fn from(error: &NetError) -> Self {
        let code = match error {
            NetError::Configuration { .. } => Code::NetworkConfiguration,
            other => Code::parse(other.key()).unwrap_or(Code::Os),
        };
        let reason = Self::new(code);
        match error {
            NetError::TunnelRefused { status } => reason.with_status(*status),
            NetError::Timeout { phase, .. }
            | NetError::ConnectionReset { phase }
            | NetError::ConnectionClosed { phase } => reason.with_detail(phase.code()),
            NetError::WebSocketProtocol { what }
            | NetError::LocalResource { what }
            | NetError::Configuration { what } => reason.with_detail(what),
            NetError::Os { errno } => reason.with_detail(&errno.to_string()),
            _ => reason,
        }
    }
}

impl From<&Fault> for Reason {
    fn from(fault: &Fault) -> Self {
        let reason = Self::new(Code::parse(fault.code()).unwrap_or(Code::Os));
        match fault {
            Fault::Net(error) => Self::from(error),
            Fault::Cors(error) => error.detail().map_or(reason.clone(), |detail| reason.with_detail(detail)),
            Fault::UnsafePort { port } => reason.with_detail(&port.to_string()),
            Fault::UnknownScheme { scheme } => reason.with_detail(scheme),
            Fault::HandshakeStatus { status } => reason.with_status(*status),
            Fault::HandshakeInvalid(invalid) => reason.with_detail(&invalid.detail()),
            Fault::ContentSecurityPolicy { directive } => reason.with_detail(directive),
            Fault::TypeError(text) => reason.with_detail(text),
            Fault::SyntaxError(misuse) => reason.with_detail(misuse.detail()),
            Fault::Misuse { misuse, .. } => reason.with_detail(misuse.detail()),
            Fault::MixedContent
            | Fault::UnsafeRedirect
            | Fault::InvalidRedirect
            | Fault::TooManyRedirects
            | Fault::RedirectRefused
            | Fault::Aborted
            | Fault::LocalResource
            | Fault::BlobGone
            | Fault::BrokenData
            | Fault::RepeatedHeader { .. }
            | Fault::UnexpectedProxyAuth
            | Fault::ResourcePolicySameOrigin
            | Fault::ResourcePolicySameSite => reason,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Phase;

    #[test]
    fn every_code_reads_back_from_its_text() {
        for code in Code::ALL {
            assert_eq!(Code::parse(code.as_str()), Some(*code));
        }
    }

    #[test]
    fn a_network_errors_reason_keeps_its_key_and_phase() {
        let reason = Reason::from(&NetError::ConnectionReset { phase: Phase::Tls });
        assert_eq!((reason.code, reason.detail.as_deref()), (Code::ConnectionReset, Some("tls")));
    }

    #[test]
    fn every_code_of_a_fault_is_a_code_here() {
        use crate::browser::cors::{Access, CorsError};
        use crate::browser::{Api, ApiMisuse};
        let text = String::new;
        for fault in [
            Fault::Cors(CorsError::DisallowedByMode),
            Fault::Cors(CorsError::DisabledScheme { scheme: text() }),
            Fault::Cors(CorsError::Access { preflight: true, why: Access::Wildcard }),
            Fault::MixedContent,
            Fault::ContentSecurityPolicy { directive: text() },
            Fault::UnsafePort { port: 25 },
            Fault::UnsafeRedirect,
            Fault::UnknownScheme { scheme: text() },
            Fault::InvalidRedirect,
            Fault::TooManyRedirects,
            Fault::RedirectRefused,
            Fault::Aborted,
            Fault::RepeatedHeader { name: "Location" },
            Fault::RepeatedHeader { name: "Content-Length" },
            Fault::UnexpectedProxyAuth,
            Fault::ResourcePolicySameOrigin,
            Fault::ResourcePolicySameSite,
            Fault::HandshakeStatus { status: 403 },
            Fault::TypeError(text()),
            Fault::SyntaxError(crate::browser::Misuse::Subprotocol { protocol: text() }),
            Fault::Misuse { api: Api::Xhr, misuse: ApiMisuse::Method { method: text() } },
            Fault::Misuse { api: Api::Xhr, misuse: ApiMisuse::ForbiddenMethod { method: text() } },
        ] {
            assert_eq!(Reason::from(&fault).code.as_str(), fault.code());
        }
    }

    #[test]
    fn a_faults_reason_keeps_the_value_in_question() {
        use crate::browser::cors::{Access, CorsError};
        let why = Access::AllowOriginMismatch { value: "https://b.test".into() };
        let reason = Reason::from(&Fault::Cors(CorsError::Access { preflight: false, why }));
        assert_eq!((reason.code, reason.detail.as_deref()), (Code::AllowOriginMismatch, Some("https://b.test")));
    }

    #[test]
    fn a_long_detail_is_cut_at_a_characters_edge() {
        let reason = Reason::new(Code::Closed).with_detail(&"é".repeat(400));
        assert_eq!(reason.detail.map(|detail| detail.len()), Some(300));
    }
}
