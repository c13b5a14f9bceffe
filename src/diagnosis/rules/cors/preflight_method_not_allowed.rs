//! The method of the request is missing in `Access-Control-Allow-Methods`.

use super::listed;
use crate::diagnosis::fixes::python;
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::words::status_words;
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::Code;

pub(super) const RULE: Rule = Rule { cause: CauseId::PreflightMethodNotAllowed, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let (host, detail) = (facts.host(), facts.detail());
    let found = match facts.code() {
        Some(Code::MethodDisallowedByPreflightResponse) => {
            let listed = listed(facts, "access-control-allow-methods");
            Match::new(0.97, format!("{host} does not allow the method {detail} in its preflight: {listed}."))
        }
        Some(Code::InvalidAllowMethodsPreflightResponse) => Match::new(
            0.9,
            format!("{host} answers the preflight with a list of methods that can't be read ({detail})."),
        ),
        // Starlette's words.
        Some(Code::PreflightInvalidStatus) if facts.body().contains("disallowed cors method") => {
            let answered = status_words(facts.status().unwrap_or(0));
            Match::new(
                0.95,
                format!("{host} answered the preflight (OPTIONS) with {answered}: the method is not in its list."),
            )
        }
        _ => return Fit::No,
    };
    Fit::Fits(found)
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let name = super::asked_for(facts);
    vec![
        Fix::any(format!("Add the method {name} to Access-Control-Allow-Methods.")),
        python::flask(facts),
        python::express(facts),
        python::preflight(facts),
        python::django_list(CauseId::PreflightMethodNotAllowed, &name),
        Fix::at(
            "nginx",
            "Where nginx answers the preflight.",
            format!("add_header Access-Control-Allow-Methods \"{}\" always;", python::methods(facts).replace('"', "")),
        ),
    ]
}
