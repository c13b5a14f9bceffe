//! The server lets the page in under its other name: `localhost` for `127.0.0.1`, or the other way round.

use super::twin;
use crate::diagnosis::fixes::origins;
use crate::diagnosis::rule::{Fit, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::wire::Ask;

pub(super) const RULE: Rule = Rule { cause: CauseId::Localhost127Mismatch, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    twin(facts, Ask::TwinHost, "the same machine and another origin")
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let text = format!(
        "localhost and 127.0.0.1 are two origins: open the page and call the server under the same name, or list {} too.",
        facts.origin()
    );
    std::iter::once(Fix::any(text)).chain(origins::named(facts)).collect()
}
