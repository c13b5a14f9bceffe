//! A middle box passes HTTP and no WebSocket upgrade.

use std::time::Duration;

use super::{handshake, is_html, opens_session, own, polls, proxy_drops_upgrade, server, sign, text};
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::words::status_words;
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::{Code, SocketChange, Stuck, TransportStep};
use crate::wire::{Ask, Exchange, NetError, Phase, WireResponse};

pub(super) const RULE: Rule = Rule { cause: CauseId::FirewallBlocksUpgrade, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let Some(refused) = handshake(facts) else {
        let waited = gave_up(facts);
        let late = NetError::Timeout { phase: Phase::FirstByte, after: Duration::ZERO };
        return if waited && polls(facts) { by_silence(facts, &late, Duration::ZERO, true) } else { Fit::No };
    };
    let passes = polls(facts) || facts.asked(Ask::PlainGet).is_some_and(|plain| plain.response().is_some());
    match &refused.result {
        Ok(response) => by_a_page(facts, response),
        Err(error) => by_silence(facts, error, refused.phases.total.unwrap_or_default(), passes),
    }
}

/// The client gave the upgrade up before its dial had ended by itself.
pub(super) fn gave_up(facts: &Facts<'_>) -> bool {
    facts.steps.iter().any(|step| {
        let SocketChange::Transport { step: TransportStep::Stuck { why, reason }, .. } = &step.what else {
            return false;
        };
        *why == Stuck::Refused && reason.as_ref().is_some_and(|reason| reason.code == Code::Timeout)
    })
}

/// The box answers the upgrade itself.
fn by_a_page(facts: &Facts<'_>, response: &WireResponse) -> Fit {
    const WORDS: [&str; 8] = [
        "blocked",
        "corporate policy",
        "company policy",
        "security policy",
        "web filter",
        "firewall",
        "url filtering",
        "not permitted by",
    ];
    if !matches!(response.status, 400..=599) || !is_html(response) {
        return Fit::No;
    }
    let body = text(response);
    let says = WORDS.iter().find(|words| body.contains(**words));
    // What answers polling answers the upgrade too, unless something stands before it.
    let another = own(facts).chain(facts.asked(Ask::PlainGet)).any(|exchange| is_another(exchange, response));
    let summary = format!(
        "Something on the way answers the WebSocket upgrade with {} and a page of its own, and lets HTTP through.",
        status_words(response.status)
    );
    match (says, another) {
        (Some(words), true) => {
            Fit::Fits(Match::new(0.95, summary).sign(sign(response)).sign(format!("its page says “{words}”")))
        }
        (Some(words), false) if polls(facts) => {
            Fit::Fits(Match::new(0.9, summary).sign(format!("its page says “{words}”")))
        }
        (Some(words), false) => {
            Fit::Fits(Match::new(0.85, summary).sign(format!("its page says “{words}”")).asks(&[Ask::PlainGet]))
        }
        (None, true) if polls(facts) => Fit::Fits(Match::new(0.82, summary).sign(sign(response))),
        (None, _) => Fit::No,
    }
}

/// Whether that was answered by another program, and well.
fn is_another(exchange: &Exchange, page: &WireResponse) -> bool {
    let names = |response: &WireResponse| server(response).split('/').next().unwrap_or_default().to_owned();
    exchange.response().is_some_and(|response| {
        names(response) != names(page) && (opens_session(exchange) || response.status != page.status)
    })
}

/// The box cuts the connection, or lets it hang.
fn by_silence(facts: &Facts<'_>, error: &NetError, took: Duration, passes: bool) -> Fit {
    let (what, confidence) = match error {
        NetError::ConnectionReset { phase: Phase::Request | Phase::FirstByte } => ("is reset", 0.85),
        // Node drops an upgrade for a path that it doesn't know so, after a second.
        NetError::ConnectionClosed { phase: Phase::Request | Phase::FirstByte } | NetError::EmptyResponse => {
            ("is closed without an answer", if took < Duration::from_millis(900) { 0.6 } else { 0.45 })
        }
        NetError::Timeout { phase: Phase::Request | Phase::FirstByte, .. } => ("gets no answer", 0.65),
        NetError::Timeout { .. } if polls(facts) => ("gets no answer", 0.65),
        _ => return Fit::No,
    };
    let summary =
        format!("HTTP reaches {} and every WebSocket upgrade {what}: something on the way blocks it.", facts.host());
    // A reverse proxy that passes half of the handshake on looks the same.
    if polls(facts) && matches!(error, NetError::Timeout { .. }) && proxy_drops_upgrade::polls_through_proxy(facts) {
        return Fit::CantTell(Match::new(0.6, summary));
    }
    if polls(facts) {
        return Fit::Fits(Match::new(0.92, summary).sign("polling passes").sign(format!("the upgrade {what}")));
    }
    if passes {
        // A box that blocks upgrades blocks them wherever they go.
        let elsewhere = facts.asked(Ask::NoSuchPath);
        if elsewhere.is_some_and(|other| other.response().is_some()) {
            return Fit::No;
        }
        let found =
            Match::new(confidence, summary).sign("an ordinary GET is answered").sign(format!("the upgrade {what}"));
        return Fit::Fits(if elsewhere.is_none() { found.asks(&[Ask::NoSuchPath]) } else { found });
    }
    match facts.asked(Ask::PlainGet) {
        Some(_) => Fit::No,
        None => Fit::CantTell(Match::new(0.3, summary).asks(&[Ask::PlainGet])),
    }
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let host = facts.host();
    let mut fixes = vec![Fix::any(format!(
        "Use wss:// on port 443: inside TLS the middle box sees no upgrade that it could block. Until then let the client use polling, and ask whoever runs the firewall to let WebSockets to {host} through."
    ))];
    if facts.kind == crate::profile::model::Kind::SocketIo {
        fixes.push(Fix::at(
            "any",
            "In the page, for people behind such a firewall: no upgrade is tried.",
            "io({ transports: [\"polling\"] });",
        ));
    }
    fixes
}
