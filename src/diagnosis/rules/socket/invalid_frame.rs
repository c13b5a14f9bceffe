//! The server sends a frame that [RFC 6455](https://www.rfc-editor.org/rfc/rfc6455#section-5) forbids.

use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::Code;

pub(super) const RULE: Rule = Rule { cause: CauseId::InvalidFrame, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    if facts.code() != Some(Code::WebSocketProtocol) {
        return Fit::No;
    }
    let (host, what) = (facts.host(), facts.detail());
    let summary = format!("{host} sent a frame that RFC 6455 forbids ({what}): browsers drop the connection.");
    Fit::Fits(Match::new(0.95, summary).sign(what))
}

fn fixes(_: &Facts<'_>) -> Vec<Fix> {
    vec![Fix::any(
        "Bring the server's WebSocket library (or the proxy on the way) up to date: it sends a frame that the protocol forbids.",
    )]
}
