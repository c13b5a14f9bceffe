//! The server sends a frame that [RFC 6455](https://www.rfc-editor.org/rfc/rfc6455#section-5) forbids.

use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::Code;

pub(super) const RULE: Rule = Rule { cause: CauseId::InvalidFrame, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let (host, what) = (facts.host(), facts.detail());
    match (facts.code(), facts.reason.and_then(|reason| reason.close)) {
        (Some(Code::WebSocketProtocol), _) => {}
        // Section 7.4.2: codes below 1000 are not used. Browsers hand them to the page all the same.
        (Some(Code::Closed), Some(code @ 0..=999)) => {
            let summary = format!("{host} sent a close frame with the code {code}, which RFC 6455 does not have.");
            return Fit::Fits(Match::new(0.9, summary).sign(format!("close {code}")));
        }
        _ => return Fit::No,
    }
    let summary = format!("{host} sent a frame that RFC 6455 forbids ({what}): browsers drop the connection.");
    Fit::Fits(Match::new(0.95, summary).sign(what))
}

fn fixes(_: &Facts<'_>) -> Vec<Fix> {
    vec![Fix::any(
        "Bring the server's WebSocket library (or the proxy on the way) up to date: it sends a frame that the protocol forbids.",
    )]
}
