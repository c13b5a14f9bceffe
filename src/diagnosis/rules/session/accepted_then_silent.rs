//! The socket opened, and the message that should come first never came; or nothing comes any more.

use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::profile::model::Kind;
use crate::watch::{Code, SocketChange};

pub(super) const RULE: Rule = Rule { cause: CauseId::AcceptedThenSilent, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let host = facts.host();
    match facts.code() {
        Some(Code::Idle) => Fit::Fits(Match::new(0.5, format!("{host} has gone silent on the open socket."))),
        Some(Code::Silent | Code::ExpectedMessageMissing) if facts.kind == Kind::SocketIo => {
            let joined = facts.steps.iter().any(|step| matches!(step.what, SocketChange::Namespace { .. }));
            let summary = if joined {
                format!("{host} let the page in, and the event that should come first never came.")
            } else {
                format!("{host} opened the session, and its namespaces never answered.")
            };
            Fit::Fits(Match::new(if joined { 0.85 } else { 0.45 }, summary))
        }
        Some(Code::Silent | Code::ExpectedMessageMissing) => {
            let summary = format!("{host} accepted the socket, and the message that should come first never came.");
            Fit::Fits(Match::new(0.85, summary).sign("101, and no message within the time-out"))
        }
        _ => Fit::No,
    }
}

fn fixes(_: &Facts<'_>) -> Vec<Fix> {
    vec![Fix::any(
        "Look in the server's log for what it does after accepting the connection, before its first message: a lock, a queue, a subscription that never answers. A firewall that swallows frames looks the same.",
    )]
}
