//! The proxy gave up waiting for its backend.

use std::time::Duration;

use super::{answered, answered_words, opens_session, own, server, sign, text, unreadable};
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::wire::Exchange;

pub(super) const RULE: Rule = Rule { cause: CauseId::BackendTimeout, look, fixes };

/// A backend that refuses is known sooner.
const WAITED: Duration = Duration::from_millis(900);

fn look(facts: &Facts<'_>) -> Fit {
    if facts.reason.is_none() || is_long_poll(facts) {
        return Fit::No;
    }
    let took = |exchange: &Exchange| exchange.phases.first_byte.unwrap_or_default();
    if let Some((exchange, response)) = answered(facts, 504) {
        let summary = format!(
            "{} after {:.1} s: the proxy gave up waiting for what stands behind it{}.",
            answered_words(facts, response),
            took(exchange).as_secs_f32(),
            unreadable(facts)
        );
        return Fit::Fits(Match::new(0.95, summary).sign(sign(response)));
    }
    // Apache's word for a backend that took the request and said nothing in time.
    match answered(facts, 502) {
        Some((exchange, response))
            if WAITED <= took(exchange)
                && server(response).contains("apache")
                && text(response).contains("error reading from remote server") =>
        {
            let summary = format!(
                "{} after {:.1} s: what stands behind the proxy took the request and did not answer it{}.",
                answered_words(facts, response),
                took(exchange).as_secs_f32(),
                unreadable(facts)
            );
            Fit::Fits(Match::new(0.94, summary).sign("Error reading from remote server"))
        }
        _ => Fit::No,
    }
}

/// The session was opened, and its waiting poll was cut: the wait is what a poll is for.
pub(super) fn is_long_poll(facts: &Facts<'_>) -> bool {
    let polled = |exchange: &Exchange| {
        exchange.request.method == "GET" && exchange.request.url.query_pairs().any(|(name, _)| name == "sid")
    };
    answered(facts, 504).is_some_and(|(exchange, _)| polled(exchange)) && own(facts).any(opens_session)
}

fn fixes(_: &Facts<'_>) -> Vec<Fix> {
    vec![
        Fix::any(
            "Find out what the application waits for; where it may take long, raise the proxy's read time-out (a 504 ends it).",
        ),
        Fix::at("nginx", "For a path that may take long.", "proxy_read_timeout 120s;"),
        Fix::at("apache", "For a path that may take long.", "ProxyTimeout 120"),
        Fix::at("haproxy", "In the backend.", "timeout server 120s"),
        Fix::at("caddy", "Within reverse_proxy.", "transport http {\n  response_header_timeout 120s\n}"),
    ]
}
