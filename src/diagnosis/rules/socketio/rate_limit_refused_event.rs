//! The connection stands, and the namespace is refused for being asked for too often.

use super::refused_namespace;
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::Code;

pub(super) const RULE: Rule = Rule { cause: CauseId::RateLimitRefusedEvent, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    match refused_namespace(facts) {
        Some((name, reason, said)) if reason.code == Code::RateLimited => {
            let well = facts.attempts.iter().filter(|attempt| attempt.works()).count();
            let before = if 0 < well { format!(" after {well} that it took") } else { String::new() };
            let summary = format!("{} refuses to connect {name}{before}: {said}, a limit of rate.", facts.host());
            Fit::Fits(Match::new(0.96, summary).sign(said))
        }
        _ => Fit::No,
    }
}

fn fixes(_: &Facts<'_>) -> Vec<Fix> {
    vec![
        Fix::any(
            "Connect less often: keep one connection for all that the page does, close it when the page goes, and let reconnection back off (reconnectionDelayMax, randomizationFactor); or raise the server's rate limit for this client.",
        ),
        Fix::at(
            "any",
            "In the page: one connection, and patience between attempts.",
            "io(url, { reconnectionDelay: 1000, reconnectionDelayMax: 30000, randomizationFactor: 0.5 })",
        ),
    ]
}
