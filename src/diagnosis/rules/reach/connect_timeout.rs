//! No answer to the connection request: a firewall drops it, or the listen queue is full.

use super::{name, one_hangs};
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::Code;

pub(super) const RULE: Rule = Rule { cause: CauseId::ConnectTimeout, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let (host, port) = (name(facts), facts.port());
    match facts.code() {
        Some(Code::ConnectTimeout) => Fit::Fits(Match::new(
            0.95,
            format!("{host} does not answer on port {port} at all: a firewall drops it, or the listen queue is full."),
        )),
        Some(Code::ConnectionRefused) if one_hangs(facts) => Fit::Fits(Match::new(
            0.9,
            format!(
                "One address of {host} refuses port {port}, the other does not answer at all: a firewall drops it, or the listen queue is full."
            ),
        )),
        Some(Code::Timeout) if matches!(facts.detail(), "connect" | "dns") => {
            Fit::Fits(Match::new(0.9, format!("{host} did not accept the connection in time.")))
        }
        Some(Code::AddressUnreachable) => {
            Fit::CantTell(Match::new(0.5, format!("There is no way to {host} from here: its address is unreachable.")))
        }
        _ => Fit::No,
    }
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let name = facts.url.host_str().unwrap_or_default();
    let port = facts.port();
    vec![Fix::any(format!(
        "Open port {port} in the firewalls and security groups on the way; check that {name} points to the right machine, and that the server there still takes connections: a full listen queue looks the same."
    ))]
}
