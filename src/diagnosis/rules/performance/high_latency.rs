//! The round trip is long.

use super::{LONG, round_trips, spread};
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::Code;
use crate::wire::Ask;

pub(super) const RULE: Rule = Rule { cause: CauseId::HighLatency, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let times = round_trips(facts);
    let (host, detail) = (facts.host(), facts.detail());
    match spread(&times) {
        Some((from, median, _)) if LONG <= from => {
            let summary = format!(
                "{host} answers, and each round trip takes long: {} ms, the latency of the way or of the server.",
                median.as_millis()
            );
            let found = Match::new(0.85, summary).sign(format!("{} answers, none quick", times.len()));
            if facts.asked(Ask::RoundTrips).is_none() {
                Fit::CantTell(found.asks(&[Ask::RoundTrips]))
            } else {
                Fit::Fits(found)
            }
        }
        _ if super::slow_once(facts) => Fit::No,
        _ if facts.code() == Some(Code::Slow) => {
            let summary = format!("{host} answers, but takes {detail}, longer than its objective.");
            Fit::Fits(Match::new(0.7, summary).asks(&[Ask::RoundTrips]))
        }
        _ => Fit::No,
    }
}

fn fixes(_: &Facts<'_>) -> Vec<Fix> {
    vec![Fix::any(
        "Find the phase that takes the time (DNS, connect, TLS, first byte): latency of the network, or of the application. Bring the server nearer to its users, keep connections open (WebSocket in place of polling), and ask less often in turn.",
    )]
}
