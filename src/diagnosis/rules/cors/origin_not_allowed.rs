//! The page's origin is not in the server's list.

use url::Url;

use super::{LIST, Left, has_twin, is_preflight, left};
use crate::diagnosis::fixes::origins;
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::rules::socketio::by_origins_of_version_2;
use crate::diagnosis::words::status_words;
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::Code;
use crate::wire::Ask;

pub(super) const RULE: Rule = Rule { cause: CauseId::OriginNotAllowed, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let (host, origin) = (facts.host(), facts.origin());
    match facts.code() {
        Some(Code::InvalidAllowOriginValue | Code::PreflightInvalidAllowOriginValue) => return no_origin(facts),
        Some(Code::MultipleAllowOriginValues | Code::PreflightMultipleAllowOriginValues) => {
            let value = facts.detail();
            let summary = format!(
                "{host} sends its whole list of origins ({value}): only the page's own, {origin}, may stand there."
            );
            return Fit::CantTell(Match::new(0.6, summary));
        }
        _ => {}
    }
    if by_origins_of_version_2(facts) {
        let summary = format!(
            "{host} refuses the session with 403: its list of origins has not {origin}, or a check of its own refuses."
        );
        return Fit::Fits(
            Match::new(0.85, summary).sign("Socket.IO 2 answers so to an origin that is not in its list"),
        );
    }
    let Some(left) = left(facts) else { return Fit::No };
    let what = if is_preflight(facts) { "answers the preflight" } else { "answers" };
    let answered = status_words(facts.status().unwrap_or(0));
    let found = match &left {
        Left::Refused => {
            Match::new(0.97, format!("{host} answered {answered}: the origin {origin} is not in its list."))
        }
        Left::Unlisted => Match::new(
            0.85,
            format!("{host} {what}, and gives the origin {origin} no leave: it is not in the server's list."),
        ),
        Left::Bare => Match::new(0.4, format!("{host} {what} without any CORS header, to the origin {origin}.")),
        Left::Other(allowed) => Match::new(
            0.93,
            format!("{host} allows {allowed}, and the page is {origin}: {}.", difference(facts, allowed)),
        ),
    };
    if has_twin(facts, &left) {
        return Fit::CantTell(Match { confidence: 0.4, ..found });
    }
    match left {
        Left::Bare if facts.asked(Ask::Preflight).is_some() => Fit::CantTell(Match { confidence: 0.2, ..found }),
        Left::Bare => Fit::CantTell(found.asks(&LIST)),
        Left::Refused | Left::Unlisted => Fit::Fits(found.asks(&LIST[..4])),
        Left::Other(_) => Fit::Fits(found),
    }
}

/// In what the allowed origin differs, where that is not what a rule of its own tells.
fn difference(facts: &Facts<'_>, allowed: &str) -> &'static str {
    let page = &facts.page;
    let Ok(other) = Url::parse(allowed) else { return "another origin" };
    if other.host() != page.host() || other.scheme() != page.scheme() {
        "another origin"
    } else if other.port_or_known_default() != page.port_or_known_default() {
        "the port differs"
    } else if allowed.ends_with('/') {
        "an origin has no slash at its end"
    } else {
        "origins are compared letter by letter"
    }
}

/// A value that is no origin at all.
fn no_origin(facts: &Facts<'_>) -> Fit {
    let (host, origin, value) = (facts.host(), facts.origin(), facts.detail());
    let why = if value.is_empty() {
        "is empty".to_owned()
    } else if facts.page.host_str().is_some_and(|name| value.starts_with(name)) {
        format!("is “{value}”, without its scheme")
    } else {
        format!("is “{value}”, which is no origin")
    };
    Fit::Fits(Match::new(0.85, format!("The Access-Control-Allow-Origin of {host} {why}; the page is {origin}.")))
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let origin = facts.origin();
    let told = match facts.reason.and_then(|reason| reason.close) {
        Some(close) => format!(" (it says so by closing with {close})"),
        None => String::new(),
    };
    let port = match facts.page.port() {
        None => " (browsers leave the scheme's own port, 443 or 80, out)",
        Some(_) => "",
    };
    let mut fixes = vec![Fix::any(format!(
        "Add the origin {origin} to the server's list of allowed origins{told}: scheme, host and port exactly so{port}, \
         without a slash at its end."
    ))];
    if by_origins_of_version_2(facts) {
        let text = "Socket.IO 2 has `origins` in the place of `cors`.";
        fixes.push(Fix::at(
            "node-socketio",
            text,
            format!("const io = require(\"socket.io\")(httpServer, {{ origins: [\"{origin}\"] }});"),
        ));
    }
    fixes.extend(origins::named(facts));
    fixes
}
