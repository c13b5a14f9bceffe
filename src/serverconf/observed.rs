//! Configured against observed: what the server did with an origin, and what its files say that it would.

use super::finding::{Finding, Rule, Severity};
use super::policy::{Guard, Guarded, Policy};
use super::source::Place;

/// What a check from a page of some origin came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observed {
    LetIn,
    Refused,
}

/// The guard that a check of that kind meets.
pub fn guard(policy: &Policy, thing: Guarded) -> Option<&Guard> {
    policy.guards.iter().find(|guard| guard.thing == thing)
}

/// Where the guard and the server differ about a page of that origin.
pub fn compare(guard: &Guard, origin: &str, observed: Observed) -> Option<Finding> {
    let at = |origin: &str| -> Place {
        guard
            .origins
            .named()
            .find(|(named, _)| *named == origin)
            .map_or_else(|| guard.at.clone(), |(_, entry)| entry.at.clone())
    };
    let name = guard.thing.name();
    match (guard.origins.lets_in(origin), observed) {
        (true, Observed::LetIn) | (false, Observed::Refused) => None,
        (true, Observed::Refused) => Some(
            Finding::new(
                Rule::OriginNotAllowed,
                Severity::Error,
                at(origin),
                format!("{origin} is let in here ({name}), and the server refuses it"),
            )
            .instead("the same line, and a restart: the server runs with something else"),
        ),
        (false, Observed::LetIn) => Some(
            Finding::new(
                Rule::OriginNotValidated,
                Severity::Error,
                at(origin),
                format!("{origin} is not let in here ({name}), and the server lets it in"),
            )
            .instead(
                "the same line, and a restart: the server runs with something else, or something before it answers",
            ),
        ),
    }
}
