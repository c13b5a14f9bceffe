//! One connection too many at a time.

use std::time::Duration;

use super::{by_close, closed, said};
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::Code;

pub(super) const RULE: Rule = Rule { cause: CauseId::ConcurrentConnectionLimit, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let host = facts.host();
    if let Some(closed) = closed(facts) {
        return match said::named(facts) {
            Some((CauseId::ConcurrentConnectionLimit, confidence)) => Fit::Fits(by_close(facts, &closed, confidence)),
            Some((CauseId::ServerOverloaded | CauseId::TooManyConnections, _)) | None if one_of_several(facts) => {
                Fit::Fits(by_close(facts, &closed, 0.94).sign("another connection at the same moment was taken"))
            }
            _ => Fit::No,
        };
    }
    let refused = facts.code() == Some(Code::RateLimited) || facts.status() == Some(429);
    let told = said::meaning(facts.detail()) == Some(CauseId::ConcurrentConnectionLimit);
    if !(refused || told) {
        return Fit::No;
    }
    let what = facts.reason.map(crate::diagnosis::words::phrase).unwrap_or_default();
    let summary = format!("{host} takes only so many connections at a time: {what}.");
    match (one_of_several(facts), told) {
        (true, _) => Fit::Fits(Match::new(0.96, summary).sign("another connection at the same moment was taken")),
        (false, true) => Fit::Fits(Match::new(0.94, summary).sign(facts.detail())),
        (false, false) => Fit::No,
    }
}

/// Whether a check that was made at the same time came out well; one after another are not.
pub(super) fn one_of_several(facts: &Facts<'_>) -> bool {
    let at_once = Duration::from_millis(100);
    facts.attempts.iter().filter(|attempt| attempt.works()).any(|attempt| {
        let begun = attempt.scheduled.plus(attempt.lateness);
        let ended = begun.plus(attempt.phases.total.unwrap_or(at_once));
        begun.since(facts.at).max(facts.at.since(begun)) <= at_once && facts.at < ended
    })
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    vec![Fix::any(format!(
        "Close connections that are no longer needed (a page that goes, a tab in the background, a component that mounts twice) and share one between the parts of a page; or raise the server's limit of connections for one client{}.",
        super::code_words(facts)
    ))]
}
