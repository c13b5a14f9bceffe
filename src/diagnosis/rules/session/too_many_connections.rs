//! Too many connections or requests within a time: 429, or a close that says so.

use super::{by_close, closed, said};
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::words::status_words;
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::Code;

pub(super) const RULE: Rule = Rule { cause: CauseId::TooManyConnections, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    if let Some(closed) = closed(facts) {
        return match said::named(facts) {
            Some((CauseId::TooManyConnections, confidence)) => Fit::Fits(by_close(facts, &closed, confidence)),
            _ => Fit::No,
        };
    }
    let well = facts.attempts.iter().filter(|attempt| attempt.works()).count();
    let before = if 0 < well { format!(" after {well} that it took") } else { String::new() };
    let host = facts.host();
    match (facts.status(), facts.code()) {
        (Some(429), _) => {
            let after = match facts.header("retry-after") {
                Some(after) if after.bytes().all(|byte| byte.is_ascii_digit()) => {
                    format!("; it asks to come back in {after} s (Retry-After)")
                }
                Some(after) => format!("; it asks to come back at {after} (Retry-After)"),
                None => String::new(),
            };
            let summary =
                format!("{host} answered {}{before}: too many connections or requests{after}.", status_words(429));
            Fit::Fits(Match::new(0.95, summary).sign(status_words(429)))
        }
        // Another number with words that say so; a namespace's refusal is an event of its own.
        (_, Some(Code::RateLimited)) if facts.status().is_some_and(|status| 400 <= status) => {
            let summary = format!("{host} refuses{before}: “{}”.", facts.detail());
            Fit::Fits(Match::new(0.85, summary).sign(facts.detail()))
        }
        // What was let in before is refused by how often one asks, not by who one is.
        (Some(403), Some(Code::Status | Code::HandshakeStatus)) if 0 < well => {
            let summary = format!("{host} answered {}{before}: it counts connections or requests.", status_words(403));
            Fit::Fits(Match::new(0.82, summary).sign(format!("the same was let in {well} times before")))
        }
        _ => Fit::No,
    }
}

fn fixes(_: &Facts<'_>) -> Vec<Fix> {
    vec![
        Fix::any(
            "Connect less often: keep one connection, back off between attempts, and wait as long as Retry-After says; or raise the rate limit for this client.",
        ),
        Fix::at(
            "flask-socketio",
            "Where Flask-Limiter counts: so many for each address, and Retry-After in its answer.",
            "app.config[\"RATELIMIT_HEADERS_ENABLED\"] = True\nLimiter(get_remote_address, app=app, default_limits=[\"60 per minute\"])",
        ),
        Fix::at(
            "nginx",
            "A burst, so that a page that opens several connections is not refused.",
            "limit_req zone=one burst=20 nodelay;\nlimit_req_status 429;",
        ),
    ]
}
