//! The server picks a subprotocol that the client did not offer.

use crate::browser::Invalid;
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::Code;

pub(super) const RULE: Rule = Rule { cause: CauseId::SubprotocolNotOffered, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    if facts.code() != Some(Code::HandshakeInvalid) {
        return Fit::No;
    }
    let host = facts.host();
    match super::broken(facts) {
        Some((Invalid::SubprotocolUnasked { value } | Invalid::SubprotocolMismatch { value }, asked)) => {
            let offered = if asked.is_empty() { "none".to_owned() } else { asked.join(", ") };
            let summary = format!("{host} chose the subprotocol “{value}”, and the page offered {offered}.");
            Fit::Fits(Match::new(0.97, summary).sign(format!("Sec-WebSocket-Protocol: {value}")))
        }
        Some((Invalid::SubprotocolMissing, asked)) => Fit::CantTell(Match::new(
            0.4,
            format!("{host} chose none of the subprotocols that the page asked for ({}).", asked.join(", ")),
        )),
        _ => Fit::No,
    }
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let text = "Offer that subprotocol in the page, or let the server choose none.";
    let Some(name) = super::unasked(facts) else { return vec![Fix::any(text)] };
    let name: String = name.chars().filter(|one| one.is_ascii_graphic() && !"\"'\\".contains(*one)).collect();
    vec![Fix::at("any", text, format!("new WebSocket(\"{}\", [\"{name}\"]);", facts.url))]
}
