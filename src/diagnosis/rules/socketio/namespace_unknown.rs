//! The server has no such namespace.

use super::refused_namespace;
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::Code;

pub(super) const RULE: Rule = Rule { cause: CauseId::NamespaceUnknown, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    match refused_namespace(facts) {
        Some((name, reason, said)) if reason.code == Code::NamespaceUnknown => {
            let summary = format!("{} has no namespace {name}: it answers {said}.", facts.host());
            Fit::Fits(Match::new(0.96, summary).sign(said))
        }
        _ => Fit::No,
    }
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let name = refused_namespace(facts).map_or("/", |(name, _, _)| name);
    vec![
        Fix::any(format!(
            "Check the spelling of the namespace {name} on both sides: the server needs a handler of its own for it. A namespace is no path; the path is {}.",
            super::path(facts)
        )),
        Fix::at(
            "flask-socketio",
            "A namespace is there once it has a handler.",
            format!("@socketio.on(\"connect\", namespace=\"{name}\")\ndef connected(auth=None):\n    pass"),
        ),
        Fix::at(
            "node-socketio",
            "A namespace is there once it is named.",
            format!("io.of(\"{name}\").on(\"connection\", (socket) => {{}});"),
        ),
    ]
}
