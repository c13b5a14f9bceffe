//! A WebSocket that opened, and how it ended.

use std::time::Duration;

use crate::diagnosis::words::close_words;
use crate::diagnosis::{CauseId, Facts, Finding};
use crate::watch::meaning::{names_credentials, names_the_origin};
use crate::watch::{ClosedBy, Code};

pub(super) fn find(facts: &Facts<'_>, code: Code) -> Option<Finding> {
    let host = facts.host();
    let one = |cause, confidence, summary: String| Some(Finding::new(cause, confidence, summary));
    match code {
        Code::Closed => by_code(facts),
        Code::ClosedAbnormally if let Some(after) = facts.open_for.and_then(round_timeout) => Some(Finding::new(
            CauseId::ProxyIdleTimeout,
            0.65,
            format!(
                "{host} dropped the open socket without a close frame after {after} s, as proxies cut quiet connections."
            ),
        )),
        Code::Idle => Some(
            Finding::new(CauseId::AcceptedThenSilent, 0.5, format!("{host} has gone silent on the open socket."))
                .or(CauseId::FirewallSwallowsFrames, 0.2),
        ),
        Code::Silent | Code::ExpectedMessageMissing => Some(
            Finding::new(
                CauseId::AcceptedThenSilent,
                0.85,
                format!("{host} accepted the socket, and the message that should come first never came."),
            )
            .or(CauseId::FirewallSwallowsFrames, 0.15),
        ),
        Code::MessageTooLarge => {
            one(CauseId::MessageTooLarge, 0.9, format!("{host} sent a message larger than wirewatch takes."))
        }
        _ => None,
    }
}

/// The time-out that people set which the socket lived for, in seconds, a fiftieth more at most.
pub(super) fn round_timeout(open_for: Duration) -> Option<u32> {
    [5, 10, 15, 20, 30, 45, 50, 60, 75, 90, 100, 120, 180, 240, 300, 350, 600, 900, 1800, 3600]
        .into_iter()
        .find(|&secs| (0.0..=0.02).contains(&(open_for.as_secs_f64() / f64::from(secs) - 1.0)))
}

/// By the close frame's code and reason.
fn by_code(facts: &Facts<'_>) -> Option<Finding> {
    let reason = facts.reason?;
    let close = reason.close;
    let text = reason.detail.as_deref().unwrap_or_default();
    let lower = text.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let told = match (close, text) {
        (Some(code), "") => match close_words(code) {
            Some(words) => format!("{code} ({words})"),
            None => code.to_string(),
        },
        (Some(code), text) => format!("{code} “{text}”"),
        (None, _) => "an empty close frame".to_owned(),
    };
    let summary = format!("{} accepted the socket and closed it with {told}.", facts.host());
    let one = |cause, confidence| Some(Finding::new(cause, confidence, summary.clone()));
    // What the server says comes before what the number usually means.
    if says(&["expired"]) && says(&["token", "jwt", "session"]) {
        return one(CauseId::TokenExpired, 0.95);
    }
    if says(&["token", "jwt"]) && says(&["missing", "required", "no token", "provide"]) {
        return one(CauseId::TokenMissing, 0.93);
    }
    if says(&["token", "jwt"]) {
        return one(CauseId::TokenInvalid, 0.9);
    }
    if names_the_origin(text) {
        return one(CauseId::OriginNotAllowed, 0.96);
    }
    if says(&["too many connections", "connection limit", "max connections"]) {
        return one(CauseId::ConcurrentConnectionLimit, 0.95);
    }
    if says(&["rate limit", "too many"]) {
        return one(CauseId::TooManyConnections, 0.85);
    }
    if says(&["permission", "forbidden", "not allowed", "admin"]) {
        return one(CauseId::InsufficientPermissions, 0.75);
    }
    if names_credentials(text) {
        return one(CauseId::AuthRequired, 0.9);
    }
    match close {
        Some(1008) => Some(
            Finding::new(CauseId::AuthRequired, 0.5, summary)
                .or(CauseId::OriginNotAllowed, 0.4)
                .or(CauseId::TokenInvalid, 0.2),
        ),
        Some(3000 | 4001 | 4401) => one(CauseId::AuthRequired, 0.93),
        Some(3003 | 4003 | 4403) => one(CauseId::InsufficientPermissions, 0.7),
        Some(4429) => one(CauseId::TooManyConnections, 0.85),
        Some(1009) => one(CauseId::MessageTooLarge, 0.95),
        Some(1011) => one(CauseId::ServerException, 0.9),
        Some(1012) => one(CauseId::ServiceRestart, 0.97),
        Some(1013) => one(CauseId::ServerOverloaded, 0.95),
        Some(1014) => one(CauseId::BackendDown, 0.8),
        Some(1001) => {
            Some(Finding::new(CauseId::ServerDisconnectsClient, 0.6, summary).or(CauseId::ServiceRestart, 0.5))
        }
        _ if facts.close.is_some_and(|close| close.by == ClosedBy::Client) => None,
        _ => one(CauseId::ServerDisconnectsClient, 0.8),
    }
}
