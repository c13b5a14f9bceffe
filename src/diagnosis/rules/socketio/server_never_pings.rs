//! Pings are announced and never come: a client of version 3 or 4 gives up after `pingInterval` and `pingTimeout`.

use super::opened;
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::Code;

pub(super) const RULE: Rule = Rule { cause: CauseId::ServerNeverPings, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    if facts.code() != Some(Code::PingTimeout) {
        return Fit::No;
    }
    let every =
        opened(facts).map_or_else(String::new, |opened| format!(" every {} ms", opened.ping_interval.as_millis()));
    let summary =
        format!("{} announces pings{every} and sends none: clients take it for dead (“ping timeout”).", facts.host());
    Fit::Fits(Match::new(0.93, summary).sign("no ping within pingInterval and pingTimeout"))
}

fn fixes(_: &Facts<'_>) -> Vec<Fix> {
    vec![
        Fix::any(
            "Look for what blocks the server's ping task: a handler that computes or sleeps in the event loop, an async mode that doesn't match the server, a proxy that holds small frames back.",
        ),
        Fix::at(
            "flask-socketio",
            "Under eventlet or gevent, patch the standard library before anything is imported; wait by socketio.sleep().",
            "from gevent import monkey\nmonkey.patch_all()",
        ),
    ]
}
