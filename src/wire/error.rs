//! What can go wrong between two sockets: one variant a cause, each with a stable code.
//!
//! The codes are Chromium's [`net::ERR_`](https://chromium.googlesource.com/chromium/src/+/main/net/base/net_error_list.h)
//! names, so that a failure reads as the browser's own; where several of our causes share one, the variant tells them apart.

use std::time::Duration;

/// Where an exchange or a session was when it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    Dns,
    Connect,
    Proxy,
    Tls,
    /// Writing the request.
    Request,
    /// Waiting for the answer's head.
    FirstByte,
    /// Reading the answer's body.
    Body,
    /// A WebSocket after its handshake.
    Open,
}

impl Phase {
    /// Stable: written to the history and to `--json`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Proxy => "proxy",
            Self::Tls => "tls",
            Self::Request => "request",
            Self::FirstByte => "first_byte",
            Self::Body => "body",
            Self::Open => "open",
        }
    }
}

/// One cause of failure below HTTP's own meaning.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetError {
    #[error("the name does not resolve")]
    NameNotResolved,
    /// No answer from any name server (EAI_AGAIN): says more about this machine than about the name.
    #[error("no name server answers")]
    DnsUnavailable,
    /// No route from here at all (ENETUNREACH).
    #[error("this machine has no route to the network")]
    InternetDisconnected,
    /// No route to that host (EHOSTUNREACH).
    #[error("the address is unreachable")]
    AddressUnreachable,
    #[error("nothing listens on the port")]
    ConnectionRefused,
    #[error("no answer to the connection request")]
    ConnectTimeout,
    #[error("the peer reset the connection")]
    ConnectionReset { phase: Phase },
    /// An end of stream in the midst of an answer.
    #[error("the peer closed the connection")]
    ConnectionClosed { phase: Phase },
    /// An end of stream before the first byte of an answer.
    #[error("the peer closed the connection without an answer")]
    EmptyResponse,
    #[error("nothing came within {after:?}")]
    Timeout { phase: Phase, after: Duration },

    #[error("the proxy can't be reached")]
    ProxyConnectionFailed,
    #[error("the proxy refused the tunnel with {status}")]
    TunnelRefused { status: u16 },
    #[error("the proxy wants credentials")]
    ProxyAuthRequired,
    #[error("the SOCKS proxy refused the connection")]
    SocksRefused { reply: u8 },

    /// The peer does not speak TLS, or breaks its rules.
    #[error("the TLS handshake broke the protocol")]
    TlsProtocol,
    #[error("no TLS version or cipher in common")]
    TlsVersion,
    #[error("the certificate has expired")]
    CertExpired,
    #[error("the certificate is not valid yet")]
    CertNotYetValid,
    #[error("the certificate is for other names")]
    CertWrongName,
    #[error("the certificate is signed by itself")]
    CertSelfSigned,
    #[error("the certificate's issuer is not trusted")]
    CertUntrusted,
    #[error("the certificate is revoked")]
    CertRevoked,
    #[error("the certificate can't be used")]
    CertInvalid,
    #[error("the server wants a client certificate")]
    ClientCertRequired,

    #[error("the answer is not HTTP")]
    InvalidHttpResponse,
    /// Firefox's word for a status that is no number.
    #[error("the answer's status line is invalid")]
    InvalidStatusLine,
    /// Over TLS, the connection ended within the answer's head.
    #[error("the answer's head is cut off")]
    HeadersTruncated,
    #[error("the answer's headers are larger than {limit} bytes")]
    HeadersTooLarge { limit: usize },
    /// Before its `Content-Length` was full.
    #[error("the answer's body ended early")]
    IncompleteBody,
    /// An end of stream before the last chunk.
    #[error("the answer's last chunk is missing")]
    IncompleteChunks,
    #[error("the answer's chunked coding is broken")]
    InvalidChunks,
    /// gzip, deflate, br or zstd that is none.
    #[error("the answer's content coding can't be undone")]
    ContentDecoding,
    /// The body went past what a check reads: our bound, not a browser's.
    #[error("the answer's body is larger than {limit} bytes")]
    BodyTooLarge { limit: u64 },
    #[error("the HTTP/2 connection broke its protocol")]
    Http2Protocol,

    /// RFC 6455 violated after the handshake; `what` is a stable word for the rule.
    #[error("the server broke the WebSocket protocol: {what}")]
    WebSocketProtocol { what: &'static str },
    #[error("a message is larger than {limit} bytes")]
    MessageTooLarge { limit: usize },

    /// The local machine ran out of something (file descriptors, ports, memory).
    #[error("this machine refused: {what}")]
    LocalResource { what: &'static str },
    /// A file or option of the profile's `[network]` can't be used.
    #[error("the profile's network settings can't be used: {what}")]
    Configuration { what: &'static str },
    /// An operating-system error with no name above, by its number.
    #[error("the operating system says error {errno}")]
    Os { errno: i32 },
}

impl NetError {
    /// Chromium's name. Stable: written to the history, to `check --json` and to `replay`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NameNotResolved | Self::DnsUnavailable => "net::ERR_NAME_NOT_RESOLVED",
            Self::InternetDisconnected => "net::ERR_INTERNET_DISCONNECTED",
            Self::AddressUnreachable => "net::ERR_ADDRESS_UNREACHABLE",
            Self::ConnectionRefused => "net::ERR_CONNECTION_REFUSED",
            Self::ConnectTimeout => "net::ERR_CONNECTION_TIMED_OUT",
            Self::ConnectionReset { .. } => "net::ERR_CONNECTION_RESET",
            Self::ConnectionClosed { .. } => "net::ERR_CONNECTION_CLOSED",
            Self::EmptyResponse => "net::ERR_EMPTY_RESPONSE",
            Self::Timeout { .. } => "net::ERR_TIMED_OUT",
            Self::ProxyConnectionFailed => "net::ERR_PROXY_CONNECTION_FAILED",
            Self::TunnelRefused { .. } => "net::ERR_TUNNEL_CONNECTION_FAILED",
            Self::ProxyAuthRequired => "net::ERR_PROXY_AUTH_REQUESTED",
            Self::SocksRefused { .. } => "net::ERR_SOCKS_CONNECTION_FAILED",
            Self::TlsProtocol => "net::ERR_SSL_PROTOCOL_ERROR",
            Self::TlsVersion => "net::ERR_SSL_VERSION_OR_CIPHER_MISMATCH",
            Self::CertExpired | Self::CertNotYetValid => "net::ERR_CERT_DATE_INVALID",
            Self::CertWrongName => "net::ERR_CERT_COMMON_NAME_INVALID",
            Self::CertSelfSigned | Self::CertUntrusted => "net::ERR_CERT_AUTHORITY_INVALID",
            Self::CertRevoked => "net::ERR_CERT_REVOKED",
            Self::CertInvalid => "net::ERR_CERT_INVALID",
            Self::ClientCertRequired => "net::ERR_BAD_SSL_CLIENT_AUTH_CERT",
            Self::InvalidHttpResponse | Self::InvalidStatusLine => "net::ERR_INVALID_HTTP_RESPONSE",
            Self::HeadersTruncated => "net::ERR_RESPONSE_HEADERS_TRUNCATED",
            Self::HeadersTooLarge { .. } => "net::ERR_RESPONSE_HEADERS_TOO_BIG",
            Self::IncompleteBody => "net::ERR_CONTENT_LENGTH_MISMATCH",
            Self::IncompleteChunks => "net::ERR_INCOMPLETE_CHUNKED_ENCODING",
            Self::InvalidChunks => "net::ERR_INVALID_CHUNKED_ENCODING",
            Self::ContentDecoding => "net::ERR_CONTENT_DECODING_FAILED",
            Self::BodyTooLarge { .. } => "net::ERR_FILE_TOO_BIG",
            Self::Http2Protocol => "net::ERR_HTTP2_PROTOCOL_ERROR",
            Self::WebSocketProtocol { .. } => "net::ERR_WS_PROTOCOL_ERROR",
            Self::MessageTooLarge { .. } => "net::ERR_MSG_TOO_BIG",
            Self::LocalResource { .. } => "net::ERR_INSUFFICIENT_RESOURCES",
            Self::Configuration { .. } => "net::ERR_INVALID_ARGUMENT",
            Self::Os { .. } => "net::ERR_FAILED",
        }
    }

    /// Our own finer name, one a variant. Stable: the history keeps it beside [`Self::code`].
    pub fn key(&self) -> &'static str {
        match self {
            Self::NameNotResolved => "name_not_resolved",
            Self::DnsUnavailable => "dns_unavailable",
            Self::InternetDisconnected => "internet_disconnected",
            Self::AddressUnreachable => "address_unreachable",
            Self::ConnectionRefused => "connection_refused",
            Self::ConnectTimeout => "connect_timeout",
            Self::ConnectionReset { .. } => "connection_reset",
            Self::ConnectionClosed { .. } => "connection_closed",
            Self::EmptyResponse => "empty_response",
            Self::Timeout { .. } => "timeout",
            Self::ProxyConnectionFailed => "proxy_connection_failed",
            Self::TunnelRefused { .. } => "tunnel_refused",
            Self::ProxyAuthRequired => "proxy_auth_required",
            Self::SocksRefused { .. } => "socks_refused",
            Self::TlsProtocol => "tls_protocol",
            Self::TlsVersion => "tls_version",
            Self::CertExpired => "cert_expired",
            Self::CertNotYetValid => "cert_not_yet_valid",
            Self::CertWrongName => "cert_wrong_name",
            Self::CertSelfSigned => "cert_self_signed",
            Self::CertUntrusted => "cert_untrusted",
            Self::CertRevoked => "cert_revoked",
            Self::CertInvalid => "cert_invalid",
            Self::ClientCertRequired => "client_cert_required",
            Self::InvalidHttpResponse => "invalid_http_response",
            Self::InvalidStatusLine => "invalid_status_line",
            Self::HeadersTruncated => "headers_truncated",
            Self::HeadersTooLarge { .. } => "headers_too_large",
            Self::IncompleteBody => "incomplete_body",
            Self::IncompleteChunks => "incomplete_chunks",
            Self::InvalidChunks => "invalid_chunks",
            Self::ContentDecoding => "content_decoding",
            Self::BodyTooLarge { .. } => "body_too_large",
            Self::Http2Protocol => "http2_protocol",
            Self::WebSocketProtocol { .. } => "websocket_protocol",
            Self::MessageTooLarge { .. } => "message_too_large",
            Self::LocalResource { .. } => "local_resource",
            Self::Configuration { .. } => "configuration",
            Self::Os { .. } => "os",
        }
    }

    /// The phase in which it happened.
    pub fn phase(&self) -> Phase {
        match self {
            Self::NameNotResolved | Self::DnsUnavailable => Phase::Dns,
            Self::InternetDisconnected
            | Self::AddressUnreachable
            | Self::ConnectionRefused
            | Self::ConnectTimeout
            | Self::LocalResource { .. }
            | Self::Configuration { .. }
            | Self::Os { .. } => Phase::Connect,
            Self::ConnectionReset { phase } | Self::ConnectionClosed { phase } | Self::Timeout { phase, .. } => *phase,
            Self::EmptyResponse
            | Self::InvalidHttpResponse
            | Self::InvalidStatusLine
            | Self::HeadersTruncated
            | Self::HeadersTooLarge { .. }
            | Self::Http2Protocol => Phase::FirstByte,
            Self::ProxyConnectionFailed
            | Self::TunnelRefused { .. }
            | Self::ProxyAuthRequired
            | Self::SocksRefused { .. } => Phase::Proxy,
            Self::TlsProtocol
            | Self::TlsVersion
            | Self::CertExpired
            | Self::CertNotYetValid
            | Self::CertWrongName
            | Self::CertSelfSigned
            | Self::CertUntrusted
            | Self::CertRevoked
            | Self::CertInvalid
            | Self::ClientCertRequired => Phase::Tls,
            Self::IncompleteBody
            | Self::IncompleteChunks
            | Self::InvalidChunks
            | Self::ContentDecoding
            | Self::BodyTooLarge { .. } => Phase::Body,
            Self::WebSocketProtocol { .. } | Self::MessageTooLarge { .. } => Phase::Open,
        }
    }

    /// Whether the peer has shown by it that it speaks TLS: it has a certificate, or an opinion on versions.
    pub fn speaks_tls(&self) -> bool {
        matches!(
            self,
            Self::TlsVersion
                | Self::CertExpired
                | Self::CertNotYetValid
                | Self::CertWrongName
                | Self::CertSelfSigned
                | Self::CertUntrusted
                | Self::CertRevoked
                | Self::CertInvalid
                | Self::ClientCertRequired
        )
    }

    /// Whether this is about this machine's own connection rather than the endpoint.
    pub fn is_local(&self) -> bool {
        matches!(self, Self::InternetDisconnected | Self::DnsUnavailable | Self::LocalResource { .. })
    }
}
