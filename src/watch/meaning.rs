//! What a reason means for the state: the one table that checks and sessions share.
//!
//! Three answers: retrying alone may mend it (`reconnecting`), it may not (`error`, `auth_required`, `cors_error`), or
//! there is no trying at all (`suspended`, `disconnected`).

use super::{Code, Reason, State};

/// The state of a profile that failed for this reason. For a session, [`State::Reconnecting`] is followed by quick
/// attempts by its back-off; the other failures by slow ones, at the profile's `interval`, so that a mended server is
/// noticed while nobody is hammered.
pub fn state_for(reason: &Reason) -> State {
    match reason.code {
        // The connection, or a server that may be back in a moment.
        Code::NameNotResolved
        | Code::DnsUnavailable
        | Code::InternetDisconnected
        | Code::AddressUnreachable
        | Code::ConnectionRefused
        | Code::ConnectTimeout
        | Code::ConnectionReset
        | Code::ConnectionClosed
        | Code::EmptyResponse
        | Code::Timeout
        | Code::ProxyConnectionFailed
        | Code::SocksRefused
        | Code::IncompleteBody
        | Code::IncompleteChunks
        | Code::Http2Protocol
        | Code::LocalResource
        | Code::Os
        | Code::RateLimited
        | Code::ClosedAbnormally
        | Code::Idle
        | Code::NoPong
        | Code::Slow
        | Code::UnknownSession
        | Code::PacketInvalid
        | Code::PingTimeout
        | Code::ServerDisconnect
        | Code::TaskPanicked => State::Reconnecting,

        // What only a change of a configuration or of a program mends.
        Code::TlsProtocol
        | Code::TlsVersion
        | Code::CertExpired
        | Code::CertNotYetValid
        | Code::CertWrongName
        | Code::CertSelfSigned
        | Code::CertUntrusted
        | Code::CertRevoked
        | Code::CertInvalid
        | Code::ClientCertRequired
        | Code::InvalidHttpResponse
        | Code::InvalidStatusLine
        | Code::HeadersTruncated
        | Code::InvalidChunks
        | Code::ContentDecoding
        | Code::HeadersTooLarge
        | Code::BodyTooLarge
        | Code::WebSocketProtocol
        | Code::MessageTooLarge
        | Code::NetworkConfiguration
        | Code::TooManyRedirects
        | Code::InvalidRedirect
        | Code::UnsafeRedirect
        | Code::UnknownScheme
        | Code::UnsafePort
        | Code::RedirectRefused
        | Code::Aborted
        | Code::RepeatedLocation
        | Code::RepeatedDisposition
        | Code::RepeatedContentLength
        | Code::TypeError
        | Code::SyntaxError
        | Code::SecurityError
        | Code::BodyMismatch
        | Code::HandshakeInvalid
        | Code::ExpectedMessageMissing
        | Code::Silent
        | Code::NotEngineIo
        | Code::UnknownTransport
        | Code::StickySessionsMissing
        | Code::BadHandshakeMethod
        | Code::BadRequest
        | Code::RequestForbidden
        | Code::UnsupportedProtocolVersion
        | Code::NamespaceRefused
        | Code::NamespaceUnknown
        | Code::SecretMissing => State::Error,

        Code::AuthRequired | Code::ProxyAuthRequired | Code::UnexpectedProxyAuth => State::AuthRequired,

        // The browser would refuse it, or the server refuses this page.
        Code::DisallowedByMode
        | Code::WildcardOriginNotAllowed
        | Code::MissingAllowOriginHeader
        | Code::MultipleAllowOriginValues
        | Code::InvalidAllowOriginValue
        | Code::AllowOriginMismatch
        | Code::InvalidAllowCredentials
        | Code::CorsDisabledScheme
        | Code::PreflightInvalidStatus
        | Code::PreflightDisallowedRedirect
        | Code::PreflightWildcardOriginNotAllowed
        | Code::PreflightMissingAllowOriginHeader
        | Code::PreflightMultipleAllowOriginValues
        | Code::PreflightInvalidAllowOriginValue
        | Code::PreflightAllowOriginMismatch
        | Code::PreflightInvalidAllowCredentials
        | Code::InvalidAllowMethodsPreflightResponse
        | Code::InvalidAllowHeadersPreflightResponse
        | Code::MethodDisallowedByPreflightResponse
        | Code::HeaderDisallowedByPreflightResponse
        | Code::RedirectContainsCredentials
        | Code::ResourcePolicySameOrigin
        | Code::ResourcePolicySameSite
        | Code::MixedContent
        | Code::ContentSecurityPolicy
        | Code::OriginRefused => State::CorsError,

        Code::Status | Code::HandshakeStatus | Code::TunnelRefused => for_status(reason.status),
        Code::Closed => for_close(reason),
        Code::LoginFailed => match for_status(reason.status) {
            State::Reconnecting => State::Reconnecting,
            _ => State::AuthRequired,
        },

        Code::Asked => State::Disconnected,
        Code::Paused | Code::AttemptsExhausted | Code::Offline | Code::Woke | Code::Unsupported => State::Suspended,
    }
}

/// By an HTTP status that refused: a server's own trouble and "later" may pass; a wrong address or request won't.
fn for_status(status: Option<u16>) -> State {
    match status {
        Some(401 | 407) => State::AuthRequired,
        Some(408 | 425 | 429 | 500..=599) => State::Reconnecting,
        _ => State::Error,
    }
}

/// By a close frame: [RFC 6455, section 7.4](https://www.rfc-editor.org/rfc/rfc6455#section-7.4), the
/// [registry](https://www.iana.org/assignments/websocket/websocket.xhtml#close-code-number) (3000, 3003), and the
/// custom of applications to write 401 and 403 as 4401 and 4403.
fn for_close(reason: &Reason) -> State {
    match reason.close {
        Some(1008) if reason.detail.as_deref().is_some_and(names_the_origin) => State::CorsError,
        Some(1008 | 3000 | 3003 | 4001 | 4003 | 4401 | 4403) => State::AuthRequired,
        Some(1002 | 1003 | 1007 | 1009 | 1010) => State::Error,
        _ => State::Reconnecting,
    }
}

/// Whether signing in (again) may mend it, for a profile that has a login: the endpoint wants credentials, not a proxy, and not
/// the login itself. A 403 that says nothing counts: so Django Channels refuses a socket whose session is over.
pub fn wants_sign_in(reason: &Reason) -> bool {
    let elsewhere = matches!(reason.code, Code::ProxyAuthRequired | Code::UnexpectedProxyAuth | Code::LoginFailed);
    let forbidden = matches!(reason.code, Code::Status | Code::HandshakeStatus) && reason.status == Some(403);
    (state_for(reason) == State::AuthRequired || forbidden) && !elsewhere && reason.status != Some(407)
}

/// Whether a server's refusal is about the page's origin.
pub fn names_the_origin(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    text.contains("origin") || text.contains("cors") || text.contains("cross-site")
}

/// Whether a server's refusal is about credentials.
pub fn names_credentials(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    [
        "unauthor",
        "not author",
        "unauthenticated",
        "not authenticated",
        "authentication",
        "credential",
        "log in",
        "login",
        "sign in",
    ]
    .iter()
    .chain(["token", "session expired", "invalid session", "api key", "jwt"].iter())
    .any(|word| text.contains(word))
}

/// Whether a server's refusal is about how often one asks.
pub fn names_the_rate(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["rate limit", "rate-limit", "ratelimit", "too many", "throttl", "slow down"].iter().any(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(reason: Reason, state: &str) {
        assert_eq!(state_for(&reason).code(), state, "{reason:?}");
    }

    #[test]
    fn what_may_pass_by_itself_is_reconnecting() {
        for code in [Code::ConnectionRefused, Code::Timeout, Code::NoPong, Code::ClosedAbnormally, Code::RateLimited] {
            check(Reason::new(code), "reconnecting");
        }
        for status in [429, 500, 502, 503, 504] {
            check(Reason::new(Code::HandshakeStatus).with_status(status), "reconnecting");
        }
        for close in [1000, 1001, 1006, 1011, 1012, 1013, 4000] {
            check(Reason::new(Code::Closed).with_close(close), "reconnecting");
        }
    }

    #[test]
    fn what_only_a_change_mends_is_an_error() {
        for code in [Code::CertExpired, Code::HandshakeInvalid, Code::SecretMissing, Code::UnsafePort] {
            check(Reason::new(code), "error");
        }
        for status in [200, 301, 400, 403, 404, 426] {
            check(Reason::new(Code::HandshakeStatus).with_status(status), "error");
        }
        check(Reason::new(Code::Closed).with_close(1002), "error");
    }

    #[test]
    fn refusals_for_credentials_and_for_the_origin_are_told_apart() {
        check(Reason::new(Code::HandshakeStatus).with_status(401), "auth_required");
        check(Reason::new(Code::Closed).with_close(1008), "auth_required");
        check(Reason::new(Code::Closed).with_close(4401).with_detail("x"), "auth_required");
        check(Reason::new(Code::Closed).with_close(1008).with_detail("Origin not allowed"), "cors_error");
        check(Reason::new(Code::OriginRefused).with_status(403), "cors_error");
        check(Reason::new(Code::MixedContent), "cors_error");
    }

    #[test]
    fn a_refused_login_wants_a_person_and_one_that_met_trouble_is_tried_again() {
        check(Reason::new(Code::LoginFailed).with_detail("form_again"), "auth_required");
        check(Reason::new(Code::LoginFailed).with_status(403), "auth_required");
        check(Reason::new(Code::LoginFailed).with_status(503), "reconnecting");
        check(Reason::new(Code::LoginFailed).with_status(429), "reconnecting");
    }

    #[test]
    fn signing_in_mends_what_the_endpoint_asks_for_and_nothing_else() {
        for yes in [
            Reason::new(Code::AuthRequired).with_status(401),
            Reason::new(Code::Closed).with_close(4401),
            Reason::new(Code::Closed).with_close(1008),
            Reason::new(Code::HandshakeStatus).with_status(403),
        ] {
            assert!(wants_sign_in(&yes), "{yes:?}");
        }
        for no in [
            Reason::new(Code::ProxyAuthRequired).with_status(407),
            Reason::new(Code::LoginFailed),
            Reason::new(Code::OriginRefused).with_status(403),
            Reason::new(Code::ConnectionRefused),
        ] {
            assert!(!wants_sign_in(&no), "{no:?}");
        }
    }

    #[test]
    fn no_reason_means_connected_or_connecting() {
        for code in Code::ALL {
            let state = state_for(&Reason::new(*code));
            assert!(!matches!(state, State::Connected | State::Connecting), "{code}");
        }
    }
}
