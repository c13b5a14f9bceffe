//! The words for codes: one place, so that the window, the command line and a notice say the same.

use crate::watch::signin::Refusal;
use crate::watch::{Code, Outcome, Reason, State};
use crate::wire::Ask;

/// A state's word, as it stands within a sentence or at a row's start.
pub fn state(state: State) -> &'static str {
    match state {
        State::Disconnected => "Disconnected",
        State::Connecting => "Connecting",
        State::Connected => "Connected",
        State::Reconnecting => "Reconnecting",
        State::Suspended => "Suspended",
        State::Error => "Error",
        State::AuthRequired => "Sign-in required",
        State::CorsError => "CORS error",
    }
}

/// An outcome's word.
pub fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Up => "Up",
        Outcome::Degraded => "Degraded",
        Outcome::Down => "Down",
        Outcome::Unknown => "Unknown",
    }
}

/// What happened, in a few words: for a row, a notice's title, the end of a line.
pub fn phrase(reason: &Reason) -> String {
    let fixed = match reason.code {
        Code::NameNotResolved => "name does not resolve",
        Code::DnsUnavailable => "no name server answers",
        Code::InternetDisconnected => "no route from this machine",
        Code::AddressUnreachable => "address unreachable",
        Code::ConnectionRefused => "connection refused",
        Code::ConnectTimeout => "no answer to the connection request",
        Code::ConnectionReset => return during("connection reset", reason),
        Code::ConnectionClosed => return during("connection closed", reason),
        Code::EmptyResponse => "closed without an answer",
        Code::Timeout => return during("timed out", reason),
        Code::ProxyConnectionFailed => "proxy unreachable",
        Code::TunnelRefused => return with_status("proxy refused the tunnel", reason),
        Code::ProxyAuthRequired => "proxy wants credentials",
        Code::SocksRefused => "SOCKS proxy refused the connection",
        Code::TlsProtocol => "TLS handshake failed",
        Code::TlsVersion => "no TLS version in common",
        Code::CertExpired => "certificate expired",
        Code::CertNotYetValid => "certificate not valid yet",
        Code::CertWrongName => "certificate is for other names",
        Code::CertSelfSigned => "certificate signed by itself",
        Code::CertUntrusted => "certificate's issuer not trusted",
        Code::CertRevoked => "certificate revoked",
        Code::CertInvalid => "certificate can't be used",
        Code::ClientCertRequired => "server wants a client certificate",
        Code::InvalidHttpResponse => "answer is not HTTP",
        Code::HeadersTooLarge => "answer's headers too large",
        Code::IncompleteBody => "answer's body ended early",
        Code::InvalidStatusLine => "answer's status line is invalid",
        Code::HeadersTruncated => "answer's head is cut off",
        Code::IncompleteChunks => "answer's last chunk is missing",
        Code::InvalidChunks => "answer's chunked coding is broken",
        Code::ContentDecoding => "answer's content coding can't be undone",
        Code::BodyTooLarge => "answer's body too large",
        Code::Http2Protocol => "HTTP/2 protocol broken",
        Code::WebSocketProtocol => return with_detail("WebSocket protocol broken", reason),
        Code::MessageTooLarge => "message too large",
        Code::LocalResource => return with_detail("this machine ran out of resources", reason),
        Code::NetworkConfiguration => return with_detail("network settings can't be used", reason),
        Code::Os => return with_detail("operating-system error", reason),

        Code::DisallowedByMode => "cross-origin request in same-origin mode",
        Code::WildcardOriginNotAllowed => return cors("Allow-Origin is * on a request with credentials", reason),
        Code::MissingAllowOriginHeader => return cors("no Access-Control-Allow-Origin", reason),
        Code::MultipleAllowOriginValues => return cors("several Access-Control-Allow-Origin values", reason),
        Code::InvalidAllowOriginValue => return cors("Access-Control-Allow-Origin is not an origin", reason),
        Code::AllowOriginMismatch => return cors("another origin is allowed", reason),
        Code::InvalidAllowCredentials => return cors("Access-Control-Allow-Credentials is not true", reason),
        Code::CorsDisabledScheme => "scheme that CORS does not know",
        Code::PreflightInvalidStatus => return with_status("preflight refused", reason),
        Code::PreflightDisallowedRedirect => "preflight answered with a redirect",
        Code::PreflightWildcardOriginNotAllowed => {
            return cors("preflight: Allow-Origin is * with credentials", reason);
        }
        Code::PreflightMissingAllowOriginHeader => {
            return cors("preflight without Access-Control-Allow-Origin", reason);
        }
        Code::PreflightMultipleAllowOriginValues => {
            return cors("preflight with several Access-Control-Allow-Origin values", reason);
        }
        Code::PreflightInvalidAllowOriginValue => return cors("preflight: Allow-Origin is not an origin", reason),
        Code::PreflightAllowOriginMismatch => return cors("preflight allows another origin", reason),
        Code::PreflightInvalidAllowCredentials => return cors("preflight: Allow-Credentials is not true", reason),
        Code::InvalidAllowMethodsPreflightResponse => "preflight: Allow-Methods can't be read",
        Code::InvalidAllowHeadersPreflightResponse => "preflight: Allow-Headers can't be read",
        Code::MethodDisallowedByPreflightResponse => return with_detail("method not allowed by the preflight", reason),
        Code::HeaderDisallowedByPreflightResponse => return with_detail("header not allowed by the preflight", reason),
        Code::RedirectContainsCredentials => "redirect to a URL with credentials",
        Code::MixedContent => "insecure request from an https page",
        Code::ContentSecurityPolicy => "refused by the page's Content-Security-Policy",
        Code::UnsafePort => "port that browsers refuse",
        Code::TooManyRedirects => "too many redirects",
        Code::InvalidRedirect => "redirect that can't be followed",
        Code::UnsafeRedirect => "redirect to a scheme that browsers refuse",
        Code::UnknownScheme => return with_detail("redirect to an unknown scheme", reason),
        Code::RedirectRefused => "redirect where the script allows none",
        Code::Aborted => "redirect to a URL with a username",
        Code::RepeatedLocation => "two different Location fields",
        Code::RepeatedDisposition => "two different Content-Disposition fields",
        Code::RepeatedContentLength => "two different Content-Length fields",
        Code::UnexpectedProxyAuth => "407 from a server that is no proxy",
        Code::ResourcePolicySameOrigin => "Cross-Origin-Resource-Policy allows its own origin alone",
        Code::ResourcePolicySameSite => "Cross-Origin-Resource-Policy allows its own site alone",
        Code::TypeError => return with_detail("the browser's API throws a TypeError", reason),
        Code::SecurityError => return with_detail("the browser's API throws a SecurityError", reason),
        Code::SyntaxError => return with_detail("the browser's API throws a SyntaxError", reason),

        Code::Status => return with_status("answered", reason),
        Code::AuthRequired => return with_what_it_says("sign-in required", reason),
        Code::LoginFailed => return login_failed(reason),
        Code::RateLimited => return with_what_it_says("rate limited", reason),
        Code::OriginRefused => return with_what_it_says("origin refused", reason),
        Code::BodyMismatch => "body does not match",
        Code::Slow => return with_detail("slower than its objective", reason),

        Code::HandshakeStatus => return with_status("upgrade answered", reason),
        Code::HandshakeInvalid => return with_detail("handshake breaks RFC 6455", reason),
        Code::Closed => return closed(reason),
        Code::ClosedAbnormally => "connection lost without a close frame",
        Code::Idle => "nothing heard for too long",
        Code::NoPong => "no answer to a ping",
        Code::ExpectedMessageMissing => "expected message did not come",
        Code::Silent => "accepted, then silent",

        Code::NotEngineIo => "what answers is no Engine.IO server",
        Code::UnknownTransport => return with_status("the server has not this transport", reason),
        Code::UnknownSession => return with_status("the server doesn't know the session", reason),
        Code::StickySessionsMissing => return with_detail("sessions are not sticky", reason),
        Code::BadHandshakeMethod => return with_status("the handshake needs a GET", reason),
        Code::BadRequest => return with_status("bad request", reason),
        Code::RequestForbidden => return with_status("the server's own check refuses", reason),
        Code::UnsupportedProtocolVersion => return with_detail("another Engine.IO revision", reason),
        Code::PacketInvalid => return with_detail("a packet breaks the protocol", reason),
        Code::PingTimeout => "no heartbeat within its time",
        Code::NamespaceRefused => return with_detail("namespace refused", reason),
        Code::NamespaceUnknown => return with_detail("no such namespace", reason),
        Code::ServerDisconnect => "the server disconnected us",

        Code::Asked => "on request",
        Code::Paused => "paused",
        Code::AttemptsExhausted => "attempts used up",
        Code::Offline => "this machine is offline",
        Code::Woke => "this machine woke, or its network changed",
        Code::SecretMissing => return with_detail("secret not found", reason),
        Code::TaskPanicked => "watching it failed inside wirewatch; started again",
        Code::Unsupported => return with_detail("not watched by this version", reason),
    };
    fixed.to_owned()
}

fn with_detail(words: &str, reason: &Reason) -> String {
    match &reason.detail {
        Some(detail) => format!("{words}: {detail}"),
        None => words.to_owned(),
    }
}

/// A refusal by a status, or by the words of a Socket.IO packet.
fn with_what_it_says(words: &str, reason: &Reason) -> String {
    if reason.status.is_some() { with_status(words, reason) } else { with_detail(words, reason) }
}

fn with_status(words: &str, reason: &Reason) -> String {
    match reason.status {
        Some(status) => format!("{words}: {}", status_words(status)),
        None => words.to_owned(),
    }
}

fn login_failed(reason: &Reason) -> String {
    let words = match Refusal::of(reason) {
        Some(Refusal::FormMissing) => "sign-in failed: no form with the profile's fields on the login page",
        Some(Refusal::TokenMissing) => "sign-in failed: the CSRF token that the profile names is not on the login page",
        Some(Refusal::FormInsecure) => "sign-in failed: the https page would send its form over plain http",
        Some(Refusal::TokenRefused) => "sign-in failed: the CSRF check refused the form",
        Some(Refusal::FormRefused) => "sign-in failed: the form was refused",
        Some(Refusal::FormAgain) => "sign-in failed: the form came back, as after a wrong name or password",
        Some(Refusal::CookieMissing) => "sign-in failed: the answer set no cookie",
        Some(Refusal::CookieRefused) => "sign-in failed: the browser does not store the cookie that it set",
        Some(Refusal::SignedOut) => "sign-in failed: afterwards the check finds nobody signed in",
        None => "sign-in failed",
    };
    with_status(words, reason)
}

/// A CORS refusal tells the status too where that is the real news.
fn cors(words: &str, reason: &Reason) -> String {
    let mut out = with_detail(words, reason);
    if let Some(status) = reason.status.filter(|status| 400 <= *status) {
        out = format!("{} · {out}", status_words(status));
    }
    out
}

fn during(words: &str, reason: &Reason) -> String {
    let place = match reason.detail.as_deref() {
        Some("dns") => "while resolving the name",
        Some("connect") => "while connecting",
        Some("proxy") => "at the proxy",
        Some("tls") => "in the TLS handshake",
        Some("request") => "while sending the request",
        Some("first_byte") => "before an answer",
        Some("body") => "in the answer's body",
        Some("open") => "on the open socket",
        _ => return words.to_owned(),
    };
    format!("{words} {place}")
}

fn closed(reason: &Reason) -> String {
    match (reason.close, &reason.detail) {
        (Some(code), Some(text)) => format!("closed {code}: {text}"),
        (Some(code), None) => match close_words(code) {
            Some(words) => format!("closed {code} ({words})"),
            None => format!("closed {code}"),
        },
        (None, _) => "closed without a code".to_owned(),
    }
}

/// A question that was asked besides, as a title.
pub fn asked(ask: Ask) -> &'static str {
    match ask {
        Ask::NoOrigin => "Asked without Origin",
        Ask::OwnOrigin => "Asked from its own origin",
        Ask::ForeignOrigin => "Asked from a foreign origin",
        Ask::TwinHost => "Asked from the page's other name",
        Ask::TwinScheme => "Asked from the other scheme",
        Ask::SpelledPort => "Asked with the port spelled",
        Ask::PortlessOrigin => "Asked with no port",
        Ask::PlainGet => "Asked by plain GET",
        Ask::OtherSlash => "Asked with the other slash",
        Ask::NoSuchPath => "Asked for no such path",
        Ask::Root => "Asked for /",
        Ask::Polling => "Asked by polling",
        Ask::DefaultPath => "Asked at /socket.io/",
        Ask::OtherRevision => "Asked in the other revision",
        Ask::Upgrade => "Asked for an upgrade",
        Ask::Direct => "Asked past the proxy",
        Ask::IdleWait => "Waited on a quiet socket",
        Ask::Handshakes => "Asked for several sessions",
        Ask::RoundTrips => "Timed again",
        Ask::Preflight => "Asked for leave (preflight)",
        Ask::OtherTls => "Asked with TLS, or without",
        Ask::Banner => "Listened to the port",
        Ask::NoToken => "Asked without the token",
        Ask::NoCookie => "Asked without cookies",
    }
}

/// A status with its registered reason phrase ([RFC 9110, section 15](https://www.rfc-editor.org/rfc/rfc9110#section-15)).
pub fn status_words(status: u16) -> String {
    match http::StatusCode::from_u16(status).ok().and_then(|code| code.canonical_reason()) {
        Some(phrase) => format!("{status} {phrase}"),
        None => status.to_string(),
    }
}

/// A close code's meaning ([RFC 6455, section 7.4.1](https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1) and the registry).
pub fn close_words(code: u16) -> Option<&'static str> {
    Some(match code {
        1000 => "normal",
        1001 => "going away",
        1002 => "protocol error",
        1003 => "unsupported data",
        1005 => "no code",
        1006 => "abnormal",
        1007 => "invalid payload",
        1008 => "policy violation",
        1009 => "message too big",
        1010 => "extension wanted",
        1011 => "server error",
        1012 => "service restart",
        1013 => "try again later",
        1014 => "bad gateway",
        1015 => "TLS handshake",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(reason: Reason, expected: &str) {
        assert_eq!(phrase(&reason), expected);
    }

    #[test]
    fn a_phrase_names_the_facts_that_the_reason_carries() {
        check(Reason::new(Code::Status).with_status(502), "answered: 502 Bad Gateway");
        check(Reason::new(Code::Timeout).with_detail("tls"), "timed out in the TLS handshake");
        check(Reason::new(Code::Closed).with_close(1008), "closed 1008 (policy violation)");
        check(Reason::new(Code::Closed).with_close(4001).with_detail("token expired"), "closed 4001: token expired");
    }

    #[test]
    fn a_cors_refusal_of_an_error_answer_begins_with_the_status() {
        check(
            Reason::new(Code::MissingAllowOriginHeader).with_status(502),
            "502 Bad Gateway · no Access-Control-Allow-Origin",
        );
        check(Reason::new(Code::MissingAllowOriginHeader).with_status(200), "no Access-Control-Allow-Origin");
    }

    #[test]
    fn every_code_has_words_of_its_own() {
        let mut seen = std::collections::HashMap::new();
        for code in Code::ALL {
            let words = phrase(&Reason::new(*code));
            assert!(words.len() > 3, "{code} has no words");
            if let Some(other) = seen.insert(words.clone(), *code) {
                panic!("{code} and {other} both read {words:?}");
            }
        }
    }
}
