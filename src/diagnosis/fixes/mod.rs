//! What to change: advice as data, this page's origin and this endpoint filled in.
//!
//! Invariant: nothing here weakens what protects the user. No reflected or wildcard origin with credentials, no second layer of
//! CORS headers, no switched-off browser checks or rate limits.

mod any;
mod origins;
mod stacks;

use super::{CauseId, Facts};

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
    fn any(text: impl Into<String>) -> Self {
        Self { stack: "any", text: text.into(), snippet: None }
    }

    fn at(stack: &'static str, text: impl Into<String>, snippet: impl Into<String>) -> Self {
        Self { stack, text: text.into(), snippet: Some(snippet.into()) }
    }
}

/// The advice for a cause: what holds everywhere first, then this endpoint's stack, then the others.
pub fn for_cause(cause: CauseId, facts: &Facts<'_>) -> Vec<Fix> {
    let mut fixes: Vec<Fix> = any::advice(cause, facts).map(Fix::any).into_iter().collect();
    let mut by_stack = origins::fixes(cause, facts);
    by_stack.extend(stacks::fixes(cause, facts));
    // A stable sort: the endpoint's own stack to the front.
    let own = facts.stack_or_guess();
    by_stack.sort_by_key(|fix| Some(fix.stack) != own);
    fixes.extend(by_stack);
    fixes
}
