//! The keys of the format, in the contract's order, and what was probably meant by one that isn't among them.

use super::node::nearest;

pub(super) const ROOT: &[&str] = &[
    "name",
    "kind",
    "url",
    "page",
    "browser",
    "group",
    "tags",
    "stack",
    "notes",
    "enabled",
    "interval",
    "timeout",
    "observe",
    "request",
    "websocket",
    "socketio",
    "auth",
    "reconnect",
    "objective",
    "alert",
    "audit",
    "network",
];
pub(super) const REQUEST: &[&str] =
    &["method", "headers", "body", "credentials", "csp", "expect_status", "expect_body"];
pub(super) const WEBSOCKET: &[&str] = &["protocols", "send", "expect", "answers", "ping", "idle"];
pub(super) const ANSWER: &[&str] = &["when", "send"];
pub(super) const SOCKETIO: &[&str] = &["path", "protocol", "transports", "namespaces", "auth", "emit", "expect"];
pub(super) const EMIT: &[&str] = &["namespace", "event", "data"];
pub(super) const EXPECT: &[&str] = &["namespace", "event"];
pub(super) const AUTH: &[&str] = &["login", "bearer", "query", "cookie"];
pub(super) const LOGIN: &[&str] = &["url", "fields", "csrf", "check"];
pub(super) const RECONNECT: &[&str] = &["attempts", "delay", "delay_max", "jitter", "fallback"];
pub(super) const OBJECTIVE: &[&str] = &["success", "latency", "window"];
pub(super) const ALERT: &[&str] = &["after", "notify", "again"];
pub(super) const AUDIT: &[&str] = &["every"];
pub(super) const NETWORK: &[&str] = &["proxy", "resolve", "ca_file", "insecure", "client_cert", "client_key"];

/// The sections with their keys.
const SECTIONS: [(&str, &[&str]); 9] = [
    ("request", REQUEST),
    ("websocket", WEBSOCKET),
    ("socketio", SOCKETIO),
    ("auth", AUTH),
    ("reconnect", RECONNECT),
    ("objective", OBJECTIVE),
    ("alert", ALERT),
    ("audit", AUDIT),
    ("network", NETWORK),
];

/// What other tools call it, and what it is called here.
const OTHER_WORDS: [(&str, &str); 12] = [
    ("origin", "page"),
    ("type", "kind"),
    ("endpoint", "url"),
    ("address", "url"),
    ("title", "name"),
    ("every", "interval"),
    ("frequency", "interval"),
    ("token", "auth.bearer"),
    ("verify", "network.insecure"),
    ("subprotocols", "websocket.protocols"),
    ("heartbeat", "websocket.ping"),
    ("description", "notes"),
];

/// What to write in place of an unknown `key` in the table at `path`.
pub(super) fn hint(path: &str, key: &str, known: &[&str]) -> String {
    if let Some(right) = nearest(key, known.iter().copied()) {
        return format!("did you mean `{right}`?");
    }
    // A key in the wrong table: tell the right one.
    if !path.is_empty() && ROOT.contains(&key) {
        return format!("`{key}` stands at the top, before the first [section]");
    }
    let other_word = || OTHER_WORDS.iter().find(|(other, _)| other.eq_ignore_ascii_case(key));
    if let Some((_, right)) = other_word().filter(|_| path.is_empty()) {
        return format!("did you mean `{right}`?");
    }
    let homes = SECTIONS.iter().filter(|(section, keys)| *section != path && keys.contains(&key));
    let homes: Vec<_> = homes.map(|(section, _)| format!("`{section}.{key}`")).collect();
    if !homes.is_empty() && !path.contains('.') {
        return format!("did you mean {}?", homes.join(" or "));
    }
    if let Some((_, right)) = other_word() {
        return format!("did you mean `{right}`?");
    }
    let keys: Vec<_> = known.iter().map(|key| format!("`{key}`")).collect();
    let place = if path.is_empty() { "a profile".to_owned() } else { format!("`{path}`") };
    format!("{place} can have {}", keys.join(", "))
}
