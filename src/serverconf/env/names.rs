//! The names that are understood; one that stands twice, and one that comes close.

use std::collections::HashMap;

use crate::serverconf::dotenv::Dotenv;
use crate::serverconf::finding::{Finding, Rule, Severity};
use crate::serverconf::source::Source;

/// Every name that means something here.
pub(super) const KNOWN: &[&str] = &[
    "ALLOWED_HOSTS",
    "CORS_ALLOWED_ORIGINS",
    "CORS_ALLOWED_ORIGIN_REGEXES",
    "CORS_ALLOW_ALL_ORIGINS",
    "CORS_ALLOW_CREDENTIALS",
    "CORS_ALLOW_HEADERS",
    "CORS_ALLOW_METHODS",
    "CORS_ALLOW_ORIGIN",
    "CORS_ALLOW_ORIGINS",
    "CORS_ALLOW_ORIGIN_REGEX",
    "CORS_CREDENTIALS",
    "CORS_ORIGIN",
    "CORS_ORIGINS",
    "CORS_SUPPORTS_CREDENTIALS",
    "CSRF_COOKIE_SAMESITE",
    "CSRF_COOKIE_SECURE",
    "CSRF_TRUSTED_ORIGINS",
    "DEBUG",
    "DJANGO_ALLOWED_HOSTS",
    "DJANGO_DEBUG",
    "FLASK_DEBUG",
    "FLASK_HOST",
    "FLASK_PORT",
    "SESSION_COOKIE_DOMAIN",
    "SESSION_COOKIE_HTTPONLY",
    "SESSION_COOKIE_NAME",
    "SESSION_COOKIE_PATH",
    "SESSION_COOKIE_SAMESITE",
    "SESSION_COOKIE_SECURE",
    "SOCKETIO_CONNECTION_CLEANUP_INTERVAL",
    "SOCKETIO_CONNECT_TIMEOUT",
    "SOCKETIO_CORS_CREDENTIALS",
    "SOCKETIO_CORS_METHODS",
    "SOCKETIO_CORS_ORIGINS",
    "SOCKETIO_MAX_CONNECTIONS_PER_USER",
    "SOCKETIO_PING_INTERVAL",
    "SOCKETIO_PING_TIMEOUT",
    "SOCKETIO_RATE_LIMITING",
    "SOCKETIO_RATE_LIMIT_CONNECTIONS",
    "SOCKETIO_TRANSPORTS",
    "VITE_API_URL",
    "VITE_WS_URL",
];

/// Names that stand twice in a file, and names that nobody reads because of a slip.
pub(super) fn check(files: &[(&Source, Dotenv)], found: &mut Vec<Finding>) {
    for (source, read) in files {
        let mut last: HashMap<&str, usize> = HashMap::new();
        for entry in &read.entries {
            last.insert(&entry.name, source.place(entry.name_at.clone()).line);
        }
        for entry in &read.entries {
            let at = source.place(entry.name_at.clone());
            let known = KNOWN.contains(&entry.name.as_str());
            if known && last.get(entry.name.as_str()).is_some_and(|line| *line != at.line) {
                let line = last[entry.name.as_str()];
                let text = format!("`{}` stands again on line {line}, and the last one counts", entry.name);
                found.push(Finding::new(Rule::VariableRepeated, Severity::Warning, at, text));
            } else if let Some(near) = (!known).then(|| nearest(&entry.name)).flatten() {
                let text = format!("`{}` is none of the names that the servers read", entry.name);
                // Flask's are all known; anyone may have names of their own that look like the others.
                let ours = near.starts_with("SOCKETIO_") || near.starts_with("FLASK_");
                let severity = if ours { Severity::Warning } else { Severity::Note };
                found.push(Finding::new(Rule::VariableMisspelled, severity, at, text).instead(near));
            }
        }
    }
}

/// The known name that differs by a slip of the finger. Short names are near to too much.
fn nearest(name: &str) -> Option<&'static str> {
    let upper = name.to_ascii_uppercase();
    let near = |known: &&&str| {
        let differs = strsim::damerau_levenshtein(known, &upper);
        8 <= known.len() && 0 < differs && differs <= if known.len() < 12 { 1 } else { 2 }
    };
    if 64 < name.len() { None } else { KNOWN.iter().find(near).copied() }
}
