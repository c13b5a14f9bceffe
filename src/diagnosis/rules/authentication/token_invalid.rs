//! A token was given, and does not verify.

use super::Denied;
use super::token::{self, Token};
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};

pub(super) const RULE: Rule = Rule { cause: CauseId::TokenInvalid, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let Some(denied) = Denied::of(facts).filter(|denied| !denied.by_http_scheme()) else { return Fit::No };
    let answered = &denied.answered;
    let given = token::given(facts);
    if given == Some(Token::Expired) {
        return Fit::No;
    }
    let invalid = denied.says_wrong();
    let missing = denied.says_missing() && !(invalid && (given.is_some() || facts.has_auth_payload));
    if denied.says(&["token", "jwt", "signature"]) && !missing && !denied.says(&["expired", "csrf"]) {
        let confidence = if invalid { 0.93 } else { 0.85 };
        return Fit::Fits(
            Match::new(confidence, format!("{answered}: the token is not accepted.")).sign("it names the token"),
        );
    }
    if facts
        .header("www-authenticate")
        .is_some_and(|value| value.contains("invalid_token") && !value.contains("expired"))
    {
        return Fit::Fits(
            Match::new(0.93, format!("{answered}: the token is not accepted.")).sign("error=\"invalid_token\""),
        );
    }
    if given == Some(Token::Malformed) {
        let summary = format!("{answered}: the token is none: it has three parts that can't be read.");
        return Fit::Fits(Match::new(0.82, summary).sign("a JWT that can't be read"));
    }
    if denied.says(&["permission", "admin", "role"]) {
        return Fit::No;
    }
    let told = format!("{answered}: the credentials given are not accepted.");
    if denied.status == Some(401) && (denied.bearer_was_sent() || given.is_some()) {
        return Fit::Fits(Match::new(0.82, told).sign("a token was sent"));
    }
    match denied.wordless() {
        Some(refused) if given.is_some() && refused.origin_is_fine() => Fit::CantTell(Match::new(
            0.65,
            format!("{answered}, though it lets the page in: the token may not verify."),
        )),
        Some(_) if given.is_some() => Fit::CantTell(Match::new(0.35, format!("{answered}: the token may not verify."))),
        None if denied.is_silent() && denied.status.is_none() && given.is_some() => {
            Fit::CantTell(Match::new(0.65, format!("{answered}: the token may not verify.")))
        }
        None if denied.status == Some(401) && facts.signs_in && !facts.signs_in_by_cookie => {
            Fit::CantTell(Match::new(0.6, told))
        }
        Some(_) | None => Fit::No,
    }
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let mut fixes = vec![Fix::any(
        "Get a new token: this one does not verify. Check that issuer and server have the same key, algorithm, issuer and audience.",
    )];
    fixes.extend(token::in_page(facts));
    fixes
}
