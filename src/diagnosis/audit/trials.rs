//! The origins that are tried, on each way in, and what an answer grants.

use bytes::Bytes;
use url::Url;

use crate::browser::origin;
use crate::diagnosis::Facts;
use crate::diagnosis::ask::{FOREIGN, handshake, repeated_from};
use crate::profile::model::Kind;
use crate::watch::{LetIn, Tried};
use crate::wire::{Exchange, Purpose, WireRequest};

/// The most dots of the page's host that another letter is put in the place of.
const MOST_DOTS: usize = 3;

macro_rules! words {
    ($(#[$outer:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident $text:literal,)* }) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$doc])* $variant,)* }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Stable.
            pub fn code(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

words! {
    /// A way in.
    Surface {
        Get "get",
        Preflight "preflight",
        WebSocket "websocket",
        /// Socket.IO's handshake over polling.
        Polling "polling",
        /// Socket.IO's handshake over WebSocket.
        SocketIoWebSocket "socketio-websocket",
    }
}

words! {
    /// Whose request it is.
    Trial {
        /// The page's.
        Own "own",
        /// Nobody's: what is no browser sends no `Origin`.
        Absent "absent",
        /// A site that has nothing to do with it.
        Arbitrary "arbitrary",
        /// A sandboxed frame, a `data:` page, a file.
        Null "null",
        /// The page's origin is how it begins.
        Prefix "prefix",
        /// The page's domain is how it ends, with no dot before it.
        Suffix "suffix",
        /// Another letter stands where the page's host has a dot.
        Dot "unescaped-dot",
        /// Some subdomain of the page's domain.
        Subdomain "subdomain",
        /// The page over http.
        Downgraded "scheme-downgraded",
        /// The page's host on another port.
        Port "port",
    }
}

/// One request to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    pub surface: Surface,
    pub trial: Trial,
    /// `None`: no such header.
    pub origin: Option<String>,
    pub request: WireRequest,
}

/// What an answer grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grant {
    /// No answer, or none that says anything about origins: an error.
    Unknown,
    Refused,
    /// The page may read what is there for everybody.
    Reads,
    /// The page may read what the person may.
    ReadsWithCredentials,
    /// A connection of the page's own.
    Opens,
}

impl Grant {
    /// Stable.
    pub fn code(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Refused => "refused",
            Self::Reads => "reads",
            Self::ReadsWithCredentials => "reads-with-credentials",
            Self::Opens => "opens",
        }
    }

    /// As people read it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Unknown => "unclear",
            Self::Refused => "refused",
            Self::Reads => "may read what is there for everybody",
            Self::ReadsWithCredentials => "may read what the person may",
            Self::Opens => "opens",
        }
    }

    /// Whether the origin was let in.
    pub fn is_given(self) -> bool {
        matches!(self, Self::Reads | Self::ReadsWithCredentials | Self::Opens)
    }
}

/// What came of one.
#[derive(Clone, Debug)]
pub struct Seen {
    pub surface: Surface,
    pub trial: Trial,
    pub origin: Option<String>,
    pub grant: Grant,
    pub exchange: Exchange,
}

impl Seen {
    /// Whether the person's cookie or token goes along, or what they may read comes back.
    pub fn is_as_the_person(&self) -> bool {
        match self.grant {
            Grant::ReadsWithCredentials => true,
            Grant::Opens => self.exchange.request.headers.contains("cookie"),
            Grant::Reads | Grant::Refused | Grant::Unknown => false,
        }
    }

    /// As the history keeps it.
    pub fn tried(&self) -> Tried {
        let one = LetIn {
            way: self.surface.code().into(),
            origin: self.origin.as_deref().map(Into::into),
            as_the_person: self.is_as_the_person(),
        };
        Tried { one, let_in: (self.grant != Grant::Unknown).then(|| self.grant.is_given()) }
    }
}

impl Probe {
    /// What the answer to it grants; `before` are those seen before it, the page's own among them.
    pub fn seen(self, exchange: Exchange, before: &[Seen]) -> Seen {
        let Self { surface, trial, origin, .. } = self;
        let mut grant = grant(surface, origin.as_deref(), &exchange);
        let own = before.iter().find(|one| one.surface == surface && one.trial == Trial::Own);
        // Some servers accept whoever comes and send those away whom they don't know.
        if grant == Grant::Opens && is_sent_away(&exchange) && own.is_some_and(|own| !is_sent_away(&own.exchange)) {
            grant = Grant::Refused;
        }
        Seen { surface, trial, origin, grant, exchange }
    }
}

/// Whether a socket that had opened was ended by the server while it was listened to.
fn is_sent_away(exchange: &Exchange) -> bool {
    let heard = exchange.response().map(|response| &*response.body).unwrap_or_default();
    heard.split(|byte| *byte == b'\n').any(|line| line.starts_with(b"[close ") || line == b"[end]")
}

/// Fetch, section 4.10 (CORS check), for a page that is `origin`; of a handshake whether it was accepted.
fn grant(surface: Surface, origin: Option<&str>, exchange: &Exchange) -> Grant {
    let Some(response) = exchange.response() else { return Grant::Unknown };
    if matches!(surface, Surface::WebSocket | Surface::SocketIoWebSocket) {
        return match response.status {
            101 => Grant::Opens,
            500.. | 429 => Grant::Unknown,
            _ => Grant::Refused,
        };
    }
    let Some(origin) = origin else { return Grant::Unknown };
    let allowed = response.headers.joined("access-control-allow-origin");
    let with = response.headers.joined("access-control-allow-credentials").is_some_and(|value| value.trim() == "true");
    match allowed.as_deref().map(str::trim) {
        Some("*") => Grant::Reads,
        Some(value) if value == origin => {
            if with {
                Grant::ReadsWithCredentials
            } else {
                Grant::Reads
            }
        }
        Some(_) => Grant::Refused,
        None if 500 <= response.status || response.status == 429 => Grant::Unknown,
        None => Grant::Refused,
    }
}

/// All that is to be sent, the page's own first on each way in; nothing where the page's own request can't be repeated.
pub fn probes(facts: &Facts<'_>) -> Vec<Probe> {
    let Some(own) = facts.opening() else { return Vec::new() };
    let mut ways: Vec<(Surface, WireRequest)> = Vec::new();
    match facts.kind {
        Kind::Http => {
            if matches!(own.method.as_str(), "GET" | "HEAD") {
                ways.push((Surface::Get, own.clone()));
            }
            ways.push((Surface::Preflight, preflight(own)));
        }
        Kind::WebSocket => ways.push((Surface::WebSocket, own.clone())),
        Kind::SocketIo => {
            if own.purpose == Purpose::Handshake {
                ways.push((Surface::SocketIoWebSocket, own.clone()));
            } else {
                ways.push((Surface::Polling, own.clone()));
                ways.extend(handshake(facts, own).map(|request| (Surface::SocketIoWebSocket, request)));
            }
        }
    }
    let origins = origins(&facts.page);
    let mut probes = Vec::new();
    for (surface, request) in ways {
        for (number, (trial, origin)) in origins.iter().enumerate() {
            let mut request = repeated_from(&request, origin.as_deref());
            if surface == Surface::Get {
                past_caches(&mut request.url, number);
            }
            probes.push(Probe { surface, trial: *trial, origin: origin.clone(), request });
        }
    }
    probes
}

/// A cache that doesn't look at `Origin` would hand the answer to a trial to the page's people. A URL that has a query may be
/// signed, and is sent as it is.
fn past_caches(url: &mut Url, number: usize) {
    if url.query().is_none() {
        url.set_query(Some(&format!("origin-check={number}")));
    }
}

/// The preflight that a page's `PUT` with a token would have.
fn preflight(own: &WireRequest) -> WireRequest {
    let mut headers = own.headers.clone();
    for name in ["cookie", "authorization", "content-type", "content-length"] {
        headers.remove(name);
    }
    headers.set("Access-Control-Request-Method", if own.method == "GET" { "PUT" } else { own.method.as_str() });
    headers.set("Access-Control-Request-Headers", "authorization");
    let (method, url) = ("OPTIONS".to_owned(), own.url.clone());
    WireRequest { purpose: Purpose::Preflight, method, url, headers, body: Bytes::new() }
}

/// Every origin that is tried; those that the page's own can't be turned into are left out.
pub(super) fn origins(page: &Url) -> Vec<(Trial, Option<String>)> {
    let own = origin::serialize(page);
    let scheme = page.scheme();
    let port = page.port().map(|port| format!(":{port}")).unwrap_or_default();
    let with_host = |host: &str| format!("{scheme}://{host}{port}");
    let mut all = vec![(Trial::Own, Some(own.clone())), (Trial::Absent, None)];
    let mut push = |trial, origin: String| {
        if origin != own {
            all.push((trial, Some(origin)));
        }
    };
    push(Trial::Arbitrary, FOREIGN.to_owned());
    push(Trial::Null, "null".to_owned());
    let Some(host) = page.host_str() else { return all };
    push(Trial::Prefix, format!("{scheme}://{host}.origin-check.invalid{port}"));
    if let Some(name) = page.domain() {
        let domain = origin::registrable_domain(page).unwrap_or(name);
        push(Trial::Suffix, with_host(&format!("not{domain}")));
        // The last dot's other side is no name that anybody can have.
        let dots = name.match_indices('.').map(|(at, _)| at).filter(|at| name[at + 1..].contains('.'));
        for at in dots.take(MOST_DOTS) {
            push(Trial::Dot, with_host(&format!("{}x{}", &name[..at], &name[at + 1..])));
        }
        push(Trial::Subdomain, with_host(&format!("origin-check.{domain}")));
        if domain != name {
            push(Trial::Subdomain, with_host(&format!("origin-check.{name}")));
        }
    }
    if scheme == "https" {
        push(Trial::Downgraded, format!("http://{host}{port}"));
    }
    let other = if page.port_or_known_default() == Some(8081) { 8082 } else { 8081 };
    push(Trial::Port, format!("{scheme}://{host}:{other}"));
    all
}
