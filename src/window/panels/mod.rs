//! Panels: each borrows what it shows and returns at most one wish.

pub mod aside;
pub mod ask;
pub mod audit;
pub mod composer;
pub mod detail;
pub mod editor;
pub mod header;
pub mod last_check;
pub mod link;
pub mod menu;
pub mod opened;
pub mod other;
pub mod pages;
pub mod palette;
pub mod plot_items;
pub mod plots;
pub mod reproduce;
pub mod roster;
pub mod roster_row;
pub mod rows;
pub mod sheet;
pub mod sides;
pub mod tables;
pub mod top;
pub mod welcome;
pub mod why;
