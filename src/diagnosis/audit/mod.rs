//! Who else may connect: the page's request again from origins that must not be let in, and what the answers show.
//!
//! Pure: what to send, and what to say of what came. The page's own request is made first; every probe is that request with
//! another `Origin`, or its preflight. One that may change something at the server is never sent.

mod findings;
mod passive;
mod trials;

pub use findings::{Finding, findings};
pub use trials::{Grant, Probe, Seen, Surface, Trial, probes};

#[cfg(test)]
mod tests;
