//! The server has a list of the names that it goes by, and this host's is not in it.

use super::answer;
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::words::status_words;
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::wire::Ask;

pub(super) const RULE: Rule = Rule { cause: CauseId::HostNotAllowed, look, fixes };

const NAMES_IT: [&str; 4] = ["allowed_hosts", "disallowedhost", "invalid http_host", "invalid host header"];
const DJANGOS_PAGE: &str = "<h1>bad request (400)</h1>";

fn look(facts: &Facts<'_>) -> Fit {
    let host = facts.url.host_str().unwrap_or_default();
    let Some((status, readable)) = answer(facts) else { return Fit::No };
    let answered = format!("{} answered {}", facts.host(), status_words(status));
    let body = facts.body();
    if status == 400 && NAMES_IT.iter().any(|words| body.contains(words)) {
        let summary = format!("{answered}: the host name {host} is not in its list.");
        return Fit::Fits(Match::new(0.97, summary).sign("it names the host"));
    }
    if status == 400 && body.contains(DJANGOS_PAGE) {
        let summary = format!("{answered}: Django's page for a host name that is not in ALLOWED_HOSTS.");
        return Fit::Fits(Match::new(if readable { 0.85 } else { 0.8 }, summary).sign("Django's page"));
    }
    // A WebSocket is refused without a word; an ordinary GET is answered with one.
    let plain = facts.asked(Ask::PlainGet).filter(|plain| status == 403 && plain.status() == Some(400));
    let says = plain.and_then(|plain| plain.response()).is_some_and(|response| {
        let text = String::from_utf8_lossy(&response.body[..response.body.len().min(4096)]).to_ascii_lowercase();
        text.contains(DJANGOS_PAGE) || NAMES_IT.iter().any(|words| text.contains(words))
    });
    if says {
        let summary = format!("{answered}, and an ordinary GET with 400: {host} is not in ALLOWED_HOSTS.");
        return Fit::CantTell(Match::new(0.7, summary).sign("400 to an ordinary GET"));
    }
    Fit::No
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let (host, page) = (facts.url.host_str().unwrap_or_default(), facts.page.host_str().unwrap_or_default());
    let hosts = if host == page { format!("\"{host}\"") } else { format!("\"{host}\", \"{page}\"") };
    vec![
        Fix::any(format!("Add {host} to ALLOWED_HOSTS (or to the trusted hosts of the framework).")),
        Fix::at(
            "django-channels",
            "In settings.py, beside those that are there; AllowedHostsOriginValidator takes the pages' hosts from it too.",
            format!("ALLOWED_HOSTS = [{hosts}]"),
        ),
        Fix::at(
            "fastapi",
            "In TrustedHostMiddleware, beside those that are there.",
            format!("app.add_middleware(TrustedHostMiddleware, allowed_hosts=[\"{host}\"])"),
        ),
    ]
}
