//! The server says that it has too much to do.

use super::{by_close, closed, concurrent_connection_limit, said};
use crate::diagnosis::rule::{Fit, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};

pub(super) const RULE: Rule = Rule { cause: CauseId::ServerOverloaded, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let Some(closed) = closed(facts) else { return said::fits(facts, CauseId::ServerOverloaded) };
    match said::named(facts) {
        // Where it takes another connection at the same moment, it counts them.
        Some((CauseId::ServerOverloaded, _)) if concurrent_connection_limit::one_of_several(facts) => {
            Fit::CantTell(by_close(facts, &closed, 0.5))
        }
        Some((CauseId::ServerOverloaded, confidence)) => Fit::Fits(by_close(facts, &closed, confidence)),
        _ => Fit::No,
    }
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    vec![Fix::any(format!(
        "Back off and try again later{}; give the server more room, or spread the clients over several.",
        super::code_words(facts)
    ))]
}
