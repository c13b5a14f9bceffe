//! The rules, by family. Each looks at the reason's code first, then at what the wire said.

mod closed;
mod cors;
mod handshake;
mod network;
mod status;
mod token;

use super::words;
use super::{CauseId, Facts, Finding};
use crate::watch::Code;

/// The first rule that knows.
pub(super) fn find(facts: &Facts<'_>) -> Option<Finding> {
    let Some(code) = facts.code() else {
        return Some(Finding::new(CauseId::Ok, 1.0, format!("{} works as its page's script expects.", facts.url)));
    };
    network::find(facts, code)
        .or_else(|| cors::find(facts, code))
        .or_else(|| handshake::find(facts, code))
        .or_else(|| closed::find(facts, code))
        .or_else(|| status::find(facts, code))
        .or_else(|| other(facts, code))
}

/// What belongs to no family.
fn other(facts: &Facts<'_>, code: Code) -> Option<Finding> {
    let origin = facts.origin();
    match code {
        Code::MixedContent if matches!(facts.url.scheme(), "ws" | "wss") => Some(Finding::new(
            CauseId::InsecureWebsocketFromHttpsPage,
            0.98,
            format!(
                "The page {origin} is https and opens the insecure {}: browsers refuse before anything is sent.",
                facts.url
            ),
        )),
        Code::MixedContent => Some(Finding::new(
            CauseId::InsecureRequestFromHttpsPage,
            0.98,
            format!(
                "The page {origin} is https and asks for the insecure {}: browsers refuse before anything is sent.",
                facts.url
            ),
        )),
        Code::Slow => Some(Finding::new(
            CauseId::HighLatency,
            0.7,
            format!("{} answers, but takes {}, longer than its objective.", facts.host(), facts.detail()),
        )),
        Code::BodyMismatch if facts.is_html() => Some(Finding::new(
            CauseId::PathServedByOtherApp,
            0.6,
            format!("{} answers with a web page of its own, not with what is expected.", facts.url),
        )),
        _ => None,
    }
}

/// The sentence where no cause is named.
pub(super) fn without_cause(facts: &Facts<'_>) -> String {
    match facts.reason {
        Some(reason) => format!("{}: {}.", facts.host(), words::phrase(reason)),
        None => format!("{}: nothing to say.", facts.host()),
    }
}
