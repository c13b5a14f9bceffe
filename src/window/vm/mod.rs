//! View-models: what a panel shows, as text and numbers, built only when something changed and tested without egui.

pub mod roster;
pub mod top;
pub mod words;
