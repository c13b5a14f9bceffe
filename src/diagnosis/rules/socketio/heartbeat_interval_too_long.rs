//! The server's pings are so far apart that proxies take the connection for idle, and a dead peer stays unnoticed.

use std::time::Duration;

use super::{flask, node, opened};
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};

pub(super) const RULE: Rule = Rule { cause: CauseId::HeartbeatIntervalTooLong, look, fixes };

/// What nginx (`proxy_read_timeout`) and most load balancers wait by default.
const PROXIES_WAIT: Duration = Duration::from_secs(60);

fn look(facts: &Facts<'_>) -> Fit {
    let Some(every) = opened(facts).map(|opened| opened.ping_interval).filter(|every| PROXIES_WAIT <= *every) else {
        return Fit::No;
    };
    let summary = format!(
        "{} pings every {} s: proxies cut a connection that is quiet for 60 s, and a dead client stays unnoticed for as long.",
        facts.host(),
        every.as_secs()
    );
    Fit::Fits(Match::new(0.85, summary).sign(format!("pingInterval {} ms", every.as_millis())))
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    vec![
        Fix::any(
            "Set the heartbeat below the shortest idle time-out on the way: pingInterval 25 s and pingTimeout 20 s are the defaults.",
        ),
        Fix::at("flask-socketio", "In seconds.", flask(facts, ", ping_interval=25, ping_timeout=20")),
        Fix::at("node-socketio", "In milliseconds.", node(facts, ", pingInterval: 25000, pingTimeout: 20000")),
    ]
}
