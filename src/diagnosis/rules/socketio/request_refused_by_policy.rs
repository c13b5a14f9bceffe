//! The server's own check of requests (`allowRequest` on Node) refuses before a session is opened.

use super::{is_socketio, refused};
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::rules::session::said;
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::protocol::engine_io::RefusalCode;

pub(super) const RULE: Rule = Rule { cause: CauseId::RequestRefusedByPolicy, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let found = if is_socketio(facts) { refused(facts, RefusalCode::Forbidden) } else { None };
    let Some((_, refusal)) = found.filter(|(exchange, _)| exchange.status() == Some(403)) else { return Fit::No };
    let summary = format!("{}'s own check of requests refuses this one: “{}”.", facts.host(), refusal.message);
    match said::meaning(&refusal.message) {
        None => Fit::Fits(Match::new(0.92, summary).sign(refusal.message)),
        Some(CauseId::OriginNotAllowed | CauseId::AuthRequired) => Fit::CantTell(Match::new(0.7, summary)),
        Some(_) => Fit::CantTell(Match::new(0.4, summary)),
    }
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let origin = facts.origin();
    vec![
        Fix::any(format!(
            "Look at what the server's allowRequest checks (the Origin, a header, an address), and let it take this page, {origin}."
        )),
        Fix::at(
            "node-socketio",
            "allowRequest with the origins that may connect; the cors option guards polling alone.",
            format!(
                "const io = new Server(httpServer, {{\n  cors: {{ origin: [\"{origin}\"], credentials: true }},\n  allowRequest: (request, done) => done(null, [undefined, \"{origin}\"].includes(request.headers.origin)),\n}});"
            ),
        ),
    ]
}
