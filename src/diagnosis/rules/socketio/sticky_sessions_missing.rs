//! A session's requests reach different workers, and all but one don't know it.

use super::{is_socketio, refusal};
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::protocol::engine_io::RefusalCode;
use crate::watch::{Category, Code};
use crate::wire::{Ask, Exchange};

pub(super) const RULE: Rule = Rule { cause: CauseId::StickySessionsMissing, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    if !is_socketio(facts) {
        return Fit::No;
    }
    let all = facts.attempts.iter().flat_map(|attempt| attempt.exchanges.iter().map(AsRef::as_ref));
    let own = if facts.attempts.is_empty() { facts.exchanges.as_slice() } else { &[] };
    let lost = all.chain(own.iter().copied()).filter(|exchange| forgets(exchange)).count();
    let polled = facts.asked_all(Ask::Handshakes).filter(|exchange| has_session(exchange));
    let (asked, forgotten) = polled.fold((0_u32, 0_u32), |(all, lost), one| (all + 1, lost + u32::from(forgets(one))));
    if lost == 0 && forgotten == 0 && facts.code() != Some(Code::StickySessionsMissing) {
        return Fit::No;
    }
    let summary = format!(
        "{} forgets sessions that it has just opened: their requests reach workers that don't share them.",
        facts.host()
    );
    let found = match (forgotten, facts.code()) {
        (_, Some(Code::StickySessionsMissing)) => Match::new(0.95, summary).sign(facts.detail()),
        (1.., _) => {
            Match::new(0.95, summary).sign(format!("{forgotten} of {asked} sessions unknown at their next request"))
        }
        _ if 1 < lost => {
            Match::new(0.9, summary).sign(format!("{lost} requests to sessions that the server doesn't know"))
        }
        _ => Match::new(0.6, summary).asks(&[Ask::Handshakes]),
    };
    // gunicorn's workers share one port: no balancer is in it.
    let alone = facts.server().contains("gunicorn");
    Fit::Fits(if alone { found.of(Category::Configuration) } else { found })
}

fn forgets(exchange: &Exchange) -> bool {
    has_session(exchange)
        && refusal(exchange).is_some_and(|refusal| refusal.code == Some(RefusalCode::SessionIdUnknown))
}

fn has_session(exchange: &Exchange) -> bool {
    exchange.request.url.query_pairs().any(|(name, _)| name == "sid")
}

fn fixes(_: &Facts<'_>) -> Vec<Fix> {
    vec![
        Fix::any(
            "Make sessions sticky: every request of one session has to reach the same worker. Or let clients use WebSocket alone, whose session is one connection.",
        ),
        Fix::at(
            "flask-socketio",
            "gunicorn can't keep sessions with a worker: run one worker, or several of them each on a port of its own behind a sticky balancer.",
            "workers = 1\nthreads = 100",
        ),
        Fix::at(
            "node-socketio",
            "With node:cluster, @socket.io/sticky keeps a session with its worker.",
            "setupMaster(httpServer, { loadBalancingMethod: \"least-connection\" });",
        ),
        Fix::at("nginx", "First in the upstream block: an address stays with its server.", "ip_hash;"),
        Fix::at(
            "haproxy",
            "In the backend: an address stays with its server. Finer, where the page sends credentials: a cookie of HAProxy's own (cookie io insert indirect nocache dynamic, with a dynamic-cookie-key).",
            "balance source",
        ),
        Fix::at(
            "apache",
            "Within <Proxy balancer://...>, each BalancerMember with a route of its own; only pages that send credentials bring the cookie back.",
            "Header add Set-Cookie \"ROUTEID=.%{BALANCER_WORKER_ROUTE}e; path=/\" env=BALANCER_ROUTE_CHANGED\nProxySet stickysession=ROUTEID",
        ),
        Fix::at("caddy", "Within reverse_proxy.", "lb_policy ip_hash"),
    ]
}
