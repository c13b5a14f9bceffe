//! What nginx and Apache have in common: which path is a socket's, what is wrong with a header's value, how long they wait.

use std::sync::Arc;
use std::time::Duration;

use super::env::Environment;
use super::finding::{Finding, Rule, Severity};
use super::origin;
use super::pattern::{self, Reach};
use super::policy::{Allowed, From, Guarded, Origins, SocketIo, Which};
use super::source::Place;

pub(super) const ALLOW_ORIGIN: &str = "Access-Control-Allow-Origin";

/// How many expressions of a list strangers are looked for in.
const MAX_PATTERNS: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    WebSocket,
    SocketIo,
}

impl Kind {
    /// What a path calls itself.
    pub(super) fn of_path(path: &str) -> Option<Self> {
        let path = path.to_ascii_lowercase();
        if path.contains("socket.io") || path.contains("socket\\.io") {
            return Some(Self::SocketIo);
        }
        let named = path.split(|c: char| !c.is_ascii_alphanumeric()).any(|part| {
            matches!(part, "ws" | "wss" | "websocket" | "websockets" | "socket" | "sockets" | "cable" | "sockjs")
        });
        named.then_some(Self::WebSocket)
    }
}

impl Environment {
    /// Whether the application says that it adds CORS headers itself, or lets Socket.IO do it.
    pub(super) fn adds_cors(&self) -> bool {
        self.policy.guards.iter().any(|guard| matches!(guard.thing, Guarded::HttpCors | Guarded::SocketIo))
    }

    /// Whether Django's ALLOWED_HOSTS is among the files.
    pub(super) fn lists_hosts(&self) -> bool {
        self.policy.guards.iter().any(|guard| guard.thing == Guarded::Channels)
    }

    /// Whether the application looks at Host: Django's ALLOWED_HOSTS, or a check of its own origin.
    pub(super) fn compares_host(&self) -> bool {
        self.policy.guards.iter().any(|guard| {
            guard.thing == Guarded::Channels
                || guard.origins.listed().iter().any(|allowed| allowed.from == From::Derived)
        })
    }
}

/// The pages that an expression fits: one by one where it names them.
pub(super) fn expression(text: &str, ignore_case: bool, at: &Place) -> Vec<Allowed> {
    let Some(pattern) = pattern::compile(text, Reach::Search, ignore_case) else { return Vec::new() };
    match pattern::names(&pattern) {
        Some(names) => names.into_iter().map(|name| one(Which::Origin(name), at.clone())).collect(),
        None => vec![one(Which::Pattern(Arc::new(pattern)), at.clone())],
    }
}

pub(super) fn one(what: Which, at: Place) -> Allowed {
    Allowed { what, from: From::Written, at }
}

/// A value without variables.
pub(super) fn literal(value: &str, at: &Place) -> Origins {
    let what = match origin::examine(value).0 {
        origin::Entry::Any => return Origins::Any,
        origin::Entry::Origin(origin) => origin,
        origin::Entry::Null => "null".to_owned(),
        origin::Entry::Never => return Origins::Listed(Vec::new()),
    };
    Origins::Listed(vec![one(Which::Origin(what), at.clone())])
}

/// What is wrong with the value of `Access-Control-Allow-Origin`; `found` is `None` where it is not known who is let in, and
/// `list` what to write for a list of origins.
pub(super) fn value_faults(
    value: &str,
    at: &Place,
    found: Option<&Origins>,
    credentials: bool,
    list: &str,
    out: &mut Vec<Finding>,
) {
    let is_literal = !value.contains(['$', '%']) && !value.starts_with("expr=");
    let mut add = |rule, text: &str, instead: &str| {
        out.push(Finding::new(rule, Severity::Error, at.clone(), text).instead(instead));
    };
    if is_literal && value.contains([',', ' ']) {
        let text = "several origins in one header: browsers take one alone, and refuse this for all";
        return add(Rule::DuplicateCorsHeaders, text, list);
    }
    match found {
        Some(Origins::Any) if credentials => {
            add(Rule::WildcardWithCredentials, "`*` with credentials: browsers refuse it", list);
        }
        Some(Origins::Reflected) if credentials => {
            let text = "whatever origin comes is answered, with credentials: any site reads what the user may read";
            add(Rule::ReflectsAnyOriginWithCredentials, text, list);
        }
        Some(Origins::Listed(entries)) => {
            for allowed in entries.iter().take(MAX_PATTERNS) {
                if let Which::Pattern(expression) = &allowed.what
                    && let Some(stranger) = pattern::strangers(expression).first()
                {
                    let text = format!("the expression lets {stranger} in as well");
                    let instead = "an expression that begins with ^, ends in $ and writes dots as \\.";
                    let finding = Finding::new(Rule::OriginPatternTooWide, Severity::Error, allowed.at.clone(), text);
                    out.push(finding.instead(instead));
                }
            }
            if let (_, Some(fault)) = origin::examine(value)
                && is_literal
            {
                let finding = Finding::new(fault.rule, fault.severity, at.clone(), fault.text);
                out.push(Finding { instead: fault.instead, ..finding });
            }
        }
        _ => {}
    }
}

/// The proxy gives a quiet connection up before the server pings.
pub(super) fn impatient(kind: Kind, timeout: Duration, app: &Environment) -> Option<(Severity, String)> {
    let seconds = timeout.as_secs_f64();
    let ping = match kind {
        Kind::SocketIo => Some(app.policy.socketio.ping_interval.unwrap_or(SocketIo::PING_INTERVAL)),
        Kind::WebSocket => None,
    };
    match ping {
        // An interval that was meant in milliseconds is told where it stands.
        Some(ping) if timeout <= ping && ping < Duration::from_secs(1000) => {
            let ping = ping.as_secs_f64();
            Some((
                Severity::Error,
                format!("the proxy cuts what is quiet for {seconds} s, and the server pings every {ping} s"),
            ))
        }
        None if timeout < Duration::from_secs(60) => {
            Some((Severity::Warning, format!("the proxy cuts a WebSocket that is quiet for {seconds} s")))
        }
        _ => None,
    }
}

/// A line of a proxy's configuration without the credentials that it may pass on.
pub(super) fn shown(line: &str) -> String {
    const WORDS: &[&str] = &["authorization", "api-key", "apikey", "token", "secret", "password", "cookie"];
    let lower = line.to_ascii_lowercase();
    let end = WORDS.iter().filter_map(|word| lower.find(word).map(|at| at + word.len())).min();
    // What follows is a value, where anything does.
    match end.filter(|end| line[*end..].trim_matches([' ', ';', '"', '\'']).len() > 1) {
        Some(end) => format!("{} …", &line[..end]),
        None => line.to_owned(),
    }
}
