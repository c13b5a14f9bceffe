//! The route takes no OPTIONS: the preflight is answered 405.

use crate::diagnosis::fixes::python;
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::words::status_words;
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::Code;

pub(super) const RULE: Rule = Rule { cause: CauseId::PreflightOptions405, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let status = facts.status().unwrap_or(0);
    let answered = format!("{} answered the preflight (OPTIONS) with {}", facts.host(), status_words(status));
    let found = |confidence, why: &str| Match::new(confidence, format!("{answered}{why}."));
    match (facts.code(), status) {
        (Some(Code::PreflightMissingAllowOriginHeader), 405 | 501) => {
            Fit::Fits(found(0.95, ": the route takes no OPTIONS"))
        }
        (Some(Code::PreflightInvalidStatus), 404 | 405 | 501) => Fit::Fits(found(0.93, ": the route takes no OPTIONS")),
        (Some(Code::PreflightInvalidStatus), 401 | 403) => {
            Fit::CantTell(found(0.5, ": it asks the preflight for credentials, which browsers never send with it"))
        }
        (Some(Code::PreflightInvalidStatus), _) => Fit::CantTell(found(0.4, ", which is no success")),
        _ => Fit::No,
    }
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let origin = facts.origin();
    vec![
        Fix::any(
            "Let the route answer OPTIONS with 204 and the CORS headers, before any check of credentials: preflights never carry them.",
        ),
        Fix::at(
            "flask-socketio",
            "Flask-CORS adds the headers to the answer of OPTIONS, which Flask gives by itself unless the route switches it off; here for every route.",
            format!(
                "CORS(app, origins=[\"{origin}\"])\n\n\n@app.before_request\ndef preflight():\n    if request.method == \"OPTIONS\":\n        return app.make_default_options_response()"
            ),
        ),
        python::express(facts),
        python::preflight(facts),
        Fix::at(
            "nginx",
            "Where nginx adds the CORS headers, it has to answer OPTIONS too.",
            "if ($request_method = OPTIONS) { return 204; }",
        ),
    ]
}
