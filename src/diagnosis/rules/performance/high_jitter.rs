//! The round trip varies.

use super::{LONG, round_trips, spread};
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::wire::Ask;

pub(super) const RULE: Rule = Rule { cause: CauseId::HighJitter, look, fixes };

/// So many answers at least say something about how they vary.
const ENOUGH: usize = 5;

fn look(facts: &Facts<'_>) -> Fit {
    let times = round_trips(facts);
    let Some((from, median, to)) = spread(&times) else { return Fit::No };
    let host = facts.host();
    let shown = format!("{} to {} ms", from.as_millis(), to.as_millis());
    if times.len() < ENOUGH || facts.asked(Ask::RoundTrips).is_none() {
        let found = Match::new(0.3, format!("{host} answers slowly; whether its round trips vary is not known."));
        return if facts.asked(Ask::RoundTrips).is_none() {
            Fit::CantTell(found.asks(&[Ask::RoundTrips]))
        } else {
            Fit::No
        };
    }
    if to < LONG || to - from < median.mul_f64(0.3) {
        return Fit::No;
    }
    let summary =
        format!("The round trip to {host} varies a great deal: the middle of {} answers took {shown}.", times.len());
    Fit::Fits(Match::new(0.9, summary).sign(shown))
}

fn fixes(_: &Facts<'_>) -> Vec<Fix> {
    vec![Fix::any(
        "Look for what makes the latency vary: a crowded or wireless network, a VPN, a server that is busy now and then. Give heartbeats and time-outs room for the longest round trip, and prefer WebSocket to polling.",
    )]
}
