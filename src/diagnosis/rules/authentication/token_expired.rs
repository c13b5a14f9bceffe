//! The token's time is over: by its own claim, or as the server says.

use super::Denied;
use super::token::{self, Token};
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};

pub(super) const RULE: Rule = Rule { cause: CauseId::TokenExpired, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let Some(denied) = Denied::of(facts).filter(|denied| !denied.by_http_scheme()) else { return Fit::No };
    let answered = &denied.answered;
    if token::given(facts) == Some(Token::Expired) {
        let summary = format!("{answered}: the token has expired.");
        return Fit::Fits(Match::new(0.93, summary).sign("the token's exp is past"));
    }
    let says =
        denied.says(&["expired"]) || facts.header("www-authenticate").is_some_and(|value| value.contains("expired"));
    if says && denied.says(&["token", "jwt", "signature"]) {
        return Fit::Fits(Match::new(0.93, format!("{answered}: the token has expired.")).sign("it says expired"));
    }
    if says && !denied.says(&["session"]) {
        return Fit::Fits(
            Match::new(0.85, format!("{answered}: the credentials have expired.")).sign("it says expired"),
        );
    }
    let may = denied.status == Some(401) && facts.signs_in && !facts.signs_in_by_cookie;
    if may { Fit::CantTell(Match::new(0.4, format!("{answered}: the token may have expired."))) } else { Fit::No }
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let mut fixes = vec![Fix::any(
        "Get a new token: this one has expired. Renew it before each reconnection; where tokens expire at once, compare the clocks of issuer and server.",
    )];
    fixes.extend(token::in_page(facts));
    fixes
}
