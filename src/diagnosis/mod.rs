//! Layer 2: evidence → cause, and what to change. One rule a file.

pub mod words;
