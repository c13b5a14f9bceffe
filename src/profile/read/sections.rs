//! The sections: `[request]` to `[network]`.

use std::time::Duration;

use super::node::{Node, Section};
use super::{DAY, HOUR, MILLISECOND, YEAR, keys, set, values};
use crate::profile::model::{
    AnswerRule, Auth, Credentials, Csp, Emit, ExpectEvent, Kind, Login, Profile, Setting, Transport,
};

pub(super) fn read(root: &Section<'_>, profile: &mut Profile) {
    let kind = profile.kind;
    let section = |name: &str, known| {
        let node = root.get(name)?;
        let section = node.table(known)?;
        Some((node, section))
    };
    if let Some((_, section)) = section("request", keys::REQUEST) {
        request(&section, profile);
    }
    if let Some((node, section)) = section("websocket", keys::WEBSOCKET) {
        fits(&node, kind == Kind::WebSocket, kind);
        websocket(&section, profile);
    }
    if let Some((node, section)) = section("socketio", keys::SOCKETIO) {
        fits(&node, kind == Kind::SocketIo, kind);
        socketio(&section, profile);
    }
    if let Some((node, section)) = section("auth", keys::AUTH) {
        auth(&node, &section, profile);
    }
    if let Some((node, section)) = section("reconnect", keys::RECONNECT) {
        fits(&node, kind != Kind::Http, kind);
        reconnect(&section, profile);
    }
    if let Some((_, section)) = section("objective", keys::OBJECTIVE) {
        objective(&section, profile);
    }
    if let Some((_, section)) = section("alert", keys::ALERT) {
        alert(&section, profile);
    }
    if let Some((_, section)) = section("audit", keys::AUDIT) {
        audit(&section, profile);
    }
    if let Some((_, section)) = section("network", keys::NETWORK) {
        network(&section, profile);
    }
}

/// Warns of a section that has no effect for the kind.
fn fits(node: &Node<'_>, fits: bool, kind: Kind) {
    if !fits {
        node.warn(
            format_args!("has no effect where kind = \"{}\"", kind.word()),
            "take the section out, or change `kind`",
        );
    }
}

fn request(section: &Section<'_>, profile: &mut Profile) {
    let kind = profile.kind;
    let request = &mut profile.request;
    if let Some(node) = section.get("method") {
        set(&mut request.method, values::method(&node));
    }
    if let Some(node) = section.get("headers") {
        request.headers = values::headers(&node);
    }
    if let Some(node) = section.get("body") {
        request.body = node.setting().filter(|body| *body != Setting::Plain("".into()));
        let method = request.method.to_ascii_uppercase();
        if request.body.is_some() && ["GET", "HEAD"].contains(&method.as_str()) && kind == Kind::Http {
            node.wrong(
                format_args!("can't go with {method}: no browser sends it"),
                "write `method = \"POST\"`, or take the body out",
            );
        }
    }
    if let Some(node) = section.get("credentials") {
        let words = Credentials::ALL.map(|credentials| (credentials.word(), credentials));
        set(&mut request.credentials, node.choice(&words));
    }
    if let Some(node) = section.get("csp") {
        let csp = node.str().map(|text| match text {
            "" => Csp::None,
            "auto" => Csp::Auto,
            text => Csp::Text(text.to_owned()),
        });
        set(&mut request.csp, csp);
    }
    if let Some(node) = section.get("expect_status") {
        let items = node.list().unwrap_or_default();
        let status = |item: &Node<'_>| item.integer(100..=599).and_then(|status| u16::try_from(status).ok());
        request.expect_status = items.iter().filter_map(status).collect();
    }
    if let Some(node) = section.get("expect_body") {
        request.expect_body = node.regex();
    }
    if kind != Kind::Http {
        for node in section.present(&["method", "body", "expect_status", "expect_body"]) {
            node.warn(format_args!("has no effect where kind = \"{}\"", kind.word()), "take it out");
        }
    }
}

fn websocket(section: &Section<'_>, profile: &mut Profile) {
    let websocket = &mut profile.websocket;
    if let Some(node) = section.get("protocols") {
        let mut seen = Vec::new();
        for item in node.list().unwrap_or_default() {
            let Some(text) = item.text() else { continue };
            if !values::is_token(text) {
                item.wrong("is no name for a subprotocol", "no blanks, commas or slashes");
            } else if seen.iter().any(|other: &String| other == text) {
                item.wrong("stands twice: a browser's WebSocket throws a SyntaxError", "take one out");
            } else {
                seen.push(text.to_owned());
            }
        }
        websocket.protocols = seen;
    }
    if let Some(node) = section.get("send") {
        websocket.send = node.list().unwrap_or_default().iter().filter_map(Node::setting).collect();
    }
    if let Some(node) = section.get("expect") {
        websocket.expect = node.regex();
    }
    if let Some(node) = section.get("answers") {
        websocket.answers = node.list().unwrap_or_default().iter().filter_map(answer).collect();
    }
    let some = |duration: Duration| Some(duration).filter(|duration| !duration.is_zero());
    if let Some(node) = section.get("ping") {
        set(&mut websocket.ping, period(&node).map(some));
    }
    if let Some(node) = section.get("idle") {
        set(&mut websocket.idle, period(&node).map(some));
    }
}

/// A duration that is none at all or long enough not to be a flood.
fn period(node: &Node<'_>) -> Option<Duration> {
    let duration = node.duration(Duration::ZERO..=DAY)?;
    if !duration.is_zero() && duration < super::MIN_INTERVAL {
        node.wrong("is too short", "write at least \"100ms\", or \"0s\" for none");
        return None;
    }
    Some(duration)
}

fn answer(node: &Node<'_>) -> Option<AnswerRule> {
    let section = node.table(keys::ANSWER)?;
    let (Some(when), Some(send)) = (section.get("when"), section.get("send")) else {
        node.wrong("needs both `when` and `send`", "write { when = 'regex', send = '...' }");
        return None;
    };
    let (regex, send) = (when.regex(), send.setting());
    if regex.is_none() && when.str().is_some_and(str::is_empty) {
        when.wrong("must not be empty", "write a regular expression that the message has to match");
    }
    Some(AnswerRule { when: regex?, send: send? })
}

fn socketio(section: &Section<'_>, profile: &mut Profile) {
    let socketio = &mut profile.socketio;
    if let Some(node) = section.get("path") {
        match node.text() {
            Some(path) if path.starts_with('/') && !path.contains(['?', '#', ' ']) => {
                socketio.path = path.to_owned();
            }
            Some(_) => node.wrong("isn't a path", "write for example \"/socket.io/\""),
            None => {}
        }
    }
    if let Some(node) = section.get("protocol") {
        match node.integer(1..=99) {
            Some(3) => socketio.protocol = Some(3),
            Some(4) => socketio.protocol = Some(4),
            Some(other) => node.wrong(
                format_args!("can't be {other}"),
                "write 4 for Socket.IO v3 and v4, or 3 for Socket.IO v2: it is the revision of Engine.IO",
            ),
            None => {}
        }
    }
    if let Some(node) = section.get("transports") {
        let words = Transport::ALL.map(|transport| (transport.word(), transport));
        let mut found = Vec::new();
        let items = node.list();
        for item in items.iter().flatten() {
            let Some(transport) = item.choice(&words) else { continue };
            if found.contains(&transport) {
                item.wrong("stands twice", "take one out");
            } else {
                found.push(transport);
            }
        }
        if items.is_some_and(|items| items.is_empty()) {
            node.wrong("must not be empty", "write [\"polling\", \"websocket\"]");
        }
        socketio.transports = found;
    }
    if let Some(node) = section.get("namespaces") {
        let items = node.list();
        socketio.namespaces = items.iter().flatten().filter_map(namespace).collect();
        if items.is_some_and(|items| items.is_empty()) {
            node.wrong("must not be empty", "write [\"/\"]");
        }
    }
    if let Some(node) = section.get("auth") {
        let fields = node.fields().unwrap_or_default();
        socketio.auth = fields.into_iter().filter_map(|(name, value)| Some((name, value.json()?))).collect();
    }
    if let Some(node) = section.get("emit") {
        socketio.emit = node.list().unwrap_or_default().iter().filter_map(emit).collect();
    }
    if let Some(node) = section.get("expect") {
        socketio.expect = node.list().unwrap_or_default().iter().filter_map(expect_event).collect();
    }
}

fn namespace(node: &Node<'_>) -> Option<String> {
    let text = node.text()?;
    if !text.starts_with('/') || text.contains(',') {
        node.wrong("isn't a namespace", "begin it with a slash: \"/\" or \"/chat\"");
        return None;
    }
    Some(text.to_owned())
}

/// The `namespace` (by default the root) and the `event` of an item.
fn named_event(node: &Node<'_>, section: &Section<'_>) -> Option<(String, String)> {
    let space = match section.get("namespace") {
        Some(node) => namespace(&node),
        None => Some("/".to_owned()),
    };
    let Some(event) = section.get("event") else {
        node.wrong("needs an `event`", "write { event = \"...\" }");
        return None;
    };
    let event = event.text().map(str::to_owned);
    Some((space?, event?))
}

fn emit(node: &Node<'_>) -> Option<Emit> {
    let section = node.table(keys::EMIT)?;
    let named = named_event(node, &section);
    let data = match section.get("data") {
        Some(node) => node.list().unwrap_or_default().iter().filter_map(Node::json).collect(),
        None => Vec::new(),
    };
    let (namespace, event) = named?;
    Some(Emit { namespace, event, data })
}

fn expect_event(node: &Node<'_>) -> Option<ExpectEvent> {
    let section = node.table(keys::EXPECT)?;
    let (namespace, event) = named_event(node, &section)?;
    Some(ExpectEvent { namespace, event })
}

fn auth(node: &Node<'_>, section: &Section<'_>, profile: &mut Profile) {
    let ways = section.present(keys::AUTH);
    if let [first, .., last] = ways.as_slice() {
        let all: Vec<_> = ways.iter().map(|way| format!("`{}`", way.key)).collect();
        last.wrong(
            format_args!("and `{}` can't both be used: at most one way", first.key),
            format!("keep one of {}", all.join(", ")),
        );
    }
    if let Some(node) = section.get("login")
        && let Some(login) = login(&node)
    {
        if login.fields.is_empty() {
            node.warn(
                "has no `fields`: nothing is filled in",
                "write fields = { username = \"ops\", password = { secret = \"NAME\" } }",
            );
        }
        profile.auth = Auth::Login(login);
    }
    if let Some(node) = section.get("bearer")
        && let Some(setting) = header_setting(&node)
    {
        in_plain_text(&node, &setting);
        let polls = profile.kind == Kind::SocketIo && profile.socketio.transports.contains(&Transport::Polling);
        if profile.kind != Kind::Http && !polls {
            node.warn(
                "is never sent: a browser's WebSocket can set no Authorization header",
                "give the token as the server reads it there: `query`, `cookie`, or `auth` of Socket.IO",
            );
        }
        profile.auth = Auth::Bearer(setting);
    }
    if let Some(node) = section.get("query") {
        let fields = node.fields().unwrap_or_default();
        let pairs = fields.into_iter().filter_map(|(name, value)| {
            let setting = value.setting()?;
            in_plain_text(&value, &setting);
            Some((name, setting))
        });
        profile.auth = Auth::Query(pairs.collect());
    }
    if let Some(node) = section.get("cookie")
        && let Some(setting) = header_setting(&node)
    {
        if let Setting::Plain(text) = &setting
            && !text.contains('=')
        {
            node.wrong("isn't a cookie", "write \"NAME=VALUE\", as in \"sessionid=...\"");
        }
        profile.auth = Auth::Cookie(setting);
    }
    // An empty way is the same as none, so that a profile has one form.
    if profile.auth == Auth::Query(Vec::new()) {
        profile.auth = Auth::None;
        node.warn("has an empty `query`", "write { token = { secret = \"NAME\" } }");
    }
}

/// A setting that goes into a header.
fn header_setting(node: &Node<'_>) -> Option<Setting> {
    let setting = node.setting()?;
    match &setting {
        Setting::Plain(text) if text.is_empty() => {
            node.wrong("must not be empty", "write { secret = \"NAME\" }, or take the line out");
            None
        }
        Setting::Plain(text) if !values::is_header_value(text) => {
            node.wrong("has a value that no header can have", "no line breaks, no control characters, only Latin-1");
            None
        }
        _ => Some(setting),
    }
}

fn in_plain_text(node: &Node<'_>, setting: &Setting) {
    if let Setting::Plain(text) = setting
        && !text.is_empty()
    {
        node.warn("stands in the file in plain text", "write { secret = \"NAME\" } and keep it in the keyring");
    }
}

fn login(node: &Node<'_>) -> Option<Login> {
    let section = node.table(keys::LOGIN)?;
    let url = match section.get("url") {
        Some(node) => values::http_address(&node),
        None => {
            node.wrong("needs a `url`", "write the address that the form is sent to");
            None
        }
    };
    let mut fields = Vec::new();
    for (name, value) in section.get("fields").and_then(|node| node.fields()).unwrap_or_default() {
        let Some(setting) = value.setting() else { continue };
        if name.to_ascii_lowercase().contains("pass") {
            in_plain_text(&value, &setting);
        }
        fields.push((name, setting));
    }
    let csrf = section.get("csrf").and_then(|node| node.str()).filter(|text| !text.is_empty()).map(str::to_owned);
    let check = section.get("check").and_then(|node| values::http_address(&node));
    Some(Login { url: url?, fields, csrf, check })
}

fn reconnect(section: &Section<'_>, profile: &mut Profile) {
    let reconnect = &mut profile.reconnect;
    if let Some(node) = section.get("attempts") {
        let count = node.integer(0..=i64::from(u32::MAX)).and_then(|count| u32::try_from(count).ok());
        set(&mut reconnect.attempts, count);
    }
    if let Some(node) = section.get("delay") {
        set(&mut reconnect.delay, node.duration(MILLISECOND..=DAY));
    }
    if let Some(node) = section.get("delay_max") {
        set(&mut reconnect.delay_max, node.duration(MILLISECOND..=DAY));
    }
    if let Some(node) = section.get("delay_max").or_else(|| section.get("delay"))
        && reconnect.delay_max < reconnect.delay
    {
        node.warn("makes `delay` longer than `delay_max`, which caps it", "make `delay_max` the longer");
    }
    if let Some(node) = section.get("jitter") {
        set(&mut reconnect.jitter, node.fraction());
    }
    if let Some(node) = section.get("fallback") {
        set(&mut reconnect.fallback, node.bool());
    }
}

fn objective(section: &Section<'_>, profile: &mut Profile) {
    let objective = &mut profile.objective;
    if let Some(node) = section.get("success") {
        set(&mut objective.success, node.fraction());
    }
    if let Some(node) = section.get("latency") {
        set(&mut objective.latency, node.duration(MILLISECOND..=HOUR));
    }
    if let Some(node) = section.get("window") {
        set(&mut objective.window, node.duration(Duration::from_secs(1)..=YEAR));
    }
}

fn alert(section: &Section<'_>, profile: &mut Profile) {
    let alert = &mut profile.alert;
    if let Some(node) = section.get("after") {
        set(&mut alert.after, node.integer(1..=1_000_000).and_then(|count| u32::try_from(count).ok()));
    }
    if let Some(node) = section.get("notify") {
        alert.notify = node.list().unwrap_or_default().iter().filter_map(values::notify).collect();
    }
    if let Some(node) = section.get("again") {
        set(&mut alert.again, node.duration(Duration::ZERO..=YEAR));
    }
}

/// An audit oftener than this is no longer polite.
const OFTENEST_AUDIT: Duration = Duration::from_secs(600);

fn audit(section: &Section<'_>, profile: &mut Profile) {
    if let Some(node) = section.get("every") {
        let every = node.duration(Duration::ZERO..=YEAR).filter(|every| !every.is_zero());
        if every.is_some_and(|every| every < OFTENEST_AUDIT) {
            node.wrong(
                "is too often: each audit is some dozens of requests",
                "write at least \"10m\", or \"0s\" for none",
            );
        }
        profile.audit.every = every;
    }
}

fn network(section: &Section<'_>, profile: &mut Profile) {
    let network = &mut profile.network;
    if let Some(node) = section.get("proxy") {
        set(&mut network.proxy, values::proxy(&node));
    }
    if let Some(node) = section.get("resolve") {
        network.resolve = node.list().unwrap_or_default().iter().filter_map(values::resolve).collect();
    }
    if let Some(node) = section.get("ca_file") {
        network.ca_file = node.path();
    }
    if let Some(node) = section.get("insecure") {
        set(&mut network.insecure, node.bool());
    }
    if let Some(node) = section.get("client_cert") {
        network.client_cert = node.path();
    }
    if let Some(node) = section.get("client_key") {
        network.client_key = node.setting().filter(|key| *key != Setting::Plain("".into()));
        if network.client_key.is_some() && network.client_cert.is_none() {
            node.wrong("has no certificate to go with", "write `client_cert = \"/path/to/cert.pem\"` too");
        }
    }
}
