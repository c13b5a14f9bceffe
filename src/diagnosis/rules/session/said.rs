//! What a server's own words mean where it closes a socket or refuses a namespace; and the causes that are told by them and
//! by close codes alone.
//!
//! Invariant: what the server says comes before what the number usually means.

use super::{by_close, closed};
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix, rules};
use crate::watch::meaning::{names_credentials, names_the_origin, names_the_rate};

/// The cause that the words name; `None`: they name none.
pub(in crate::diagnosis::rules) fn meaning(text: &str) -> Option<CauseId> {
    let text = text.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let token = says(&["token", "jwt", "signature", "api key"]);
    Some(if says(&["expired"]) && token {
        CauseId::TokenExpired
    } else if token && says(&["missing", "required", "no token", "no jwt", "provide", "without"]) {
        CauseId::TokenMissing
    } else if token {
        CauseId::TokenInvalid
    } else if names_the_origin(&text) {
        CauseId::OriginNotAllowed
    } else if says(&["too many connections", "connection limit", "max connections", "maximum connections"])
        || says(&["maximum number of connections", "connections per user", "already connected", "too many sockets"])
    {
        CauseId::ConcurrentConnectionLimit
    } else if names_the_rate(&text) {
        CauseId::TooManyConnections
    } else if says(&["too large", "too big", "payload size", "message size"]) {
        CauseId::MessageTooLarge
    } else if says(&["heartbeat", "pong", "ping timeout", "keepalive", "keep-alive"]) {
        CauseId::AppHeartbeatUnanswered
    } else if says(&[
        "permission",
        "forbidden",
        "not allowed",
        "privilege",
        "access denied",
        "insufficient",
        "not an admin",
    ]) || (says(&["admin", "role"]) && says(&["only", "requir", "need", "access", "must", "right"]))
    {
        CauseId::InsufficientPermissions
    } else if says(&["session", "logged in", "log in", "login", "sign in", "user not authenticated"]) {
        CauseId::SessionMissing
    } else if names_credentials(&text) {
        CauseId::AuthRequired
    } else if says(&["restart", "shutting down", "shutdown", "deploy"]) {
        CauseId::ServiceRestart
    } else if says(&["overload", "try again later", "busy", "capacity"]) {
        CauseId::ServerOverloaded
    } else if says(&["exception", "internal error", "internal server error", "traceback"]) {
        CauseId::ServerException
    } else {
        return None;
    })
}

/// What a close code stands for by its registration or by custom, and how surely.
fn by_code(code: u16) -> Option<(CauseId, f32)> {
    Some(match code {
        1009 => (CauseId::MessageTooLarge, 0.95),
        1011 => (CauseId::ServerException, 0.9),
        1012 => (CauseId::ServiceRestart, 0.97),
        1013 => (CauseId::ServerOverloaded, 0.93),
        1014 => (CauseId::BackendDown, 0.85),
        3000 | 4001 | 4401 => (CauseId::AuthRequired, 0.93),
        3003 | 4003 | 4403 => (CauseId::InsufficientPermissions, 0.85),
        4008 | 4408 => (CauseId::AppHeartbeatUnanswered, 0.5),
        4029 | 4429 => (CauseId::TooManyConnections, 0.88),
        _ => return None,
    })
}

/// The cause that the close frame names, and how surely.
pub(super) fn named(facts: &Facts<'_>) -> Option<(CauseId, f32)> {
    let closed = closed(facts)?;
    meaning(closed.said).map(|cause| (cause, 0.93)).or_else(|| closed.code.and_then(by_code))
}

/// Whether the close frame, or the refusal of a namespace, names that cause.
pub(in crate::diagnosis::rules) fn fits(facts: &Facts<'_>, cause: CauseId) -> Fit {
    if let Some(closed) = closed(facts) {
        return match named(facts) {
            Some((named, confidence)) if named == cause => Fit::Fits(by_close(facts, &closed, confidence)),
            _ => Fit::No,
        };
    }
    let Some((name, _, said)) = super::super::socketio::refused_namespace(facts) else { return Fit::No };
    // A token that was not sent is wanting, not wrong: `auth-required`.
    let about_token = matches!(cause, CauseId::TokenInvalid | CauseId::TokenMissing);
    if meaning(said) != Some(cause) || (about_token && !facts.has_credentials()) {
        return Fit::No;
    }
    let summary = format!("{} refuses the namespace {name}: {said}.", facts.host());
    Fit::Fits(Match::new(0.92, summary).sign(said))
}

macro_rules! rule {
    ($cause:ident) => {
        Rule {
            cause: CauseId::$cause,
            look: |facts: &Facts<'_>| fits(facts, CauseId::$cause),
            fixes: |facts: &Facts<'_>| -> Vec<Fix> { rules::advice(CauseId::$cause, facts) },
        }
    };
}

/// The causes that have rules of their own elsewhere and are told by these words too.
pub(in crate::diagnosis::rules) const RULES: &[Rule] = &[
    rule!(TokenExpired),
    rule!(TokenMissing),
    rule!(TokenInvalid),
    rule!(OriginNotAllowed),
    rule!(InsufficientPermissions),
    rule!(SessionMissing),
    rule!(AuthRequired),
    rule!(ServerException),
    rule!(BackendDown),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<CauseId>) {
        assert_eq!(meaning(text), expected, "{text}");
    }

    #[test]
    fn what_servers_say_of_credentials_is_told_apart() {
        check("Token expired", Some(CauseId::TokenExpired));
        check("Signature has expired", Some(CauseId::TokenExpired));
        check("missing token", Some(CauseId::TokenMissing));
        check("Token required", Some(CauseId::TokenMissing));
        check("jwt malformed", Some(CauseId::TokenInvalid));
        check("WebSocket authentication failed: Invalid session", Some(CauseId::SessionMissing));
        check("User not authenticated for WebSocket connection", Some(CauseId::SessionMissing));
        check("authentication required", Some(CauseId::AuthRequired));
        check("not authorized", Some(CauseId::AuthRequired));
        check("admins only", Some(CauseId::InsufficientPermissions));
        check("Admin privileges required", Some(CauseId::InsufficientPermissions));
    }

    #[test]
    fn a_limit_of_connections_is_not_one_of_rate() {
        check("Too many connections", Some(CauseId::ConcurrentConnectionLimit));
        check("Maximum connections reached", Some(CauseId::ConcurrentConnectionLimit));
        check("Too many connection attempts from IP", Some(CauseId::TooManyConnections));
        check("Rate limit exceeded", Some(CauseId::TooManyConnections));
    }

    #[test]
    fn words_that_name_nothing_name_nothing() {
        check("Connection rejected by server", None);
        check("kicked by an administrator", None);
        check("idle", None);
        check("blocked by policy", None);
        check("", None);
    }
}
