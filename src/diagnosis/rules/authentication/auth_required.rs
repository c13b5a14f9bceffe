//! No credentials were given.

use super::{Denied, token};
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::rules::session::said;
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::meaning::names_credentials;

pub(super) const RULE: Rule = Rule { cause: CauseId::AuthRequired, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let Some(denied) = Denied::of(facts).filter(|denied| !denied.by_http_scheme()) else { return Fit::No };
    let answered = &denied.answered;
    let said = names_credentials(&denied.words) && !facts.is_html();
    let wants = format!("{answered}: it wants credentials.");
    let given = facts.signs_in || denied.bearer_was_sent() || denied.cookie_was_sent() || token::given(facts).is_some();
    match (denied.status, facts.reason.and_then(|reason| reason.close)) {
        (Some(401), _) if given => Fit::CantTell(Match::new(0.45, wants)),
        (Some(401), _) => Fit::Fits(
            Match::new(0.85, format!("{answered}: no credentials were given.")).sign("401, and none were sent"),
        ),
        (Some(403), _) if said => Fit::Fits(Match::new(0.8, wants).sign("it asks for credentials")),
        (Some(403), _) => match denied.wordless() {
            Some(refused) if refused.nowhere().is_none() && !facts.is_cross_origin() => {
                Fit::CantTell(Match::new(0.5, format!("{answered} and no reason; the page is of its own origin.")))
            }
            Some(refused) if refused.origin_is_fine() && !given => Fit::CantTell(Match::new(
                0.5,
                format!("{answered} and no reason, whatever the origin: it may want credentials."),
            )),
            Some(_) => Fit::CantTell(Match::new(0.35, format!("{answered} and no reason: it may want credentials."))),
            None if given => Fit::CantTell(Match::new(0.3, wants)),
            None => Fit::CantTell(Match::new(0.45, format!("{answered} and does not say why."))),
        },
        (Some(_), _) => Fit::No,
        // What it says comes before what the number usually means.
        (None, Some(3000 | 4001 | 4401))
            if said::meaning(&denied.words).is_some_and(|cause| cause != CauseId::AuthRequired) =>
        {
            Fit::CantTell(Match::new(0.6, wants))
        }
        (None, Some(3000 | 4001 | 4401)) => Fit::Fits(Match::new(0.93, wants).sign("the code says so")),
        (None, Some(_)) if said => Fit::Fits(Match::new(0.9, wants).sign("it asks for credentials")),
        (None, Some(1008)) => Fit::CantTell(Match::new(0.5, format!("{answered}: it may want credentials."))),
        (None, Some(_)) => Fit::No,
        (None, None) => {
            let confidence = if given { 0.6 } else { 0.9 };
            Fit::Fits(Match::new(confidence, wants).sign("it asks for credentials"))
        }
    }
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let told = match (facts.reason.and_then(|reason| reason.close), facts.status()) {
        (Some(close), _) => format!("; {close} is how it refuses who did not"),
        (None, Some(status @ (401 | 403))) => format!("; {status} is how it refuses who did not"),
        (None, _) => String::new(),
    };
    vec![Fix::any(format!(
        "Sign in before connecting, or send the credentials (auth) in the way that the server reads, a cookie, a header, a token{told}."
    ))]
}
