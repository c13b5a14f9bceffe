//! Signed in, and not allowed.

use super::Denied;
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::rules::between::is_of_the_proxy;
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::meaning::names_credentials;
use crate::wire::Ask;

pub(super) const RULE: Rule = Rule { cause: CauseId::InsufficientPermissions, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let Some(denied) = Denied::of(facts).filter(|denied| denied.status != Some(401)) else { return Fit::No };
    let answered = &denied.answered;
    let given = facts.signs_in || denied.bearer_was_sent() || denied.cookie_was_sent();
    let said = !facts.is_html()
        && denied.says(&["permission", "admin", "role", "privilege", "not allowed", "insufficient", "forbidden"])
        && !names_credentials(&denied.words);
    let told = format!("{answered}: signed in, and not allowed.");
    if said && (given || denied.says(&["permission", "admin", "role", "privilege", "insufficient"])) {
        return Fit::Fits(Match::new(if given { 0.85 } else { 0.75 }, told).sign("it says so"));
    }
    match facts.reason.and_then(|reason| reason.close) {
        Some(3003 | 4003 | 4403) => return Fit::CantTell(Match::new(0.7, told).sign("the code says so")),
        Some(_) => return Fit::No,
        None => {}
    }
    if denied.status != Some(403) {
        return Fit::No;
    }
    let others = [Ask::NoOrigin, Ask::OwnOrigin, Ask::PlainGet];
    if facts.response().is_some_and(is_of_the_proxy)
        && others.iter().all(|ask| facts.asked_status(*ask).is_none_or(|status| status == 403))
    {
        let summary = format!(
            "{answered} by the proxy's own page, whatever the origin: a deny, an address or a right that it asks for."
        );
        return Fit::CantTell(Match::new(0.6, summary).sign("the page is the proxy's own").asks(&others));
    }
    let confidence = match denied.wordless() {
        Some(refused) if denied.cookie_was_sent() && refused.origin_is_fine() => 0.6,
        Some(_) if denied.cookie_was_sent() => 0.3,
        Some(_) => return Fit::No,
        None if given => 0.6,
        None => 0.3,
    };
    Fit::CantTell(Match::new(confidence, told))
}

fn fixes(_: &Facts<'_>) -> Vec<Fix> {
    vec![Fix::any(
        "Give the user the right (permission, role) that this needs, for instance admin, or use another user.",
    )]
}
