//! One endpoint from many pages: who asks, and whom the server lets in.
//!
//! Invariant: the page's own check is made once from each, so that a verdict here is the browser's own. Whether a page is let in
//! is said only where its own answer, or another page's beside it, shows it.

mod pages;
mod seen;

#[cfg(test)]
mod tests;

pub use pages::{Asker, MOST, Why, askers};
pub use seen::{Seen, cause, conclusion, let_in};
