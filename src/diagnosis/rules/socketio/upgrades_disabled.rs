//! The server offers no transport to move up to: the session works, by polling.

use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::{SocketChange, Stuck, TransportStep};

pub(super) const RULE: Rule = Rule { cause: CauseId::UpgradesDisabled, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let stays = facts.steps.iter().any(|step| {
        matches!(&step.what, SocketChange::Transport { step: TransportStep::Stuck { why: Stuck::NotOffered, .. }, .. })
    });
    if !stays {
        return Fit::No;
    }
    let summary = format!(
        "{} opens a session and offers no upgrade: it stays on polling, slower and with many more requests.",
        facts.host()
    );
    Fit::Fits(Match::new(0.95, summary).sign("the handshake says \"upgrades\":[]"))
}

fn fixes(_: &Facts<'_>) -> Vec<Fix> {
    vec![
        Fix::any(
            "Let the server offer the upgrade; where it must not, give the client transports: [\"polling\"], so that nobody waits for one.",
        ),
        Fix::at(
            "flask-socketio",
            "Take allow_upgrades=False out: it is on by default.",
            "socketio = SocketIO(app, allow_upgrades=True)",
        ),
        Fix::at("node-socketio", "Take allowUpgrades: false out.", "new Server(httpServer, { allowUpgrades: true });"),
    ]
}
