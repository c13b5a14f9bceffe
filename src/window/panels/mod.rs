//! Panels: each borrows what it shows and returns at most one wish.

pub mod ask;
pub mod menu;
pub mod palette;
pub mod roster;
pub mod roster_row;
pub mod sheet;
pub mod top;
pub mod welcome;
