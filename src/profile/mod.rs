//! Layer 2: what to watch. One TOML file a profile; the format is fixed, programs outside the crate write it.
//!
//! `model` has the types. Parsing, checking and writing back are pure: text in, profile or problems out.

pub mod duration;
pub mod intake;
pub mod model;
pub mod read;
pub mod redact;
pub mod samples;
pub mod write;
mod written;

pub use duration::{DurationError, format_duration, parse_duration};
pub use model::*;
pub use read::{MAX_BYTES, MIN_INTERVAL, parse, parse_resolve, too_large};
pub use redact::without_credentials;
pub use samples::{Sample, samples};
pub use write::{check, to_full_json, update, write, write_all, write_full};
