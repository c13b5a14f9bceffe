//! The connection is accepted, and no answer comes.

use super::{answers_a_get, name};
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::Code;
use crate::wire::Ask;

pub(super) const RULE: Rule = Rule { cause: CauseId::ReadTimeout, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    if facts.code() != Some(Code::Timeout) {
        return Fit::No;
    }
    let what = match facts.detail() {
        "connect" | "dns" | "proxy" | "open" => return Fit::No,
        "tls" => "accepted the connection and did not answer the TLS hello",
        // The server read no further than its limit of messages.
        _ if super::super::socketio::outsized(facts).is_some() => return Fit::No,
        // An Engine.IO session was opened: what doesn't answer is its connect handler.
        _ if super::super::socketio::hangs_in_connect(facts) => return Fit::No,
        "body" => "began to answer and did not end",
        _ => "accepted the connection and did not answer",
    };
    let found = |confidence| Match::new(confidence, format!("{} {what} in time.", name(facts)));
    // Upgrades are answered elsewhere: it is what serves this path that hangs, nothing on the way.
    let elsewhere = facts.asked(Ask::NoSuchPath).is_some_and(|other| other.response().is_some());
    if facts.is_websocket() && elsewhere {
        return Fit::Fits(found(0.88).sign("an upgrade elsewhere is answered"));
    }
    if answers_a_get(facts) {
        return Fit::No;
    }
    // An upgrade alone may be what hangs.
    let is_open = facts.is_websocket() && facts.asked(Ask::PlainGet).is_none();
    Fit::Fits(if is_open { found(0.75).asks(&[Ask::PlainGet]) } else { found(0.9) })
}

fn fixes(_: &Facts<'_>) -> Vec<Fix> {
    vec![Fix::any(
        "Look at what the server is waiting for (its workers, its database); compare its timeout with the client's.",
    )]
}
