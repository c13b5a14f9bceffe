//! What a server's own words mean where it closes a socket or refuses a namespace; and the causes that are told by them and
//! by close codes alone.
//!
//! Invariant: what the server says comes before what the number usually means.

use super::{by_close, closed};
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::rules::authentication::token::{self, Token};
use crate::diagnosis::{CauseId, Facts, Fix, fixes};
use crate::watch::meaning::{names_credentials, names_the_origin, names_the_rate};
use crate::wire::{Ask, Exchange};

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
            // A policy without words: the origin, or the credentials.
            None if closed.code == Some(1008) => policy(facts, cause, by_close(facts, &closed, 0.4)),
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

/// 1008 and no word: what the URL's token says, and whether other origins are closed too.
fn policy(facts: &Facts<'_>, cause: CauseId, found: Match) -> Fit {
    let surely = |confidence: f32, sign: &str| Fit::Fits(Match { confidence, ..found.clone() }.sign(sign));
    let token = token::in_query(facts.url, facts.at);
    let lets = |ask: Ask| facts.asked(ask).map(|answer| !is_closed(answer));
    let asked = [lets(Ask::OwnOrigin), lets(Ask::NoOrigin)];
    match (cause, token) {
        (CauseId::TokenExpired, Some(Token::Expired)) => surely(0.9, "the token in the URL has expired"),
        (CauseId::TokenInvalid, Some(Token::Malformed)) => surely(0.85, "the token in the URL is none"),
        (_, Some(Token::Expired | Token::Malformed)) => Fit::No,
        (CauseId::OriginNotAllowed, _) if asked.contains(&Some(true)) => {
            surely(0.93, "the same from the server's own origin stays open")
        }
        (CauseId::OriginNotAllowed, _) if asked.contains(&None) => {
            Fit::CantTell(found.asks(&[Ask::OwnOrigin, Ask::NoOrigin]))
        }
        (CauseId::AuthRequired, _) if asked == [Some(false); 2] => surely(0.82, "closed whatever the origin"),
        (CauseId::AuthRequired, None) => Fit::Fits(Match { confidence: 0.5, ..found }),
        (CauseId::TokenInvalid, Some(Token::Plausible)) => Fit::Fits(Match { confidence: 0.55, ..found }),
        _ => Fit::No,
    }
}

/// Whether an asked upgrade was refused or closed at once.
fn is_closed(answer: &Exchange) -> bool {
    let Some(response) = answer.response() else { return true };
    response.status != 101 || String::from_utf8_lossy(&response.body).lines().any(|line| line.starts_with("[close"))
}

macro_rules! rule {
    ($cause:ident) => {
        Rule {
            cause: CauseId::$cause,
            look: |facts: &Facts<'_>| fits(facts, CauseId::$cause),
            fixes: |facts: &Facts<'_>| -> Vec<Fix> { fixes::of_tables(CauseId::$cause, facts) },
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
