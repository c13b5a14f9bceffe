//! The proxy's own rate limit, answered 503.

use super::{answered, answered_words, own, sign, text, unreadable};
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::CheckReport;

pub(super) const RULE: Rule = Rule { cause: CauseId::ProxyRateLimit503, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let Some((_, response)) = answered(facts, 503) else { return Fit::No };
    let body = text(response);
    // nginx's backend being down would be 502, so that a 503 of its own is limit_req, limit_conn, or a `return`.
    let nginx = body.contains("<center>nginx") || body.contains("<center>openresty");
    if !nginx || response.headers.contains("retry-after") {
        return Fit::No;
    }
    let summary = format!(
        "{}, nginx's own page: its limit_req or limit_conn refuses{}.",
        answered_words(facts, response),
        unreadable(facts)
    );
    let earlier = own(facts).any(|exchange| exchange.status().is_some_and(|status| status < 400))
        || facts.attempts.iter().any(CheckReport::works);
    let found = Match::new(if earlier { 0.93 } else { 0.75 }, summary).sign(sign(response));
    Fit::Fits(if earlier { found.sign("what was asked before it was let through") } else { found })
}

fn fixes(_: &Facts<'_>) -> Vec<Fix> {
    vec![
        Fix::any(
            "Connect less often, or raise limit_req and limit_conn; let them answer 429 (limit_req_status 429), which says what it is.",
        ),
        Fix::at(
            "nginx",
            "A burst for pages that load many things, and the status that says what it is.",
            "limit_req zone=one burst=20 nodelay;\nlimit_req_status 429;",
        ),
    ]
}
