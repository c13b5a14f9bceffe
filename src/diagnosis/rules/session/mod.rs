//! A socket that had opened, and how it ended.

mod accepted_then_silent;
mod app_heartbeat_unanswered;
mod concurrent_connection_limit;
mod message_too_large;
pub(super) mod said;
mod server_disconnects_client;
mod server_overloaded;
mod service_restart;
mod too_many_connections;

use crate::diagnosis::Facts;
use crate::diagnosis::rule::{Match, Rule};
use crate::diagnosis::words::close_words;
use crate::watch::{ClosedBy, Code};

pub(super) const RULES: &[Rule] = &[
    accepted_then_silent::RULE,
    app_heartbeat_unanswered::RULE,
    concurrent_connection_limit::RULE,
    message_too_large::RULE,
    server_disconnects_client::RULE,
    server_overloaded::RULE,
    service_restart::RULE,
    too_many_connections::RULE,
];

/// A close by the server: the code and what it says.
struct Closed<'a> {
    /// `None`: an empty close frame.
    code: Option<u16>,
    said: &'a str,
}

fn closed<'a>(facts: &Facts<'a>) -> Option<Closed<'a>> {
    let reason = facts.reason.filter(|reason| reason.code == Code::Closed)?;
    // Ours is no doing of the server's.
    if facts.close.is_some_and(|close| close.by == ClosedBy::Client) {
        return None;
    }
    Some(Closed { code: reason.close, said: reason.detail.as_deref().unwrap_or_default() })
}

/// As it stands in a summary and among the signs.
fn told(closed: &Closed<'_>) -> String {
    match (closed.code, closed.said) {
        (Some(code), "") => match close_words(code) {
            Some(words) => format!("{code} ({words})"),
            None => code.to_string(),
        },
        (Some(code), said) => format!("{code} “{said}”"),
        (None, _) => "an empty close frame".to_owned(),
    }
}

/// A match that rests on the close frame.
fn by_close(facts: &Facts<'_>, closed: &Closed<'_>, confidence: f32) -> Match {
    let told = told(closed);
    let summary = format!("{} accepted the socket and closed it with {told}.", facts.host());
    Match::new(confidence, summary).sign(format!("closed with {told}"))
}

/// The close code for a sentence: ` (1013)`.
fn code_words(facts: &Facts<'_>) -> String {
    closed(facts).and_then(|closed| closed.code).map(|code| format!(" ({code})")).unwrap_or_default()
}
