//! A middle box lets the 101 through and no frame after it.

use super::{handshake, polls};
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::profile::model::Kind;
use crate::watch::{SocketChange, Stuck, TransportStep};
use crate::wire::Ask;

pub(super) const RULE: Rule = Rule { cause: CauseId::FirewallSwallowsFrames, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    if facts.kind != Kind::SocketIo || handshake(facts).and_then(|one| one.status()) != Some(101) {
        return Fit::No;
    }
    let summary = format!(
        "{} accepts the upgrade (101) and not one frame comes back, while polling works: something on the way swallows them.",
        facts.host()
    );
    let unanswered = facts.steps.iter().any(|step| {
        matches!(&step.what, SocketChange::Transport { step: TransportStep::Stuck { why: Stuck::Unanswered, .. }, .. })
    });
    if unanswered && polls(facts) {
        return Fit::Fits(Match::new(0.92, summary).sign("the probe of the upgrade has no answer"));
    }
    let opened = facts
        .steps
        .iter()
        .any(|step| matches!(&step.what, SocketChange::Transport { step: TransportStep::Opened { .. }, .. }));
    if opened || facts.reason.is_none() {
        return Fit::No;
    }
    // WebSocket alone, and no open packet.
    match facts.asked(Ask::Polling) {
        Some(polling) if super::opens_session(polling) => {
            Fit::Fits(Match::new(0.85, summary).sign("polling opens a session"))
        }
        Some(_) => Fit::No,
        None => Fit::CantTell(Match::new(0.3, summary).asks(&[Ask::Polling])),
    }
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    vec![
        Fix::any(format!(
            "Use wss:// on port 443, where the box can't read the frames; until then let the client use polling, and ask whoever runs the firewall to let WebSocket frames to {} through.",
            facts.host()
        )),
        Fix::at("any", "In the page, for people behind it.", "io({ transports: [\"polling\"] });"),
    ]
}
