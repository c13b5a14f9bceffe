//! Nothing listens.

use super::{name, one_hangs};
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::Code;

pub(super) const RULE: Rule = Rule { cause: CauseId::ConnectionRefused, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    if facts.code() != Some(Code::ConnectionRefused) {
        return Fit::No;
    }
    let (host, port) = (name(facts), facts.port());
    let summary = format!("Nothing listens on port {port} of {host}: the server is down, or listens elsewhere.");
    // `localhost` is two addresses, and most servers listen on one.
    if one_hangs(facts) { Fit::CantTell(Match::new(0.5, summary)) } else { Fit::Fits(Match::new(0.97, summary)) }
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let port = facts.port();
    vec![Fix::any(format!(
        "Start the server, or give it the right port: it has to listen on {port}, on an address that is reached from here (0.0.0.0 rather than 127.0.0.1 in a container)."
    ))]
}
