//! No CORS configuration at all, on a server that is used from another origin.

use super::{LIST, Left, has_twin, is_preflight, left};
use crate::diagnosis::fixes::origins;
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::wire::Ask;

pub(super) const RULE: Rule = Rule { cause: CauseId::CorsHeadersMissing, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let Some(left @ (Left::Bare | Left::Unlisted)) = left(facts) else { return Fit::No };
    let (host, origin) = (facts.host(), facts.origin());
    let what = if is_preflight(facts) { "answers the preflight" } else { "answers" };
    let found = |confidence| {
        Match::new(
            confidence,
            format!("{host} {what} without any CORS header: the page {origin} may not read the answer."),
        )
    };
    match left {
        Left::Bare if has_twin(facts, &left) => Fit::No,
        Left::Bare if facts.asked(Ask::NoOrigin).is_some() => {
            Fit::Fits(found(0.93).sign("no origin gets a CORS header there"))
        }
        Left::Bare => Fit::Fits(found(0.8).asks(&LIST)),
        _ => Fit::CantTell(found(0.15)),
    }
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let origin = facts.origin();
    let preflight = if is_preflight(facts) { ", to the preflight (OPTIONS) too" } else { "" };
    let mut fixes = vec![Fix::any(format!(
        "Let the server answer Access-Control-Allow-Origin: {origin}{preflight}, in one layer alone: the application or the proxy, not both."
    ))];
    fixes.extend(origins::named(facts));
    fixes
}
