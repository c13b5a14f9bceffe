//! The name does not resolve.

use super::name;
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::Code;

pub(super) const RULE: Rule = Rule { cause: CauseId::DnsFailure, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let host = name(facts);
    match facts.code() {
        Some(Code::NameNotResolved) => {
            Fit::Fits(Match::new(0.97, format!("The name {host} does not resolve: no address is known for it.")))
        }
        Some(Code::DnsUnavailable) => Fit::CantTell(Match::new(
            0.6,
            format!("No name server answers for {host}; it may be this machine's own network."),
        )),
        _ => Fit::No,
    }
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let name = facts.url.host_str().unwrap_or_default();
    vec![Fix::any(format!(
        "Check the spelling of {name} and its DNS records; ask the resolver that this machine uses."
    ))]
}
