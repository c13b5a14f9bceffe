//! 503, and meant to pass: maintenance.

use super::{answered, answered_words, is_of_the_proxy, server, sign, text, unreadable};
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};

pub(super) const RULE: Rule = Rule { cause: CauseId::ServiceUnavailable, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let Some((_, response)) = answered(facts, 503) else { return Fit::No };
    let after = response.headers.first_str("retry-after");
    let apache = server(response).starts_with("apache") && is_of_the_proxy(response);
    let says = text(response).contains("maintenance") && !apache;
    let when = match after {
        Some(after) if !after.is_empty() && after.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("; it asks to come back in {after} s")
        }
        Some(after) => format!("; it asks to come back at {after}"),
        None => String::new(),
    };
    let summary =
        format!("{}: it is out of service for now{when}{}.", answered_words(facts, response), unreadable(facts));
    let found = |confidence| Match::new(confidence, summary.clone()).sign(sign(response));
    match after {
        Some(after) => Fit::Fits(found(0.94).sign(format!("Retry-After: {after}"))),
        None if says => Fit::Fits(found(0.9).sign("its page speaks of maintenance")),
        None => Fit::Fits(found(0.6)),
    }
}

fn fixes(_: &Facts<'_>) -> Vec<Fix> {
    vec![
        Fix::any("Wait as long as Retry-After says (503 is meant to pass); clients should back off, not hammer."),
        Fix::at(
            "nginx",
            "Where it answers in place of the application: so that pages can read the 503 and wait.",
            "add_header Retry-After 120 always;\nadd_header Access-Control-Expose-Headers Retry-After always;",
        ),
    ]
}
