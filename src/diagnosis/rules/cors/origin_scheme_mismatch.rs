//! The list has the origin with the other scheme.

use super::{Twin, by_twin};
use crate::diagnosis::fixes::origins;
use crate::diagnosis::rule::{Fit, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};

pub(super) const RULE: Rule = Rule { cause: CauseId::OriginSchemeMismatch, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    by_twin(facts, Twin::Scheme, 0.15, "the scheme differs")
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let origin = facts.origin();
    let mut fixes = vec![Fix::any(format!("Write the origin with the page's scheme: {origin}."))];
    fixes.extend(origins::named(facts));
    fixes
}
