//! The request carries credentials, and the answer lacks `Access-Control-Allow-Credentials: true`.

use crate::diagnosis::fixes::origins;
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::Code;

pub(super) const RULE: Rule = Rule { cause: CauseId::CredentialsNotAllowed, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    if !matches!(facts.code(), Some(Code::InvalidAllowCredentials | Code::PreflightInvalidAllowCredentials)) {
        return Fit::No;
    }
    let (host, origin) = (facts.host(), facts.origin());
    let summary = match facts.detail() {
        "" => format!(
            "The page {origin} sends credentials, and {host} does not answer Access-Control-Allow-Credentials: true."
        ),
        value => format!(
            "The page {origin} sends credentials, and {host} answers Access-Control-Allow-Credentials: {value}, not true."
        ),
    };
    Fit::Fits(Match::new(0.97, summary))
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let mut fixes = vec![Fix::any(
        "Answer Access-Control-Allow-Credentials: true, for listed origins (with Flask-SocketIO take cors_credentials=False out); or send the request without credentials.",
    )];
    fixes.extend(origins::named(facts));
    fixes
}
