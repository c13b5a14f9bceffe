//! Layer 3: the history. One thread writes; any number read.
