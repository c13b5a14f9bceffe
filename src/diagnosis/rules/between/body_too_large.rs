//! The proxy refuses the body of the request.

use super::super::socketio;
use super::{answered, answered_words, sign, unreadable};
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};

pub(super) const RULE: Rule = Rule { cause: CauseId::BodyTooLarge, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let Some((exchange, response)) = answered(facts, 413) else { return Fit::No };
    // An Engine.IO session's own limit, not a proxy's.
    if socketio::outsized(facts).is_some() {
        return Fit::No;
    }
    let summary = format!(
        "{}: the body of {} bytes is larger than it takes{}.",
        answered_words(facts, response),
        exchange.request.body.len(),
        unreadable(facts)
    );
    Fit::Fits(Match::new(0.96, summary).sign(sign(response)))
}

fn fixes(_: &Facts<'_>) -> Vec<Fix> {
    vec![
        Fix::any(
            "Send less, or raise the limit of the proxy (nginx: client_max_body_size) and of the application together.",
        ),
        Fix::at("nginx", "In the server or the location.", "client_max_body_size 20m;"),
        Fix::at("flask-socketio", "Flask's own limit, in bytes.", "app.config[\"MAX_CONTENT_LENGTH\"] = 20_971_520"),
        Fix::at(
            "express",
            "The body parser's own limit; 100 kB by default.",
            "app.use(express.json({ limit: \"20mb\" }));",
        ),
        Fix::at("apache", "For the path.", "LimitRequestBody 20971520"),
        Fix::at("caddy", "In the site, where there is a smaller one.", "request_body {\n  max_size 20MB\n}"),
    ]
}
