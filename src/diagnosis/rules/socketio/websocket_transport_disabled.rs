//! The server has polling alone: sessions stay on it, and a client that begins with a WebSocket fails.

use super::{both_transports, is_socketio, opens, refusal, stuck, transport};
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::profile::model::Transport;
use crate::protocol::engine_io::RefusalCode;
use crate::watch::Stuck;
use crate::wire::{Ask, Exchange};

pub(super) const RULE: Rule = Rule { cause: CauseId::WebsocketTransportDisabled, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    if !is_socketio(facts) {
        return Fit::No;
    }
    let says =
        |exchange: &Exchange| refusal(exchange).filter(|refusal| refusal.code == Some(RefusalCode::TransportUnknown));
    let host = facts.host();
    let summary = format!(
        "{host} has no WebSocket for its sessions: they stay on polling, and a client that wants a WebSocket fails."
    );
    // An upgrade without a session can't be misread: with one, python-engineio says the same where a proxy drops `Upgrade`.
    if let Some(asked) = facts.asked(Ask::Upgrade) {
        return match says(asked) {
            Some(refusal) => Fit::Fits(Match::new(0.96, summary).sign(refusal.message)),
            None if opens(facts, Ask::Upgrade) == Some(true) => Fit::No,
            None => maybe(facts, summary),
        };
    }
    let upgrades = facts.exchanges.iter().filter(|exchange| transport(exchange) == Some(Transport::WebSocket));
    match upgrades.copied().find_map(says) {
        // Node has another number for an upgrade that a proxy dropped.
        Some(refusal) if refusal.message == "Transport unknown" => {
            Fit::Fits(Match::new(0.95, summary).sign(refusal.message))
        }
        Some(refusal) => {
            let sure = if facts.through_proxy() { 0.45 } else { 0.75 };
            Fit::Fits(Match::new(sure, summary).sign(refusal.message).asks(&[Ask::Upgrade]))
        }
        None => maybe(facts, summary),
    }
}

/// No upgrade is offered: for want of the transport, or because it is switched off.
fn maybe(facts: &Facts<'_>, summary: String) -> Fit {
    if stuck(facts).is_some_and(|(why, _)| why == Stuck::NotOffered) {
        return Fit::CantTell(Match::new(0.3, summary).asks(&[Ask::Upgrade]));
    }
    Fit::No
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let any = Fix::any(
        "Let the server have both transports, polling and websocket; where it must not, give the client transports: [\"polling\"], so that it doesn't try.",
    );
    [any].into_iter().chain(both_transports(facts)).collect()
}
