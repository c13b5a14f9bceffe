//! The named faults: each a path of the lab, a script, a sentence, and the profile that shows it.

use std::time::Duration;

use url::Url;

use super::{Lab, Port};
use crate::profile::{Credentials, Kind, Profile, Setting, Transport};

/// The origin of the page that the faults' profiles connect from.
pub const PAGE: &str = "http://app.localhost/";

struct Row {
    name: &'static str,
    sentence: &'static str,
    kind: Kind,
    port: Port,
    query: &'static str,
}

macro_rules! faults {
    ($($variant:ident $name:literal $kind:ident $port:ident $query:literal $sentence:literal,)*) => {
        /// One of the lab's named faults (the healthy ones among them).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Fault { $(#[doc = $sentence] $variant,)* }

        impl Fault {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            fn row(self) -> Row {
                match self {
                    $(Self::$variant => Row {
                        name: $name,
                        sentence: $sentence,
                        kind: Kind::$kind,
                        port: Port::$port,
                        query: $query,
                    },)*
                }
            }
        }
    };
}

faults! {
    Healthy "healthy" Http Plain "allow=any"
        "Answers 200 with the right CORS headers.",
    HealthySocket "healthy-socket" WebSocket Plain "allow=any&echo&every=1s:{\"type\":\"tick\",\"n\":{n}}"
        "Opens for every origin, ticks once a second, echoes, answers pings.",
    OriginNotAllowed "origin-not-allowed" WebSocket Plain "allow=https://shop.example"
        "Refuses the handshake with 403: the page's origin is not in the server's list.",
    OriginNotAllowedHttp "origin-not-allowed-http" Http Plain "allow=https://shop.example"
        "Answers 200 without Access-Control-Allow-Origin: the page's origin is not in the server's list.",
    ErrorsWithoutCors "errors-without-cors" Http Plain "allow=any&status=500&bare-errors"
        "Answers 500 without the CORS headers that its successes have, so the page can't read the error.",
    PreflightRefused "preflight-refused" Http Plain "allow=any&options=405"
        "Answers the preflight's OPTIONS with 405.",
    Unauthorized "unauthorized" Http Plain "allow=any&need=bearer:letmein"
        "Answers 401: no credentials, or wrong ones.",
    UnauthorizedSocket "unauthorized-socket" WebSocket Plain "need=query:token=letmein"
        "Refuses the handshake with 401: the token is missing in the query.",
    LoginNeeded "login-needed" Http Plain "allow=any&need=session"
        "Answers 401 without the session cookie that /login sets (user ops, password wirewatch).",
    TooManyRequests "too-many-requests" Http Plain "allow=any&limit=5/30s"
        "Answers 429 with Retry-After beyond five requests in 30 seconds.",
    Slow "slow" Http Plain "allow=any&wait=2s"
        "Takes two seconds for each answer.",
    Jittery "jittery" Http Plain "allow=any&jitter=10ms..900ms&seed=7"
        "Takes from 10 to 900 milliseconds, by a repeatable sequence.",
    Drops "drops" WebSocket Plain "every=1s:{\"type\":\"tick\",\"n\":{n}}&outage=8s/4s"
        "Cuts the connection after eight seconds and every new one for four more, again and again.",
    HeartbeatsStop "heartbeats-stop" WebSocket Plain "beat=1s&beats=5&pongs=no&closes=no"
        "Sends five heartbeats, a second apart, then nothing; answers neither pings nor close.",
    Close1008 "close-1008" WebSocket Plain "do=wait:200ms&do=close:1008:authentication+required"
        "Accepts the connection, then closes it with 1008 (policy violation).",
    NeverAnswers "never-answers" Http Plain "end=stall"
        "Takes the request and never answers.",
    NeverOpens "never-opens" WebSocket Plain "end=stall"
        "Takes the handshake and never answers.",
    Silent "silent" WebSocket Plain "pongs=no&closes=no&do=stall"
        "Accepts the connection and never says anything.",
    InvalidFrame "invalid-frame" WebSocket Plain "do=text:hello&do=wait:300ms&do=bad:rsv"
        "Sends a frame that RFC 6455 forbids.",
    HandshakeInvalid "handshake-invalid" WebSocket Plain "accept=AAAAAAAAAAAAAAAAAAAAAAAAAAA="
        "Answers 101 with a wrong Sec-WebSocket-Accept.",
    UpgradeIgnored "upgrade-ignored" WebSocket Plain "ws=no"
        "Answers the upgrade like any GET, with 200.",
    RedirectOnUpgrade "redirect-on-upgrade" WebSocket Plain "status=301&to=/login"
        "Answers the handshake with a redirect, which browsers do not follow.",
    ServiceRestart "service-restart" WebSocket Plain "after=5s:close:1012:service+restart"
        "Closes with 1012 (service restart) after five seconds.",
    BackendDown "backend-down" Http Plain "status=502&body=Bad+Gateway&h=Server:+nginx"
        "Answers 502 like a proxy whose backend is gone.",
    Reset "reset" Http Plain "end=reset"
        "Resets the connection in place of an answer.",
    CutBody "cut-body" Http Plain "allow=any&size=64k&end=drop-body"
        "Closes the connection in the middle of the body.",
    SocketIo "socketio" SocketIo Plain "allow=any&io-tick=1s"
        "A healthy Socket.IO server: ticks once a second, offers the upgrade, answers echo; /admin wants a token.",
    SocketIoPollingOnly "socketio-polling-only" SocketIo Plain "allow=any&io-tick=1s&io-transports=polling"
        "Socket.IO by polling only: upgrades is empty.",
    SocketIoUpgradeRefused "socketio-upgrade-refused" SocketIo Plain "allow=any&io-tick=1s&io-refuse"
        "Offers the upgrade and answers the WebSocket's handshake with 400, as behind a proxy that drops Upgrade.",
    SocketIoProbeUnanswered "socketio-probe-unanswered" SocketIo Plain "allow=any&io-tick=1s&do=stall"
        "Answers the upgrade's handshake with 101 and its probe never, as behind a firewall that swallows frames.",
    SocketIoProbeWrong "socketio-probe-wrong" SocketIo Plain "allow=any&io-tick=1s&do=await&do=text:3nope"
        "Answers the upgrade's probe with something else.",
    SocketIoAdmin "socketio-admin-refused" SocketIo Plain "allow=any"
        "Refuses the namespace /admin: the token is missing.",
    SocketIoOrigin "socketio-origin-not-allowed" SocketIo Plain "allow=https://shop.example"
        "Answers polling without Access-Control-Allow-Origin: the page's origin is not in the server's list.",
    SocketIoTwoOrigins "socketio-duplicate-cors" SocketIo Plain "allow=any&h=Access-Control-Allow-Origin:+*"
        "Has two Access-Control-Allow-Origin lines: the server's and its proxy's.",
    SocketIoForgets "socketio-sessions-forgotten" SocketIo Plain "allow=any&io-forget=2"
        "Doesn't know every second request's session, as two workers without sticky sessions.",
    SocketIoLimited "socketio-too-many-requests" SocketIo Plain "allow=any&limit=2/30s"
        "Answers 429 with Retry-After to more than two sessions in 30 seconds.",
    SocketIoJoinsLimited "socketio-rate-limit-refused" SocketIo Plain "allow=any&io-limit=0/30s"
        "Refuses each namespace with the words Rate limit exceeded.",
    SocketIoRevision3 "socketio-version-2" SocketIo Plain "allow=any&io-revision=3"
        "Speaks Engine.IO 3 to everyone, as Socket.IO version 2 does.",
    SocketIoRevision4 "socketio-version-4" SocketIo Plain "allow=any&io-revision=4"
        "Speaks Engine.IO 4 alone; the client is of Socket.IO version 2.",
    SocketIoNeverPings "socketio-never-pings" SocketIo Plain
        "allow=any&poll=0{\"sid\":\"lab\",\"upgrades\":[],\"pingInterval\":1000,\"pingTimeout\":500}&poll=40{\"sid\":\"lab\"}"
        "Announces a ping each second and sends none.",
    SocketIoMalformed "socketio-malformed" SocketIo Plain
        "allow=any&poll=0{\"sid\":\"lab\",\"upgrades\":[],\"pingInterval\":9000,\"pingTimeout\":9000}&poll=40{\"sid\":\"lab\"}&poll=42[\"half\""
        "Sends an event that is not JSON.",
    SocketIoDisconnects "socketio-disconnects" SocketIo Plain "allow=any&io-tick=1s&io-bye=3s"
        "The server disconnects the namespace after three seconds.",
    SocketIoRestarts "socketio-restarts" SocketIo Plain "allow=any&io-tick=1s&outage=8s/2s"
        "Goes down for two seconds every eight, and knows no session afterwards.",
    Refused "refused" Http Refused ""
        "Nothing listens on the port.",
    Unreachable "unreachable" Http Dropped ""
        "Connection requests are dropped, as by a firewall.",
    TlsHealthy "tls-healthy" Http Tls "allow=any"
        "Answers 200 over TLS and HTTP/2, with a certificate of the lab's own authority.",
    TlsSelfSigned "tls-self-signed" Http SelfSigned "allow=any"
        "Has a certificate that is signed by itself.",
    TlsExpired "tls-expired" Http Expired "allow=any"
        "Has a certificate that expired in February 2024.",
    TlsExpiredSocket "tls-expired-socket" WebSocket Expired ""
        "A WebSocket behind a certificate that expired in February 2024.",
    TlsNotYetValid "tls-not-yet-valid" Http NotYetValid "allow=any"
        "Has a certificate that is not valid before 2090.",
    TlsWrongName "tls-wrong-name" Http WrongName "allow=any"
        "Has a certificate for another name.",
    TlsSilent "tls-silent" Http Silent ""
        "Takes the connection and never answers the TLS hello.",
    TlsClientCert "tls-client-certificate" Http ClientCert "allow=any"
        "Wants a certificate of the client's.",
}

impl Fault {
    /// Stable: its path is `/faults/` and this, and `/socket.io/` after it where that is its kind.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// A sentence.
    pub fn describe(self) -> &'static str {
        self.row().sentence
    }

    pub fn kind(self) -> Kind {
        self.row().kind
    }

    pub fn port(self) -> Port {
        self.row().port
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|fault| fault.name() == name)
    }

    pub fn url(self, lab: &Lab) -> Url {
        let row = self.row();
        lab.url(row.port, row.port.scheme(row.kind), &self.path())
    }

    fn path(self) -> String {
        let end = if self.kind() == Kind::SocketIo { "/socket.io/" } else { "" };
        format!("/faults/{}{end}", self.name())
    }

    /// A profile that shows it, from a page of another origin.
    pub fn profile(self, lab: &Lab) -> Profile {
        let mut profile = Profile::new(self.name(), self.kind(), self.url(lab));
        profile.page = Url::parse(PAGE).ok();
        profile.notes = self.describe().to_owned();
        profile.timeout = Duration::from_secs(5);
        // With a trusted issuer each certificate is wrong in one way only; the self-signed one has none.
        if self.port().speaks_tls() && self.port() != Port::SelfSigned {
            profile.network.ca_file = lab.ca_file().map(ToOwned::to_owned);
        }
        if self.kind() == Kind::SocketIo {
            profile.url.set_path("/");
            profile.socketio.path = self.path();
        }
        match self {
            // What makes a browser ask first.
            Self::PreflightRefused => {
                profile.request.headers.push(("X-Requested-With".into(), Setting::Plain("XMLHttpRequest".into())));
            }
            Self::LoginNeeded => profile.request.credentials = Credentials::Include,
            Self::SocketIoAdmin => profile.socketio.namespaces.push("/admin".to_owned()),
            // A lost upgrade would be a second loss within the same session, or not, by who comes first.
            Self::SocketIoForgets => profile.socketio.transports = vec![Transport::Polling],
            Self::SocketIoRevision4 => profile.socketio.protocol = Some(3),
            Self::HeartbeatsStop => profile.websocket.idle = Some(Duration::from_secs(5)),
            _ => {}
        }
        profile
    }
}

/// The script behind `/faults/NAME`; `None`: another path.
pub(super) fn query_of(path: &str) -> Option<&'static str> {
    let name = path.strip_prefix("/faults/")?.split('/').next()?;
    Fault::from_name(name).map(|fault| fault.row().query)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::script::parse;
    use super::*;

    #[test]
    fn every_fault_has_its_own_name_and_a_script_that_can_be_read() {
        let names: HashSet<_> = Fault::ALL.iter().map(|fault| fault.name()).collect();
        assert_eq!(names.len(), Fault::ALL.len());
        for fault in Fault::ALL {
            parse(fault.row().query).unwrap_or_else(|error| panic!("{}: {error}", fault.name()));
            assert_eq!(Fault::from_name(fault.name()), Some(*fault));
            assert!(fault.describe().ends_with('.'), "{}", fault.name());
        }
    }
}
