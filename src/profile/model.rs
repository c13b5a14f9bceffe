//! A profile as the rest of the program uses it: resolved, with its defaults filled in.
//!
//! Parts whose behaviour is not there yet are parsed and kept all the same, so that no file loses anything.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

pub use crate::browser::{Browser, Credentials};

/// Which kind of endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Http,
    WebSocket,
    SocketIo,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::Http, Self::WebSocket, Self::SocketIo];

    /// As the file writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::WebSocket => "websocket",
            Self::SocketIo => "socketio",
        }
    }
}

/// A value that the file gives, or names a secret for. The secret itself is never here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setting {
    /// Shared with whatever uses it: a text to send is not copied for each session.
    Plain(Arc<str>),
    /// `{ secret = "NAME" }`.
    Secret(String),
}

impl Setting {
    /// The secret's name, where it is one.
    pub fn secret_name(&self) -> Option<&str> {
        match self {
            Self::Plain(_) => None,
            Self::Secret(name) => Some(name),
        }
    }
}

/// One endpoint, as one page's script uses it.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    pub name: String,
    pub kind: Kind,
    pub url: Url,
    /// `None`: the url's own origin.
    pub page: Option<Url>,
    pub browser: Browser,
    /// Levels of the group path, outermost first; empty: no group.
    pub group: Vec<String>,
    pub tags: Vec<String>,
    pub stack: Option<String>,
    pub notes: String,
    pub enabled: bool,
    pub interval: Duration,
    pub timeout: Duration,
    pub observe: Duration,
    pub request: Request,
    pub websocket: WebSocket,
    pub socketio: SocketIo,
    pub auth: Auth,
    pub reconnect: Reconnect,
    pub objective: Objective,
    pub alert: Alert,
    pub audit: Audit,
    pub network: Network,
}

/// `[request]`
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub method: String,
    pub headers: Vec<(String, Setting)>,
    pub body: Option<Setting>,
    pub credentials: Credentials,
    pub csp: Csp,
    /// Empty: any status that the script may read, below 400.
    pub expect_status: Vec<u16>,
    /// A regular expression, checked when the profile is read.
    pub expect_body: Option<String>,
}

/// The page's Content-Security-Policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Csp {
    #[default]
    None,
    /// `"auto"`: read from the page itself.
    Auto,
    Text(String),
}

/// `[websocket]`
#[derive(Clone, Debug, PartialEq)]
pub struct WebSocket {
    pub protocols: Vec<String>,
    pub send: Vec<Setting>,
    /// A regular expression.
    pub expect: Option<String>,
    pub answers: Vec<AnswerRule>,
    /// `None` (written `"0s"`): no ping frames.
    pub ping: Option<Duration>,
    /// `None` (written `"0s"`): silence is never taken for death.
    pub idle: Option<Duration>,
}

/// One of `answers`: where a message matches `when`, `send` is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerRule {
    /// A regular expression.
    pub when: String,
    pub send: Setting,
}

/// `[socketio]`
#[derive(Clone, Debug, PartialEq)]
pub struct SocketIo {
    pub path: String,
    /// Engine.IO revision, 3 or 4; `None`: find out.
    pub protocol: Option<u8>,
    pub transports: Vec<Transport>,
    pub namespaces: Vec<String>,
    pub auth: Vec<(String, JsonSetting)>,
    pub emit: Vec<Emit>,
    pub expect: Vec<ExpectEvent>,
}

/// An Engine.IO transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    Polling,
    WebSocket,
}

impl Transport {
    pub const ALL: [Self; 2] = [Self::Polling, Self::WebSocket];

    /// As the file writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Polling => "polling",
            Self::WebSocket => "websocket",
        }
    }
}

/// A JSON value in which any string may be a secret's name.
#[derive(Clone, Debug, PartialEq)]
pub enum JsonSetting {
    Value(serde_json::Value),
    Secret(String),
    Object(Vec<(String, JsonSetting)>),
    Array(Vec<JsonSetting>),
}

/// One of `emit`.
#[derive(Clone, Debug, PartialEq)]
pub struct Emit {
    pub namespace: String,
    pub event: String,
    pub data: Vec<JsonSetting>,
}

/// One of Socket.IO's `expect`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectEvent {
    pub namespace: String,
    pub event: String,
}

/// `[auth]`: at most one way.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Auth {
    #[default]
    None,
    Login(Login),
    Bearer(Setting),
    /// Query parameters, in order.
    Query(Vec<(String, Setting)>),
    Cookie(Setting),
}

/// A form login.
#[derive(Clone, Debug, PartialEq)]
pub struct Login {
    pub url: Url,
    pub fields: Vec<(String, Setting)>,
    /// `"auto"`, a field's name, or none.
    pub csrf: Option<String>,
    pub check: Option<Url>,
}

/// `[reconnect]`, in socket.io-client's words.
#[derive(Clone, Debug, PartialEq)]
pub struct Reconnect {
    /// 0: for ever.
    pub attempts: u32,
    pub delay: Duration,
    pub delay_max: Duration,
    /// 0 to 1.
    pub jitter: f64,
    pub fallback: bool,
}

/// `[objective]`
#[derive(Clone, Debug, PartialEq)]
pub struct Objective {
    /// 0 to 1.
    pub success: f64,
    pub latency: Duration,
    pub window: Duration,
}

/// `[alert]`
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    pub after: u32,
    pub notify: Vec<Notify>,
    pub again: Duration,
}

/// One of `alert.notify`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notify {
    Desktop,
    Webhook(Url),
    Command(PathBuf),
}

/// `[audit]`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// How often; to write it is to agree to it. `None` (written `"0s"`): only when a person asks.
    pub every: Option<Duration>,
}

/// `[network]`
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Network {
    pub proxy: Proxy,
    pub resolve: Vec<Resolve>,
    pub ca_file: Option<PathBuf>,
    pub insecure: bool,
    pub client_cert: Option<PathBuf>,
    /// A file's path, or a secret that holds the PEM text.
    pub client_key: Option<Setting>,
}

/// Which proxy.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Proxy {
    /// What the environment says.
    #[default]
    Environment,
    /// `"none"`
    Direct,
    /// `http://` or `socks5://`.
    Url(Url),
}

impl std::fmt::Debug for Proxy {
    /// Without the user and password that the URL may carry.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Environment => f.write_str("Environment"),
            Self::Direct => f.write_str("Direct"),
            Self::Url(url) => {
                let (host, port) = (url.host_str().unwrap_or_default(), url.port().unwrap_or_default());
                write!(f, "Url({}://{host}:{port})", url.scheme())
            }
        }
    }
}

/// curl's `--resolve`: `HOST:PORT:ADDRESS`; `*` stands for any host or port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolve {
    /// `None`: any.
    pub host: Option<String>,
    /// `None`: any.
    pub port: Option<u16>,
    pub addresses: Vec<std::net::IpAddr>,
}

impl Profile {
    /// A profile of that kind with every default of the format.
    pub fn new(name: impl Into<String>, kind: Kind, url: Url) -> Self {
        Self {
            name: name.into(),
            kind,
            url,
            page: None,
            browser: Browser::default(),
            group: Vec::new(),
            tags: Vec::new(),
            stack: None,
            notes: String::new(),
            enabled: true,
            interval: Duration::from_secs(30),
            timeout: Duration::from_secs(10),
            observe: Duration::ZERO,
            request: Request::default(),
            websocket: WebSocket::default(),
            socketio: SocketIo::default(),
            auth: Auth::default(),
            reconnect: Reconnect::default(),
            objective: Objective::default(),
            alert: Alert::default(),
            audit: Audit::default(),
            network: Network::default(),
        }
    }

    /// The page whose script connects: the profile's own, or the root of the url's origin (with `ws` read as `http`).
    pub fn page_url(&self) -> Url {
        if let Some(page) = &self.page {
            return page.clone();
        }
        let scheme = match self.url.scheme() {
            "ws" => "http",
            "wss" => "https",
            other => other,
        };
        let authority = &self.url[url::Position::BeforeHost..url::Position::AfterPort];
        Url::parse(&format!("{scheme}://{authority}/")).unwrap_or_else(|_| self.url.clone())
    }

    /// The names of all secrets that the profile uses, in no particular order.
    pub fn secret_names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        let mut take = |setting: &Setting| names.extend(setting.secret_name().map(str::to_owned));
        self.request.headers.iter().for_each(|(_, value)| take(value));
        self.request.body.iter().for_each(&mut take);
        self.websocket.send.iter().for_each(&mut take);
        self.websocket.answers.iter().for_each(|rule| take(&rule.send));
        self.network.client_key.iter().for_each(&mut take);
        match &self.auth {
            Auth::None => {}
            Auth::Login(login) => login.fields.iter().for_each(|(_, value)| take(value)),
            Auth::Bearer(value) | Auth::Cookie(value) => take(value),
            Auth::Query(pairs) => pairs.iter().for_each(|(_, value)| take(value)),
        }
        self.socketio.auth.iter().for_each(|(_, value)| value.secret_names(&mut names));
        self.socketio.emit.iter().flat_map(|emit| &emit.data).for_each(|value| value.secret_names(&mut names));
        names.sort();
        names.dedup();
        names
    }
}

impl JsonSetting {
    fn secret_names(&self, names: &mut Vec<String>) {
        match self {
            Self::Value(_) => {}
            Self::Secret(name) => names.push(name.clone()),
            Self::Object(fields) => fields.iter().for_each(|(_, value)| value.secret_names(names)),
            Self::Array(items) => items.iter().for_each(|value| value.secret_names(names)),
        }
    }
}

impl Default for Request {
    fn default() -> Self {
        Self {
            method: "GET".into(),
            headers: Vec::new(),
            body: None,
            credentials: Credentials::default(),
            csp: Csp::default(),
            expect_status: Vec::new(),
            expect_body: None,
        }
    }
}

impl Default for WebSocket {
    fn default() -> Self {
        Self {
            protocols: Vec::new(),
            send: Vec::new(),
            expect: None,
            answers: Vec::new(),
            ping: Some(Duration::from_secs(15)),
            idle: Some(Duration::from_secs(60)),
        }
    }
}

impl Default for SocketIo {
    fn default() -> Self {
        Self {
            path: "/socket.io/".into(),
            protocol: None,
            transports: vec![Transport::Polling, Transport::WebSocket],
            namespaces: vec!["/".into()],
            auth: Vec::new(),
            emit: Vec::new(),
            expect: Vec::new(),
        }
    }
}

impl Default for Reconnect {
    fn default() -> Self {
        Self {
            attempts: 0,
            delay: Duration::from_secs(1),
            delay_max: Duration::from_secs(5),
            jitter: 0.5,
            fallback: true,
        }
    }
}

impl Default for Objective {
    fn default() -> Self {
        Self { success: 0.95, latency: Duration::from_millis(500), window: Duration::from_secs(3600) }
    }
}

impl Default for Alert {
    fn default() -> Self {
        Self { after: 3, notify: Vec::new(), again: Duration::from_secs(3600) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_defaults_to_the_urls_own_origin() {
        let profile = Profile::new("a", Kind::WebSocket, Url::parse("wss://u:p@api.test:8443/ws?x=1").unwrap());
        assert_eq!(profile.page_url().as_str(), "https://api.test:8443/");
    }

    #[test]
    fn a_proxys_debug_text_has_no_password() {
        let proxy = Proxy::Url(Url::parse("http://ops:hunter22@proxy.test:3128").unwrap());
        assert_eq!(format!("{proxy:?}"), "Url(http://proxy.test:3128)");
    }

    #[test]
    fn every_secret_is_named_once() {
        let mut profile = Profile::new("a", Kind::SocketIo, Url::parse("https://api.test/").unwrap());
        profile.auth = Auth::Query(vec![("token".into(), Setting::Secret("jwt".into()))]);
        profile.socketio.auth = vec![("token".into(), JsonSetting::Secret("jwt".into()))];
        profile.network.client_key = Some(Setting::Secret("mtls".into()));
        assert_eq!(profile.secret_names(), ["jwt", "mtls"]);
    }
}
