//! Layer 2: what to watch. One TOML file a profile; the format is fixed, programs outside the crate write it.
//!
//! `model` has the types. Parsing, checking and writing back are pure: text in, profile or problems out.

pub mod model;

pub use model::*;
