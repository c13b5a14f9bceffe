//! Layer 4: the window. It draws what the model holds and passes wishes on; it decides nothing.
//!
//! Invariants: nothing is performed while drawing (`panels` draw view-models and return an [`action::Action`]); a frame is
//! asked for when something changed, at most ten a second, and never because a frame was drawn.

pub mod action;
pub mod app;
pub mod backend;
pub mod desk;
pub mod keys;
pub mod launch;
pub mod panels;
pub mod settings;
pub mod shape;
pub mod style;
#[cfg(test)]
pub mod testing;
pub mod theme;
pub mod toast;
pub mod vm;
