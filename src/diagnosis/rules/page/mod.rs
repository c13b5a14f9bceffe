//! What the browser refuses before anything is sent.

mod insecure_request_from_https_page;
mod insecure_websocket_from_https_page;

use crate::diagnosis::Facts;
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::watch::Code;

pub(super) const RULES: &[Rule] = &[insecure_websocket_from_https_page::RULE, insecure_request_from_https_page::RULE];

/// Mixed content, of a WebSocket or of a request.
fn mixed(facts: &Facts<'_>, websocket: bool) -> Fit {
    if facts.code() != Some(Code::MixedContent) || matches!(facts.url.scheme(), "ws" | "wss") != websocket {
        return Fit::No;
    }
    let (origin, url) = (facts.origin(), facts.url);
    let does = if websocket { "opens" } else { "asks for" };
    let summary =
        format!("The page {origin} is https and {does} the insecure {url}: browsers refuse before anything is sent.");
    Fit::Fits(Match::new(0.98, summary))
}
