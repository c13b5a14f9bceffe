//! The server lets the page in under the other scheme.

use super::twin;
use crate::diagnosis::fixes::origins;
use crate::diagnosis::rule::{Fit, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::wire::Ask;

pub(super) const RULE: Rule = Rule { cause: CauseId::OriginSchemeMismatch, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    twin(facts, Ask::TwinScheme, "with the other scheme")
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let text = format!("Write the origin with the page's scheme: {}.", facts.origin());
    std::iter::once(Fix::any(text)).chain(origins::named(facts)).collect()
}
