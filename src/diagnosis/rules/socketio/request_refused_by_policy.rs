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
    // What it says where it is given no words of its own.
    let wordless = refusal.message == RefusalCode::Forbidden.message();
    match said::meaning(&refusal.message) {
        // Version 2 has its list of origins there.
        _ if wordless && of_version_2(facts) => Fit::CantTell(Match::new(0.6, summary)),
        _ if wordless => Fit::Fits(Match::new(0.92, summary).sign(refusal.message)),
        None => Fit::Fits(Match::new(0.92, summary).sign(refusal.message)),
        Some(CauseId::OriginNotAllowed | CauseId::AuthRequired) => Fit::CantTell(Match::new(0.7, summary)),
        Some(_) => Fit::CantTell(Match::new(0.4, summary)),
    }
}

/// A client of version 2 is spoken to in its own revision.
pub(in crate::diagnosis::rules) fn of_version_2(facts: &Facts<'_>) -> bool {
    facts.opening().is_some_and(|request| request.url.query_pairs().any(|(name, value)| name == "EIO" && value == "3"))
}

/// The `origins` of version 2 leave the page's out, as far as a refusal without words tells.
pub(in crate::diagnosis::rules) fn by_origins_of_version_2(facts: &Facts<'_>) -> bool {
    is_socketio(facts)
        && of_version_2(facts)
        && refused(facts, RefusalCode::Forbidden).is_some_and(|(exchange, refusal)| {
            exchange.status() == Some(403) && refusal.message == RefusalCode::Forbidden.message()
        })
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
