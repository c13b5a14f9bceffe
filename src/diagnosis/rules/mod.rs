//! The rules, by family. Each looks at the reason's code first, then at what the wire said.

mod closed;
pub(super) mod cookie;
mod cors;
mod handshake;
mod local_network;
mod login;
mod network;
mod status;
mod token;

use super::words;
use super::{CauseId, Facts, Finding, Warning};
use crate::watch::Code;

/// The first rule that knows.
pub(super) fn find(facts: &Facts<'_>) -> Option<Finding> {
    let Some(code) = facts.code() else {
        let condition = local_network::condition(facts);
        let summary = format!("{} works as its page's script expects.{condition}", facts.url);
        return Some(Finding::new(CauseId::Ok, 1.0, summary));
    };
    let found = login::find(facts, code)
        .or_else(|| network::find(facts, code))
        .or_else(|| cors::find(facts, code))
        .or_else(|| handshake::find(facts, code))
        .or_else(|| closed::find(facts, code))
        .or_else(|| status::find(facts, code))
        .or_else(|| other(facts, code));
    // A cookie that stayed behind is one more reading of a refusal.
    match (found, cookie::find(facts, code)) {
        (Some(found), Some(cookie)) if found.confidence < cookie.confidence => Some(cookie.joined(found)),
        (Some(found), Some(cookie)) => Some(found.joined(cookie)),
        (found, cookie) => found.or(cookie),
    }
}

/// What is amiss beside `cause`.
pub(super) fn warnings(facts: &Facts<'_>, cause: Option<CauseId>) -> Vec<Warning> {
    let mut warnings: Vec<Warning> = Vec::new();
    for warning in cookie::warnings(facts).into_iter().chain(local_network::warning(facts)) {
        if Some(warning.cause) != cause && warnings.iter().all(|known| known.cause != warning.cause) {
            warnings.push(warning);
        }
    }
    warnings
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
