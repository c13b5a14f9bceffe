//! One side says `localhost`, the other `127.0.0.1`.

use super::{Twin, by_twin, is_loopback};
use crate::diagnosis::fixes::origins;
use crate::diagnosis::rule::{Fit, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};

pub(super) const RULE: Rule = Rule { cause: CauseId::Localhost127Mismatch, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let likely = if is_loopback(facts.page.host()) { 0.25 } else { 0.0 };
    by_twin(facts, Twin::Host, likely, "localhost and 127.0.0.1 are the same machine and two origins")
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let origin = facts.origin();
    let mut fixes = vec![Fix::any(format!(
        "localhost and 127.0.0.1 are two origins: open the page and call the server under the same name, or list {origin} too."
    ))];
    fixes.extend(origins::named(facts));
    fixes
}
