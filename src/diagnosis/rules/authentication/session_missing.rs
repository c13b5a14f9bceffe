//! There is no session: nobody is signed in, or its cookie did not get there by a rule that no cause has the name of.

use url::{Position, Url};

use super::{Denied, cookies};
use crate::browser::cookie::Why;
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::profile::model::Kind;
use crate::wire::Purpose;

pub(super) const RULE: Rule = Rule { cause: CauseId::SessionMissing, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    match cookies::look(CauseId::SessionMissing, facts) {
        Fit::No => {}
        found => return found,
    }
    if let Some(page) = login_page(facts) {
        let summary =
            format!("{} sends the page's request to the login page {page}: nobody is signed in.", facts.host());
        return Fit::Fits(Match::new(0.9, summary).sign("a redirect to the login page"));
    }
    let Some(denied) = Denied::of(facts).filter(|denied| !denied.by_http_scheme()) else { return Fit::No };
    let answered = &denied.answered;
    let nobody = format!("{answered}: there is no session, the user is not signed in.");
    if denied.status.is_some_and(|status| (300..400).contains(&status)) {
        let summary = format!("{answered} and leads to the login page: nobody is signed in to it.");
        return Fit::Fits(Match::new(0.9, summary).sign("a redirect to the login page"));
    }
    let said = denied.says(&["session", "log in", "logged in", "login", "signed in", "sign in"]);
    let expired = denied.says(&["expired"]) && !denied.says(&["session"]);
    if said && !expired && !denied.says(&["token", "jwt"]) {
        let confidence = if facts.is_html() { 0.6 } else { 0.88 };
        return Fit::Fits(Match::new(confidence, nobody).sign("it names the session"));
    }
    match denied.wordless() {
        // Django's sessions are the way of its sockets.
        Some(refused) if refused.is_daphne() && refused.origin_is_fine() => {
            let confidence = if denied.cookie_was_sent() { 0.5 } else { 0.6 };
            Fit::CantTell(Match::new(confidence, nobody).sign("the route is there, and the origin is let in"))
        }
        Some(_) => Fit::CantTell(Match::new(0.3, nobody)),
        None if denied.status == Some(401) && facts.signs_in_by_cookie => Fit::CantTell(Match::new(0.62, nobody)),
        None if denied.status == Some(401) => Fit::CantTell(Match::new(0.4, nobody)),
        None => Fit::No,
    }
}

/// Where a script's request for something else was led: a page whose path is of signing in.
pub(in crate::diagnosis::rules) fn login_page(facts: &Facts<'_>) -> Option<String> {
    const NAMES: [&str; 6] = ["login", "log-in", "log_in", "signin", "sign-in", "sign_in"];
    let signs_in =
        |url: &Url| url.path_segments().into_iter().flatten().any(|part| NAMES.contains(&&*part.to_ascii_lowercase()));
    if facts.kind != Kind::Http || signs_in(facts.url) {
        return None;
    }
    let last = facts.last().filter(|last| last.request.purpose == Purpose::Actual && signs_in(&last.request.url))?;
    let is_page = matches!(last.status(), Some(200..=299)) && facts.is_html();
    is_page.then(|| last.request.url[..Position::AfterPath].to_owned())
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let Some(lost) = facts.lost_by(CauseId::SessionMissing) else {
        let (scheme, host) = (facts.url.scheme(), facts.host());
        let mut fixes = vec![Fix::any(
            "Sign in again; check that the session cookie is set for this host and path and sent (SameSite, Secure, Domain, Path, credentials: \"include\").",
        )];
        if !facts.is_websocket() {
            let snippet = format!("fetch(\"{scheme}://{host}{}\", {{ credentials: \"include\" }})", facts.url.path());
            fixes.push(Fix::at("any", "In the page.", snippet));
        }
        return fixes;
    };
    let (name, host) = (&lost.name, facts.url.host_str().unwrap_or_default());
    vec![Fix::any(match lost.why {
        Why::ThirdParty | Why::Partition => format!(
            "Serve the page and {host} from one site: cookies of other sites don't reach it; or send a token in place of the cookie {name}."
        ),
        Why::Prefix => format!(
            "Set the cookie {name} with what its prefix promises: __Secure- wants Secure; __Host- wants Secure, Path=/ and no Domain."
        ),
        Why::Expired => format!(
            "Set the cookie {name} with a Max-Age or an Expires that lies ahead, and look at the server's clock."
        ),
        _ => format!("Set the cookie {name} with a name and a value of plain characters, 4096 bytes together at most."),
    })]
}
