//! A request as a source has it → a draft: what a browser writes by itself comes off, what the page chose stays, secrets move
//! out.

use std::time::Duration;

use url::Url;

use super::secrets::{Names, is_placeholder, is_secret_name};
use super::{Draft, Missing, Seen, problem};
use crate::base::Problem;
use crate::browser::Browser;
use crate::profile::model::{Auth, Credentials, Kind, Profile, Proxy, Resolve, Setting, Transport};

/// A request as it was found.
#[derive(Clone, Debug, Default)]
pub(super) struct Raw {
    pub url: String,
    pub method: Option<String>,
    pub headers: Vec<(String, String)>,
    pub body: Option<String>,
    pub page: Option<Url>,
    pub browser: Option<Browser>,
    pub credentials: Option<Credentials>,
    /// Cookies beside the headers.
    pub cookies: Vec<(String, String)>,
    pub protocols: Vec<String>,
    /// What a script sends once it is open.
    pub send: Vec<String>,
    pub kind: Option<Kind>,
    pub group: Vec<String>,
    pub name: Option<String>,
    pub resolve: Vec<Resolve>,
    pub proxy: Option<Url>,
    pub insecure: bool,
    pub timeout: Option<Duration>,
    pub missing: Vec<Missing>,
    /// The interface is a browser's, so that the page's rules hold; else a tool's, which has no page.
    pub from_page: bool,
    pub seen: Seen,
}

/// What a browser writes by itself, beside what no script may set.
const OWN: [&str; 14] = [
    "user-agent",
    "accept-language",
    "if-none-match",
    "if-modified-since",
    "priority",
    "x-client-data",
    "upgrade-insecure-requests",
    "alt-used",
    "dpr",
    "viewport-width",
    "pragma",
    "x-forwarded-for",
    "x-real-ip",
    "postman-token",
];

impl Raw {
    pub fn get(url: &str) -> Self {
        Self { url: url.to_owned(), ..Self::default() }
    }

    /// The first of that name.
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The draft.
    ///
    /// # Errors
    /// The address is none.
    pub fn into_draft(mut self) -> Result<Draft, Problem> {
        let mut url = address(&self.url)?;
        let upgrades = self.header("upgrade").is_some_and(|value| value.eq_ignore_ascii_case("websocket"));
        if upgrades {
            let _ = match url.scheme() {
                "http" => url.set_scheme("ws"),
                "https" => url.set_scheme("wss"),
                _ => Ok(()),
            };
        }
        let kind = self.kind.unwrap_or_else(|| kind_of(&url));
        if kind != Kind::SocketIo && self.kind.is_none() && is_vague(&url) && !self.from_page && self.method.is_none() {
            self.missing.push(Missing::Kind);
        }
        let host = url[url::Position::BeforeHost..url::Position::AfterPort].to_owned();
        let mut names = Names::of(&host);
        let name = self.name.take().unwrap_or_else(|| name_of(kind, self.method.as_deref(), &url));
        let mut profile = Profile::new(clean(&name), kind, url);
        profile.group = std::mem::take(&mut self.group);
        self.take_page(&mut profile);
        profile.browser = self.browser.unwrap_or_default();
        if kind == Kind::SocketIo {
            take_socketio(&mut profile);
        }
        self.take_user(&mut profile, &mut names);
        self.take_auth(&mut profile, &mut names);
        self.take_request(&mut profile, &mut names);
        profile.network.resolve = std::mem::take(&mut self.resolve);
        profile.network.insecure = self.insecure;
        if let Some(proxy) = self.proxy.take() {
            profile.network.proxy = Proxy::Url(proxy);
        }
        if let Some(timeout) = self.timeout.filter(|timeout| !timeout.is_zero()) {
            profile.timeout = timeout;
        }
        if profile.page.is_none() {
            self.missing.push(Missing::Page);
        }
        self.missing.sort();
        self.missing.dedup();
        self.seen.times = self.seen.times.max(1);
        Ok(Draft { profile, browser: self.browser, missing: self.missing, secrets: names.found, seen: self.seen })
    }

    /// The page: as given, else as `Referer` and `Origin` tell.
    fn take_page(&mut self, profile: &mut Profile) {
        let is_page = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
        let parse = |text: &str| Url::parse(text).ok().filter(is_page);
        let origin = self.header("origin").and_then(parse);
        let referer = self.header("referer").and_then(parse);
        let of_one = |a: &Url, b: &Option<Url>| b.as_ref().is_none_or(|b| b.origin() == a.origin());
        profile.page = self.page.take().or_else(|| referer.filter(|referer| of_one(referer, &origin)).or(origin));
        if let Some(page) = &mut profile.page {
            page.set_fragment(None);
            let _ = (page.set_username(""), page.set_password(None));
        }
        self.browser = self.browser.or_else(|| self.header("user-agent").and_then(browser_of));
    }

    /// A user and a password in the address.
    fn take_user(&mut self, profile: &mut Profile, names: &mut Names) {
        if profile.url.username().is_empty() && profile.url.password().is_none() {
            return;
        }
        let decoded = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
        let pair =
            format!("{}:{}", decoded(profile.url.username()), decoded(profile.url.password().unwrap_or_default()));
        let _ = (profile.url.set_username(""), profile.url.set_password(None));
        if self.header("authorization").is_none() {
            self.headers.push(("Authorization".into(), basic(&pair)));
        }
        let _ = names;
    }

    /// One way to sign in, as profiles have it: a token in the query, a cookie, a bearer token.
    fn take_auth(&mut self, profile: &mut Profile, names: &mut Names) {
        let mut cookies: Vec<String> = Vec::new();
        for (name, value) in &self.headers {
            if name.eq_ignore_ascii_case("cookie") {
                cookies.push(value.trim().to_owned());
            }
        }
        cookies.extend(self.cookies.iter().map(|(name, value)| format!("{name}={value}")));
        let cookie = cookies.join("; ");
        let query = self.secret_query(profile, names);
        let bearer = self.header("authorization").and_then(|value| value.strip_prefix("Bearer ")).map(str::to_owned);
        if !query.is_empty() {
            profile.auth = Auth::Query(query);
            if !cookie.is_empty() {
                self.missing.push(Missing::Value { of: "the cookie, beside the token in the query".into() });
            }
        } else if !cookie.is_empty() {
            profile.auth = Auth::Cookie(self.secret(names, "cookie", "the header Cookie", &cookie));
        } else if let Some(bearer) = bearer {
            profile.auth = Auth::Bearer(self.secret(names, "token", "the header Authorization", bearer.trim()));
            self.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("authorization"));
        }
        let sends = !cookie.is_empty() && profile.kind != Kind::WebSocket;
        profile.request.credentials =
            self.credentials.unwrap_or(if sends { Credentials::Include } else { Credentials::default() });
    }

    /// The query's parameters that sign somebody in, taken out of the address.
    fn secret_query(&mut self, profile: &mut Profile, names: &mut Names) -> Vec<(String, Setting)> {
        let pairs: Vec<(String, String)> = profile.url.query_pairs().into_owned().collect();
        let (secret, plain): (Vec<_>, Vec<_>) = pairs.into_iter().partition(|(name, _)| is_secret_name(name));
        if secret.is_empty() {
            return Vec::new();
        }
        profile.url.set_query(None);
        if !plain.is_empty() {
            profile.url.query_pairs_mut().extend_pairs(&plain);
        }
        secret
            .into_iter()
            .map(|(name, value)| {
                let setting = self.secret(names, &name, &format!("the parameter {name}"), &value);
                (name, setting)
            })
            .collect()
    }

    /// The value under a name; where it is none, the name is what has to be asked for.
    fn secret(&mut self, names: &mut Names, what: &str, of: &str, value: &str) -> Setting {
        let bare = value.strip_prefix("Bearer ").unwrap_or(value);
        let alone = bare.split_once('=').filter(|_| what == "cookie").map_or(bare, |(_, value)| value);
        if is_placeholder(alone) || alone.is_empty() {
            let name = names.bare(what);
            self.missing.push(Missing::Secret { name: name.clone(), of: of.to_owned() });
            return Setting::Secret(name);
        }
        names.keep(what, value)
    }

    /// Method, headers and body as the page's script chose them.
    fn take_request(&mut self, profile: &mut Profile, names: &mut Names) {
        let no_cache = self.header("cache-control") == Some("no-cache") && self.header("pragma") == Some("no-cache");
        let headers = std::mem::take(&mut self.headers);
        let is_socket = profile.kind == Kind::WebSocket;
        for (name, value) in headers {
            let lower = name.to_ascii_lowercase();
            if lower == "sec-websocket-protocol" {
                profile.websocket.protocols.extend(value.split(',').map(|one| one.trim().to_owned()));
                continue;
            }
            let own = OWN.contains(&lower.as_str()) || crate::browser::headers::is_forbidden_name(&lower);
            let by_itself = lower == "accept" && value.starts_with("*/*") || lower == "cache-control" && no_cache;
            if own || by_itself || lower.starts_with(':') || value.is_empty() || !is_header(&name, &value) {
                continue;
            }
            // A page's script can set none on a WebSocket.
            if is_socket && self.from_page {
                continue;
            }
            let setting = if is_secret_name(&lower) {
                self.secret(names, &lower, &format!("the header {name}"), &value)
            } else if is_placeholder(&value) {
                self.missing.push(Missing::Value { of: format!("the header {name}") });
                continue;
            } else {
                Setting::Plain(value.into())
            };
            profile.request.headers.push((name, setting));
        }
        profile.websocket.protocols.append(&mut self.protocols);
        profile.websocket.protocols.retain(|protocol| !protocol.is_empty());
        for text in std::mem::take(&mut self.send) {
            let setting = hidden(&text, &format!("message-{:x}", digest(&text)), names);
            profile.websocket.send.push(setting);
        }
        if profile.kind != Kind::Http {
            return;
        }
        let method = self.method.take().unwrap_or_else(|| if self.body.is_some() { "POST" } else { "GET" }.to_owned());
        if let Some(body) = self.body.take().filter(|body| !body.is_empty() && method != "GET" && method != "HEAD") {
            let what = format!("body-{:x}", digest(&body));
            profile.request.body = Some(hidden(&body, &what, names));
        }
        profile.request.method = method;
    }
}

/// A text as it is, or under a name where it holds what signs somebody in.
fn hidden(text: &str, what: &str, names: &mut Names) -> Setting {
    let lower = text.to_ascii_lowercase();
    let words = lower.split(|c: char| !(c.is_ascii_alphanumeric() || "_-".contains(c)));
    let signs_in = words.take(10_000).any(is_secret_name);
    if signs_in { names.keep(what, text) } else { Setting::Plain(text.into()) }
}

/// Tells the texts of one source apart by their names.
fn digest(text: &str) -> u16 {
    text.bytes().fold(0x811c, |hash: u16, byte| (hash ^ u16::from(byte)).wrapping_mul(0x0193))
}

/// `Basic …` of `user:password`.
pub(super) fn basic(pair: &str) -> String {
    use base64::Engine as _;
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
}

fn is_header(name: &str, value: &str) -> bool {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !name.is_empty()
        && name.bytes().all(token)
        && value.trim_matches([' ', '\t']) == value
        && value.chars().all(|c| (' '..='\u{ff}').contains(&c) && c != '\u{7f}')
}

/// Whose `User-Agent` it is.
pub(super) fn browser_of(agent: &str) -> Option<Browser> {
    // Each names those before it, for the servers' sake.
    if agent.contains("Firefox/") {
        Some(Browser::Firefox)
    } else if agent.contains("Chrome/") || agent.contains("Chromium/") || agent.contains("CriOS/") {
        Some(Browser::Chrome)
    } else if agent.contains("Safari/") && agent.contains("Version/") {
        Some(Browser::Safari)
    } else {
        None
    }
}

/// An address, its scheme put before it where a person left it out.
fn address(text: &str) -> Result<Url, Problem> {
    const HINT: &str = "write it whole, such as https://api.example.com/path";
    let text = text.trim();
    let whole = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let shown: String = text.chars().take(100).collect();
    if text.contains("{{") {
        return Err(problem(format!("{shown:?} holds a variable that the source does not define"), Some(HINT)));
    }
    let mut url =
        Url::parse(&whole).map_err(|error| problem(format!("{shown:?} is no address: {error}"), Some(HINT)))?;
    if !["http", "https", "ws", "wss"].contains(&url.scheme()) || !url.has_host() {
        return Err(problem(format!("{shown:?} is no address of a server"), Some(HINT)));
    }
    url.set_fragment(None);
    Ok(url)
}

fn is_engine_io(url: &Url) -> bool {
    url.path().starts_with("/socket.io") || url.query_pairs().any(|(name, _)| name == "EIO")
}

pub(super) fn kind_of(url: &Url) -> Kind {
    match url.scheme() {
        _ if is_engine_io(url) => Kind::SocketIo,
        "ws" | "wss" => Kind::WebSocket,
        _ => Kind::Http,
    }
}

/// Whether the address alone doesn't tell what answers there.
fn is_vague(url: &Url) -> bool {
    let path = url.path().to_ascii_lowercase();
    matches!(url.scheme(), "http" | "https")
        && ["/ws", "/socket", "/chat", "/live"].iter().any(|part| path.starts_with(part))
}

/// The address of one of Engine.IO's requests → the server's: path, revision and transport go where profiles have them.
pub(super) fn take_socketio(profile: &mut Profile) {
    let (mut transport, mut is_upgrade) = (None, false);
    let mut rest: Vec<(String, String)> = Vec::new();
    for (name, value) in profile.url.query_pairs().into_owned() {
        match name.as_str() {
            "EIO" => profile.socketio.protocol = value.parse().ok().filter(|revision| [3, 4].contains(revision)),
            "transport" => transport = Some(value),
            // What comes later in a session, and what keeps caches away.
            "sid" => is_upgrade = true,
            "t" | "b64" | "j" => {}
            _ => rest.push((name, value)),
        }
    }
    if profile.url.path() != "/" {
        profile.socketio.path = profile.url.path().to_owned();
    }
    profile.url.set_path("/");
    profile.url.set_query(None);
    if !rest.is_empty() {
        profile.url.query_pairs_mut().extend_pairs(&rest);
    }
    // A WebSocket without a session: the page asks for no polling.
    if transport.as_deref() == Some("websocket") && !is_upgrade && matches!(profile.url.scheme(), "ws" | "wss") {
        profile.socketio.transports = vec![Transport::WebSocket, Transport::Polling];
    }
    let _ = match profile.url.scheme() {
        "ws" => profile.url.set_scheme("http"),
        "wss" => profile.url.set_scheme("https"),
        _ => Ok(()),
    };
}

fn name_of(kind: Kind, method: Option<&str>, url: &Url) -> String {
    let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
    match (kind, method) {
        (Kind::SocketIo, _) => format!("{host} Socket.IO"),
        (Kind::Http, Some(method)) if method != "GET" => {
            format!("{method} {host}{}", url.path().trim_end_matches('/'))
        }
        _ => format!("{host}{}", url.path().trim_end_matches('/')),
    }
}

/// As a profile's name has to be.
fn clean(name: &str) -> String {
    let name: String = name.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect();
    let name = name.trim();
    if name.is_empty() { "imported".to_owned() } else { name.to_owned() }
}
