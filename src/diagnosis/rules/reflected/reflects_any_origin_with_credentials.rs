//! Whatever `Origin` comes is allowed, with credentials.

use crate::diagnosis::ask::FOREIGN;
use crate::diagnosis::fixes::origins;
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix, Severity};
use crate::wire::{Ask, Exchange};

pub(super) const RULE: Rule = Rule { cause: CauseId::ReflectsAnyOriginWithCredentials, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    if facts.reason.is_some() {
        return Fit::No;
    }
    let Some(answer) = facts.asked(Ask::ForeignOrigin) else {
        // Only an answer that allows this page, with credentials, may allow everybody.
        let allows = facts.exchanges.iter().any(|exchange| allows(exchange, &facts.origin()));
        let ask = Match::new(0.1, "").asks(&[Ask::ForeignOrigin]);
        return if allows { Fit::CantTell(ask) } else { Fit::No };
    };
    if !allows(answer, FOREIGN) {
        return Fit::No;
    }
    let summary = format!(
        "{} allows whatever origin asks, {FOREIGN} too, with credentials: any site can read what the person's session may read.",
        facts.host()
    );
    Fit::Warns(Severity::High, Match::new(0.97, summary).sign(format!("Access-Control-Allow-Origin: {FOREIGN}")))
}

/// Whether the answer lets that origin read it with credentials.
fn allows(exchange: &Exchange, origin: &str) -> bool {
    let Some(response) = exchange.response() else { return false };
    let is = |name: &str, value: &str| response.headers.first_str(name).is_some_and(|found| found.trim() == value);
    is("access-control-allow-origin", origin) && is("access-control-allow-credentials", "true")
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let origin = facts.origin();
    let mut fixes = vec![Fix::any(format!(
        "Name the specific origins that may read with credentials, {origin} among them, and no other."
    ))];
    fixes.extend(origins::named(facts));
    fixes
}
