//! A namespace is refused for want of credentials, in the server's own words.

use super::refused_namespace;
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::rules::session::said;
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::Code;

pub(super) const RULE: Rule = Rule { cause: CauseId::AuthRequired, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let Some((name, reason, said)) = refused_namespace(facts) else { return Fit::No };
    let summary = format!("{} refuses {name} without credentials that it accepts: {said}.", facts.host());
    match said::meaning(said) {
        Some(CauseId::AuthRequired) => Fit::Fits(Match::new(0.9, summary).sign(said)),
        // Where nothing was given, a token is wanted rather than wrong.
        Some(CauseId::TokenInvalid | CauseId::TokenMissing) if !facts.has_credentials() => {
            Fit::Fits(Match::new(0.93, summary).sign(said))
        }
        Some(CauseId::SessionMissing | CauseId::TokenInvalid | CauseId::InsufficientPermissions) => {
            Fit::CantTell(Match::new(0.5, summary))
        }
        None if reason.code == Code::AuthRequired => Fit::Fits(Match::new(0.85, summary).sign(said)),
        _ => Fit::No,
    }
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let told = match facts.reason.and_then(|reason| reason.close) {
        Some(close) => format!("; {close} is its refusal of missing auth"),
        None => String::new(),
    };
    if !super::is_socketio(facts) {
        return vec![Fix::any(format!(
            "Sign in first, or send the credentials (auth) in the way that the server reads: a cookie, a header, a token{told}."
        ))];
    }
    vec![
        Fix::any(
            "Sign in before connecting, or send what the server reads: the auth payload of the connection, a token, or the session's cookie (withCredentials: true).",
        ),
        Fix::at(
            "any",
            "In the page.",
            format!("io(\"{}\", {{ auth: {{ token }}, withCredentials: true }})", facts.host_url()),
        ),
    ]
}
