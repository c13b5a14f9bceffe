//! The session's cookie belongs to one name of this machine, and the request goes to the other.

use super::Denied;
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::Category;
use crate::wire::Purpose;

pub(super) const RULE: Rule = Rule { cause: CauseId::Localhost127Mismatch, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let Some(denied) = Denied::of(facts).filter(|denied| !denied.cookie_was_sent() && !denied.by_http_scheme()) else {
        return Fit::No;
    };
    let answered = &denied.answered;
    // Signed in under one name, and asked for under the other.
    let name = facts.url.host_str().unwrap_or_default();
    let elsewhere = facts
        .exchanges
        .iter()
        .filter(|one| one.request.purpose == Purpose::SignIn)
        .filter_map(|one| one.request.url.host_str())
        .find(|host| *host != name && is_this_machine(host) && is_this_machine(name));
    if let Some(host) = elsewhere {
        let summary = format!(
            "{answered}: the sign-in's cookie belongs to {host}, and {name} is the same machine by another name: the cookie stays behind."
        );
        let found = Match::new(0.9, summary).sign(format!("signed in at {host}, no cookie to {name}"));
        return Fit::Fits(found.of(Category::Authentication));
    }
    let Some((page, endpoint)) = facts.loopback_names() else { return Fit::No };
    let summary = format!("{answered}: {page} and {endpoint} are one machine, and their cookies apart.");
    let confidence = match denied.status {
        Some(401 | 403) if facts.signs_in_by_cookie => 0.65,
        // A token in a header is asked for by its name; a session's cookie isn't.
        Some(401) if !facts.signs_in && facts.header("www-authenticate").is_none() => 0.35,
        _ => return Fit::No,
    };
    Fit::CantTell(Match::new(confidence, summary).of(Category::Authentication))
}

fn is_this_machine(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let name = facts.url.host_str().unwrap_or_default();
    vec![Fix::any(format!(
        "Use one name throughout, for the page, the login and the endpoint: localhost and 127.0.0.1 are two hosts to a cookie (here it is {name})."
    ))]
}
