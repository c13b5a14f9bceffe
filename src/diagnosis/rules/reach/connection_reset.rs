//! The peer resets the connection in place of an answer.

use super::{answers_a_get, answers_otherwise, broke_off, name, program, speaks_tls, who};
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::Code;
use crate::wire::Ask;

pub(super) const RULE: Rule = Rule { cause: CauseId::ConnectionReset, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    if !broke_off(facts) || facts.code() != Some(Code::ConnectionReset) {
        return Fit::No;
    }
    if program(facts).is_some() || speaks_tls(facts) || answers_otherwise(facts) || answers_a_get(facts) {
        return Fit::No;
    }
    let found =
        |confidence| Match::new(confidence, format!("{} reset the connection instead of answering.", name(facts)));
    match facts.asked(Ask::Banner) {
        Some(_) => Fit::Fits(found(0.9).sign("nothing else answers on the port")),
        None => Fit::CantTell(found(0.75).asks(who(facts))),
    }
}

fn fixes(_: &Facts<'_>) -> Vec<Fix> {
    vec![Fix::any(
        "Look for a crash or a restart in the server's log at that time, and for a proxy or firewall that cuts the connection.",
    )]
}
