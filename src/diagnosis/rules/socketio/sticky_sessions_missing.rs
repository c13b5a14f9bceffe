//! A session's requests reach different workers, and all but one don't know it.

use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::{Category, Code};

pub(super) const RULE: Rule = Rule { cause: CauseId::StickySessionsMissing, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    if facts.code() != Some(Code::StickySessionsMissing) {
        return Fit::No;
    }
    let summary = format!(
        "{} forgets sessions that it has just opened ({}): their requests reach workers that don't share them.",
        facts.host(),
        facts.detail()
    );
    let found = Match::new(0.95, summary).sign(facts.detail());
    // Behind a balancer it is the balancer's to keep them together; without one, the server's own.
    Fit::Fits(found.of(if facts.through_proxy() { Category::Proxy } else { Category::Configuration }))
}

fn fixes(_: &Facts<'_>) -> Vec<Fix> {
    vec![
        Fix::any(
            "Make sessions sticky: every request of one session has to reach the same worker. Or let clients use WebSocket alone, whose session is one connection.",
        ),
        Fix::at(
            "flask-socketio",
            "gunicorn can't keep sessions with a worker: run one worker, several of them each on a port of its own behind a sticky balancer.",
            "gunicorn --worker-class gthread --workers 1 --threads 100 app:app",
        ),
        Fix::at(
            "nginx",
            "Keep an address with its server.",
            "upstream socketio {\n    ip_hash;\n    server 127.0.0.1:5000;\n    server 127.0.0.1:5001;\n}",
        ),
        Fix::at(
            "haproxy",
            "Keep a session with its server by a cookie.",
            "cookie io prefix indirect nocache\nserver a 127.0.0.1:5000 check cookie a\nserver b 127.0.0.1:5001 check cookie b",
        ),
    ]
}
