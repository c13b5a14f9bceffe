//! There is nothing at that path.

use super::answer;
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::words::status_words;
use crate::diagnosis::{CauseId, Facts, Fix};

pub(super) const RULE: Rule = Rule { cause: CauseId::NotFound, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let Some((status @ (404 | 410), readable)) = answer(facts).filter(|_| !facts.is_websocket()) else {
        return Fit::No;
    };
    let summary =
        format!("{} answered {}: there is nothing at {}.", facts.host(), status_words(status), facts.url.path());
    let confidence = if readable { 0.9 } else { 0.55 };
    Fit::Fits(Match::new(confidence, summary).sign(status_words(status)))
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    vec![Fix::any(format!(
        "Check the path {}, its last slash and its prefix, and that the 404 is not of another server than the one you mean.",
        facts.url.path()
    ))]
}
