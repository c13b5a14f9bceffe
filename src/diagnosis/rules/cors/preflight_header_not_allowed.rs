//! The header of the request is missing in `Access-Control-Allow-Headers`.

use super::listed;
use crate::diagnosis::fixes::python;
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::words::status_words;
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::Code;

pub(super) const RULE: Rule = Rule { cause: CauseId::PreflightHeaderNotAllowed, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let (host, detail) = (facts.host(), facts.detail());
    let found = match facts.code() {
        Some(Code::HeaderDisallowedByPreflightResponse) => {
            let listed = listed(facts, "access-control-allow-headers");
            Match::new(0.97, format!("{host} does not allow the header {detail} in its preflight: {listed}."))
        }
        Some(Code::InvalidAllowHeadersPreflightResponse) => Match::new(
            0.9,
            format!("{host} answers the preflight with a list of headers that can't be read ({detail})."),
        ),
        // Starlette's words.
        Some(Code::PreflightInvalidStatus) if facts.body().contains("disallowed cors headers") => {
            let answered = status_words(facts.status().unwrap_or(0));
            Match::new(
                0.95,
                format!("{host} answered the preflight (OPTIONS) with {answered}: a header is not in its list."),
            )
        }
        _ => return Fit::No,
    };
    Fit::Fits(found)
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let name = super::asked_for(facts);
    vec![
        Fix::any(format!("Add the header {name} to Access-Control-Allow-Headers.")),
        python::flask(facts),
        python::express(facts),
        python::preflight(facts),
        python::django_list(CauseId::PreflightHeaderNotAllowed, &name),
        Fix::at(
            "nginx",
            "Where nginx answers the preflight.",
            format!("add_header Access-Control-Allow-Headers \"{}\" always;", python::headers(facts).replace('"', "")),
        ),
    ]
}
