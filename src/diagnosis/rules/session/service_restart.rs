//! The server says that it restarts.

use super::said::fits;
use crate::diagnosis::rule::Rule;
use crate::diagnosis::{CauseId, Facts, Fix};

pub(super) const RULE: Rule =
    Rule { cause: CauseId::ServiceRestart, look: |facts| fits(facts, CauseId::ServiceRestart), fixes };

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    vec![Fix::any(format!(
        "The server restarts{}: nothing is to be mended if it does so seldom. Reconnect with back-off and jitter; where it happens often, look for what restarts it.",
        super::code_words(facts)
    ))]
}
