//! Layer 4: the window.
