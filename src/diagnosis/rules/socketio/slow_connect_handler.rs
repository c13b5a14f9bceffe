//! The network is fast, and the application takes its time to let a namespace in.

use std::time::Duration;

use super::opened;
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::{Code, NamespaceChange, SocketChange};
use crate::wire::{Ask, NetError};

pub(super) const RULE: Rule = Rule { cause: CauseId::SlowConnectHandler, look, fixes };

/// Below this nobody waits.
const SLOW: Duration = Duration::from_secs(1);

fn look(facts: &Facts<'_>) -> Fit {
    let Some(opened) = opened(facts) else { return Fit::No };
    let joined = facts.steps.iter().find_map(|step| match &step.what {
        SocketChange::Namespace { namespace, change: NamespaceChange::Joined { took, .. } } => Some((namespace, *took)),
        _ => None,
    });
    // One quick answer says little of a network that varies.
    let others = facts.asked_all(Ask::RoundTrips).filter_map(|exchange| exchange.phases.first_byte);
    let slowest = others.fold(opened.took, Duration::max);
    let fast = slowest.as_millis();
    match joined {
        Some((name, took)) if SLOW <= took && slowest * 4 < took => {
            let summary = format!(
                "{} answers in {fast} ms and takes {} ms to let {name} in: its connect handler is slow, not the network.",
                facts.host(),
                took.as_millis()
            );
            let sign = format!("CONNECT answered after {} ms", took.as_millis());
            match facts.asked(Ask::RoundTrips) {
                Some(_) => Fit::Fits(Match::new(0.92, summary).sign(sign)),
                None => Fit::CantTell(Match::new(0.6, summary).sign(sign).asks(&[Ask::RoundTrips])),
            }
        }
        // Who raises answers the POST all the same.
        None if hangs_in_connect(facts) => {
            let summary = format!(
                "{} opened the session in {fast} ms, and the request that carries its CONNECT was not answered in time: the connect handler still runs.",
                facts.host()
            );
            Fit::Fits(Match::new(0.85, summary).sign("the POST with the CONNECT hangs"))
        }
        None if answers_nothing(facts) => {
            let summary = format!(
                "{} opened the session in {fast} ms, and the answer to its CONNECT did not come in time.",
                facts.host()
            );
            Fit::CantTell(Match::new(0.5, summary).sign("CONNECT unanswered"))
        }
        _ => Fit::No,
    }
}

/// The session opened, and the POST that carries its CONNECT got no answer in time.
pub(in crate::diagnosis::rules) fn hangs_in_connect(facts: &Facts<'_>) -> bool {
    let posted = facts.exchanges.iter().find(|exchange| {
        exchange.request.method == "POST" && exchange.request.url.query_pairs().any(|(name, _)| name == "sid")
    });
    let hangs = posted.is_some_and(|exchange| matches!(exchange.error(), Some(NetError::Timeout { .. })));
    hangs && opened(facts).is_some() && answers_nothing(facts)
}

/// The time was over before any namespace answered.
pub(super) fn answers_nothing(facts: &Facts<'_>) -> bool {
    let answered = facts.steps.iter().any(|step| matches!(step.what, SocketChange::Namespace { .. }));
    !answered && matches!(facts.code(), Some(Code::Timeout | Code::ExpectedMessageMissing | Code::Silent))
}

fn fixes(_: &Facts<'_>) -> Vec<Fix> {
    vec![
        Fix::any(
            "Let the connect handler check and return at once, and do what takes time (queries, other services) after the connection stands.",
        ),
        Fix::at(
            "flask-socketio",
            "Greet at once, and load in the background.",
            "@socketio.on(\"connect\")\ndef connected(auth=None):\n    socketio.start_background_task(load, request.sid)",
        ),
        Fix::at(
            "node-socketio",
            "No await before next().",
            "io.use((socket, next) => next());\nio.on(\"connection\", (socket) => load(socket));",
        ),
    ]
}
