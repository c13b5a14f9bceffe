//! Every cause that a diagnosis may name: a closed list, whose texts are the contract with scripts.

use std::fmt;

use crate::watch::Category;

macro_rules! causes {
    ($($(#[$doc:meta])* $variant:ident $text:literal $category:ident,)*) => {
        /// A cause. Its text is stable: it stands in `check --json` and in exports.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum CauseId { $($(#[$doc])* $variant,)* }

        impl CauseId {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Stable.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The kind of trouble that it is.
            pub fn category(self) -> Category {
                match self { $(Self::$variant => Category::$category,)* }
            }

            /// The cause of that text.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

causes! {
    Ok "ok" None,
    AbnormalClose "abnormal-close" Connection,
    AcceptedThenSilent "accepted-then-silent" Connection,
    AppHeartbeatUnanswered "app-heartbeat-unanswered" Protocol,
    AuthRequired "auth-required" Authentication,
    BackendDown "backend-down" Proxy,
    BackendTimeout "backend-timeout" Proxy,
    BodyTooLarge "body-too-large" Proxy,
    CertificateExpired "certificate-expired" Tls,
    CertificateNotYetValid "certificate-not-yet-valid" Tls,
    CertificateSelfSigned "certificate-self-signed" Tls,
    CertificateUntrusted "certificate-untrusted" Tls,
    CertificateWrongName "certificate-wrong-name" Tls,
    ChannelLayerDown "channel-layer-down" Connection,
    ClientCertificateRequired "client-certificate-required" Tls,
    ConcurrentConnectionLimit "concurrent-connection-limit" RateLimit,
    ConnectTimeout "connect-timeout" Connection,
    ConnectionClosed "connection-closed" Connection,
    ConnectionRefused "connection-refused" Connection,
    ConnectionRefusedByHandler "connection-refused-by-handler" Authentication,
    ConnectionReset "connection-reset" Connection,
    CookieDomainMismatch "cookie-domain-mismatch" Authentication,
    CookiePathMismatch "cookie-path-mismatch" Authentication,
    CorsHeadersMissing "cors-headers-missing" Cors,
    CredentialsNotAllowed "credentials-not-allowed" Cors,
    CsrfFailed "csrf-failed" Authentication,
    DnsFailure "dns-failure" Connection,
    DuplicateCorsHeaders "duplicate-cors-headers" Cors,
    EngineioVersionMismatch "engineio-version-mismatch" Protocol,
    ErrorResponseWithoutCors "error-response-without-cors" Cors,
    FirewallBlocksUpgrade "firewall-blocks-upgrade" Proxy,
    FirewallSwallowsFrames "firewall-swallows-frames" Proxy,
    ForwardProxyBlocksConnect "forward-proxy-blocks-connect" Proxy,
    HandshakeInvalid "handshake-invalid" Protocol,
    HeartbeatIntervalTooLong "heartbeat-interval-too-long" Configuration,
    HighJitter "high-jitter" Performance,
    HighLatency "high-latency" Performance,
    HostNotAllowed "host-not-allowed" Configuration,
    HostNotForwarded "host-not-forwarded" Proxy,
    HttpAuthRequired "http-auth-required" Authentication,
    InsecureRequestFromHttpsPage "insecure-request-from-https-page" MixedContent,
    InsecureWebsocketFromHttpsPage "insecure-websocket-from-https-page" MixedContent,
    InsufficientPermissions "insufficient-permissions" Authentication,
    InvalidFrame "invalid-frame" Protocol,
    /// No failure that is seen from here: the person's browser asks them, or refuses.
    LocalNetworkAccess "local-network-access" Cors,
    Localhost127Mismatch "localhost-127-mismatch" Cors,
    LoginFailed "login-failed" Authentication,
    MessageTooLarge "message-too-large" Protocol,
    NamespaceUnknown "namespace-unknown" Protocol,
    NoPong "no-pong" Connection,
    NotFound "not-found" Connection,
    OriginMissing "origin-missing" Cors,
    OriginNotAllowed "origin-not-allowed" Cors,
    OriginNotValidated "origin-not-validated" Cors,
    OriginPortMismatch "origin-port-mismatch" Cors,
    OriginSchemeMismatch "origin-scheme-mismatch" Cors,
    OriginStrippedByProxy "origin-stripped-by-proxy" Proxy,
    PathNotProxied "path-not-proxied" Proxy,
    PathServedByOtherApp "path-served-by-other-app" Connection,
    PlainHttpToTlsPort "plain-http-to-tls-port" Tls,
    PollingTransportDisabled "polling-transport-disabled" Transport,
    PortHeldByOtherProgram "port-held-by-other-program" Connection,
    PreflightHeaderNotAllowed "preflight-header-not-allowed" Cors,
    PreflightMethodNotAllowed "preflight-method-not-allowed" Cors,
    PreflightOptions405 "preflight-options-405" Cors,
    ProxyAuthenticationRequired "proxy-authentication-required" Proxy,
    ProxyBuffering "proxy-buffering" Performance,
    ProxyDropsUpgrade "proxy-drops-upgrade" Proxy,
    ProxyIdleTimeout "proxy-idle-timeout" Proxy,
    ProxyRateLimit503 "proxy-rate-limit-503" RateLimit,
    ProxyUnreachable "proxy-unreachable" Proxy,
    RateLimitRefusedEvent "rate-limit-refused-event" RateLimit,
    ReadTimeout "read-timeout" Connection,
    RedirectOnUpgrade "redirect-on-upgrade" Proxy,
    ReflectsAnyOriginWithCredentials "reflects-any-origin-with-credentials" Cors,
    RequestRefusedByPolicy "request-refused-by-policy" Authentication,
    SamesiteBlocksCookie "samesite-blocks-cookie" Authentication,
    SamesiteNoneWithoutSecure "samesite-none-without-secure" Authentication,
    SecureCookieOverHttp "secure-cookie-over-http" Authentication,
    ServerCannotWebsocket "server-cannot-websocket" Transport,
    ServerDisconnectsClient "server-disconnects-client" Connection,
    ServerException "server-exception" Connection,
    ServerLacksWebsocketSupport "server-lacks-websocket-support" Transport,
    ServerNeverPings "server-never-pings" Protocol,
    ServerOverloaded "server-overloaded" RateLimit,
    ServiceRestart "service-restart" Connection,
    ServiceUnavailable "service-unavailable" Proxy,
    SessionMissing "session-missing" Authentication,
    SlowConnectHandler "slow-connect-handler" Performance,
    StickySessionsMissing "sticky-sessions-missing" Proxy,
    SubprotocolNotOffered "subprotocol-not-offered" Protocol,
    TlsToPlainPort "tls-to-plain-port" Tls,
    TlsVersionUnsupported "tls-version-unsupported" Tls,
    TokenExpired "token-expired" Authentication,
    TokenInvalid "token-invalid" Authentication,
    TokenMissing "token-missing" Authentication,
    TooManyConnections "too-many-connections" RateLimit,
    UpgradeIgnored "upgrade-ignored" Transport,
    UpgradesDisabled "upgrades-disabled" Transport,
    WebsocketRouteMissing "websocket-route-missing" Connection,
    WebsocketTrailingSlash "websocket-trailing-slash" Connection,
    WebsocketTransportDisabled "websocket-transport-disabled" Transport,
    WebsocketVersionUnsupported "websocket-version-unsupported" Protocol,
    WildcardWithCredentials "wildcard-with-credentials" Cors,
    WrongSocketioPath "wrong-socketio-path" Connection,
}

/// Where in the way of a page's request a cause sits; the earlier is the nearer to the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// The browser refuses by itself.
    Page,
    Network,
    Tls,
    /// What stands between.
    Between,
    Application,
    Cors,
    Authentication,
    /// What was open.
    Session,
    Performance,
}

impl CauseId {
    /// Where it sits.
    pub fn layer(self) -> Layer {
        match self {
            Self::ServerException
            | Self::NotFound
            | Self::WebsocketRouteMissing
            | Self::WebsocketTrailingSlash
            | Self::WrongSocketioPath
            | Self::PathServedByOtherApp
            | Self::ChannelLayerDown
            | Self::HandshakeInvalid
            | Self::SubprotocolNotOffered
            | Self::WebsocketVersionUnsupported
            | Self::EngineioVersionMismatch => Layer::Application,
            Self::AbnormalClose
            | Self::NoPong
            | Self::AcceptedThenSilent
            | Self::ServerDisconnectsClient
            | Self::ServiceRestart
            | Self::HeartbeatIntervalTooLong => Layer::Session,
            _ => match self.category() {
                Category::MixedContent => Layer::Page,
                Category::None | Category::Connection => Layer::Network,
                Category::Tls => Layer::Tls,
                Category::Proxy => Layer::Between,
                Category::Transport | Category::RateLimit | Category::Configuration => Layer::Application,
                Category::Cors => Layer::Cors,
                Category::Authentication => Layer::Authentication,
                Category::Protocol => Layer::Session,
                Category::Performance => Layer::Performance,
            },
        }
    }
}

impl fmt::Display for CauseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_reads_back_from_its_text_and_none_stands_twice() {
        let mut seen = std::collections::HashSet::new();
        for cause in CauseId::ALL {
            assert_eq!(CauseId::parse(cause.as_str()), Some(*cause));
            assert!(seen.insert(cause.as_str()), "{cause} stands twice");
        }
    }

    #[test]
    fn only_ok_is_of_no_category() {
        for cause in CauseId::ALL {
            assert_eq!(cause.category() == Category::None, *cause == CauseId::Ok, "{cause}");
        }
    }
}
