//! The list spells the scheme's own port, which browsers leave out.

use super::{Twin, by_twin};
use crate::diagnosis::fixes::origins;
use crate::diagnosis::rule::{Fit, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};

pub(super) const RULE: Rule = Rule { cause: CauseId::OriginPortMismatch, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let likely = if facts.page.port().is_none() { 0.2 } else { 0.0 };
    by_twin(facts, Twin::Port, likely, "browsers leave the scheme's own port out of the origin")
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let origin = facts.origin();
    let mut fixes = vec![Fix::any(format!(
        "Write the origin as browsers send it, without the scheme's own port (443, 80): {origin}."
    ))];
    fixes.extend(origins::named(facts));
    fixes
}
