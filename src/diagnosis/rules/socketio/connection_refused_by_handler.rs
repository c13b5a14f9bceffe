//! The application's connect handler or middleware refuses, without words that name a reason.

use super::refused_namespace;
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::rules::session::said;
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::Code;

pub(super) const RULE: Rule = Rule { cause: CauseId::ConnectionRefusedByHandler, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let Some((name, reason, said)) = refused_namespace(facts) else { return Fit::No };
    if reason.code != Code::NamespaceRefused || said::meaning(said).is_some() {
        return Fit::No;
    }
    let summary = format!("{}'s connect handler for {name} refuses the connection: it says only {said}.", facts.host());
    Fit::Fits(Match::new(0.9, summary).sign(said))
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let name = refused_namespace(facts).map_or("/", |(name, _, _)| name);
    vec![
        Fix::any(format!(
            "Look in the server's log for what the connect handler of {name} checks, and let it refuse with a reason that the page can show."
        )),
        Fix::at(
            "flask-socketio",
            "return False says nothing: raise the refusal with its reason.",
            format!(
                "@socketio.on(\"connect\", namespace=\"{name}\")\ndef connected(auth=None):\n    if not allowed(auth):\n        raise ConnectionRefusedError(\"why it is refused\")"
            ),
        ),
        Fix::at(
            "node-socketio",
            "In the middleware.",
            format!(
                "io.of(\"{name}\").use((socket, next) => next(allowed(socket) ? undefined : new Error(\"why it is refused\")));"
            ),
        ),
    ]
}
