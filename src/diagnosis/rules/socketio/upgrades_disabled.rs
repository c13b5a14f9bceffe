//! The server offers no upgrade though it has WebSockets: sessions work, by polling.

use super::{flask, node, opens, stuck};
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::Stuck;
use crate::wire::Ask;

pub(super) const RULE: Rule = Rule { cause: CauseId::UpgradesDisabled, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    if stuck(facts).is_none_or(|(why, _)| why != Stuck::NotOffered) {
        return Fit::No;
    }
    let summary = format!(
        "{} opens a session and offers no upgrade: it stays on polling, slower and with many more requests.",
        facts.host()
    );
    let found = |confidence| Match::new(confidence, summary).sign("the handshake says \"upgrades\":[]");
    Fit::Fits(match opens(facts, Ask::Upgrade) {
        Some(true) => found(0.96).sign("a WebSocket opened at once does work"),
        Some(false) => found(0.6),
        None => found(0.75).asks(&[Ask::Upgrade]),
    })
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    vec![
        Fix::any(
            "Let the server offer the upgrade; where it must not, give the client transports: [\"polling\"], so that nobody waits for one.",
        ),
        Fix::at(
            "flask-socketio",
            "allow_upgrades is on by default: take allow_upgrades=False out.",
            flask(facts, ", allow_upgrades=True"),
        ),
        Fix::at(
            "node-socketio",
            "allowUpgrades is on by default: take allowUpgrades: false out.",
            node(facts, ", allowUpgrades: true"),
        ),
    ]
}
