//! A profile made ready to be watched: secrets looked up, files read, expressions compiled. Shared by all its tasks.
//!
//! Invariant: whatever is published about a profile goes through [`Target::publish`], and with that through its redactor.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use regex::Regex;
use url::Url;

use super::Bus;
use super::login::Login;
use super::page::OwnPolicies;
use crate::base::secret::Redactor;
use crate::base::{Clock, ProfileId, Secret};
use crate::browser::cookie::Jar;
use crate::browser::{Cookies, Credentials, Memory, Page, ScriptRequest, Xhr, websocket};
use crate::net::{Client, Settings};
use crate::profile::model::{Auth, Csp, Kind, Profile, Proxy, Setting, Transport};
use crate::watch::{Code, EventBody, Expect, Reason, SessionRules};
use crate::watch::{signin, socketio};
use crate::wire::NetError;

/// Looks up all the secrets of these names: name and value of each, or the names that are nowhere. May block.
pub type SecretSource = Arc<dyn Fn(&[String]) -> Result<HashMap<String, Secret>, Vec<String>> + Send + Sync>;

/// A profile and what its tasks need.
#[derive(Debug)]
pub struct Target {
    pub id: ProfileId,
    pub profile: Arc<Profile>,
    secrets: Box<[(String, Secret)]>,
    redactor: Arc<Redactor>,
    /// Of a profile that signs in by a form.
    pub(super) login: Option<Box<Login>>,
    /// Why it can't be watched at all, where it can't: a secret or a file is missing.
    client: Result<Client, Reason>,
    /// What the page's own answer says, where the profile goes by that.
    own_policies: Option<Box<OwnPolicies>>,
    /// What the browser's jar holds at first, where there is no login.
    jar: Jar,
    rules: Arc<SessionRules>,
    /// Of a Socket.IO profile.
    plan: Option<Arc<socketio::Plan>>,
    expect_body: Option<Box<regex::bytes::Regex>>,
    /// What its checks fail by, as far as they were asked about it.
    fails_by: Mutex<Option<Code>>,
}

/// Compiled expressions by their text, so that a thousand profiles with the same heartbeat share one.
#[derive(Debug, Default)]
pub struct Patterns(Mutex<HashMap<String, Arc<Regex>>>);

/// At most so many are kept.
const PATTERNS: usize = 256;

impl Patterns {
    fn compile(&self, text: &str) -> Result<Arc<Regex>, regex::Error> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(regex) = known.get(text) {
            return Ok(Arc::clone(regex));
        }
        let regex = Arc::new(Regex::new(text)?);
        if PATTERNS <= known.len() {
            known.clear();
        }
        known.insert(text.to_owned(), Arc::clone(&regex));
        Ok(regex)
    }
}

impl Target {
    /// Makes a profile ready. Blocks: reads files, asks the keyring.
    pub fn prepare(id: ProfileId, profile: Arc<Profile>, secrets: &SecretSource, patterns: &Patterns) -> Self {
        let names = profile.secret_names();
        let found = if names.is_empty() { Ok(HashMap::new()) } else { secrets(&names) };
        let (secrets, missing): (Box<[_]>, _) = match found {
            Ok(found) => (found.into_iter().collect(), Vec::new()),
            Err(missing) => (Box::default(), missing),
        };
        let client = match missing.first() {
            Some(name) => Err(Reason::new(Code::SecretMissing).with_detail(name)),
            None => Settings::from_network(&profile.network, |name| secret(&secrets, name))
                .and_then(|settings| Client::new(&settings))
                .map_err(|error| Reason::from(&error)),
        };
        let value = |setting: &Setting| fill(&secrets, setting);
        let (rules, client) = match SessionRules::new(&profile, value, |text| patterns.compile(text)) {
            Ok(rules) => (rules, client),
            // The profile's checking has let an expression through that doesn't compile: said, and nothing is watched.
            Err(error) => {
                (SessionRules::plain(&profile), Err(Reason::new(Code::SyntaxError).with_detail(&error.to_string())))
            }
        };
        let plan =
            (profile.kind == Kind::SocketIo).then(|| Arc::new(socketio::Plan::new(&profile, secrets.iter().cloned())));
        let expect_body =
            profile.request.expect_body.as_deref().and_then(|text| regex::bytes::Regex::new(text).ok()).map(Box::new);
        // A cookie or a password written into the file in plain text is as private as one in the keyring.
        let hidden: Vec<Secret> =
            secrets.iter().map(|(_, value)| value.clone()).chain(plain_secrets(&profile)).collect();
        let redactor = Arc::new(Redactor::new(hidden.iter().cloned()));
        let login = match &profile.auth {
            Auth::Login(login) => {
                let plan = signin::Plan {
                    browser: profile.browser,
                    url: login.url.clone(),
                    fields: login.fields.iter().map(|(name, value)| (name.clone(), fill(&secrets, value))).collect(),
                    csrf: login.csrf.clone(),
                    check: login.check.clone(),
                };
                Some(Box::new(Login::new(plan, profile.interval, profile.timeout, hidden)))
            }
            Auth::None | Auth::Bearer(_) | Auth::Query(_) | Auth::Cookie(_) => None,
        };
        let own_policies = (profile.request.csp == Csp::Auto).then(Box::default);
        let rules = Arc::new(rules);
        Self {
            id,
            profile,
            secrets,
            redactor,
            login,
            client,
            own_policies,
            jar: Jar::default(),
            rules,
            plan,
            expect_body,
            fails_by: Mutex::default(),
        }
    }

    /// The same for the script of another page. It doesn't sign in: it goes by what this one is signed in with. That other
    /// page's own Content-Security-Policy is not read.
    pub(super) fn seen_from(&self, page: Url) -> Self {
        let mut profile = Profile::clone(&self.profile);
        profile.page = Some(page);
        if matches!(profile.auth, Auth::Login(_)) {
            profile.auth = Auth::None;
        }
        if profile.request.csp == Csp::Auto {
            profile.request.csp = Csp::None;
        }
        let known: HashMap<String, Secret> = self.secrets.iter().cloned().collect();
        let secrets: SecretSource = Arc::new(move |_: &[String]| Ok(known.clone()));
        Self {
            jar: self.memory().jar,
            redactor: self.redactor(),
            ..Self::prepare(self.id, Arc::new(profile), &secrets, &Patterns::default())
        }
    }

    /// What connects, or why nothing can.
    pub fn client(&self) -> Result<&Client, &Reason> {
        self.client.as_ref()
    }

    /// What connects past the profile's forward proxy.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub(super) fn direct(&self) -> Result<Client, NetError> {
        let mut settings = Settings::from_network(&self.profile.network, |name| secret(&self.secrets, name))?;
        settings.proxy = Proxy::Direct;
        Client::new(&settings)
    }

    pub fn rules(&self) -> &Arc<SessionRules> {
        &self.rules
    }

    /// Whether that is another code than the last check's; `None`: the check came out well.
    pub(super) fn fails_anew_by(&self, code: Option<Code>) -> bool {
        let before = std::mem::replace(&mut *self.fails_by.lock().unwrap_or_else(PoisonError::into_inner), code);
        code.is_some() && before != code
    }

    /// A person asks for a check: whatever it fails by counts as new.
    pub(super) fn look_anew(&self) {
        self.fails_anew_by(None);
    }

    /// What a Socket.IO session does; `None` for other kinds.
    pub fn plan(&self) -> Option<&Arc<socketio::Plan>> {
        self.plan.as_ref()
    }

    pub fn expect(&self) -> Expect<'_> {
        Expect {
            status: &self.profile.request.expect_status,
            body: self.expect_body.as_deref(),
            latency: self.profile.objective.latency,
        }
    }

    /// Takes the profile's secrets out of a text, those that its login brought included.
    pub fn redactor(&self) -> Arc<Redactor> {
        self.login.as_ref().map_or_else(|| Arc::clone(&self.redactor), |login| login.redactor())
    }

    /// The page whose script asks, with its Content-Security-Policy: the profile's, or what the page itself says.
    pub async fn page(&self, clock: Clock, deadline: Instant) -> Page {
        let page = Page::new(self.profile.page_url(), self.profile.browser);
        match (&self.profile.request.csp, &self.own_policies, &self.client) {
            (Csp::Text(csp), _, _) => page.with_csp(Some(csp), None),
            (_, Some(own), Ok(client)) => {
                // Boxed: few profiles read it, and seldom.
                let own = Box::pin(own.read(&page, self.memory().jar, client, clock, deadline)).await;
                page.with_csp(own.enforced.as_deref(), own.report_only.as_deref())
            }
            _ => page,
        }
    }

    /// What the page's script asks for, with secrets filled in.
    pub fn script_request(&self) -> ScriptRequest {
        let request = &self.profile.request;
        let mut script = ScriptRequest::get(self.url());
        script.method.clone_from(&request.method);
        script.headers = self.headers();
        if let Auth::Bearer(token) = &self.profile.auth {
            script.headers.push(("Authorization".into(), format!("Bearer {}", self.value(token).expose())));
        }
        script.body = request.body.as_ref().map(|body| self.value(body).expose().to_owned());
        script.credentials = request.credentials;
        script
    }

    /// `new WebSocket(...)` as the page's script says it, with secrets filled in.
    pub fn socket(&self) -> websocket::Socket {
        websocket::Socket {
            url: self.url(),
            protocols: self.profile.websocket.protocols.clone(),
            extra: self.headers(),
        }
    }

    /// A request of engine.io-client's polling, with this in its query.
    pub fn polling(&self, query: &[(&'static str, String)]) -> Xhr {
        let ScriptRequest { headers, credentials, .. } = self.script_request();
        let url = self.engine_io_url(Transport::Polling, query);
        Xhr { headers, with_credentials: credentials == Credentials::Include, ..Xhr::get(url) }
    }

    /// engine.io-client's WebSocket, with this in its query.
    pub fn engine_io_socket(&self, query: &[(&'static str, String)]) -> websocket::Socket {
        let url = self.engine_io_url(Transport::WebSocket, query);
        websocket::Socket { url, protocols: Vec::new(), extra: self.headers() }
    }

    /// The endpoint of an Engine.IO request: the page's own query comes first.
    fn engine_io_url(&self, transport: Transport, query: &[(&'static str, String)]) -> Url {
        let mut url = self.profile.url.clone();
        let scheme = match (url.scheme(), transport) {
            ("ws", Transport::Polling) => "http",
            ("wss", Transport::Polling) => "https",
            ("http", Transport::WebSocket) => "ws",
            ("https", Transport::WebSocket) => "wss",
            (other, _) => other,
        }
        .to_owned();
        // From one special scheme to another: can't fail.
        let _ = url.set_scheme(&scheme);
        // With its last slash, as socket.io-client asks for it.
        url.set_path(&format!("{}/", self.profile.socketio.path.trim_end_matches('/')));
        if let Auth::Query(pairs) = &self.profile.auth {
            let mut out = url.query_pairs_mut();
            for (name, value) in pairs {
                out.append_pair(name, self.value(value).expose());
            }
        }
        url.query_pairs_mut().extend_pairs(query);
        url
    }

    /// What the page's browser remembers before it asks: the profile's cookies, or those of its login. Each check starts with
    /// this, so that none is spared its preflight by the one before.
    pub fn memory(&self) -> Memory {
        let cookies = match &self.profile.auth {
            Auth::Cookie(cookie) => Cookies::given(&self.profile.url, self.value(cookie).expose()),
            Auth::None | Auth::Login(_) | Auth::Bearer(_) | Auth::Query(_) => Cookies::None,
        };
        let jar = self.login.as_ref().map_or_else(|| self.jar.clone(), |login| login.jar());
        Memory { cookies, jar, ..Memory::default() }
    }

    /// Says something about the profile, secrets replaced.
    pub fn publish(&self, bus: &Bus, body: EventBody) -> u64 {
        bus.publish(Some(self.id), super::redact::event_body(body, &self.redactor()))
    }

    /// The profile's URL, with `[auth] query` added to it.
    fn url(&self) -> Url {
        let mut url = self.profile.url.clone();
        if let Auth::Query(pairs) = &self.profile.auth {
            let mut query = url.query_pairs_mut();
            for (name, value) in pairs {
                query.append_pair(name, self.value(value).expose());
            }
        }
        url
    }

    fn headers(&self) -> Vec<(String, String)> {
        let headers = self.profile.request.headers.iter();
        headers.map(|(name, value)| (name.clone(), self.value(value).expose().to_owned())).collect()
    }

    fn value(&self, setting: &Setting) -> Secret {
        fill(&self.secrets, setting)
    }
}

fn fill(secrets: &[(String, Secret)], setting: &Setting) -> Secret {
    match setting {
        Setting::Plain(text) => Secret::new(Arc::clone(text)),
        // Without it there is no client, so nothing is ever sent with this in its place.
        Setting::Secret(name) => secret(secrets, name).unwrap_or_else(|| Secret::new("")),
    }
}

fn secret(secrets: &[(String, Secret)], name: &str) -> Option<Secret> {
    secrets.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
}

/// What is private in a profile by its place, though it stands in the file: credentials of every kind.
fn plain_secrets(profile: &Profile) -> Vec<Secret> {
    let mut found = Vec::new();
    let mut take = |setting: &Setting| {
        if let Setting::Plain(text) = setting {
            found.push(Secret::new(Arc::clone(text)));
        }
    };
    match &profile.auth {
        Auth::None => {}
        Auth::Bearer(value) => take(value),
        Auth::Cookie(value) => {
            take(value);
            if let Setting::Plain(text) = value {
                // Each cookie's value alone, too: a server may send one back.
                let values = text.split(';').filter_map(|pair| pair.split_once('=')).map(|(_, value)| value.trim());
                found.extend(values.filter(|value| 8 <= value.len()).map(Secret::new));
            }
        }
        Auth::Query(pairs) => pairs.iter().for_each(|(_, value)| take(value)),
        Auth::Login(login) => {
            login
                .fields
                .iter()
                .filter(|(name, _)| name.to_ascii_lowercase().contains("pass"))
                .for_each(|(_, v)| take(v));
        }
    }
    for (name, value) in &profile.request.headers {
        if name.eq_ignore_ascii_case("authorization") || name.eq_ignore_ascii_case("cookie") {
            take_plain(&mut found, value);
        }
    }
    found.extend(profile.url.password().map(Secret::new));
    found
}

fn take_plain(found: &mut Vec<Secret>, setting: &Setting) {
    if let Setting::Plain(text) = setting {
        found.push(Secret::new(Arc::clone(text)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(known: &'static [(&'static str, &'static str)]) -> SecretSource {
        Arc::new(|names: &[String]| {
            let found: HashMap<_, _> =
                known.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value))).collect();
            let missing: Vec<String> = names.iter().filter(|name| !found.contains_key(*name)).cloned().collect();
            if missing.is_empty() { Ok(found) } else { Err(missing) }
        })
    }

    fn target(kind: Kind, url: &str, change: impl FnOnce(&mut Profile)) -> Target {
        let mut profile = Profile::new("a", kind, Url::parse(url).unwrap());
        change(&mut profile);
        let secrets = source(&[("jwt", "eyJhbGciOi"), ("cookie", "sid=s3cr3t-value")]);
        Target::prepare(ProfileId(1), Arc::new(profile), &secrets, &Patterns::default())
    }

    #[test]
    fn secrets_go_out_on_the_wire_and_not_into_events() {
        let target = target(Kind::Http, "https://api.test/x?a=1", |profile| {
            profile.auth = Auth::Query(vec![("token".into(), Setting::Secret("jwt".into()))]);
        });
        assert_eq!(target.script_request().url.as_str(), "https://api.test/x?a=1&token=eyJhbGciOi");
        assert_eq!(target.redactor().text("x eyJhbGciOi"), "x [redacted]");
    }

    #[test]
    fn a_missing_secret_is_named_and_nothing_is_sent() {
        let target = target(Kind::Http, "https://api.test/", |profile| {
            profile.auth = Auth::Bearer(Setting::Secret("nowhere".into()));
        });
        let reason = target.client().unwrap_err();
        assert_eq!((reason.code, reason.detail.as_deref()), (Code::SecretMissing, Some("nowhere")));
    }

    #[test]
    fn credentials_that_stand_in_the_file_are_private_too() {
        let target = target(Kind::Http, "https://u:pa55word@api.test/", |profile| {
            profile.auth = Auth::Cookie(Setting::Plain("lang=en; sessionid=abcdef123456".into()));
        });
        let text = target.redactor().text("https://u:pa55word@api.test/ abcdef123456 en").into_owned();
        assert_eq!(text, "https://u:[redacted]@api.test/ [redacted] en");
    }

    #[test]
    fn an_engine_io_request_keeps_the_pages_own_query() {
        let target = target(Kind::SocketIo, "wss://api.test/?room=1", |_| ());
        let query = [("EIO", "4".to_owned())];
        assert_eq!(target.polling(&query).url.as_str(), "https://api.test/socket.io/?room=1&EIO=4");
        assert_eq!(target.engine_io_socket(&query).url.as_str(), "wss://api.test/socket.io/?room=1&EIO=4");
    }

    #[tokio::test]
    async fn the_pages_policy_is_the_profiles() {
        let target = target(Kind::Http, "https://api.test/x", |profile| {
            profile.request.csp = Csp::Text("connect-src 'none', sandbox".into());
        });
        let page = target.page(Clock, Clock.mono()).await;
        assert_eq!(page.policies.len(), 2);
        assert_eq!(page.origin(), "null");
    }

    #[test]
    fn the_same_expression_is_compiled_once() {
        let patterns = Patterns::default();
        patterns.compile("a+").unwrap();
        patterns.compile("a+").unwrap();
        assert_eq!(patterns.0.lock().unwrap().len(), 1);
        assert!(patterns.compile("(").is_err());
    }
}
