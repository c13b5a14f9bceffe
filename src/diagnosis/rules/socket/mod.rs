//! The WebSocket itself: its 101, its frames, its end without a word.

mod abnormal_close;
mod handshake_invalid;
mod invalid_frame;
mod no_pong;
mod subprotocol_not_offered;
mod websocket_version_unsupported;

use crate::browser::websocket::accept;
use crate::browser::{Invalid, Page};
use crate::diagnosis::Facts;
use crate::diagnosis::rule::Rule;

pub(super) const RULES: &[Rule] = &[
    subprotocol_not_offered::RULE,
    handshake_invalid::RULE,
    websocket_version_unsupported::RULE,
    invalid_frame::RULE,
    no_pong::RULE,
    abnormal_close::RULE,
];

/// Which rule a 101 broke, judged again from the recorded exchange, and the subprotocols that the page had offered.
fn broken(facts: &Facts<'_>) -> Option<(Invalid, Vec<String>)> {
    let last = facts.last()?;
    let response = last.response()?;
    let key = last.request.headers.first_str("sec-websocket-key")?;
    let asked = last.request.headers.first_str("sec-websocket-protocol").unwrap_or_default();
    let asked: Vec<String> = asked.split(',').map(str::trim).filter(|one| !one.is_empty()).map(str::to_owned).collect();
    let mut page = Page::new(facts.page.clone(), facts.browser);
    page.abilities.deflate = last.request.headers.contains("sec-websocket-extensions");
    accept::check(&page, key, &asked, &response.headers).err().map(|invalid| (invalid, asked))
}

/// The subprotocol that the server chose and the page had not offered.
pub(in crate::diagnosis) fn unasked(facts: &Facts<'_>) -> Option<String> {
    match broken(facts)?.0 {
        Invalid::SubprotocolUnasked { value } | Invalid::SubprotocolMismatch { value } => Some(value),
        _ => None,
    }
}
