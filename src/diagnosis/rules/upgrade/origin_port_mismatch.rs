//! The server's list spells the scheme's own port, which browsers leave out.

use super::twin;
use crate::diagnosis::fixes::origins;
use crate::diagnosis::rule::{Fit, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::wire::Ask;

pub(super) const RULE: Rule = Rule { cause: CauseId::OriginPortMismatch, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    twin(facts, Ask::SpelledPort, "as browsers write it: without the scheme's own port")
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let text =
        format!("Write the origin as browsers send it, without the scheme's own port (443, 80): {}.", facts.origin());
    std::iter::once(Fix::any(text)).chain(origins::named(facts)).collect()
}
