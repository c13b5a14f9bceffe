//! The server ends what was open on purpose, and for no reason that has a name.

use super::{by_close, closed, said};
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::{Code, SocketChange};

pub(super) const RULE: Rule = Rule { cause: CauseId::ServerDisconnectsClient, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    if let Some(closed) = closed(facts) {
        return match (said::named(facts), closed.code) {
            (None, Some(1008)) => Fit::CantTell(by_close(facts, &closed, 0.3)),
            // Going away: a shutdown says so too.
            (None, Some(1001)) => Fit::Fits(by_close(facts, &closed, 0.7)),
            (None, _) => Fit::Fits(by_close(facts, &closed, 0.85)),
            (Some(_), _) => Fit::No,
        };
    }
    let joined = facts.steps.iter().any(|step| matches!(step.what, SocketChange::Namespace { .. }));
    if joined && facts.code() == Some(Code::ServerDisconnect) {
        let summary = format!("{} let the page in and put it out again: “io server disconnect”.", facts.host());
        return Fit::Fits(Match::new(0.88, summary).sign("DISCONNECT from the server"));
    }
    Fit::No
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let why = match facts.code() {
        Some(Code::ServerDisconnect) => "The server's code calls disconnect() for this client: its log says why. socket.io-client doesn't come back by itself after that; the page has to call socket.connect().".to_owned(),
        _ => format!(
            "The server closes on purpose{}: look in its log and code for why (idle, a finished task, a full room), and let it give a reason; let the page reconnect with back-off where it wants to stay.",
            super::code_words(facts)
        ),
    };
    vec![
        Fix::any(why),
        Fix::at(
            "any",
            "In the page, where it wants to come back.",
            if facts.code() == Some(Code::ServerDisconnect) {
                "socket.on(\"disconnect\", (reason) => {\n  if (reason === \"io server disconnect\") setTimeout(() => socket.connect(), 5000);\n});"
            } else {
                "socket.addEventListener(\"close\", () => setTimeout(connect, 1000 + Math.random() * 4000));"
            },
        ),
    ]
}
