//! Another program has the port: an SSH server, a database.

use super::{WHO, name, program};
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::Code;
use crate::wire::Ask;

pub(super) const RULE: Rule = Rule { cause: CauseId::PortHeldByOtherProgram, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let (host, port) = (name(facts), facts.port());
    if let Some(program) = program(facts) {
        return Fit::Fits(
            Match::new(0.95, format!("Port {port} of {host} is held by another program: {program} answers there."))
                .sign(format!("{program}, by what it says")),
        );
    }
    if !matches!(facts.code(), Some(Code::InvalidHttpResponse | Code::InvalidStatusLine)) {
        return Fit::No;
    }
    let found = Match::new(0.6, format!("What answers on port {port} of {host} does not speak HTTP."));
    if facts.asked(Ask::Banner).is_none() { Fit::CantTell(found.asks(&WHO)) } else { Fit::CantTell(found) }
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let port = facts.port();
    vec![Fix::any(format!("Find the program that holds port {port} (lsof -i :{port}), and move one of the two."))]
}
