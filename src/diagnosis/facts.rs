//! What a diagnosis looks at: one check's (or one session's) evidence, beside what the profile says.
//!
//! Borrowed, and as it was recorded: a diagnosis can be made again from the history.

use std::time::Duration;

use url::Url;

use super::beside::{Beside, Remark};
use super::{CauseId, rules};
use crate::base::Wall;
use crate::browser::cookie::Excluded;
use crate::browser::{Browser, Credentials, origin};
use crate::profile::model::{Auth, JsonSetting, Kind, Profile, Setting};
use crate::protocol::engine_io::Refusal;
use crate::watch::{CheckReport, CloseFacts, Code, Reason, SocketStep};
use crate::wire::{Ask, Exchange, Phases, Purpose, WireRequest, WireResponse};

/// Whether a `Server` field, lower case, names a program that is known as a proxy.
pub(super) fn names_a_proxy(server: &str) -> bool {
    const PROXIES: [&str; 11] = [
        "nginx",
        "openresty",
        "apache",
        "haproxy",
        "cloudflare",
        "envoy",
        "traefik",
        "awselb",
        "caddy",
        "varnish",
        "squid",
    ];
    PROXIES.iter().any(|proxy| server.contains(proxy))
}

/// The evidence.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    pub kind: Kind,
    pub browser: Browser,
    pub page: Url,
    pub url: &'a Url,
    /// Whose requests the page's script sends cookies with.
    pub credentials: Credentials,
    /// The profile gives some way to sign in.
    pub signs_in: bool,
    /// That way is a cookie, which belongs to one host name.
    pub signs_in_by_cookie: bool,
    /// That way is a bearer token.
    pub signs_in_by_bearer: bool,
    /// A Socket.IO client's `auth` goes along.
    pub has_auth_payload: bool,
    /// The largest message that the profile sends by itself, in bytes.
    pub largest_sent: u64,
    /// As the profile names it.
    pub stack: Option<&'a str>,
    /// `None`: it came out well.
    pub reason: Option<&'a Reason>,
    /// Everything that was sent, in order.
    pub exchanges: Vec<&'a Exchange>,
    /// What was asked besides, in order.
    pub further: Vec<&'a Exchange>,
    /// What came of a Socket.IO connection's parts, in order.
    pub steps: &'a [SocketStep],
    /// The deciding exchange's phases; the total is the whole check's.
    pub phases: Phases,
    /// Each connection, in order, where several were made; empty where it was one.
    pub attempts: &'a [CheckReport],
    /// How a socket that had opened ended.
    pub close: Option<&'a CloseFacts>,
    /// How long the socket was open; `None`: unknown, or it never was.
    pub open_for: Option<Duration>,
    /// When.
    pub at: Wall,
    /// What stands beside the verdict, by these exchanges.
    pub beside: Beside,
}

impl<'a> Facts<'a> {
    /// Of one check.
    pub fn of_check(profile: &'a Profile, report: &'a CheckReport) -> Self {
        Self {
            reason: report.reason.as_ref(),
            exchanges: report.exchanges.iter().map(AsRef::as_ref).collect(),
            further: report.further.iter().map(AsRef::as_ref).collect(),
            steps: &report.steps,
            phases: report.phases,
            close: report.close.as_ref(),
            at: report.scheduled.plus(report.lateness),
            ..Self::of_profile(profile)
        }
        .judged()
    }

    /// Of one of several checks of the same profile.
    pub fn of_checks(profile: &'a Profile, report: &'a CheckReport, all: &'a [CheckReport]) -> Self {
        Self { attempts: if 1 < all.len() { all } else { &[] }, ..Self::of_check(profile, report) }
    }

    /// Of a session: its last handshake, the reason of its state, and how it ended, as far as each is known.
    pub fn of_session(
        profile: &'a Profile,
        reason: Option<&'a Reason>,
        handshake: Option<&'a Exchange>,
        close: Option<&'a CloseFacts>,
        at: Wall,
    ) -> Self {
        Self { reason, exchanges: handshake.into_iter().collect(), close, at, ..Self::of_profile(profile) }.judged()
    }

    fn judged(mut self) -> Self {
        self.beside = Beside::of(&self);
        self
    }

    fn of_profile(profile: &'a Profile) -> Self {
        Self {
            kind: profile.kind,
            browser: profile.browser,
            page: profile.page_url(),
            url: &profile.url,
            credentials: profile.request.credentials,
            signs_in: profile.auth != Auth::None,
            signs_in_by_cookie: matches!(profile.auth, Auth::Cookie(_) | Auth::Login(_)),
            signs_in_by_bearer: matches!(profile.auth, Auth::Bearer(_)),
            has_auth_payload: !profile.socketio.auth.is_empty(),
            largest_sent: largest_sent(profile),
            stack: profile.stack.as_deref(),
            reason: None,
            exchanges: Vec::new(),
            further: Vec::new(),
            steps: &[],
            phases: Phases::default(),
            attempts: &[],
            close: None,
            open_for: None,
            at: Wall(0),
            beside: Beside::default(),
        }
    }

    /// What stands beside the verdict, line by line.
    pub fn remarks(&self) -> Vec<Remark> {
        self.beside.remarks(self)
    }

    /// The first cookie that stayed behind by that cause.
    pub fn lost_by(&self, cause: CauseId) -> Option<&Excluded> {
        self.beside.cookies.iter().find(|lost| rules::authentication::cookies::cause_of(lost.why) == cause)
    }

    /// What the server was asked first, signing in apart.
    pub fn opening(&self) -> Option<&'a WireRequest> {
        let own = |exchange: &&&Exchange| exchange.request.purpose != Purpose::SignIn;
        self.exchanges.iter().find(own).map(|exchange| &exchange.request)
    }

    /// What came of that question, each time that it was asked.
    pub fn asked_all(&self, ask: Ask) -> impl Iterator<Item = &'a Exchange> {
        self.further.iter().copied().filter(move |exchange| exchange.request.purpose == Purpose::Asked(ask))
    }

    /// What came of that question; `None`: it was not asked (yet).
    pub fn asked(&self, ask: Ask) -> Option<&'a Exchange> {
        self.asked_all(ask).next()
    }

    /// The status that answered that question; `None` where none did.
    pub fn asked_status(&self, ask: Ask) -> Option<u16> {
        self.asked(ask).and_then(Exchange::status)
    }

    /// Whether the page sends anything that says who it is.
    pub fn has_credentials(&self) -> bool {
        self.signs_in || self.has_auth_payload
    }

    /// The first messages that came over a WebSocket of the page's own, a line each.
    pub fn heard(&self) -> String {
        let opened = self.exchanges.iter().filter(|exchange| exchange.status() == Some(101));
        let bodies = opened.filter_map(|exchange| exchange.response()).map(|response| &response.body);
        bodies.map(|body| String::from_utf8_lossy(&body[..body.len().min(4096)]).into_owned()).collect()
    }

    /// The endpoint's scheme, host and port.
    pub fn host_url(&self) -> String {
        self.url[..url::Position::AfterPort].to_owned()
    }

    /// The reason's code.
    pub fn code(&self) -> Option<Code> {
        self.reason.map(|reason| reason.code)
    }

    /// The reason's own value: an `Access-Control-Allow-Origin`, a phase, a close reason.
    pub fn detail(&self) -> &str {
        self.reason.and_then(|reason| reason.detail.as_deref()).unwrap_or_default()
    }

    /// The page's origin, as its requests' `Origin` has it.
    pub fn origin(&self) -> String {
        origin::serialize(&self.page)
    }

    /// The endpoint's host, with its port where that is not the scheme's own.
    pub fn host(&self) -> String {
        self.url[url::Position::BeforeHost..url::Position::AfterPort].to_owned()
    }

    /// The endpoint's URL without its query, which may carry a token.
    pub fn place(&self) -> &'a str {
        &self.url[..url::Position::AfterPath]
    }

    /// The port that is dialled.
    pub fn port(&self) -> u16 {
        self.url.port_or_known_default().unwrap_or(0)
    }

    /// Whether the endpoint's scheme is one with TLS.
    pub fn is_tls(&self) -> bool {
        matches!(self.url.scheme(), "https" | "wss")
    }

    /// Whether it is a WebSocket that was opened (a Socket.IO client may use one, too).
    pub fn is_websocket(&self) -> bool {
        self.exchanges.last().map_or(self.kind == Kind::WebSocket, |last| last.request.purpose == Purpose::Handshake)
    }

    /// Whether page and endpoint differ in origin.
    pub fn is_cross_origin(&self) -> bool {
        let mut url = self.url.clone();
        let _ = match url.scheme() {
            "ws" => url.set_scheme("http"),
            "wss" => url.set_scheme("https"),
            _ => Ok(()),
        };
        !origin::same_origin(&self.page, &url)
    }

    /// The two names of this machine, where page and endpoint call it differently: `localhost` and `127.0.0.1`. A name
    /// under `localhost` is chosen on purpose, and stands for another host.
    pub fn loopback_names(&self) -> Option<(&str, &str)> {
        let (page, endpoint) = (self.page.host_str()?, self.url.host_str()?);
        let is_itself = |url: &Url| url.domain().is_none_or(|name| name.trim_end_matches('.') == "localhost");
        let is_one = |url: &Url| origin::is_loopback(url) && is_itself(url);
        (page != endpoint && is_one(&self.page) && is_one(self.url)).then_some((page, endpoint))
    }

    /// The exchange that decided.
    pub fn last(&self) -> Option<&'a Exchange> {
        self.exchanges.last().copied()
    }

    /// The answer that decided.
    pub fn response(&self) -> Option<&'a WireResponse> {
        self.last().and_then(Exchange::response)
    }

    /// The status that decided.
    pub fn status(&self) -> Option<u16> {
        self.reason.and_then(|reason| reason.status).or_else(|| self.response().map(|response| response.status))
    }

    /// A header field of the answer that decided, as text.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.response().and_then(|response| response.headers.first_str(name))
    }

    /// The first kilobytes of the answer's body, lower case; empty where there is none.
    pub fn body(&self) -> String {
        let Some(response) = self.response() else { return String::new() };
        let head = &response.body[..response.body.len().min(4096)];
        String::from_utf8_lossy(head).to_ascii_lowercase()
    }

    /// Whether the answer is a web page.
    pub fn is_html(&self) -> bool {
        self.header("content-type").is_some_and(|kind| kind.to_ascii_lowercase().contains("html"))
    }

    /// The `Server` field, lower case.
    pub fn server(&self) -> String {
        self.header("server").unwrap_or_default().to_ascii_lowercase()
    }

    /// Whether the answer comes from, or through, a program that is known as a proxy.
    pub fn through_proxy(&self) -> bool {
        let server = self.server();
        names_a_proxy(&server) || self.header("via").is_some()
    }

    /// What serves the endpoint: as the profile says, else as the answer tells.
    pub fn stack_or_guess(&self) -> Option<&'a str> {
        self.stack.or_else(|| {
            let server = self.server();
            // What refuses an upgrade often leaves its name out; what was asked besides has it.
            let mut besides = self.further.iter().filter_map(|one| one.response()?.headers.first_str("server"));
            let server =
                if server.is_empty() { besides.next().unwrap_or_default().to_ascii_lowercase() } else { server };
            [
                ("werkzeug", "flask-socketio"),
                ("gunicorn", "flask-socketio"),
                ("uvicorn", "fastapi"),
                ("daphne", "django-channels"),
                ("nginx", "nginx"),
                ("openresty", "nginx"),
                ("apache", "apache"),
                ("haproxy", "haproxy"),
            ]
            .into_iter()
            .find_map(|(sign, stack)| server.contains(sign).then_some(stack))
            .or_else(|| self.exchanges.iter().find_map(|exchange| by_its_words(exchange)))
        })
    }
}

/// The Socket.IO server that answers in these words: where each says the same of its own, they spell it differently.
fn by_its_words(exchange: &Exchange) -> Option<&'static str> {
    let response = exchange.response()?;
    if response.headers.first_str("x-powered-by").is_some_and(|by| by.eq_ignore_ascii_case("express")) {
        return Some("node-socketio");
    }
    let posted = exchange.request.method == "POST" && response.status == 200;
    match &response.body[..response.body.len().min(512)] {
        b"ok" if posted => Some("node-socketio"),
        b"OK" if posted => Some("flask-socketio"),
        [b'{', ..] if Refusal::decode(&response.body).is_some() => Some("node-socketio"),
        [b'"', ..] if Refusal::decode(&response.body).is_some() => Some("flask-socketio"),
        _ => None,
    }
}

/// The largest message that the profile sends by itself, in bytes.
fn largest_sent(profile: &Profile) -> u64 {
    let length = |setting: &Setting| match setting {
        Setting::Plain(text) => text.len(),
        Setting::Secret(_) => 0,
    };
    let texts = profile.websocket.send.iter().map(length);
    let events = profile.socketio.emit.iter().map(|emit| emit.data.iter().map(size_of_json).sum());
    let sent = if profile.kind == Kind::SocketIo { events.max() } else { texts.max() };
    sent.unwrap_or(0).try_into().unwrap_or(u64::MAX)
}

fn size_of_json(value: &JsonSetting) -> usize {
    match value {
        JsonSetting::Value(value) => value.to_string().len(),
        JsonSetting::Secret(_) => 0,
        JsonSetting::Object(fields) => fields.iter().map(|(name, value)| name.len() + size_of_json(value)).sum(),
        JsonSetting::Array(items) => items.iter().map(size_of_json).sum(),
    }
}
