//! What to send for each question that is asked besides: pure, from what the page's own request was.
//!
//! Invariant: a question is the page's request with one thing changed, or an ordinary GET. A request that may change something
//! at the server is never sent a second time.

use std::time::Duration;

use url::Url;

use super::Facts;
use crate::browser::origin;
use crate::profile::model::Kind;
use crate::wire::{Ask, Exchange, Headers, Purpose, WireRequest};

/// An origin that nobody allows by name: the name can't be registered
/// ([RFC 2606, section 2](https://www.rfc-editor.org/rfc/rfc2606#section-2)).
pub const FOREIGN: &str = "https://origin-check.invalid";

/// A path that nobody serves by name.
const NOWHERE: &str = "wirewatch-no-such-path";

/// A handshake's key where the page's request had none: 16 bytes ([RFC 6455, section 4.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.1)).
const KEY: &str = "d2lyZXdhdGNoIGFza3MhIQ==";

/// The sessions that are opened to see whether they stay with one worker.
const HANDSHAKES: usize = 6;

/// The requests that are timed.
const ROUND_TRIPS: usize = 5;

/// One request to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// [`Purpose::Handshake`] or [`Purpose::Actual`].
    pub request: WireRequest,
    /// Past the profile's forward proxy.
    pub direct: bool,
    /// How long to stay with a WebSocket that opens.
    pub stay: Stay,
}

/// How a socket that was opened for a question is stayed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stay {
    pub most: Duration,
    /// A ping so often.
    pub ping: Option<Duration>,
}

impl Stay {
    /// For the first messages.
    const SHORT: Self = Self { most: Duration::from_millis(700), ping: None };
    /// Until something on the way has had enough of the silence.
    const LONG: Self = Self { most: Duration::from_secs(8), ping: None };
}

/// What to send next for `ask`, where `before` has been sent for it already; `None`: nothing (more).
pub fn next(ask: Ask, facts: &Facts<'_>, before: &[&Exchange]) -> Option<Question> {
    let first = before.is_empty();
    let own = facts.opening()?;
    let repeats = !matches!(
        ask,
        Ask::PlainGet | Ask::Root | Ask::Polling | Ask::DefaultPath | Ask::Upgrade | Ask::Preflight | Ask::Banner
    );
    if repeats && !matches!(own.method.as_str(), "GET" | "HEAD" | "OPTIONS") {
        return None;
    }
    let question = |request| Some(Question { request, direct: false, stay: Stay::SHORT });
    match ask {
        Ask::Handshakes => return question(handshakes(facts, before)?),
        Ask::RoundTrips => return if before.len() < ROUND_TRIPS { question(own.clone()) } else { None },
        Ask::IdleWait => return idle_wait(facts, own, before),
        _ if !first => return None,
        _ => {}
    }
    question(match ask {
        Ask::NoOrigin => repeated_from(own, None),
        Ask::OwnOrigin => repeated_from(own, Some(&own_origin(own)?)),
        Ask::ForeignOrigin => repeated_from(own, Some(FOREIGN)),
        Ask::TwinHost => repeated_from(own, Some(&twin_host(facts)?)),
        Ask::TwinScheme => repeated_from(own, Some(&twin_scheme(facts)?)),
        Ask::SpelledPort => repeated_from(own, Some(&spelled_port(facts)?)),
        Ask::PortlessOrigin => repeated_from(own, Some(&portless(facts)?)),
        Ask::PlainGet => plain(own, own.url.clone())?,
        Ask::OtherSlash => at(own, |url| url.set_path(&other_slash(url.path()))),
        Ask::NoSuchPath => at(own, |url| {
            let path = if facts.kind == Kind::WebSocket { beneath(url.path()) } else { nowhere(url.path()) };
            url.set_path(&path);
        }),
        Ask::Root => {
            let mut url = own.url.clone();
            url.set_path("/");
            url.set_query(None);
            plain(own, url)?
        }
        Ask::Polling => {
            let revision = own.url.query_pairs().find(|(name, _)| name == "EIO");
            polling(own, own.url.path(), revision.as_ref().map_or("4", |(_, revision)| revision))?
        }
        Ask::DefaultPath => (own.url.path() != "/socket.io/").then(|| polling(own, "/socket.io/", "4"))??,
        Ask::OtherRevision => {
            let revision = own.url.query_pairs().find(|(name, _)| name == "EIO")?.1;
            polling(own, own.url.path(), if revision == "3" { "4" } else { "3" })?
        }
        Ask::Upgrade => handshake(facts, own)?,
        Ask::Direct => {
            facts.last()?.proxy.as_ref()?;
            return Some(Question { request: own.clone(), direct: true, stay: Stay::SHORT });
        }
        Ask::NoToken => at(own, |url| url.set_query(None)),
        Ask::NoCookie => {
            own.headers.first("cookie")?;
            let mut request = own.clone();
            request.headers.remove("cookie");
            request
        }
        Ask::Preflight => preflight(facts, own)?,
        Ask::OtherTls => with_other_tls(own)?,
        Ask::Banner => {
            WireRequest { method: "PING".into(), headers: Headers::default(), ..plain(own, own.url.clone())? }
        }
        Ask::Handshakes | Ask::RoundTrips | Ask::IdleWait => return None,
    })
}

/// The same from another origin.
pub(super) fn repeated_from(own: &WireRequest, origin: Option<&str>) -> WireRequest {
    let mut request = own.clone();
    match origin {
        Some(origin) => request.headers.set("Origin", origin),
        None => request.headers.remove("Origin"),
    }
    request
}

/// The same elsewhere on the same host.
fn at(own: &WireRequest, change: impl FnOnce(&mut Url)) -> WireRequest {
    let mut request = own.clone();
    change(&mut request.url);
    request
}

/// The same by the other scheme, at the same port.
fn with_other_tls(own: &WireRequest) -> Option<WireRequest> {
    let mut request = own.clone();
    let port = own.url.port_or_known_default()?;
    let scheme = match own.url.scheme() {
        "http" => "https",
        "https" => "http",
        "ws" => "wss",
        "wss" => "ws",
        _ => return None,
    };
    request.url.set_scheme(scheme).ok()?;
    request.url.set_port(Some(port)).ok()?;
    request.headers.remove("Host");
    Some(request)
}

/// The preflight of the page's request, as for one that needs it.
fn preflight(facts: &Facts<'_>, own: &WireRequest) -> Option<WireRequest> {
    if own.method == "OPTIONS" {
        return None;
    }
    let mut request = plain(own, own.url.clone())?;
    "OPTIONS".clone_into(&mut request.method);
    request.headers.remove("Cookie");
    request.headers.remove("Authorization");
    for (name, value) in [("Access-Control-Request-Method", own.method.as_str()), ("Origin", &facts.origin())] {
        request.headers.set(name, value);
    }
    Some(request)
}

/// An ordinary GET of that URL, with the page's origin and cookies.
fn plain(own: &WireRequest, mut url: Url) -> Option<WireRequest> {
    let scheme = match url.scheme() {
        "ws" | "http" => "http",
        "wss" | "https" => "https",
        _ => return None,
    };
    url.set_scheme(scheme).ok()?;
    let mut headers = Headers::default();
    for (name, value) in own.headers.iter() {
        let of_the_upgrade = name.to_ascii_lowercase().starts_with("sec-websocket-")
            || ["connection", "upgrade", "content-type", "content-length"]
                .iter()
                .any(|one| name.eq_ignore_ascii_case(one))
            || name.to_ascii_lowercase().starts_with("access-control-request-");
        if !of_the_upgrade {
            headers.push(name, value);
        }
    }
    Some(WireRequest { purpose: Purpose::Actual, method: "GET".into(), url, headers, body: bytes::Bytes::new() })
}

/// Engine.IO's polling handshake, without a session.
fn polling(own: &WireRequest, path: &str, revision: &str) -> Option<WireRequest> {
    let mut request = plain(own, own.url.clone())?;
    request.url.set_path(path);
    let kept: Vec<(String, String)> = own
        .url
        .query_pairs()
        .filter(|(name, _)| !matches!(&**name, "EIO" | "transport" | "sid" | "t" | "b64" | "j"))
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    request
        .url
        .query_pairs_mut()
        .clear()
        .extend_pairs(kept)
        .append_pair("EIO", revision)
        .append_pair("transport", "polling");
    Some(request)
}

/// A handshake where the page's request was none.
pub(super) fn handshake(facts: &Facts<'_>, own: &WireRequest) -> Option<WireRequest> {
    let mut request = plain(own, own.url.clone())?;
    if request.url.scheme() == "https" {
        request.url.set_scheme("wss").ok()?
    } else {
        request.url.set_scheme("ws").ok()?
    };
    if facts.kind == Kind::SocketIo {
        let pairs: Vec<(String, String)> = request
            .url
            .query_pairs()
            .filter(|(name, _)| !matches!(&**name, "transport" | "sid" | "t" | "b64"))
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        request.url.query_pairs_mut().clear().extend_pairs(pairs).append_pair("transport", "websocket");
    }
    request.purpose = Purpose::Handshake;
    request.headers.remove("Accept");
    for (name, value) in [
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", KEY),
    ] {
        request.headers.set(name, value);
    }
    if !request.headers.contains("origin") {
        request.headers.set("Origin", facts.origin());
    }
    Some(request)
}

/// A session is opened, then polled; and again.
fn handshakes(facts: &Facts<'_>, before: &[&Exchange]) -> Option<WireRequest> {
    let own = facts.opening()?;
    if 2 * HANDSHAKES <= before.len() {
        return None;
    }
    let revision = own.url.query_pairs().find(|(name, _)| name == "EIO").map_or("4".into(), |(_, value)| value);
    let opening = polling(own, own.url.path(), &revision)?;
    match before.last() {
        Some(last) if before.len() % 2 == 1 => {
            let body = std::str::from_utf8(&last.response()?.body).ok()?;
            let json = &body[body.find('{')?..=body.rfind('}')?];
            let open: serde_json::Value = serde_json::from_str(json).ok()?;
            let mut poll = opening;
            poll.url.query_pairs_mut().append_pair("sid", open.get("sid")?.as_str()?);
            Some(poll)
        }
        _ => Some(opening),
    }
}

/// A silent socket; where that was cut, the same with pings, for longer than the silent one lasted.
fn idle_wait(facts: &Facts<'_>, own: &WireRequest, before: &[&Exchange]) -> Option<Question> {
    let stay = match before {
        [] => Stay::LONG,
        [alone] => {
            let quiet = cut_after(alone)?;
            Stay { most: quiet.mul_f32(1.6), ping: Some(quiet / 3) }
        }
        _ => return None,
    };
    Some(Question { request: handshake(facts, own)?, direct: false, stay })
}

/// How long a socket that was stayed with had been quiet when it ended without a close; `None`: it did not end so.
pub(super) fn cut_after(waited: &Exchange) -> Option<Duration> {
    let body = &waited.response()?.body;
    let last = body.split(|byte| *byte == b'\n').rfind(|line| !line.is_empty())?;
    let is_cut = last == b"[end]" || last.starts_with(b"[net::ERR_CONNECTION_");
    waited.phases.body.filter(|quiet| is_cut && *quiet >= Duration::from_millis(900))
}

/// The page's origin as a proxy makes it that drops the port.
fn portless(facts: &Facts<'_>) -> Option<String> {
    facts.page.port()?;
    Some(format!("{}://{}", facts.page.scheme(), facts.page.host_str()?))
}

/// The origin that the endpoint's own pages have.
fn own_origin(own: &WireRequest) -> Option<String> {
    let mut url = own.url.clone();
    let scheme = if matches!(url.scheme(), "wss" | "https") { "https" } else { "http" };
    url.set_scheme(scheme).ok()?;
    Some(origin::serialize(&url))
}

/// The page's origin with the other name of this machine.
fn twin_host(facts: &Facts<'_>) -> Option<String> {
    let mut url = facts.page.clone();
    let other = match url.host_str()? {
        "localhost" => "127.0.0.1",
        "127.0.0.1" | "[::1]" => "localhost",
        _ => return None,
    };
    url.set_host(Some(other)).ok()?;
    Some(origin::serialize(&url))
}

/// The page's origin with the other scheme, its port as it stands in the URL.
fn twin_scheme(facts: &Facts<'_>) -> Option<String> {
    let (page, host) = (&facts.page, facts.page.host_str()?);
    let scheme = match page.scheme() {
        "http" => "https",
        "https" => "http",
        _ => return None,
    };
    Some(match page.port() {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    })
}

/// The page's origin as lists are sometimes written; browsers never send it.
fn spelled_port(facts: &Facts<'_>) -> Option<String> {
    let page = &facts.page;
    match page.port() {
        None => Some(format!("{}://{}:{}", page.scheme(), page.host_str()?, page.port_or_known_default()?)),
        Some(_) => None,
    }
}

/// The path with its last slash added or taken off.
pub(super) fn other_slash(path: &str) -> String {
    match path.strip_suffix('/') {
        Some(without) if !without.is_empty() => without.to_owned(),
        _ => format!("{path}/"),
    }
}

/// A neighbour of that path.
fn nowhere(path: &str) -> String {
    let whole = path.strip_suffix('/').unwrap_or(path);
    let folder = whole.rfind('/').map_or("/", |at| &whole[..=at]);
    let slash = if path.ends_with('/') && path != "/" { "/" } else { "" };
    format!("{folder}{NOWHERE}{slash}")
}

/// A path below that one: a route that takes any name in its last part doesn't take it.
fn beneath(path: &str) -> String {
    let slash = if path.ends_with('/') { "/" } else { "" };
    format!("{}/{NOWHERE}{slash}", path.strip_suffix('/').unwrap_or(path))
}
