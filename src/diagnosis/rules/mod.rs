//! The rules, by family, one a file. Each looks at the reason's code first, then at what the wire said.

mod application;
pub(super) mod authentication;
mod between;
mod cors;
mod local_network;
mod page;
pub(super) mod performance;
mod reach;
mod reflected;
mod session;
mod socket;
mod socketio;
mod tls;
mod upgrade;

use super::rule::{Candidate, Fit, Rule};
use super::words;
use super::{CauseId, Facts, Fix, Warning};
use crate::wire::Ask;

/// Every rule.
fn all() -> impl Iterator<Item = &'static Rule> {
    of_families().chain(session::said::RULES)
}

/// Every rule of the families that have one a file.
fn of_families() -> impl Iterator<Item = &'static Rule> {
    [
        page::RULES,
        reach::RULES,
        tls::RULES,
        between::RULES,
        cors::RULES,
        socket::RULES,
        socketio::RULES,
        reflected::RULES,
        session::RULES,
        performance::RULES,
        upgrade::RULES,
        application::RULES,
        authentication::RULES,
    ]
    .into_iter()
    .flatten()
}

/// The causes that may be, by those rules.
pub(super) fn candidates(facts: &Facts<'_>) -> Vec<Candidate> {
    let candidate = |rule: &Rule| match (rule.look)(facts) {
        Fit::Fits(found) => Some(Candidate { cause: rule.cause, found, fits: true }),
        Fit::CantTell(found) => Some(Candidate { cause: rule.cause, found, fits: false }),
        Fit::No | Fit::Warns(..) => None,
    };
    all().filter_map(candidate).collect()
}

/// What the cause's own rule advises, the one that fits where there are several; `None` where the cause has no rule of its own.
pub(super) fn fixes(cause: CauseId, facts: &Facts<'_>) -> Option<Vec<Fix>> {
    let of_cause = || all().filter(|rule| rule.cause == cause);
    let fitting = of_cause().find(|rule| (rule.look)(facts) != Fit::No);
    fitting.or_else(|| of_cause().next()).map(|rule| (rule.fixes)(facts))
}

/// What the rule of the cause's own family advises, whether or not it fits.
fn advice(cause: CauseId, facts: &Facts<'_>) -> Vec<Fix> {
    let own = of_families().find(|rule| rule.cause == cause);
    own.map_or_else(|| super::fixes::of_tables(cause, facts), |rule| (rule.fixes)(facts))
}

/// What is amiss beside `cause`, the gravest first.
pub(super) fn warnings(facts: &Facts<'_>, cause: Option<CauseId>) -> Vec<Warning> {
    let warned = |rule: &Rule| match (rule.look)(facts) {
        Fit::Warns(severity, found) => Some(Warning {
            cause: rule.cause,
            severity,
            text: found.summary,
            fixes: super::fixes::for_cause(rule.cause, facts),
        }),
        Fit::No | Fit::Fits(_) | Fit::CantTell(_) => None,
    };
    let mut warnings: Vec<Warning> = Vec::new();
    let of_rules = all().filter_map(warned);
    for warning in of_rules.chain(local_network::warning(facts)) {
        if Some(warning.cause) != cause && warnings.iter().all(|known| known.cause != warning.cause) {
            warnings.push(warning);
        }
    }
    warnings.sort_by_key(|warning| std::cmp::Reverse(warning.severity));
    warnings
}

/// What those rules would ask that only warn, or that can't tell of what came out well.
pub(super) fn asks_of_warnings(facts: &Facts<'_>) -> Vec<Ask> {
    let asks = |rule: &Rule| match (rule.look)(facts) {
        Fit::Warns(_, found) => found.asks,
        Fit::CantTell(found) if facts.reason.is_none() => found.asks,
        Fit::No | Fit::Fits(_) | Fit::CantTell(_) => Vec::new(),
    };
    all().flat_map(asks).collect()
}

/// The sentence where nothing is wrong.
pub(super) fn well(facts: &Facts<'_>) -> String {
    let slow = if performance::slow_once(facts) {
        format!(" It took {} once, and was quick each time that it was asked again.", facts.detail())
    } else {
        String::new()
    };
    format!("{} works as its page's script expects.{slow}{}", facts.place(), local_network::condition(facts))
}

/// The sentence where no cause is named.
pub(super) fn without_cause(facts: &Facts<'_>) -> String {
    match facts.reason {
        Some(reason) => format!("{}: {}.", facts.host(), words::phrase(reason)),
        None => format!("{}: nothing to say.", facts.host()),
    }
}
