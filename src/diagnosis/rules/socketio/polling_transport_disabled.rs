//! The server takes WebSockets alone, and the client begins with polling.

use super::{both_transports, is_socketio, refused, transport};
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::profile::model::Transport;
use crate::protocol::engine_io::RefusalCode;

pub(super) const RULE: Rule = Rule { cause: CauseId::PollingTransportDisabled, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let found = if is_socketio(facts) { refused(facts, RefusalCode::TransportUnknown) } else { None };
    let Some((exchange, refusal)) = found.filter(|(exchange, _)| transport(exchange) == Some(Transport::Polling))
    else {
        return Fit::No;
    };
    // python-engineio says so too of a request by polling to a session that has moved to its WebSocket.
    if exchange.request.url.query_pairs().any(|(name, _)| name == "sid") {
        return Fit::No;
    }
    let summary = format!(
        "{} has no polling (“{}”), and the client begins with it: it never gets to the WebSocket.",
        facts.host(),
        refusal.message
    );
    Fit::Fits(Match::new(0.96, summary).sign(refusal.message))
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let path = super::path(facts);
    let any = Fix::any(
        "Let the server take polling too, which passes every proxy; or give the client transports: [\"websocket\"], so that it doesn't begin with polling.",
    );
    let in_the_page = Fix::at(
        "any",
        "Or in the page.",
        format!("io(\"{}\", {{ path: \"{path}\", transports: [\"websocket\"] }})", facts.host_url()),
    );
    [any].into_iter().chain(both_transports(facts)).chain([in_the_page]).collect()
}
