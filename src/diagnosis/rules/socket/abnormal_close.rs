//! The connection ends without a close frame: 1006 for the script.

use super::super::between::proxy_idle_timeout::by_a_clock;
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::Code;

pub(super) const RULE: Rule = Rule { cause: CauseId::AbnormalClose, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let dropped = match facts.code() {
        Some(Code::ClosedAbnormally) => true,
        Some(Code::ConnectionReset | Code::ConnectionClosed) => facts.detail() == "open",
        _ => false,
    };
    if !dropped {
        return Fit::No;
    }
    let host = facts.host();
    let summary = format!("{host} dropped the open socket without a close frame: the page's script sees 1006.");
    // A socket that lived for a round time was cut by a clock rather than by a fault.
    if by_a_clock(facts).is_some() {
        Fit::CantTell(Match::new(0.5, summary))
    } else {
        Fit::Fits(Match::new(0.85, summary))
    }
}

fn fixes(_: &Facts<'_>) -> Vec<Fix> {
    vec![
        Fix::any(
            "Look for a crash or restart of the server and for a proxy's time-out at that time: 1006 means that nobody said goodbye.",
        ),
        Fix::at("nginx", "Longer than the heartbeat's interval.", "proxy_read_timeout 3600s;"),
        Fix::at("haproxy", "For upgraded connections.", "timeout tunnel 1h"),
    ]
}
