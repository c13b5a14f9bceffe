//! Panels: each borrows what it shows and returns at most one wish.

pub mod menu;
pub mod roster;
mod roster_row;
pub mod top;
