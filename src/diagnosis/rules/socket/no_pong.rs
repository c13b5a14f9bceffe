//! The server answers no ping.

use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::Code;

pub(super) const RULE: Rule = Rule { cause: CauseId::NoPong, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let host = facts.host();
    match facts.code() {
        Some(Code::NoPong) => Fit::Fits(Match::new(0.9, format!("{host} no longer answers pings on the open socket."))),
        Some(Code::Idle) => Fit::CantTell(Match::new(0.4, format!("{host} has gone silent on the open socket."))),
        _ => Fit::No,
    }
}

fn fixes(_: &Facts<'_>) -> Vec<Fix> {
    vec![Fix::any(
        "Look for a blocked event loop or a dead peer: a ping is answered by every WebSocket library by itself.",
    )]
}
