//! 426, or 400: the server wants another `Sec-WebSocket-Version`.

use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::words::status_words;
use crate::diagnosis::{CauseId, Facts, Fix};

pub(super) const RULE: Rule = Rule { cause: CauseId::WebsocketVersionUnsupported, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let Some(status @ (400 | 426)) = facts.status().filter(|_| facts.is_websocket()) else { return Fit::No };
    let answered = format!("{} answered the WebSocket upgrade with {}", facts.host(), status_words(status));
    match facts.header("sec-websocket-version") {
        // That is the version that went out: it is the upgrade itself that it did not see.
        Some(wanted) if wanted.split(',').any(|one| one.trim() == "13") => Fit::No,
        Some(wanted) => Fit::Fits(
            Match::new(0.95, format!("{answered}: it wants WebSocket version {wanted}, browsers speak 13."))
                .sign(format!("Sec-WebSocket-Version: {wanted}")),
        ),
        None if status == 400 => Fit::No,
        None => Fit::CantTell(Match::new(0.55, format!("{answered}: it did not see an upgrade that it can take."))),
    }
}

fn fixes(_: &Facts<'_>) -> Vec<Fix> {
    vec![Fix::any("Let the server speak WebSocket version 13 (RFC 6455), and the proxies on the way pass Upgrade on.")]
}
