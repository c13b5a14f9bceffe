//! No token was given, and the server wants one.

use super::super::upgrade::is_usual;
use super::Denied;
use super::token;
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};

pub(super) const RULE: Rule = Rule { cause: CauseId::TokenMissing, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let Some(denied) = Denied::of(facts) else { return Fit::No };
    let answered = &denied.answered;
    // “Missing or wrong”, of one that was given, is about the other.
    let given = token::given(facts).is_some() || facts.has_auth_payload;
    let wants = denied.says_missing() && !(given && denied.says_wrong());
    if denied.says(&["token", "jwt"]) && wants && !denied.says(&["csrf"]) {
        return Fit::Fits(Match::new(0.93, format!("{answered}: no token was given.")).sign("it asks for a token"));
    }
    let Some(refused) = denied.wordless().filter(|_| token::given(facts).is_none()) else { return Fit::No };
    if refused.nowhere().is_none() {
        return Fit::CantTell(Match::new(0.3, format!("{answered} and no reason: it may want a token.")));
    }
    if !refused.origin_is_fine() || refused.is_daphne() {
        return Fit::CantTell(Match::new(0.3, format!("{answered} and no reason: it may want a token.")));
    }
    let confidence = if is_usual(facts.url.path()) && !denied.cookie_was_sent() { 0.55 } else { 0.35 };
    let summary = format!(
        "{answered} and no reason, whatever the origin: its ordinary answers allow the page, and no token was sent."
    );
    Fit::CantTell(Match::new(confidence, summary).sign("the page's origin is allowed elsewhere"))
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let mut fixes = vec![Fix::any(
        "Send the token that the server expects: on a WebSocket often ?token=…, since scripts can set no header there.",
    )];
    fixes.extend(token::in_page(facts));
    fixes
}
