//! What to change: advice as data, this page's origin and this endpoint filled in.
//!
//! Invariant: nothing here weakens what protects the user. No reflected or wildcard origin with credentials, no second layer of
//! CORS headers, no switched-off browser checks or rate limits.

mod any;
pub(crate) mod origins;
pub(crate) mod python;
mod stacks;

use super::{CauseId, Facts, rules};

/// One piece of advice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// For which stack, as profiles name them; `any` for all.
    pub stack: &'static str,
    /// What to do, a sentence or two.
    pub text: String,
    /// Lines of its configuration.
    pub snippet: Option<String>,
}

impl Fix {
    pub(crate) fn any(text: impl Into<String>) -> Self {
        Self { stack: "any", text: text.into(), snippet: None }
    }

    pub(crate) fn at(stack: &'static str, text: impl Into<String>, snippet: impl Into<String>) -> Self {
        Self { stack, text: text.into(), snippet: Some(snippet.into()) }
    }
}

/// The advice for a cause: what holds everywhere first, then this endpoint's stack, then the others.
pub fn for_cause(cause: CauseId, facts: &Facts<'_>) -> Vec<Fix> {
    let mut fixes = rules::fixes(cause, facts).unwrap_or_else(|| of_tables(cause, facts));
    // A stable sort: the endpoint's own stack to the front.
    let own = facts.stack_or_guess();
    fixes.sort_by_key(|fix| (fix.stack != "any", Some(fix.stack) != own));
    fixes
}

/// What the tables of all causes have for it.
pub(crate) fn of_tables(cause: CauseId, facts: &Facts<'_>) -> Vec<Fix> {
    let any = any::advice(cause, facts).map(Fix::any);
    any.into_iter().chain(stacks::fixes(cause, facts)).collect()
}
