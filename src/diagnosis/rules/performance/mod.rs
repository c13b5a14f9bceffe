//! It works, and takes its time.

mod high_jitter;
mod high_latency;

use std::time::Duration;

use crate::diagnosis::Facts;
use crate::diagnosis::rule::Rule;
use crate::profile::model::Kind;
use crate::watch::Code;
use crate::watch::stats::percentile;
use crate::wire::{Ask, Exchange, Purpose};

pub(super) const RULES: &[Rule] = &[high_jitter::RULE, high_latency::RULE];

/// From here on people notice.
const LONG: Duration = Duration::from_millis(300);

/// How long the answers of a server took that had nothing to wait for, the shortest first. Empty where it is not slowness that
/// the check fails by.
fn round_trips(facts: &Facts<'_>) -> Vec<Duration> {
    let answered = facts.exchanges.iter().any(|exchange| exchange.response().is_some());
    if !(facts.code() == Some(Code::Slow) || facts.code() == Some(Code::Timeout) && answered) {
        return Vec::new();
    }
    let attempts = facts.attempts.iter().flat_map(|report| report.exchanges.iter().map(AsRef::as_ref));
    let own: Vec<&Exchange> = if facts.attempts.is_empty() { facts.exchanges.clone() } else { attempts.collect() };
    let all = own.into_iter().chain(facts.asked_all(Ask::RoundTrips));
    let mut times: Vec<Duration> = all.filter(|exchange| !waits(exchange)).filter_map(time).collect();
    times.sort_unstable();
    times
}

/// Slower than its objective, and quick each time that it was asked again: a busy machine, a first start. What a Socket.IO
/// connection needs beside its round trips is not asked again.
pub(in crate::diagnosis) fn slow_once(facts: &Facts<'_>) -> bool {
    let quick = || spread(&round_trips(facts)).is_some_and(|(_, median, most)| median < LONG && most < LONG);
    facts.code() == Some(Code::Slow)
        && facts.asked(Ask::RoundTrips).is_some()
        && (facts.kind != Kind::SocketIo || facts.phases.total.is_some_and(|took| took < Duration::from_secs(1)))
        && quick()
}

/// Whether the server holds the answer back on purpose: a long poll of Engine.IO.
fn waits(exchange: &Exchange) -> bool {
    let request = &exchange.request;
    let polls = request.url.query_pairs().any(|(name, _)| name == "sid");
    polls && request.method == "GET" && request.purpose != Purpose::Handshake
}

/// From the request to the answer's first byte.
fn time(exchange: &Exchange) -> Option<Duration> {
    exchange.response()?;
    exchange.phases.first_byte
}

/// The middle three fifths of them: from, the median, to.
fn spread(times: &[Duration]) -> Option<(Duration, Duration, Duration)> {
    Some((percentile(times, 0.2)?, percentile(times, 0.5)?, percentile(times, 0.8)?))
}
