//! Layer 4: the window. It draws what the model holds and passes wishes on; it decides nothing.

pub mod action;
pub mod shape;
pub mod style;
pub mod theme;
