//! The 101 itself breaks [RFC 6455](https://www.rfc-editor.org/rfc/rfc6455#section-4.1).

use crate::browser::Invalid;
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::Code;

pub(super) const RULE: Rule = Rule { cause: CauseId::HandshakeInvalid, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    if facts.code() != Some(Code::HandshakeInvalid) {
        return Fit::No;
    }
    let host = facts.host();
    Fit::Fits(match super::broken(facts) {
        Some((Invalid::SubprotocolUnasked { .. } | Invalid::SubprotocolMismatch { .. }, _)) => return Fit::No,
        Some((Invalid::SubprotocolMissing, asked)) => Match::new(
            0.7,
            format!(
                "{host} chose none of the subprotocols that the page asked for ({}): Chrome drops the connection.",
                asked.join(", ")
            ),
        ),
        Some((invalid, _)) => {
            let what = invalid.detail();
            let summary =
                format!("The 101 of {host} breaks the WebSocket protocol ({what}): browsers drop the connection.");
            Match::new(0.95, summary).sign(what)
        }
        None => Match::new(0.85, format!("The 101 of {host} breaks the WebSocket protocol ({}).", facts.detail())),
    })
}

fn fixes(_: &Facts<'_>) -> Vec<Fix> {
    vec![Fix::any(
        "Look for a proxy that rewrites the handshake (Upgrade, Connection, Sec-WebSocket-Accept), or bring the server's WebSocket library up to date.",
    )]
}
