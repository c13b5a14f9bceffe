//! The server refuses a handshake that has no `Origin`: programs other than browsers send none.

use super::Refused;
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::wire::Ask;

pub(super) const RULE: Rule = Rule { cause: CauseId::OriginMissing, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let sent = facts.opening().is_some_and(|request| request.headers.contains("origin"));
    let Some(refused) = Refused::of(facts).filter(|_| !sent) else { return Fit::No };
    let summary = format!("{}, and the handshake had no Origin", refused.answered());
    match refused.opens(Ask::OwnOrigin) {
        Some(true) => Fit::Fits(Match::new(0.95, format!("{summary}; with one it opens.")).sign("101 with an Origin")),
        Some(false) => Fit::CantTell(Match::new(0.4, format!("{summary}."))),
        None => Fit::CantTell(Match::new(0.6, format!("{summary}.")).asks(&[Ask::OwnOrigin])),
    }
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    vec![Fix::any(format!(
        "Let the client send an Origin that the server allows ({}); browsers always do, other programs have to be told. A proxy on the way may have taken it out.",
        facts.origin()
    ))]
}
