//! HTTP authentication stands in front.

use super::{answered, answered_words, sign, unreadable};
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};

pub(super) const RULE: Rule = Rule { cause: CauseId::HttpAuthRequired, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let Some((_, response)) = answered(facts, 401) else { return Fit::No };
    let asked = response.headers.first_str("www-authenticate").unwrap_or_default();
    let scheme = asked.split([' ', ',']).next().unwrap_or_default();
    if !is_browsers(scheme) {
        return Fit::No;
    }
    let summary = format!(
        "{}: HTTP authentication ({scheme}) stands in front of it{}.",
        answered_words(facts, response),
        unreadable(facts)
    );
    Fit::Fits(Match::new(0.95, summary).sign(sign(response)).sign(format!("WWW-Authenticate: {asked}")))
}

/// Whether a browser asks its person for a name and a password then. Bearer, ApiKey and the like are an application's own.
pub(in crate::diagnosis::rules) fn is_browsers(scheme: &str) -> bool {
    ["basic", "digest", "negotiate", "ntlm"].iter().any(|known| scheme.eq_ignore_ascii_case(known))
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let path = folder(facts);
    vec![
        Fix::any(
            "Sign in to the HTTP authentication first (it answers 401 to everybody else), or take it off for this path: a script's cross-origin request and a WebSocket can't ask for a name and a password.",
        ),
        Fix::at(
            "nginx",
            format!(
                "In a location for {path} of its own, beside its proxy_pass; the application guards it by its own session."
            ),
            "auth_basic off;",
        ),
        Fix::at(
            "apache",
            "For the path alone.",
            format!("<Location \"{path}\">\n  AuthType None\n  Require all granted\n</Location>"),
        ),
    ]
}

/// Where the endpoint lives.
fn folder(facts: &Facts<'_>) -> String {
    facts.opening().map_or_else(|| facts.url.path().to_owned(), |request| request.url.path().to_owned())
}
