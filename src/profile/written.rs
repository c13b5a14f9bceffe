//! A profile in the words of the format: each key with its value, in the contract's order.
//!
//! The one place that knows how a value is written; writing, updating, dumping and JSON stand on it.

use std::path::Path;

use toml_edit::{Array, InlineTable, Value};

use super::duration::format_duration;
use super::model::{Auth, Csp, JsonSetting, Login, Notify, Profile, Proxy, Resolve, Setting};

/// One key of the format. `value` is `None` where the profile has none and the format has no word for none.
pub(super) struct Entry {
    /// Empty: above the first section.
    pub section: &'static str,
    pub key: &'static str,
    pub value: Option<Value>,
}

impl Entry {
    /// The value's text, by which two are compared.
    pub fn text(&self) -> String {
        self.value.as_ref().map(Value::to_string).unwrap_or_default()
    }
}

/// Every key with its value, defaults too.
pub(super) fn entries(profile: &Profile) -> Vec<Entry> {
    let mut list = List { section: "", entries: Vec::with_capacity(60) };
    list.put("name", profile.name.as_str());
    list.put("kind", profile.kind.word());
    list.put("url", profile.url.as_str());
    list.put_some("page", profile.page.as_ref().map(|url| url.as_str().into()));
    list.put("browser", profile.browser.word());
    list.put("group", profile.group.join(" / "));
    list.put("tags", strings(&profile.tags));
    list.put_some("stack", profile.stack.as_deref().map(Value::from));
    list.put("notes", profile.notes.as_str());
    list.put("enabled", profile.enabled);
    list.put("interval", format_duration(profile.interval));
    list.put("timeout", format_duration(profile.timeout));
    list.put("observe", format_duration(profile.observe));

    list.section = "request";
    let request = &profile.request;
    list.put("method", request.method.as_str());
    list.put("headers", settings(&request.headers));
    list.put("body", request.body.as_ref().map_or_else(|| "".into(), setting));
    list.put("credentials", request.credentials.word());
    list.put(
        "csp",
        match &request.csp {
            Csp::None => "",
            Csp::Auto => "auto",
            Csp::Text(text) => text.as_str(),
        },
    );
    list.put("expect_status", request.expect_status.iter().map(|status| i64::from(*status)).collect::<Array>());
    list.put("expect_body", request.expect_body.as_deref().unwrap_or(""));

    list.section = "websocket";
    let websocket = &profile.websocket;
    list.put("protocols", strings(&websocket.protocols));
    list.put("send", websocket.send.iter().map(setting).collect::<Array>());
    list.put("expect", websocket.expect.as_deref().unwrap_or(""));
    let answers = websocket
        .answers
        .iter()
        .map(|rule| table([("when", rule.when.as_str().into()), ("send", setting(&rule.send))]));
    list.put("answers", answers.collect::<Array>());
    list.put("ping", format_duration(websocket.ping.unwrap_or_default()));
    list.put("idle", format_duration(websocket.idle.unwrap_or_default()));

    list.section = "socketio";
    let socketio = &profile.socketio;
    list.put("path", socketio.path.as_str());
    list.put_some("protocol", socketio.protocol.map(|revision| i64::from(revision).into()));
    list.put("transports", socketio.transports.iter().map(|transport| transport.word()).collect::<Array>());
    list.put("namespaces", strings(&socketio.namespaces));
    list.put("auth", json_fields(&socketio.auth));
    let emits = socketio.emit.iter().map(|emit| {
        let mut fields = vec![("namespace", emit.namespace.as_str().into()), ("event", emit.event.as_str().into())];
        if !emit.data.is_empty() {
            fields.push(("data", emit.data.iter().filter_map(json).collect::<Array>().into()));
        }
        table(fields)
    });
    list.put("emit", emits.collect::<Array>());
    let expects = socketio.expect.iter().map(|expect| {
        table([("namespace", expect.namespace.as_str().into()), ("event", expect.event.as_str().into())])
    });
    list.put("expect", expects.collect::<Array>());

    list.section = "auth";
    let auth = &profile.auth;
    list.put_some("login", if let Auth::Login(it) = auth { Some(login(it)) } else { None });
    list.put_some("bearer", if let Auth::Bearer(value) = auth { Some(setting(value)) } else { None });
    list.put_some("query", if let Auth::Query(pairs) = auth { Some(settings(pairs).into()) } else { None });
    list.put_some("cookie", if let Auth::Cookie(value) = auth { Some(setting(value)) } else { None });

    list.section = "reconnect";
    let reconnect = &profile.reconnect;
    list.put("attempts", i64::from(reconnect.attempts));
    list.put("delay", format_duration(reconnect.delay));
    list.put("delay_max", format_duration(reconnect.delay_max));
    list.put("jitter", reconnect.jitter);
    list.put("fallback", reconnect.fallback);

    list.section = "objective";
    list.put("success", profile.objective.success);
    list.put("latency", format_duration(profile.objective.latency));
    list.put("window", format_duration(profile.objective.window));

    list.section = "alert";
    list.put("after", i64::from(profile.alert.after));
    list.put("notify", profile.alert.notify.iter().map(notify).collect::<Array>());
    list.put("again", format_duration(profile.alert.again));

    list.section = "audit";
    list.put("every", format_duration(profile.audit.every.unwrap_or_default()));

    list.section = "network";
    let network = &profile.network;
    list.put(
        "proxy",
        match &network.proxy {
            Proxy::Environment => "",
            Proxy::Direct => "none",
            Proxy::Url(url) => url.as_str(),
        },
    );
    list.put("resolve", network.resolve.iter().map(resolve).collect::<Array>());
    list.put("ca_file", path(network.ca_file.as_deref()));
    list.put("insecure", network.insecure);
    list.put("client_cert", path(network.client_cert.as_deref()));
    list.put("client_key", network.client_key.as_ref().map_or_else(|| "".into(), setting));
    list.entries
}

struct List {
    section: &'static str,
    entries: Vec<Entry>,
}

impl List {
    fn put(&mut self, key: &'static str, value: impl Into<Value>) {
        self.put_some(key, Some(value.into()));
    }

    fn put_some(&mut self, key: &'static str, value: Option<Value>) {
        self.entries.push(Entry { section: self.section, key, value });
    }
}

fn strings(items: &[String]) -> Array {
    items.iter().map(String::as_str).collect()
}

fn table<'k>(fields: impl IntoIterator<Item = (&'k str, Value)>) -> InlineTable {
    let mut table = InlineTable::new();
    for (key, value) in fields {
        table.insert(key, value);
    }
    table
}

fn setting(setting: &Setting) -> Value {
    match setting {
        Setting::Plain(text) => (&**text).into(),
        Setting::Secret(name) => secret(name),
    }
}

fn secret(name: &str) -> Value {
    table([("secret", name.into())]).into()
}

fn settings(pairs: &[(String, Setting)]) -> InlineTable {
    table(pairs.iter().map(|(name, value)| (name.as_str(), setting(value))))
}

fn json_fields(fields: &[(String, JsonSetting)]) -> InlineTable {
    table(fields.iter().filter_map(|(name, value)| Some((name.as_str(), json(value)?))))
}

/// TOML has no null: `None`.
fn json(value: &JsonSetting) -> Option<Value> {
    match value {
        JsonSetting::Secret(name) => Some(secret(name)),
        JsonSetting::Object(fields) => Some(json_fields(fields).into()),
        JsonSetting::Array(items) => Some(items.iter().filter_map(json).collect::<Array>().into()),
        JsonSetting::Value(value) => plain_json(value),
    }
}

fn plain_json(value: &serde_json::Value) -> Option<Value> {
    match value {
        serde_json::Value::Null => None,
        serde_json::Value::Bool(truth) => Some((*truth).into()),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(number) => Some(number.into()),
            None => number.as_f64().map(Value::from),
        },
        serde_json::Value::String(text) => Some(text.as_str().into()),
        serde_json::Value::Array(items) => Some(items.iter().filter_map(plain_json).collect::<Array>().into()),
        serde_json::Value::Object(fields) => {
            let fields = fields.iter().filter_map(|(name, value)| Some((name.as_str(), plain_json(value)?)));
            Some(table(fields).into())
        }
    }
}

fn login(login: &Login) -> Value {
    let mut fields = vec![("url", login.url.as_str().into()), ("fields", settings(&login.fields).into())];
    fields.extend(login.csrf.as_deref().map(|csrf| ("csrf", csrf.into())));
    fields.extend(login.check.as_ref().map(|check| ("check", check.as_str().into())));
    table(fields).into()
}

fn notify(way: &Notify) -> Value {
    match way {
        Notify::Desktop => "desktop".into(),
        Notify::Webhook(url) => format!("webhook:{url}").into(),
        Notify::Command(program) => format!("command:{}", program.display()).into(),
    }
}

fn resolve(resolve: &Resolve) -> Value {
    let host = match resolve.host.as_deref() {
        None => "*".to_owned(),
        Some(host) if host.contains(':') => format!("[{host}]"),
        Some(host) => host.to_owned(),
    };
    let port = resolve.port.map_or_else(|| "*".to_owned(), |port| port.to_string());
    let addresses: Vec<_> = resolve.addresses.iter().map(ToString::to_string).collect();
    format!("{host}:{port}:{}", addresses.join(",")).into()
}

fn path(path: Option<&Path>) -> String {
    path.map(|path| path.display().to_string()).unwrap_or_default()
}

/// A TOML value as JSON; dates, which no profile has, as their text.
pub(super) fn to_json(value: &Value) -> serde_json::Value {
    match value {
        Value::String(text) => text.value().as_str().into(),
        Value::Integer(number) => (*number.value()).into(),
        Value::Float(number) => (*number.value()).into(),
        Value::Boolean(truth) => (*truth.value()).into(),
        Value::Datetime(date) => date.value().to_string().into(),
        Value::Array(items) => items.iter().map(to_json).collect(),
        Value::InlineTable(fields) => fields.iter().map(|(name, value)| (name.to_owned(), to_json(value))).collect(),
    }
}
