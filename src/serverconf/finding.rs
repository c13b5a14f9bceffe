//! What is wrong in a configuration: one rule a finding, with its place and what to write in its stead.

use std::fmt;

use super::source::Place;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; nothing breaks by it alone.
    Note,
    /// It breaks something for someone, or is not as safe as it looks.
    Warning,
    /// It doesn't work, or anyone gets in.
    Error,
}

impl Severity {
    pub fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub rule: Rule,
    pub severity: Severity,
    pub at: Place,
    /// A sentence without its full stop.
    pub text: String,
    /// What to write in place of what stands there.
    pub instead: Option<String>,
}

impl Finding {
    pub fn new(rule: Rule, severity: Severity, at: Place, text: impl Into<String>) -> Self {
        Self { rule, severity, at, text: text.into(), instead: None }
    }

    /// With what to write in its place.
    #[must_use]
    pub fn instead(mut self, text: impl Into<String>) -> Self {
        self.instead = Some(text.into());
        self
    }
}

macro_rules! rules {
    ($($(#[$doc:meta])* $variant:ident $text:literal $is_cause:literal,)*) => {
        /// Which rule found it. Its text is stable: that of the cause which the fault shows as, where there is one, else
        /// its own.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule { $($(#[$doc])* $variant,)* }

        impl Rule {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Stable.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// Whether a diagnosis names a cause by the same text.
            pub fn is_cause(self) -> bool {
                match self { $(Self::$variant => $is_cause,)* }
            }
        }
    };
}

rules! {
    // Faults that a diagnosis finds from outside.
    BodyTooLarge "body-too-large" true,
    ClientCertificateRequired "client-certificate-required" true,
    ConcurrentConnectionLimit "concurrent-connection-limit" true,
    CookieDomainMismatch "cookie-domain-mismatch" true,
    CookiePathMismatch "cookie-path-mismatch" true,
    CorsHeadersMissing "cors-headers-missing" true,
    CredentialsNotAllowed "credentials-not-allowed" true,
    CsrfFailed "csrf-failed" true,
    DuplicateCorsHeaders "duplicate-cors-headers" true,
    ErrorResponseWithoutCors "error-response-without-cors" true,
    HeartbeatIntervalTooLong "heartbeat-interval-too-long" true,
    HostNotAllowed "host-not-allowed" true,
    HostNotForwarded "host-not-forwarded" true,
    HttpAuthRequired "http-auth-required" true,
    InsecureRequestFromHttpsPage "insecure-request-from-https-page" true,
    InsecureWebsocketFromHttpsPage "insecure-websocket-from-https-page" true,
    Localhost127Mismatch "localhost-127-mismatch" true,
    OriginNotAllowed "origin-not-allowed" true,
    OriginNotValidated "origin-not-validated" true,
    OriginPortMismatch "origin-port-mismatch" true,
    OriginSchemeMismatch "origin-scheme-mismatch" true,
    OriginStrippedByProxy "origin-stripped-by-proxy" true,
    PathNotProxied "path-not-proxied" true,
    PollingTransportDisabled "polling-transport-disabled" true,
    PreflightHeaderNotAllowed "preflight-header-not-allowed" true,
    PreflightMethodNotAllowed "preflight-method-not-allowed" true,
    PreflightOptions405 "preflight-options-405" true,
    ProxyBuffering "proxy-buffering" true,
    ProxyDropsUpgrade "proxy-drops-upgrade" true,
    ProxyIdleTimeout "proxy-idle-timeout" true,
    ProxyRateLimit503 "proxy-rate-limit-503" true,
    RedirectOnUpgrade "redirect-on-upgrade" true,
    ReflectsAnyOriginWithCredentials "reflects-any-origin-with-credentials" true,
    SamesiteBlocksCookie "samesite-blocks-cookie" true,
    SamesiteNoneWithoutSecure "samesite-none-without-secure" true,
    SecureCookieOverHttp "secure-cookie-over-http" true,
    ServiceUnavailable "service-unavailable" true,
    StickySessionsMissing "sticky-sessions-missing" true,
    TlsVersionUnsupported "tls-version-unsupported" true,
    TooManyConnections "too-many-connections" true,
    WebsocketTransportDisabled "websocket-transport-disabled" true,
    WildcardWithCredentials "wildcard-with-credentials" true,
    WrongSocketioPath "wrong-socketio-path" true,
    // Faults of the text itself, and such as no one sees from outside.
    AnyHostAllowed "any-host-allowed" false,
    ByteOrderMark "byte-order-mark" false,
    CookieNotSecure "cookie-not-secure" false,
    CookiePrefix "cookie-prefix" false,
    CookieReadableByScripts "cookie-readable-by-scripts" false,
    DebugInProduction "debug-in-production" false,
    HostWithPort "host-with-port" false,
    HostWithScheme "host-with-scheme" false,
    IncludeNotRead "include-not-read" false,
    LineNotUnderstood "line-not-understood" false,
    ListEmptyItem "list-empty-item" false,
    ListForm "list-form" false,
    ListSeparator "list-separator" false,
    ListWhitespace "list-whitespace" false,
    NullOriginAllowed "null-origin-allowed" false,
    OldTlsVersions "old-tls-versions" false,
    OriginInvalid "origin-invalid" false,
    OriginLetterCase "origin-letter-case" false,
    OriginPatternTooWide "origin-pattern-too-wide" false,
    OriginWildcardLiteral "origin-wildcard-literal" false,
    OriginWithPath "origin-with-path" false,
    OriginWithoutScheme "origin-without-scheme" false,
    PingTimeoutZero "ping-timeout-zero" false,
    RateLimitingOff "rate-limiting-off" false,
    TransportUnknown "transport-unknown" false,
    UrlScheme "url-scheme" false,
    ValueNotABoolean "value-not-a-boolean" false,
    ValueNotANumber "value-not-a-number" false,
    VariableMisspelled "variable-misspelled" false,
    VariableRepeated "variable-repeated" false,
    VaryOriginMissing "vary-origin-missing" false,
    WebSecurityDisabled "web-security-disabled" false,
    WildcardBesideOrigins "wildcard-beside-origins" false,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
